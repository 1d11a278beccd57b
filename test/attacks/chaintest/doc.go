// Package chaintest supports tests that attack a chain: it opens chains in the process of the test, with a runtime, CometBFT
// and a store in memory as a node has them, and it speaks to the contracts pallet, on such a chain and on a real node.
//
// It is for tests only. It knows the dev chain's pallet and call numbers as fixed numbers; whether those are what metadata says
// is the business of the client tests.
package chaintest
