// Package tree is the authenticated tree of the state: a binary sparse Merkle tree that lives in memory, hashed as the
// SmtSpec of ICS23 asks, so that proofs of presence and of absence verify with any ICS23 library.
//
// A leaf sits at its path, the SHA-256 of its key, most significant bit first. A subtree with one leaf is that leaf; a
// subtree without leaves is 32 zero bytes. So the root is a pure function of the set of leaves, whatever the order of
// changes was, and the tree can be rebuilt from the flat state at any time. Nothing of it is ever written to disk.
//
//	leaf  = SHA256(0x00 || path || SHA256(stored form of the value))
//	inner = SHA256(0x01 || left || right)
//
// A Tree holds the committed version. Snapshots pin it for readers; Overlays compute the root of pending changes on their
// own nodes and never touch a committed node, so several may be open over one base. Adopting an overlay makes its root
// the committed one; the nodes it replaced are reused once no snapshot can reach them.
//
// The package knows neither keys nor values: it sees paths, leaf hashes and an unhashed number, the version, that the
// caller attaches to each leaf.
//
// Sources: https://github.com/cosmos/ics23 (go/proof.go, SmtSpec).
package tree
