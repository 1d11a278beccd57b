// Package wazeroengine runs metered guests on wazero, behind the methods of package engine's guest tier. It is the second
// opinion: the same metered module must end in the same way, with the same gas, calls and memory, on two engines that share
// no code. Nothing of a chain runs on it.
//
// wazero runs a function to its end on the goroutine that calls it. So each execution has a goroutine, and an import hands
// the call to Run over one channel and waits for the answer on another. Dropping a suspended execution makes its import
// panic, which wazero turns into the end of the call.
//
// It uses wazero's interpreter. The compiler of release 1.12.0 miscompiles (i64.lt_s (i64.const 0) (i64.and x y)) on amd64.
package wazeroengine
