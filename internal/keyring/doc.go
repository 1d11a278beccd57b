// Package keyring makes key pairs from Substrate's secret URIs ("//Alice", "phrase//hard/soft///password", "0x" and a
// seed) and signs with them, in the three schemes that a MultiSignature knows.
//
// It serves the command line and tests: a secret lives in memory for as long as its Pair does, nothing is stored, and no
// consensus code imports it. Verifying is package crypto. A Pair may be used by several goroutines.
// Sources: https://docs.rs/sp-core (crypto::Pair::from_string), https://docs.rs/schnorrkel (derive).
package keyring
