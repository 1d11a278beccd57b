// Package primitives holds the small types of a Substrate-shaped chain that several rooms share: hashes, accounts and
// their SS58 text, headers with their digest, storage keys.
//
// It is a leaf: it knows no storage, no network and no runtime. Everything here is a pure function of its input and safe
// for concurrent use. Formats are Substrate's, so wallets recompute the same bytes:
// https://docs.polkadot.com/polkadot-protocol/parachain-basics/
package primitives
