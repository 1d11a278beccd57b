// Package state is the store of a node: the key-value state of the chain with its history and its authenticated tree,
// blocks and their indexes, and the databases of CometBFT, all in one Pebble instance.
//
// # What flows
//
// A block is executed on an Overlay, which holds pending writes over an immutable View. Overlay.Root hashes them into the
// tree (package tree), on nodes of the overlay. Store.Commit writes everything that belongs to the block in one synced
// batch, adopts the overlay's tree, and then swaps the latest View by one pointer. After a crash the store is at a height
// H or H-1, never between. Several overlays may be open over one view; one is committed, the others dropped.
//
// Readers hold one View to the end of what they do. The latest view answers from the flat current state and can prove; a
// view of a past height answers from the history, which is ordered by key and height.
//
// # What it is not
//
// It executes nothing and knows no gas: the host charges for what it calls here. It decodes neither headers nor
// extrinsics. Nothing of a node's own (indexes, history, settings) is in the tree: two nodes with the same blocks have the
// same root whatever they keep.
//
// # Errors
//
// Any error but the documented sentinels is a fault of the node: the disk failed, or the database is corrupt, or it was
// closed. A caller that executes blocks must stop then, as it cannot know what others will compute.
//
// The bytes that are hashed, and so frozen, and the layout of the database are in docs/state-format.md with test vectors.
package state
