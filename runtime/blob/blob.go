// Package blob gives Go the released runtime blobs that lie beside it: the one that goes on chain and the one that builds
// genesis states. Their sources are the Rust workspace in this folder; scripts/build-runtime makes them, and released/MANIFEST
// says with which compiler. It is data only: running a blob is package host's business.
package blob

import _ "embed" // the released blobs

//go:embed released/sepia-runtime.wasm
var runtime []byte

//go:embed released/sepia-genesis.wasm
var genesis []byte

// Runtime is the on-chain runtime. The caller must not change it.
func Runtime() []byte { return runtime }

// Genesis is the runtime that builds genesis states. It contains floats and is never put on chain. The caller must not
// change it.
func Genesis() []byte { return genesis }
