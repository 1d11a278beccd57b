// Package vm is the guest VM that the host offers to a blob: Wasm programs made by somebody else (contracts), checked,
// loaded from state, started, stepped and dropped.
//
// It is mechanism. What a guest may import, what each instruction and import costs and how large a guest may be is read
// from the custom section sepia_vm of the blob (Rules); what an import means is the blob's business: a guest that calls one
// is suspended, and the call is handed to the blob as a Step. The interface as the blob sees it is abi.json; package host
// puts the functions into its table and passes each to a Session.
//
// Data flow: code -> Validate under the blob's rules -> meter -> compile (quick tier in the call, the fast tier ahead in a
// process of its own) -> modules in memory -> machine code on disk, where what is pushed out of memory is found again without
// checking, metering or compiling. A Session is one blob call: it numbers modules and executions from 0, and everything it
// holds ends with it.
//
// What is in the cache, which tier runs and when the fast tier is ready never shows in a result or in gas: Load looks into
// state each time, and every price is by length. Errors of the blob (a handle that was not given out) are *engine.HostTrap;
// errors of the engine and of the storage are faults of the node.
package vm
