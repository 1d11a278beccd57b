// Package consensus is the chain of a node: it joins CometBFT, which orders transactions into blocks, with a runtime, which
// executes them, and a store, which keeps what they did.
//
// # What flows
//
//	client -> Chain.Submit -> pool (the runtime validates at the latest state)
//	  -> PrepareProposal: the driver builds a block out of the pool's candidates on an overlay
//	  -> ProcessProposal: the same block is taken from there, or executed; refused if anything in it does not apply
//	  -> FinalizeBlock: the decided block is taken from there, or executed; what does not apply is left out
//	  -> Commit: state, header, body and indexes in one synced batch; then the pool, then subscribers
//
// The pieces are packages of their own: driver executes one block, pool keeps waiting transactions, comet assembles
// CometBFT, validity decodes the runtime's verdicts. This package holds the ABCI application between them, and Chain, which
// a node opens.
//
// # What it is not
//
// No rule of the chain is here: accounts, fees, time and validators are the runtime's. What the runtime must know enters as
// inherents (time, and CometBFT's votes and evidence) and as PreRuntime digest items; what it decides about validators
// leaves in digest items, and is checked again before CometBFT sees it.
//
// # Errors
//
// A failure of the runtime is a result, alike on every node. Any other failure (disk, engine, a block that cannot be
// executed at all) is the node's: the chain tells Options.Fatal and stands still. It is never turned into a failed
// transaction.
package consensus
