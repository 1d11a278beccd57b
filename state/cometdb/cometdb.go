// Package cometdb is CometBFT's databases (blockstore, state, evidence, ...) in the node's one Pebble instance, each under
// a prefix of its own. It implements the interface of github.com/cometbft/cometbft-db.
//
// One instance means one write-ahead log. CometBFT saves a block with WriteSync before the application commits it; here
// the application's commit can then not survive a crash that the block did not, which CometBFT would refuse as "app height
// too high". So WriteSync, SetSync and DeleteSync return only when the log is on disk.
//
// # Closing
//
// Close of one of these databases never closes the instance. CometBFT closes its block store while goroutines of its
// reactors still read it, and its block store panics on any error, so reading goes on after Close: the data is there. Only
// writing is refused then. After the instance itself is closed everything is kv.ErrClosed and never "absent", which could
// make CometBFT act on a hole in its own history. So the node closes its store last, when CometBFT's goroutines have ended:
// those of a node with peers end within peer_query_maj23_sleep_duration (2 s) after their reactor has stopped.
package cometdb

import (
	"bytes"
	"errors"
	"fmt"
	"sync/atomic"

	dbm "github.com/cometbft/cometbft-db"

	"github.com/sepia-chain/sepia/state/kv"
)

// Prefix is the first byte of all keys of CometBFT's. After it come the length of the database's name, and the name.
const Prefix byte = 'C'

// The misuses that the interface asks to be refused.
var (
	errEmptyKey     = errors.New("key is empty")
	errNilValue     = errors.New("value is nil")
	errBatchDone    = errors.New("batch was written or closed")
	errWriteOnClose = errors.New("write to a CometBFT database after its Close")
)

// DB is one of CometBFT's databases. It is safe for concurrent use.
type DB struct {
	db     *kv.DB
	prefix []byte
	closed atomic.Bool // for writing
}

var _ dbm.DB = (*DB)(nil)

// New is the database with a name of at most 255 bytes. Two of one name share their data.
func New(db *kv.DB, name string) *DB {
	return &DB{db: db, prefix: append([]byte{Prefix, byte(len(name))}, name...)}
}

func (d *DB) key(key []byte) []byte {
	return append(bytes.Clone(d.prefix), key...)
}

// Get is the value of a key, or nil.
func (d *DB) Get(key []byte) ([]byte, error) {
	if len(key) == 0 {
		return nil, errEmptyKey
	}
	value, _, err := d.db.Get(d.key(key))
	return value, err
}

// Has says whether a key is there.
func (d *DB) Has(key []byte) (bool, error) {
	if len(key) == 0 {
		return false, errEmptyKey
	}
	_, found, err := d.db.Get(d.key(key))
	return found, err
}

// Set writes a key.
func (d *DB) Set(key, value []byte) error {
	return d.one(false, func(b dbm.Batch) error { return b.Set(key, value) })
}

// SetSync writes a key and waits until it is on disk.
func (d *DB) SetSync(key, value []byte) error {
	return d.one(true, func(b dbm.Batch) error { return b.Set(key, value) })
}

// Delete deletes a key.
func (d *DB) Delete(key []byte) error {
	return d.one(false, func(b dbm.Batch) error { return b.Delete(key) })
}

// DeleteSync deletes a key and waits until that is on disk.
func (d *DB) DeleteSync(key []byte) error {
	return d.one(true, func(b dbm.Batch) error { return b.Delete(key) })
}

// one writes a batch of one.
func (d *DB) one(sync bool, put func(dbm.Batch) error) error {
	b := d.NewBatch()
	err := put(b)
	if err == nil && sync {
		err = b.WriteSync()
	} else if err == nil {
		err = b.Write()
	}
	if cerr := b.Close(); err == nil {
		err = cerr
	}
	return err
}

// Iterator walks the keys from start up to but not including end; nil is no bound.
func (d *DB) Iterator(start, end []byte) (dbm.Iterator, error) { return d.iterator(start, end, false) }

// ReverseIterator walks the same keys from the last to the first.
func (d *DB) ReverseIterator(start, end []byte) (dbm.Iterator, error) {
	return d.iterator(start, end, true)
}

func (d *DB) iterator(start, end []byte, reverse bool) (dbm.Iterator, error) {
	if start != nil && len(start) == 0 || end != nil && len(end) == 0 {
		return nil, errEmptyKey
	}
	upper := d.key(end)
	if end == nil {
		upper = d.end()
	}
	cursor, err := d.db.Cursor(d.key(start), upper)
	if err != nil {
		return nil, err
	}
	it := &iterator{cursor: cursor, start: start, end: end, prefix: len(d.prefix), step: cursor.Next}
	if reverse {
		it.step = cursor.Prev
		it.load(cursor.Last())
		return it, nil
	}
	it.load(cursor.First())
	return it, nil
}

