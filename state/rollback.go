package state

import (
	"errors"
	"fmt"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/state/kv"
)

// Rollback takes blocks back until a height is the latest, in a store that is not open. Each block is taken back in one
// batch, so a crash leaves the store at some height between. Extra entries of the blocks stay, as their values before are
// not known, and CometBFT's databases are not touched.
func Rollback(o Options, to uint32) error {
	db, err := kv.Open(kv.Options{Path: o.Path, FS: o.FS, CacheBytes: o.CacheBytes, MemTableBytes: o.MemTableBytes, Logger: o.Logger})
	if err != nil {
		return fmt.Errorf("rolling back: %w", err)
	}
	s := &Store{db: db}
	for err == nil {
		var height uint32
		if height, err = s.takeBack(to); err == nil && height == to {
			break
		}
	}
	return errors.Join(err, db.Close())
}

// takeBack undoes the latest block unless its height is the one wanted, and returns the height that is then the latest.
func (s *Store) takeBack(to uint32) (uint32, error) {
	b, found, err := s.db.Get([]byte{keyMeta})
	if err != nil {
		return 0, err
	}
	if !found {
		return 0, ErrNoGenesis
	}
	m, err := decodeMeta(b)
	if err != nil || m.height == to {
		return m.height, err
	}
	if m.height < to {
		return 0, fmt.Errorf("%w: rolling back to %d, the latest is %d", ErrUnknownHeight, to, m.height)
	}
	batch, err := s.db.NewBatch(0)
	if err != nil {
		return 0, err
	}
	defer func() { _ = batch.Close() }() // frees memory only
	w := writer{batch: batch}
	if err := s.undo(&w, m); err != nil {
		return 0, fmt.Errorf("rolling back block %d: %w", m.height, err)
	}
	if err := s.db.Apply(batch, true); err != nil {
		return 0, fmt.Errorf("rolling back block %d: %w", m.height, err)
	}
	return m.height - 1, nil
}

func (s *Store) undo(w *writer, m meta) error {
	changed, err := s.changes(m.height)
	if err != nil {
		return err
	}
	for _, c := range changed {
		if err := s.undoKey(w, &m, c); err != nil {
			return err
		}
	}
	info, err := s.block(m.height)
	if err != nil {
		return err
	}
	body, err := s.body(m.height)
	if err != nil {
		return err
	}
	for _, extrinsic := range body {
		w.delete(hashKey(keyExtrinsic, primitives.Blake2_256(extrinsic)))
	}
	w.delete(hashKey(keyBlockHash, info.Hash))
	for _, kind := range []byte{keyChanges, keyBlock, keyBody} {
		w.delete(heightKey(kind, m.height))
	}
	w.deleteRange(heightKey(keyBig, m.height), heightKey(keyBig, m.height+1))
	before, err := s.block(m.height - 1)
	if err != nil {
		return err
	}
	m.height, m.root = before.Height, before.Root
	w.set([]byte{keyMeta}, m.encode())
	return w.err
}

// undoKey brings back what a key was before the latest block.
func (s *Store) undoKey(w *writer, m *meta, c changedKey) error {
	version := appendHistoryKey(nil, c.treeKey, m.height)
	now, found, err := s.db.Get(version)
	if err != nil {
		return err
	}
	if !found {
		return &CorruptionError{fmt.Sprintf("version of %x", c.treeKey), m.height, "absent", "there"}
	}
	w.delete(version)
	path := hashKey(keyPreimage, pathOf(c.treeKey))
	if !c.existed {
		m.leaves--
		w.delete(stateKey(c.treeKey))
		w.delete(path)
		return nil
	}
	was, found, err := s.db.Get(appendHistoryKey(nil, c.treeKey, c.before))
	if err != nil {
		return err
	}
	if !found {
		return &CorruptionError{fmt.Sprintf("version of %x", c.treeKey), c.before, "absent", "there"}
	}
	w.set(stateKey(c.treeKey), was)
	if len(now) == 1 && now[0] == tagDeleted {
		m.leaves++
		w.set(path, c.treeKey)
	}
	return nil
}
