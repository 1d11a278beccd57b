// Package comet assembles CometBFT around an application: stores, handshake, block executor, evidence pool and consensus
// state, with the node's own transaction notifier and sealing rules.
//
// It takes the place of CometBFT's own node package, for three reasons. A chain that seals on demand needs a notifier that
// wakes the proposer and a view of the last block that hides its changed app hash; stopping must wait for every part, in
// order; and the databases are the application's own, so that both share one write-ahead log. One validator needs no
// network: the consensus reactor runs with a switch that has no peers.
//
// CometBFT reports an unusable application or disk by a panic that it catches itself, after which it stands still. The
// engine watches for that and calls Fatal: the node must stop.
//
// Sealing on demand (type Sealer): a block is proposed when the pool has a ready transaction, when the idle interval is
// over, and at once after new code was written. CometBFT stamps a block with the time at which its parent was committed,
// so after a pause the proposer makes an empty block first and the transactions go into the next one, milliseconds later.
package comet
