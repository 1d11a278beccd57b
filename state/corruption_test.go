package state

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/sepia-chain/sepia/state/kv"
)

// damaged is a store on disk that was closed after block 1, with one change made behind its back.
func damaged(t *testing.T, damage func(*testing.T, *kv.DB)) vfs.FS {
	t.Helper()
	fs := vfs.NewMem()
	s, err := Open(testOptions(fs))
	noError(t, err)
	m := plainState{}.top("a", "1").top("b", "2").top("long", string(make([]byte, 2000)))
	noError(t, must(s.CommitGenesis(genesis(t, m)))(t).Release())
	o := must(s.NewOverlay(must(s.View())(t)))(t)
	noError(t, o.Set([]byte("a"), []byte("2")))
	commit(t, s, o, block(1))
	noError(t, s.Close())
	db, err := kv.Open(kv.Options{Path: "db", FS: fs, MemTableBytes: testMemTableBytes, CacheBytes: testCacheBytes})
	noError(t, err)
	damage(t, db)
	noError(t, db.Close())
	return fs
}

func write(t *testing.T, db *kv.DB, put func(*kv.Batch) error) {
	t.Helper()
	b := must(db.NewBatch(0))(t)
	noError(t, put(b))
	noError(t, db.Apply(b, true))
	noError(t, b.Close())
}

func rewrite(key []byte, edit func([]byte) []byte) func(*testing.T, *kv.DB) {
	return func(t *testing.T, db *kv.DB) {
		t.Helper()
		value := must2(db.Get(key))(t)
		write(t, db, func(b *kv.Batch) error { return b.Set(key, edit(bytes.Clone(value)), nil) })
	}
}

func remove(key []byte) func(*testing.T, *kv.DB) {
	return func(t *testing.T, db *kv.DB) {
		t.Helper()
		must2(db.Get(key))(t)
		write(t, db, func(b *kv.Batch) error { return b.Delete(key, nil) })
	}
}

func flipLast(b []byte) []byte { b[len(b)-1] ^= 1; return b }

func TestRule11_DamageIsFoundByOpenOrByVerify(t *testing.T) {
	a, long := TreeKey([]byte("a")), TreeKey([]byte("long"))
	for _, c := range []struct {
		name   string
		damage func(*testing.T, *kv.DB)
		atOpen bool
	}{
		{"a value of the state", rewrite(stateKey(a), flipLast), true},
		{"the hash of a long value", rewrite(stateKey(long), flipLast), true},
		{"a key lost", remove(stateKey(a)), true},
		{"a key too many", func(t *testing.T, db *kv.DB) {
			r := record{tag: tagInline, value: []byte("x")}
			write(t, db, func(b *kv.Batch) error { return b.Set(stateKey(TreeKey([]byte("z"))), r.append(nil), nil) })
		}, true},
		{"a record of no kind", rewrite(stateKey(a), func([]byte) []byte { return []byte{9} }), true},
		{"a record of a deleted key", rewrite(stateKey(a), func([]byte) []byte { return []byte{tagDeleted} }), true},
		{"the root in the meta record", rewrite([]byte{keyMeta}, flipLast), true},
		{"the number of keys in the meta record", rewrite([]byte{keyMeta}, func(b []byte) []byte { b[8] ^= 1; return b }), true},
		{"the block record gone", remove(heightKey(keyBlock, 1)), true},
		{"the block record cut", rewrite(heightKey(keyBlock, 1), func(b []byte) []byte { return b[:9] }), true},
		{"a version of the history", rewrite(appendHistoryKey(nil, a, 1), flipLast), false},
		{"a version lost", remove(appendHistoryKey(nil, a, 1)), false},
		{"a version's height", rewrite(appendHistoryKey(nil, a, 1), func(b []byte) []byte { b[4] ^= 1; return b }), false},
		{"the name of a leaf", rewrite(hashKey(keyPreimage, pathOf(a)), flipLast), false},
		{"the name of a leaf lost", remove(hashKey(keyPreimage, pathOf(a))), false},
		{"the name of a leaf that is no more", func(t *testing.T, db *kv.DB) {
			write(t, db, func(b *kv.Batch) error { return b.Set(hashKey(keyPreimage, pathOf([]byte("no"))), []byte("no"), nil) })
		}, false},
		{"a long value", rewrite(bigKey(0, 0), flipLast), false},
		{"a long value cut", rewrite(bigKey(0, 0), func(b []byte) []byte { return b[:1999] }), false},
		{"a long value lost", remove(bigKey(0, 0)), false},
	} {
		fs := damaged(t, c.damage)
		s, err := Open(testOptions(fs))
		if c.atOpen {
			if err == nil {
				noError(t, s.Close())
			}
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s: Open returns %v, want ErrCorrupt", c.name, err)
			}
			continue
		}
		noError(t, err)
		if err := s.Verify(); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: Verify returns %v, want ErrCorrupt", c.name, err)
		}
		noError(t, s.Close())
	}
}

