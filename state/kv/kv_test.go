package kv

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, fs vfs.FS) *DB {
	t.Helper()
	db, err := Open(Options{Path: "db", FS: fs, MemTableBytes: 1 << 20, CacheBytes: 1 << 20})
	noError(t, err)
	t.Cleanup(func() { noError(t, db.Close()) })
	return db
}

func set(t testing.TB, db *DB, key, value string, sync bool) {
	t.Helper()
	b, err := db.NewBatch(0)
	noError(t, err)
	noError(t, b.Set([]byte(key), []byte(value), nil))
	noError(t, db.Apply(b, sync))
	noError(t, b.Close())
}

func TestSnapshot_ShowsItsMoment(t *testing.T) {
	db := open(t, vfs.NewMem())
	set(t, db, "a", "1", true)
	s, err := db.Snapshot()
	noError(t, err)
	set(t, db, "a", "2", true)
	set(t, db, "b", "3", true)
	if v, found, err := s.Get([]byte("a")); string(v) != "1" || !found || err != nil {
		t.Errorf("Get of the snapshot: %q, %v, %v, want 1", v, found, err)
	}
	if _, found, err := s.Get([]byte("b")); found || err != nil {
		t.Errorf("snapshot shows a later key: %v", err)
	}
	c, err := s.Cursor(nil, nil)
	noError(t, err)
	var got []string
	for ok := c.First(); ok; ok = c.Next() {
		got = append(got, string(c.Key())+string(c.Value()))
	}
	noError(t, c.Err())
	noError(t, c.Close())
	noError(t, c.Close())
	if strings.Join(got, " ") != "a1" {
		t.Errorf("cursor of the snapshot finds %q, want a1", got)
	}
	noError(t, s.Close())
}

func TestCursor_StaysInItsBounds(t *testing.T) {
	db := open(t, vfs.NewMem())
	for _, k := range []string{"a", "b", "c", "d"} {
		set(t, db, k, k, false)
	}
	c, err := db.Cursor([]byte("b"), []byte("d"))
	noError(t, err)
	defer func() { noError(t, c.Close()) }()
	if !c.Last() || string(c.Key()) != "c" || !c.Prev() || string(c.Key()) != "b" || c.Prev() || c.Valid() {
		t.Error("cursor from b to d does not walk c, b and end")
	}
	if c.Key() != nil || c.Value() != nil || c.Err() != nil {
		t.Errorf("cursor past its end: key %q, value %q, %v", c.Key(), c.Value(), c.Err())
	}
	if !c.SeekGE([]byte("a")) || string(c.Key()) != "b" {
		t.Errorf("seek below the bounds finds %q, want b", c.Key())
	}
}

// TestRule10_CloseDuringReads closes while snapshots and cursors are read: each read is right or ErrClosed.
func TestRule10_CloseDuringReads(t *testing.T) {
	db := open(t, vfs.NewMem())
	for i := range 200 {
		set(t, db, fmt.Sprintf("%03d", i), "value", false)
	}
	var reads atomic.Int64
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				err := readEverything(t, db)
				if errors.Is(err, ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				reads.Add(1)
			}
		})
	}
	for reads.Load() < 20 {
		set(t, db, "x", "value", false)
	}
	noError(t, db.Close())
	readers.Wait()
}

func readEverything(t *testing.T, db *DB) error {
	s, err := db.Snapshot()
	if err != nil {
		return err
	}
	c, err := s.Cursor(nil, nil)
	if err != nil {
		return err
	}
	n := 0
	for ok := c.First(); ok; ok = c.Next() {
		key, value := c.Key(), c.Value()
		if c.Err() == nil && (len(key) == 0 || string(value) != "value") {
			t.Errorf("cursor shows %q, %q", key, value)
		}
		n++
	}
	if err := c.Err(); err != nil {
		return err
	}
	if n < 200 {
		t.Errorf("cursor ended after %d keys without an error", n)
	}
	if _, found, err := s.Get([]byte("000")); err != nil || !found {
		if err == nil {
			t.Error("a key is absent")
		}
		return err
	}
	return errors.Join(c.Close(), s.Close())
}

func TestClose_LeavesNoLogToReplay(t *testing.T) {
	fs := vfs.NewMem()
	db := open(t, fs)
	set(t, db, "a", "1", false)
	noError(t, db.Close())
	names, err := fs.List("db")
	noError(t, err)
	tables := 0
	for _, n := range names {
		if strings.HasSuffix(n, ".sst") {
			tables++
		}
	}
	if tables != 1 {
		t.Errorf("after Close the directory has %d tables: %q, want the flushed one", tables, names)
	}
	set(t, open(t, fs), "b", "2", true)
}

func TestClosed_IsAnError(t *testing.T) {
	db := open(t, vfs.NewMem())
	b, err := db.NewBatch(0)
	noError(t, err)
	noError(t, db.Close())
	_, _, getErr := db.Get([]byte("a"))
	_, batchErr := db.NewBatch(0)
	_, snapErr := db.Snapshot()
	_, cursorErr := db.Cursor(nil, nil)
	_, metricsErr := db.Metrics()
	for name, err := range map[string]error{"Get": getErr, "NewBatch": batchErr, "Snapshot": snapErr, "Cursor": cursorErr, "Metrics": metricsErr,
		"Apply": db.Apply(b, true), "Compact": db.Compact(nil, []byte("z"))} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s after Close: %v, want ErrClosed", name, err)
		}
	}
}
