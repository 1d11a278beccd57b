package wasm

// The complexity score estimates compile time in microseconds from structure alone, so that a module that would keep a
// compiler busy for seconds is refused before one sees it. It is fitted from above to the slowest shapes known for the quick
// compile tier, metered, on one core; an optimising tier may take several times as long for arithmetic that it rewrites
// again and again, and runs behind everything else therefore.
//
// Compile time grows with code; with values carried over branch edges, as every local may become a parameter of the block
// behind each; with the square of the blocks in one function; with calls, which clobber registers; and with what single
// instructions are expanded to, by the compiler or by the meter. Weights are tenths of a microsecond.
const (
	scorePerByte      = 6    // of code
	scorePerEdge      = 13   // for each parameter and local, and one for the meter's counter
	scorePerBlock     = 400  //
	scorePerBlockPair = 1    // for each two blocks of the same function
	scorePerIndirect  = 1200 //
	scorePerCall      = 300  //
	scorePerDivision  = 300  // writes the gas counter back
	scorePerGrow      = 1000 // charged for its length, tests the gas counter
	scorePerBulk      = 1000 // likewise
	scorePerAccess    = 70   // has its bounds checked
	scoreScale        = 10
)

// score adds up one body. With at most 8 MiB of code each term stays below 2^50, so sums cannot overflow.
func (body *Body) score(params int) uint64 {
	f := &body.Facts
	blocks := uint64(f.Blocks)
	return scorePerByte*uint64(body.Size) +
		scorePerEdge*uint64(f.BranchEdges)*(uint64(params)+uint64(f.LocalCount)+1) +
		scorePerBlock*blocks + scorePerBlockPair*blocks*(blocks+1)/2 +
		scorePerIndirect*uint64(f.IndirectCall) +
		scorePerCall*uint64(f.Calls) +
		f.Score
}

// inMicroseconds rounds a sum of scores up.
func inMicroseconds(score uint64) uint64 { return (score + scoreScale - 1) / scoreScale }
