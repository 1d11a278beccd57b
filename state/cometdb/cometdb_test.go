package cometdb

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	dbm "github.com/cometbft/cometbft-db"

	"github.com/sepia-chain/sepia/state/kv"
)

func open(t testing.TB, fs vfs.FS) *kv.DB {
	t.Helper()
	db, err := kv.Open(kv.Options{Path: "db", FS: fs, MemTableBytes: 1 << 20, CacheBytes: 1 << 20})
	noError(t, err)
	t.Cleanup(func() { noError(t, db.Close()) })
	return db
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// walk is the keys of an iterator, with their values checked against the model.
func walk(t testing.TB, it dbm.Iterator, model map[string]string) (keys []string) {
	t.Helper()
	for ; it.Valid(); it.Next() {
		if model[string(it.Key())] != string(it.Value()) {
			t.Fatalf("iterator has %q for %q, want %q", it.Value(), it.Key(), model[string(it.Key())])
		}
		keys = append(keys, string(it.Key()))
	}
	noError(t, it.Error())
	noError(t, it.Close())
	return keys
}

// TestDB_EqualsModelBesideOthers works on three databases whose names and keys could be taken for one another.
func TestDB_EqualsModelBesideOthers(t *testing.T) {
	inner := open(t, vfs.NewMem())
	rng := rand.New(rand.NewPCG(1, 1))
	names := []string{"state", "stat", "e"}
	dbs, models := map[string]*DB{}, map[string]map[string]string{}
	for _, n := range names {
		dbs[n], models[n] = New(inner, n), map[string]string{}
	}
	keys := []string{"a", "e", "ea", "\x00", "\xff", "\xff\xff", "tate", "H:1", "H:10", "H:2"}
	for range 600 {
		name, key, value := names[rng.IntN(3)], keys[rng.IntN(len(keys))], fmt.Sprint(rng.IntN(9))
		db, model := dbs[name], models[name]
		switch rng.IntN(6) {
		case 0:
			noError(t, db.Set([]byte(key), []byte(value)))
			model[key] = value
		case 1:
			noError(t, db.SetSync([]byte(key), []byte{}))
			model[key] = ""
		case 2:
			noError(t, db.Delete([]byte(key)))
			delete(model, key)
		case 3:
			noError(t, db.DeleteSync([]byte(key)))
			delete(model, key)
		case 4:
			b := db.NewBatch()
			noError(t, b.Set([]byte(key), []byte(value)))
			noError(t, b.Delete([]byte("a")))
			noError(t, b.Write())
			model[key] = value
			delete(model, "a")
			noError(t, b.Close())
		case 5:
			noError(t, db.Compact(nil, nil))
		}
		compare(t, db, model, keys, rng)
	}
}

func compare(t testing.TB, db *DB, model map[string]string, keys []string, rng *rand.Rand) {
	t.Helper()
	for _, key := range keys {
		want, there := model[key]
		got, err := db.Get([]byte(key))
		noError(t, err)
		if (got != nil) != there || string(got) != want {
			t.Fatalf("Get(%q) = %q, want %q, %v", key, got, want, there)
		}
		if has, err := db.Has([]byte(key)); has != there || err != nil {
			t.Fatalf("Has(%q) = %v, %v, want %v", key, has, err, there)
		}
	}
	var start, end []byte
	if rng.IntN(2) == 0 {
		start = []byte(keys[rng.IntN(len(keys))])
	}
	if rng.IntN(2) == 0 {
		end = []byte(keys[rng.IntN(len(keys))])
	}
	want := slices.DeleteFunc(slices.Sorted(maps.Keys(model)), func(k string) bool {
		return k < string(start) || end != nil && k >= string(end)
	})
	if start != nil && end != nil && bytes.Compare(start, end) >= 0 {
		want = nil
	}
	it, err := db.Iterator(start, end)
	noError(t, err)
	if got := walk(t, it, model); !slices.Equal(got, want) {
		t.Fatalf("Iterator(%q, %q): %q, want %q", start, end, got, want)
	}
	it, err = db.ReverseIterator(start, end)
	noError(t, err)
	slices.Reverse(want)
	if got := walk(t, it, model); !slices.Equal(got, want) {
		t.Fatalf("ReverseIterator(%q, %q): %q, want %q", start, end, got, want)
	}
}

func TestDB_RefusesWhatTheInterfaceForbids(t *testing.T) {
	db := New(open(t, vfs.NewMem()), "state")
	_, getErr := db.Get(nil)
	_, hasErr := db.Has([]byte{})
	_, itErr := db.Iterator([]byte{}, nil)
	_, reverseErr := db.ReverseIterator(nil, []byte{})
	done := db.NewBatch()
	noError(t, done.WriteSync())
	for _, c := range []struct {
		name      string
		got, want error
	}{
		{"Get of an empty key", getErr, errEmptyKey}, {"Has of an empty key", hasErr, errEmptyKey},
		{"Iterator from an empty key", itErr, errEmptyKey}, {"ReverseIterator to an empty key", reverseErr, errEmptyKey},
		{"Set of an empty key", db.Set(nil, []byte("v")), errEmptyKey}, {"Set of nil", db.Set([]byte("k"), nil), errNilValue},
		{"Delete of an empty key", db.Delete(nil), errEmptyKey}, {"Set in a written batch", done.Set([]byte("k"), []byte("v")), errBatchDone},
		{"second Write", done.Write(), errBatchDone}, {"Close of a written batch", done.Close(), nil},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestRule10_CloseEndsWritingAndNeverReading(t *testing.T) {
	inner := open(t, vfs.NewMem())
	db, other := New(inner, "blockstore"), New(inner, "state")
	noError(t, db.Set([]byte("k"), []byte("v")))
	noError(t, db.Close())
	noError(t, db.Close())
	if v, err := db.Get([]byte("k")); string(v) != "v" || err != nil {
		t.Errorf("Get after Close: %q, %v, want what was written", v, err)
	}
	if err := db.Set([]byte("k"), []byte("w")); !errors.Is(err, errWriteOnClose) {
		t.Errorf("Set after Close: %v, want errWriteOnClose", err)
	}
	noError(t, other.Set([]byte("k"), []byte("v")))
	noError(t, inner.Close())
	_, getErr := db.Get([]byte("k"))
	_, hasErr := other.Has([]byte("k"))
	_, itErr := other.Iterator(nil, nil)
	for name, err := range map[string]error{"Get": getErr, "Has": hasErr, "Iterator": itErr, "Set": other.Set([]byte("k"), []byte("w")),
		"Compact": other.Compact(nil, nil), "NewBatch": other.NewBatch().Set([]byte("k"), []byte("w"))} {
		if !errors.Is(err, kv.ErrClosed) {
			t.Errorf("%s after the instance was closed: %v, want kv.ErrClosed", name, err)
		}
	}
}

// TestRule10_OnlySyncedWritesSurviveForSure cuts the power after each kind of write.
func TestRule10_OnlySyncedWritesSurviveForSure(t *testing.T) {
	for _, c := range []struct {
		name   string
		write  func(*DB) error
		synced bool
	}{
		{"Set", func(d *DB) error { return d.Set([]byte("k"), []byte("v")) }, false},
		{"SetSync", func(d *DB) error { return d.SetSync([]byte("k"), []byte("v")) }, true},
		{"Write", func(d *DB) error {
			b := d.NewBatch()
			return errors.Join(b.Set([]byte("k"), []byte("v")), b.Write(), b.Close())
		}, false},
		{"WriteSync", func(d *DB) error {
			b := d.NewBatch()
			return errors.Join(b.Set([]byte("k"), []byte("v")), b.WriteSync(), b.Close())
		}, true},
		{"Set, then another's SetSync", func(d *DB) error {
			return errors.Join(d.Set([]byte("k"), []byte("v")), New(d.db, "other").SetSync([]byte("x"), []byte("y")))
		}, true},
	} {
		fs := vfs.NewCrashableMem()
		noError(t, c.write(New(open(t, fs), "state")))
		after := fs.CrashClone(vfs.CrashCloneCfg{})
		v, err := New(open(t, after), "state").Get([]byte("k"))
		noError(t, err)
		if (v != nil) != c.synced {
			t.Errorf("%s: after a crash the key is %q, synced %v", c.name, v, c.synced)
		}
	}
}
