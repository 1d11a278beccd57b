// Package meter rewrites an accepted WebAssembly module so that it counts its own gas and its own stack.
//
// The metered module is the consensus object: every engine at every optimisation level charges the same gas and overflows
// the same logical stack at the same call, because both counters are ordinary WebAssembly code. Package meter neither
// validates (package wasm does) nor runs anything.
//
// # Gas
//
// One unit is one picosecond of execution time. Every instruction has a weight (Weights). The charge is exact: a run that
// returns, reaches unreachable, divides by zero, fails a call_indirect, overflows the logical stack or stands at a host call
// has paid for the instructions executed so far and for nothing else. To be cheap all the same:
//
//   - The counter lives in a local of each function. It is written back to the exported global sepia:gas before calls, at
//     the function's exit and before instructions whose trap can be foreseen.
//   - A region is charged at its head: all code that runs exactly as often as the head does. Code behind a block belongs to
//     the region before the block if nothing in between can leave elsewhere. A call ends all open regions, because it may not
//     return (a contract's seal_return), so that code behind a call is never charged before it.
//   - Where a trap can be foreseen inside a region (unreachable, a division whose divisor is not a constant), what the region
//     has charged for code behind the trap is given back; the amount is known at metering time.
//   - The sign of the counter is tested at function entry, at loop heads, before and after every call to an import, before
//     memory.copy, memory.fill and memory.grow, and at function exit. Negative: it is written to sepia:gas and the function
//     executes unreachable. Whoever runs the module recognises out-of-gas by the negative global.
//
// Only an out-of-bounds access to memory traps with the counter still in the local; the runner must treat such a trap as
// having used all gas.
//
// No barriers are inserted between long runs of arithmetic: the engine in use optimises such runs in linear time, and the
// complexity score of package wasm bounds what is left.
//
// # Stack
//
// Each function subtracts its frame cost (FrameCost) from the exported global sepia:stack on entry and adds it on exit.
// Below zero it executes unreachable with the global left negative. The cost is chosen so that one unit is at least as much
// as 32 bytes of native stack at any optimisation level.
//
// # Shape of the output
//
// Memory 0 is the module's own with an explicit maximum, exported as sepia:memory. Each imported function keeps its place and
// takes one i64 more: the gas left at the call. One import is appended, sepia.gas, () -> i64: it is called right after every
// other import and returns the gas left, so a host can charge; not after those whose price is declared as fixed. A start
// function is run by deploy and call themselves. The encoding is canonical: shortest numbers, no custom sections, no code
// that cannot be reached.
package meter
