package kv

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Snapshot is the database as it was at one moment, until Close. It is safe for concurrent use.
type Snapshot struct {
	db   *DB
	snap *pebble.Snapshot
}

// Snapshot takes a snapshot. Callers that must not see writes still on their way to disk take it after Apply returned.
func (d *DB) Snapshot() (*Snapshot, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.db == nil {
		return nil, ErrClosed
	}
	s := &Snapshot{db: d, snap: d.db.NewSnapshot()}
	d.open.Lock()
	d.snapshots[s] = struct{}{}
	d.open.Unlock()
	return s, nil
}

// Get is a copy of the value of a key.
func (s *Snapshot) Get(key []byte) (value []byte, found bool, err error) {
	s.db.mu.RLock()
	defer s.db.mu.RUnlock()
	if s.db.db == nil {
		return nil, false, ErrClosed
	}
	return get(s.snap, key)
}

// Close lets go of the snapshot, which must not be used afterwards.
func (s *Snapshot) Close() error {
	s.db.mu.RLock()
	defer s.db.mu.RUnlock()
	if s.db.db == nil {
		return nil
	}
	s.db.open.Lock()
	delete(s.db.snapshots, s)
	s.db.open.Unlock()
	if err := s.snap.Close(); err != nil {
		return fmt.Errorf("closing snapshot: %w", err)
	}
	return nil
}

// Cursor walks keys in order. It is not safe for concurrent use, apart from the database's Close. Key and Value are valid
// until the next move; when the cursor has run out, or the database was closed, Valid is false and Err tells which.
type Cursor struct {
	db         *DB
	it         *pebble.Iterator
	key, value []byte
	err        error // of a value that could not be read
}

// Cursor walks the keys from lower up to but not including upper; nil means no bound.
func (s *Snapshot) Cursor(lower, upper []byte) (*Cursor, error) {
	return s.db.cursor(func() pebble.Reader { return s.snap }, lower, upper)
}

// Cursor walks the keys from lower up to but not including upper; nil means no bound.
func (d *DB) Cursor(lower, upper []byte) (*Cursor, error) {
	return d.cursor(func() pebble.Reader { return d.db }, lower, upper)
}

func (d *DB) cursor(reader func() pebble.Reader, lower, upper []byte) (*Cursor, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.db == nil {
		return nil, ErrClosed
	}
	it, err := reader().NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, fmt.Errorf("walking keys from %x: %w", lower, typed(err))
	}
	c := &Cursor{db: d, it: it}
	d.open.Lock()
	d.cursors[c] = struct{}{}
	d.open.Unlock()
	return c, nil
}

func (c *Cursor) move(step func() bool) bool {
	c.db.mu.RLock()
	defer c.db.mu.RUnlock()
	return c.db.db != nil && step()
}

// SeekGE moves to the first key that is not below the given one.
func (c *Cursor) SeekGE(key []byte) bool { return c.move(func() bool { return c.it.SeekGE(key) }) }

// First moves to the first key.
func (c *Cursor) First() bool { return c.move(c.it.First) }

// Last moves to the last key.
func (c *Cursor) Last() bool { return c.move(c.it.Last) }

// Next moves to the following key.
func (c *Cursor) Next() bool { return c.move(c.it.Next) }

// Prev moves to the key before.
func (c *Cursor) Prev() bool { return c.move(c.it.Prev) }

// Valid says whether the cursor is at a key.
func (c *Cursor) Valid() bool { return c.move(c.it.Valid) }

// Key is the key the cursor is at, or nil.
func (c *Cursor) Key() (key []byte) {
	c.move(func() bool {
		if c.it.Valid() {
			c.key = append(c.key[:0], c.it.Key()...) // a copy, as a concurrent Close of the database frees the iterator
			key = c.key
		}
		return true
	})
	return key
}

// Value is the value the cursor is at, or nil. A value that cannot be read makes Err say so.
func (c *Cursor) Value() (value []byte) {
	c.move(func() bool {
		if !c.it.Valid() {
			return false
		}
		v, err := c.it.ValueAndErr()
		if err != nil {
			c.err = err
			return false
		}
		c.value = append(c.value[:0], v...)
		value = c.value
		return true
	})
	return value
}

// Err is nil, or why the cursor stopped before the end of its range.
func (c *Cursor) Err() error {
	c.db.mu.RLock()
	defer c.db.mu.RUnlock()
	if c.db.db == nil {
		return ErrClosed
	}
	err := c.err
	if err == nil {
		err = c.it.Error()
	}
	if err != nil {
		return fmt.Errorf("walking keys: %w", typed(err))
	}
	return nil
}

// Close lets go of the cursor. It may be called more than once.
func (c *Cursor) Close() error {
	c.db.mu.RLock()
	defer c.db.mu.RUnlock()
	if c.db.db == nil {
		return nil
	}
	c.db.open.Lock()
	_, open := c.db.cursors[c]
	delete(c.db.cursors, c)
	c.db.open.Unlock()
	if !open {
		return nil
	}
	if err := c.it.Close(); err != nil {
		return fmt.Errorf("closing cursor: %w", typed(err))
	}
	return nil
}
