// Package driver executes one block on a runtime, the way FRAME expects it: Core_initialize_block, the inherents that
// BlockBuilder_inherent_extrinsics makes, each transaction inside a storage transaction of its own, then
// BlockBuilder_finalize_block, whose answer is the header.
//
// There are three ways to look at the same execution, and they must agree:
//
//   - Build makes a block out of candidates: whatever does not apply is dropped, and what remains is the proposal;
//   - Judge looks at somebody's proposal and refuses it at the first transaction that does not apply;
//   - Apply executes a decided block: what does not apply is left out of the body, by every node alike.
//
// What Build returns, Judge accepts and Apply takes whole.
//
// The package is a function of its inputs. It has no clock, no storage and no network of its own: a Machine runs the
// runtime's exported functions over one pending state, and the caller keeps or drops that state afterwards. An error of
// the Machine that is not a *Failure is a fault of the node, and is passed up untouched: it never becomes a failed
// transaction.
package driver
