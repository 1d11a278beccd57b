package meter

import "github.com/sepia-chain/sepia/runtime/wasm"

// Native bytes a frame are not bounded by parameters, locals and operands alone: an optimising compiler may keep the values
// of expressions common to both sides of a call alive across it. Every instruction that computes a value counts for a
// quarter of a unit therefore. A unit stands for 32 bytes of native stack; the worst frame shapes known need 17.3 a unit.
const (
	frameMinimum      = 32 // also bounds the number of frames, which traps unwind one by one
	frameOverhead     = 8  // return address, frame pointer, callee-saved registers
	producersEachUnit = 4
)

// FrameCost is what a call of the function takes off the stack counter while it runs, in units.
func FrameCost(params int, f *wasm.Facts) uint32 {
	producers := (f.Producers + producersEachUnit - 1) / producersEachUnit
	return max(frameMinimum, uint32(params)+f.LocalCount+f.MaxHeight+producers+frameOverhead)
}
