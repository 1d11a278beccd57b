// Package validity holds what a runtime says about a transaction: the answer of TaggedTransactionQueue when it judges one
// for the pool, and the error that BlockBuilder_apply_extrinsic gives when one cannot be applied.
//
// It decodes and names; it decides nothing. The pool orders by these answers, the block driver leaves transactions out by
// them, and JSON-RPC shows their texts, which wallets match on. The numbers are those of
// https://docs.rs/sp-runtime/latest/sp_runtime/transaction_validity/index.html.
package validity
