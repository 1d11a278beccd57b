// Package kv is the one Pebble instance of a node, made safe to close: after Close every operation returns ErrClosed
// instead of panicking, whoever still holds a snapshot or a cursor, and never answers "absent".
//
// It adds nothing else to Pebble. The state and CometBFT's databases share one instance, each under its own key
// prefixes, and so one write-ahead log: what one of them synced can never be lost while something written later by the
// other survives. Who owns which prefix is decided by packages state and cometdb.
//
// Pebble calls Fatalf of its logger when the write-ahead log cannot be written: the process ends there, as nothing sound
// can be done afterwards. Damage found while reading comes back as an error that is ErrCorrupt.
package kv

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

var (
	// ErrClosed says that the database is closed.
	ErrClosed = errors.New("database is closed")
	// ErrCorrupt says that the database returned something that was never written.
	ErrCorrupt = errors.New("database is corrupt")
)

// Format is the Pebble format that databases are created with. It is pinned: raising it is one-way, so it comes with a
// release that says so.
const Format = pebble.FormatValueSeparation

// Defaults of Options. With a 4 MiB memtable a block of 10,000 keys would count as large and rotate the memtable, which
// stalled writes for 300 ms; with 64 MiB it does not.
const (
	DefaultCacheBytes    = 256 << 20
	DefaultMemTableBytes = 64 << 20
)

// Options says where the database is and what it may use. Zero sizes mean the defaults.
type Options struct {
	Path          string
	FS            vfs.FS // nil is the disk
	CacheBytes    int64
	MemTableBytes uint64
	Logger        *slog.Logger
}

// DB is an open database. All methods are safe for concurrent use.
type DB struct {
	mu        sync.RWMutex // write-locked by Close only
	db        *pebble.DB   // nil once closed
	open      sync.Mutex   // guards the two sets below
	snapshots map[*Snapshot]struct{}
	cursors   map[*Cursor]struct{}
}

// Open opens or creates the database. A second process that tries the same path gets an error from Pebble's lock file.
func Open(o Options) (*DB, error) {
	db, err := pebble.Open(o.Path, o.pebble())
	if err != nil {
		return nil, fmt.Errorf("opening database %s: %w", o.Path, typed(err))
	}
	return &DB{db: db, snapshots: map[*Snapshot]struct{}{}, cursors: map[*Cursor]struct{}{}}, nil
}

func (o Options) pebble() *pebble.Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = DefaultCacheBytes
	}
	if o.MemTableBytes == 0 {
		o.MemTableBytes = DefaultMemTableBytes
	}
	logger := pebbleLogger{o.Logger}
	p := &pebble.Options{
		FS:                          o.FS,
		FormatMajorVersion:          Format,
		CacheSize:                   o.CacheBytes,
		MemTableSize:                o.MemTableBytes,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       24,
		LBaseMaxBytes:               256 << 20,
		BytesPerSync:                1 << 20,
		MaxOpenFiles:                4096,
		Logger:                      logger,
		EventListener: &pebble.EventListener{
			DataCorruption: func(info pebble.DataCorruptionInfo) { logger.Errorf("%s", info) },
		},
	}
	p.CompactionConcurrencyRange = func() (int, int) { return 1, max(1, runtime.GOMAXPROCS(0)/2) }
	for i := range p.Levels {
		p.Levels[i].BlockSize = 8 << 10
		p.Levels[i].IndexBlockSize = 64 << 10
		p.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	return p
}

// pebbleLogger passes Pebble's messages on. Fatalf must not return: Pebble counts on it.
type pebbleLogger struct{ log *slog.Logger }

func (l pebbleLogger) Infof(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug("pebble", "message", fmt.Sprintf(format, args...))
	}
}

func (l pebbleLogger) Errorf(format string, args ...any) {
	l.log.Error("pebble", "message", fmt.Sprintf(format, args...))
}

func (l pebbleLogger) Fatalf(format string, args ...any) {
	l.log.Error("database cannot go on, stopping the process", "message", fmt.Sprintf(format, args...))
	fmt.Fprintf(os.Stderr, "database cannot go on: "+format+"\n", args...)
	os.Exit(1)
}

// typed marks Pebble's corruption errors as ours.
func typed(err error) error {
	if pebble.IsCorruptionError(err) { // a mark, which errors.Is of the standard library does not see
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return err
}

// Close flushes the memtable, so that the next start has no log to replay, closes what is still open on the database and
// then the database. Later operations return ErrClosed. It may be called more than once.
func (d *DB) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.db == nil {
		return nil
	}
	var errs []error
	for c := range d.cursors {
		errs = append(errs, c.it.Close())
	}
	for s := range d.snapshots {
		errs = append(errs, s.snap.Close())
	}
	errs = append(errs, d.db.Flush(), d.db.Close())
	d.db, d.cursors, d.snapshots = nil, nil, nil
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("closing database: %w", err)
	}
	return nil
}

// Get is a copy of the value of a key.
func (d *DB) Get(key []byte) (value []byte, found bool, err error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.db == nil {
		return nil, false, ErrClosed
	}
	return get(d.db, key)
}

func get(r pebble.Reader, key []byte) ([]byte, bool, error) {
	value, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading key %x: %w", key, typed(err))
	}
	own := append(make([]byte, 0, len(value)), value...)
	if err := closer.Close(); err != nil {
		return nil, false, fmt.Errorf("reading key %x: %w", key, typed(err))
	}
	return own, true, nil
}

// Batch is a list of writes that are applied as one.
type Batch = pebble.Batch

// NewBatch is an empty batch, with room for size bytes.
func (d *DB) NewBatch(size int) (*Batch, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.db == nil {
		return nil, ErrClosed
	}
	return d.db.NewBatchWithSize(size), nil
}

// Apply writes a batch. With sync it returns once the batch is on disk.
func (d *DB) Apply(b *Batch, sync bool) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.db == nil {
		return ErrClosed
	}
	if err := d.db.Apply(b, &pebble.WriteOptions{Sync: sync}); err != nil {
		return fmt.Errorf("writing batch of %d: %w", b.Count(), typed(err))
	}
	return nil
}

// Compact rewrites a range of keys, so that deleted ones give back their space.
func (d *DB) Compact(from, to []byte) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.db == nil {
		return ErrClosed
	}
	if err := d.db.Compact(context.Background(), from, to, false); err != nil {
		return fmt.Errorf("compacting: %w", typed(err))
	}
	return nil
}

// Metrics is Pebble's own report, as text.
func (d *DB) Metrics() (string, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.db == nil {
		return "", ErrClosed
	}
	return d.db.Metrics().String(), nil
}
