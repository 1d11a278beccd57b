// Package crypto verifies the signatures that Substrate chains use: sr25519, ed25519 and ECDSA over secp256k1, and
// recovers ECDSA public keys. The host functions ext_crypto_* are thin shells around it.
//
// Whether a signature is good is consensus, so each scheme has exactly one implementation here and one rule for edge
// cases: ed25519 follows ZIP-215, as Substrate's library does; sr25519 uses the signing context "substrate"; ECDSA
// recovery exists in a strict form and in an older one that accepts numbers above the group order.
//
// It signs nothing and holds no keys: that is package keyring. All functions are pure and safe for concurrent use.
// Sources: https://zips.z.cash/zip-0215 and https://docs.rs/sp-core (sr25519, ed25519, ecdsa).
package crypto
