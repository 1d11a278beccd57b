// Package engine runs metered WebAssembly as machine code. It is the only package of the node that contains C.
//
// Two tiers share it. A blob (the chain's runtime) is called synchronously, export by export, with host functions in C
// (the allocator, the hashes) and in Go. A guest (a contract) is a resumable execution: it runs until it calls an import,
// hands the call out as a Step, and goes on when the caller has the answer.
//
// What it is not: it neither decides whether a module is acceptable (package wasm does) nor what an instruction costs
// (package meter does), and it knows no host function but those served in C. Modules arrive metered: they carry their own
// gas and stack counters and end by them, so Wasmtime's fuel, epochs and stack limit never decide anything.
//
// How data flows:
//
//	metered bytes -> CompileBlob / CompileGuest / Child.Compile -> machine code (kept on disk: Cache) -> loaded in its tier's engine
//	Blob.Instantiate -> Instance.Call(export, input, gas) -> output | *Trap
//	Guest.Instantiate -> Exec.Run(gas, answer) -> Step: Finished | Syscall | OutOfGas | Trapped -> Run again, or Drop
//
// Three kinds of ends are kept apart. Success and *Trap are results: they depend on the module, its input and its gas
// alone. ErrFault is a failure of the engine or of the operating system: the node must stop, and must not turn it into a
// result. Everything else (ErrNoExport, errors of Compile) says that the caller asked for something that is not there.
//
// # Native stack
//
// A blob may use 32 MiB of native stack. Go's threads have less, and Go insists that C calls it back on the stack that it
// entered C on. So each instance owns a stack, Wasm runs on it, and a host function written in Go is called after switching
// back to the thread's own stack (stack.c). A switch was measured at 3 ns; handing calls to a thread with a large stack and
// back at 4 us, on an idle machine. Guests run on Wasmtime's own fibers and never call Go.
//
// # Storage
//
// A crossing from C to Go and back costs more than most accesses to storage do. So functions that have a StorageRole are not
// always served at once: what is known of a key is answered in C (reads.c), and changes wait there, paid for, until Go is entered
// for something else or the call ends (queue.c). Results, gas and the place of each trap are those of serving at once.
//
// # Fresh memory
//
// Nothing in an instance outlives a call: see fresh.c.
package engine
