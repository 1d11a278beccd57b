// Package pool keeps the transactions that wait for a block.
//
// A transaction comes in through Submit, Watch or Insert, is judged by the runtime (a function that the owner gives) at the
// latest committed state, and then waits: as ready when everything that it requires is there, else as future. Best hands
// the ready ones to the proposer, by priority and never before what they require. Committed takes out what a block
// included, and Revalidate asks the runtime again about those that stay.
//
// The pool is the node's own: nothing in it is consensus. It knows no state and no CometBFT; what a transaction requires
// and provides are opaque tags, except that a tag is read as account || nonce to count an account's transactions, which is
// how FRAME's CheckNonce makes them.
//
// The limits: 8,192 transactions, 64 MiB, 64 a sender. Everything is safe for concurrent use. The runtime is never called
// under the pool's lock.
package pool
