// Package trie computes roots of Substrate's Patricia-Merkle tree and checks its compact proofs, for the host functions
// ext_trie_*: clients recompute extrinsics roots, so these must be exact to the byte.
//
// It is not the chain's state (that is another tree, in package state) and it stores nothing: a root is computed from a
// list of pairs in one pass, in time linear in the bytes given, and the list is then forgotten. All functions are pure.
//
// Layout V0 keeps every value in its node. Layout V1 keeps only the hash of a value of 33 bytes or more.
// Source: https://spec.polkadot.network/chap-state#sect-merkl-proof and https://docs.rs/sp-trie.
package trie
