package tree

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

// Outcome says what an update did to one path.
type Outcome uint8

// The outcomes. The tree is the authority on presence: only paths with another outcome than None need to be written.
const (
	None     Outcome = iota // a new value equal to the old one, or a delete of nothing
	Inserted                // there was no leaf
	Changed                 // there was a leaf with another value
	Deleted                 // there was a leaf
)

// Change asks for a leaf to be set or deleted. Update fills Outcome and Before.
type Change struct {
	Path    Hash
	Leaf    Hash   // LeafHash; not read if Delete
	Version uint32 // the caller's, kept with the leaf and not hashed
	Index   int    // the caller's, carried along while changes are sorted
	Delete  bool

	Outcome Outcome
	Before  uint32 // version of the leaf that was Changed or Deleted
}

// Overlay computes the root of pending changes over a pinned base. It writes only nodes of its own. It is not safe for
// concurrent use; other overlays and readers of the same tree may run beside it.
type Overlay struct {
	base    *Snapshot // nil once closed
	writers []writer
	root    child
	leaves  int
}

// NewOverlay opens an overlay over the snapshot, which it pins for itself.
func (s *Snapshot) NewOverlay() (*Overlay, error) {
	t := s.tree
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.released.Load() {
		return nil, ErrClosed
	}
	t.pins[s.version.generation]++
	o := &Overlay{
		base:    &Snapshot{tree: t, version: s.version},
		writers: make([]writer, workers()),
		root:    s.version.root,
		leaves:  s.version.leaves,
	}
	for i := range o.writers {
		o.writers[i].loan.arena = &t.arena
	}
	return o, nil
}

// Leaves is the number of leaves under the last computed root.
func (o *Overlay) Leaves() int { return o.leaves }

// Update computes the root of the base with the changes applied. Each call starts from the base again: earlier results
// of this overlay are forgotten. It sorts the changes by path and fills in their outcomes.
func (o *Overlay) Update(changes []Change) (Hash, error) {
	if o.base == nil {
		return Hash{}, ErrClosed
	}
	sortByPath(changes)
	for i := 1; i < len(changes); i++ {
		if changes[i].Path == changes[i-1].Path {
			return Hash{}, fmt.Errorf("%w: %x", ErrDuplicate, changes[i].Path)
		}
	}
	for i := range o.writers {
		o.writers[i].reset()
	}
	o.root = fork(o.writers, o.base.version.root, 0, changes)
	o.leaves = o.base.version.leaves
	for i := range o.writers {
		o.leaves += o.writers[i].added
	}
	if o.leaves == 0 {
		return Hash{}, ErrEmpty
	}
	return o.root.hash, nil
}

// Drop closes the overlay without a trace. It may be called more than once, and after an adoption.
func (o *Overlay) Drop() {
	if o.base == nil {
		return
	}
	for i := range o.writers {
		o.writers[i].reset()
	}
	o.finish()
}

func (o *Overlay) finish() {
	for i := range o.writers {
		o.writers[i].loan.end()
	}
	base := o.base
	o.base = nil
	base.Release()
}

// place is where a change is, with the first bytes of its path.
type place struct {
	first uint64
	at    int
}

// sortByPath sorts places instead of changes, which are five times their size and moved once so. Paths are hashes: their
// first 8 bytes nearly always decide.
func sortByPath(changes []Change) {
	places := make([]place, len(changes))
	for i := range changes {
		places[i] = place{binary.BigEndian.Uint64(changes[i].Path[:8]), i}
	}
	slices.SortFunc(places, func(a, b place) int {
		if first := cmp.Compare(a.first, b.first); first != 0 {
			return first
		}
		return bytes.Compare(changes[a.at].Path[8:], changes[b.at].Path[8:])
	})
	for i := range places { // each cycle of moves begins at the first place in it
		moved, to := changes[i], i
		for places[to].at != i {
			from := places[to].at
			changes[to], places[to].at = changes[from], to
			to = from
		}
		changes[to], places[to].at = moved, to
	}
}
