package state

import (
	"errors"
	"fmt"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/state/kv"
	"github.com/sepia-chain/sepia/state/tree"
)

// progressKeys is how many keys pass between two calls of Options.Progress: 10^5 keys are rebuilt in 0.1 s.
const progressKeys = 100_000

// boot rebuilds the tree and publishes the latest view, if there is a state.
func (s *Store) boot(progress func(keys, of uint64)) error {
	b, found, err := s.db.Get([]byte{keyMeta})
	if err != nil || !found {
		return closed(err)
	}
	m, err := decodeMeta(b)
	if err != nil {
		return err
	}
	info, err := s.block(m.height)
	if errors.Is(err, ErrUnknownHeight) {
		return &CorruptionError{"block record", m.height, "absent", "there"}
	}
	if err != nil {
		return err
	}
	if info.Root != m.root {
		return &CorruptionError{"root in the block record", m.height, info.Root.String(), m.root.String()}
	}
	snap, err := s.db.Snapshot()
	if err != nil {
		return closed(err)
	}
	changes, err := s.leaves(snap, m, progress)
	if cerr := snap.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if err := s.adopt(changes, m); err != nil {
		return err
	}
	s.cache.advance(m.height)
	view, err := s.publish(info)
	if err != nil {
		return err
	}
	return view.Release()
}

// leaves reads the whole flat state. What it reads goes into the cache while there is room: the first blocks would ask for
// it again, one key at a time.
func (s *Store) leaves(snap *kv.Snapshot, m meta, progress func(keys, of uint64)) ([]tree.Change, error) {
	lower := []byte{keyState}
	cursor, err := snap.Cursor(lower, after(lower))
	if err != nil {
		return nil, closed(err)
	}
	changes := make([]tree.Change, 0, m.leaves)
	s.cache.expect(m.leaves)
	for ok := cursor.First(); ok; ok = cursor.Next() {
		r, err := parseRecord(cursor.Value())
		if err != nil || r.tag == tagDeleted {
			return nil, firstError(cursor.Err(), err, &CorruptionError{"record", m.height, "deleted", "a value"}, cursor.Close())
		}
		treeKey := cursor.Key()[1:]
		path, leaf := leafOf(treeKey, r.form())
		changes = append(changes, tree.Change{Path: path, Leaf: leaf, Version: r.height})
		if r.tag == tagInline {
			s.cache.warm(r.height, treeKey, r.value)
		}
		if n := uint64(len(changes)); n%progressKeys == 0 {
			progress(n, m.leaves)
		}
	}
	if err := firstError(cursor.Err(), cursor.Close()); err != nil {
		return nil, closed(err)
	}
	if n := uint64(len(changes)); n != m.leaves {
		return nil, &CorruptionError{"number of keys", m.height, fmt.Sprint(n), fmt.Sprint(m.leaves)}
	}
	progress(m.leaves, m.leaves)
	return changes, nil
}

// adopt makes the tree of all leaves the committed one, if it has the root it must have.
func (s *Store) adopt(changes []tree.Change, m meta) error {
	empty := s.tree.Snapshot()
	defer empty.Release()
	o, err := empty.NewOverlay()
	if err != nil {
		return fmt.Errorf("rebuilding tree: %w", err)
	}
	root, err := o.Update(changes)
	if err != nil {
		o.Drop()
		return &CorruptionError{"tree", m.height, err.Error(), m.root.String()}
	}
	if primitives.Hash(root) != m.root {
		o.Drop()
		return &CorruptionError{"root of the state", m.height, primitives.Hash(root).String(), m.root.String()}
	}
	return s.tree.Adopt(o)
}