func TestRule11_RootMismatchIsTypedAndSaysWhat(t *testing.T) {
	fs := damaged(t, rewrite(stateKey(TreeKey([]byte("b"))), flipLast))
	_, err := Open(testOptions(fs))
	var c *CorruptionError
	if !errors.As(err, &c) || c.What != "root of the state" || c.Height != 1 {
		t.Errorf("error %v, want a CorruptionError about the root at height 1", err)
	}
}

func TestRule11_ChangeListOfAHeightIsChecked(t *testing.T) {
	fs := damaged(t, rewrite(heightKey(keyChanges, 1), flipLast))
	s := openStore(t, fs)
	if _, err := s.ChangedKeys(1); !errors.Is(err, ErrCorrupt) {
		t.Errorf("ChangedKeys of a damaged list: %v, want ErrCorrupt", err)
	}
}

func TestOpen_ReportsProgress(t *testing.T) {
	fs := damaged(t, func(*testing.T, *kv.DB) {})
	var last, of uint64
	o := testOptions(fs)
	o.Progress = func(keys, all uint64) { last, of = keys, all }
	s, err := Open(o)
	noError(t, err)
	noError(t, s.Close())
	if last != 3 || of != 3 {
		t.Errorf("progress ended at %d of %d, want 3 of 3", last, of)
	}
}

// TestRule11_FlippedBitsInTablesAreNeverSilent flips one bit at a time in the table files of a closed store: either nothing
// that is read changes, or the damage is an error.
func TestRule11_FlippedBitsInTablesAreNeverSilent(t *testing.T) {
	states := chainStates(rand.New(rand.NewPCG(41, 41)), 10, 10)
	found, harmless := 0, 0
	for i := range 40 {
		fs := vfs.NewMem()
		s, err := Open(testOptions(fs))
		noError(t, err)
		noError(t, must(s.CommitGenesis(genesis(t, states[0])))(t).Release())
		commitStates(t, s, states)
		noError(t, s.Close())
		flipTableBit(t, fs, i)
		if readAll(t, fs, states) {
			harmless++
			continue
		}
		found++
	}
	t.Logf("%d flips found, %d changed nothing that is read", found, harmless)
	if found < 20 {
		t.Errorf("%d of 40 flips found: they miss the data", found)
	}
}

func flipTableBit(t *testing.T, fs *vfs.MemFS, i int) {
	t.Helper()
	names := must(fs.List("db"))(t)
	slices.Sort(names)
	for _, name := range names {
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		data := must(fs.UnsafeGetFileDataBuffer("db/" + name))(t)
		data[len(data)*i/40] ^= 1 << (i % 8)
		return
	}
	t.Fatal("closed store has no table file")
}

// readAll reads the whole store. It returns false if an error that is ErrCorrupt came up.
func readAll(t *testing.T, fs vfs.FS, states []plainState) bool {
	t.Helper()
	s, err := Open(testOptions(fs))
	if err != nil {
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("Open: %v, want ErrCorrupt", err)
		}
		return false
	}
	defer func() { noError(t, s.Close()) }()
	if err := s.Verify(); err != nil {
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("Verify: %v, want ErrCorrupt", err)
		}
		return false
	}
	checkView(t, latestView(t, s), states[len(states)-1])
	return true
}
