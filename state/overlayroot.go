package state

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/state/tree"
)

// Root is the root of the state with all writes, those of open transactions included. It is computed again only after a
// write. Each computation starts from the base, so it costs all the overlay's changes; a block asks once.
func (o *Overlay) Root() (primitives.Hash, error) {
	if o.base == nil {
		return primitives.Hash{}, ErrClosed
	}
	if o.rooted {
		return o.root, nil
	}
	if o.base.v.tree == nil {
		return primitives.Hash{}, ErrRootUnavailable
	}
	if o.tree == nil {
		t, err := o.base.v.tree.NewOverlay()
		if err != nil {
			return primitives.Hash{}, fmt.Errorf("opening tree overlay: %w", err)
		}
		o.tree = t
	}
	o.collect()
	root, err := o.tree.Update(o.changes)
	if errors.Is(err, tree.ErrEmpty) {
		return primitives.Hash{}, ErrNoLeaves
	}
	if err != nil {
		return primitives.Hash{}, fmt.Errorf("computing root: %w", err)
	}
	o.root, o.rooted = root, true
	return root, nil
}

// collectKeys is how many keys one goroutine hashes at least: each costs about a microsecond, a goroutine a few.
const collectKeys = 256

// collect lists what may have changed, for the tree to decide. Parts are hashed side by side and joined in order.
func (o *Overlay) collect() {
	touched := o.set.touched
	parts := min(runtime.GOMAXPROCS(0), len(touched)/collectKeys)
	if parts < 2 {
		o.changes = collect(o.changes[:0], touched, 0, o.height)
		return
	}
	lists := make([][]tree.Change, parts)
	var done sync.WaitGroup
	for i := range parts {
		from, to := len(touched)*i/parts, len(touched)*(i+1)/parts
		done.Go(func() { lists[i] = collect(make([]tree.Change, 0, to-from), touched[from:to], from, o.height) })
	}
	done.Wait()
	o.changes = slices.Concat(lists...)
}

// collect appends the changes of entries, the first of which is touched[first]. Keys whose base was read and is equal are
// left out: they cost a comparison instead of three hashes.
func collect(changes []tree.Change, entries []*entry, first int, height uint32) []tree.Change {
	var form []byte
	for i, e := range entries {
		if e.now.kind == unwritten || e.same() {
			continue
		}
		c := tree.Change{Path: pathOf(e.key), Version: height, Index: first + i}
		if e.now.kind == deleted {
			c.Delete = true
			changes = append(changes, c)
			continue
		}
		value := e.now.value()
		if len(value) > maxInline {
			sum := sha256.Sum256(value)
			e.sum = &sum
			form = append(form[:0], bigForm(uint64(len(value)), sum)...)
		} else {
			form = append(append(form[:0], tagInline), value...)
		}
		c.Leaf = tree.LeafHash(c.Path, sha256.Sum256(form))
		changes = append(changes, c)
	}
	return changes
}

// same says whether an entry is known to hold what its base holds.
func (e *entry) same() bool {
	switch {
	case e.base.kind == unwritten:
		return false
	case e.base.kind == deleted || e.now.kind == deleted:
		return e.base.kind == deleted && e.now.kind == deleted
	case e.base.kind == list && e.now.kind == list: // they may share data, and so the room for the count
		return e.base.count == e.now.count && bytes.Equal(e.base.data[listRoom:], e.now.data[listRoom:])
	}
	return bytes.Equal(e.base.value(), e.now.value())
}

// Changes is every key with a pending write, in order of first write, whether it differs from the base or not. A nil value
// is a delete.
func (o *Overlay) Changes() ([]Pair, error) {
	var pairs []Pair
	for _, e := range o.set.touched {
		if e.now.kind == unwritten {
			continue
		}
		id, key, err := splitTreeKey(bytes.Clone(e.key))
		if err != nil {
			return nil, err
		}
		p := Pair{ID: id, Key: key}
		if e.now.kind != deleted {
			p.Value = append([]byte{}, e.now.value()...)
		}
		pairs = append(pairs, p)
	}
	return pairs, nil
}
