package wasm

// The complexity score estimates compile time in microseconds from structure alone, so that a module that would keep an
// optimising compiler busy for seconds is refused before one sees it. Weights are tenths of a microsecond, fitted from above
// to the slowest shapes known for each term; compile time grows with code, with values carried over branch edges (every
// local may become a block parameter at each), and with calls (each clobbers registers, indirect ones add checks).
const (
	scorePerByte     = 6    // 0.6 us for each byte of code
	scorePerEdge     = 13   // 1.3 us for each branch edge and each parameter or local
	scorePerIndirect = 1200 // 120 us for each call_indirect
	scorePerCall     = 300  // 30 us for each call
	scoreScale       = 10
)

// score adds up one body. With at most 8 MiB of code each term stays below 2^50, so sums cannot overflow.
func (body *Body) score(params int) uint64 {
	f := &body.Facts
	return scorePerByte*uint64(body.Size) +
		scorePerEdge*uint64(f.BranchEdges)*(uint64(params)+uint64(f.LocalCount)) +
		scorePerIndirect*uint64(f.IndirectCall) +
		scorePerCall*uint64(f.Calls)
}

// inMicroseconds rounds a sum of scores up.
func inMicroseconds(score uint64) uint64 { return (score + scoreScale - 1) / scoreScale }