// end is the first key after all of this database. The prefix never is all 0xff, as it begins with Prefix.
func (d *DB) end() []byte {
	end := bytes.Clone(d.prefix)
	for i := len(end) - 1; ; i-- {
		end[i]++
		if end[i] != 0 {
			return end[:i+1]
		}
	}
}

// Close ends writing. Reading goes on until the instance is closed: see the package's documentation.
func (d *DB) Close() error {
	d.closed.Store(true)
	return nil
}

// NewBatch is a list of writes that are applied as one.
func (d *DB) NewBatch() dbm.Batch {
	inner, err := d.db.NewBatch(0)
	return &batch{db: d, inner: inner, err: err}
}

// Print does nothing: it is for debugging by people.
func (d *DB) Print() error { return nil }

// Stats is Pebble's report on the whole instance.
func (d *DB) Stats() map[string]string {
	text, err := d.db.Metrics()
	if err != nil {
		text = err.Error()
	}
	return map[string]string{"pebble": text}
}

// Compact gives back the space of what was deleted in a range; nil is no bound.
func (d *DB) Compact(start, end []byte) error {
	upper := d.key(end)
	if end == nil {
		upper = d.end()
	}
	return d.db.Compact(d.key(start), upper)
}

type batch struct {
	db    *DB
	inner *kv.Batch // nil once written or closed
	err   error     // why there never was one
}

func (b *batch) check(key []byte) error {
	switch {
	case len(key) == 0:
		return errEmptyKey
	case b.err != nil:
		return b.err
	case b.inner == nil:
		return errBatchDone
	}
	return nil
}

// Set writes a key.
func (b *batch) Set(key, value []byte) error {
	if value == nil {
		return errNilValue
	}
	if err := b.check(key); err != nil {
		return err
	}
	return b.inner.Set(b.db.key(key), value, nil)
}

// Delete deletes a key.
func (b *batch) Delete(key []byte) error {
	if err := b.check(key); err != nil {
		return err
	}
	return b.inner.Delete(b.db.key(key), nil)
}

// Write applies the batch, which is on disk no later than anything that is synced afterwards.
func (b *batch) Write() error { return b.write(false) }

// WriteSync applies the batch and waits until it is on disk.
func (b *batch) WriteSync() error { return b.write(true) }

func (b *batch) write(sync bool) error {
	if err := b.check(b.db.prefix); err != nil {
		return err
	}
	if b.db.closed.Load() {
		return fmt.Errorf("%w: %s", errWriteOnClose, b.db.prefix[2:])
	}
	if err := b.db.db.Apply(b.inner, sync); err != nil {
		return err
	}
	return b.Close()
}

// Close drops the batch. It may be called more than once.
func (b *batch) Close() error {
	if b.inner == nil {
		return nil
	}
	inner := b.inner
	b.inner = nil
	return inner.Close()
}

// iterator walks one database. It holds the pair it is at, so that Close of the instance cannot pull it away.
type iterator struct {
	cursor     *kv.Cursor
	step       func() bool
	start, end []byte
	prefix     int
	key, value []byte
	valid      bool
}

func (i *iterator) load(valid bool) {
	i.valid, i.key, i.value = valid, nil, nil
	if !valid {
		return
	}
	i.key = bytes.Clone(i.cursor.Key())
	i.value = append([]byte{}, i.cursor.Value()...)
	i.valid = len(i.key) > i.prefix && i.cursor.Err() == nil
	if i.valid {
		i.key = i.key[i.prefix:]
	}
}

// Domain is the bounds the iterator was made with.
func (i *iterator) Domain() (start, end []byte) { return i.start, i.end }

// Valid says whether the iterator is at a pair.
func (i *iterator) Valid() bool { return i.valid }

// Next moves on. The interface asks for a panic when the iterator is not valid.
func (i *iterator) Next() {
	i.must()
	i.load(i.step())
}

// Key is the key, without the database's prefix.
func (i *iterator) Key() []byte {
	i.must()
	return i.key
}

// Value is the value.
func (i *iterator) Value() []byte {
	i.must()
	return i.value
}

func (i *iterator) must() {
	if !i.valid {
		panic("cometdb: iterator used past its end")
	}
}

// Error is nil, or why the iterator stopped before the end of its domain.
func (i *iterator) Error() error { return i.cursor.Err() }

// Close lets go of the iterator.
func (i *iterator) Close() error {
	i.valid = false
	return i.cursor.Close()
}
