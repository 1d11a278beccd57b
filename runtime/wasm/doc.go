// Package wasm decides whether a WebAssembly module may run on the chain.
//
// It decodes the binary format strictly, type-checks every function body with the algorithm of the WebAssembly
// specification, refuses floating point and every proposal outside a small integer subset, applies a table of limits and
// computes a complexity score that bounds compile time. Its verdict is consensus: the same bytes under the same Policy
// give the same Report on every machine, and no engine is asked for a second opinion.
//
// It does not run, compile or change code. Package meter takes the Module that Validate returns and re-encodes it with
// gas and stack counters.
//
// Data flow: bytes -> Decode (sections, bodies kept as raw slices) -> module rules (imports, exports, memory, table,
// segments, limits) -> one linear pass over each body -> Module and Report. Every stack is explicit, so nesting costs heap
// within the limits and never Go stack; memory is bounded by a small multiple of the input's size.
//
// Source of the format and of the type-checking algorithm: https://webassembly.github.io/spec/core/
package wasm
