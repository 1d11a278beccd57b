package state

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/sepia-chain/sepia/internal/primitives"
)

// Small sizes, as tests open many stores: the memtable is allocated whole.
const (
	testCacheBytes    = 1 << 20
	testMemTableBytes = 1 << 20
)

func testOptions(fs vfs.FS) Options {
	return Options{Path: "db", FS: fs, CacheBytes: testCacheBytes, MemTableBytes: testMemTableBytes}
}

func openStore(t testing.TB, fs vfs.FS) *Store {
	t.Helper()
	s, err := Open(testOptions(fs))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { noError(t, s.Close()) })
	return s
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// must is for calls of which only the error could be unexpected.
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		noError(t, err)
		return value
	}
}

// state is a plain state: tree key -> value.
type plainState map[string]string

func (m plainState) top(key, value string) plainState {
	m[string(TreeKey([]byte(key)))] = value
	return m
}

func (m plainState) child(id, key, value string) plainState {
	m[string(ChildTreeKey([]byte(id), []byte(key)))] = value
	return m
}

func (m plainState) clone() plainState { return maps.Clone(m) }

func (m plainState) pairs(t testing.TB) []Pair {
	t.Helper()
	var pairs []Pair
	for _, k := range slices.Sorted(maps.Keys(m)) {
		id, key, err := splitTreeKey([]byte(k))
		noError(t, err)
		pairs = append(pairs, Pair{id, key, []byte(m[k])})
	}
	return pairs
}

func (m plainState) root(t testing.TB) primitives.Hash {
	t.Helper()
	return must(GenesisRoot(m.pairs(t)))(t)
}

func blockHash(height uint32) primitives.Hash {
	return primitives.Blake2_256(fmt.Appendf(nil, "block %d", height))
}

func genesis(t testing.TB, m plainState) Genesis {
	return Genesis{Pairs: m.pairs(t), Hash: blockHash(0), Header: []byte("header 0"), HostVersion: 1}
}

func block(height uint32, body ...[]byte) Block {
	return Block{Height: height, Hash: blockHash(height), Header: fmt.Appendf(nil, "header %d", height), HostVersion: 1, Body: body}
}

// storeWith is a store with a genesis state.
func storeWith(t testing.TB, m plainState) *Store {
	t.Helper()
	s := openStore(t, vfs.NewMem())
	noError(t, must(s.CommitGenesis(genesis(t, m)))(t).Release())
	return s
}

func latestView(t testing.TB, s *Store) *View {
	t.Helper()
	v := must(s.View())(t)
	t.Cleanup(func() { noError(t, v.Release()) })
	return v
}

func newOverlay(t testing.TB, s *Store) *Overlay {
	t.Helper()
	v := must(s.View())(t)
	o := must(s.NewOverlay(v))(t)
	noError(t, v.Release())
	t.Cleanup(func() { noError(t, o.Drop()) })
	return o
}

func commit(t testing.TB, s *Store, o *Overlay, b Block) {
	t.Helper()
	noError(t, must(s.Commit(o, b))(t).Release())
}

// apply writes the difference between two plain states to an overlay.
func apply(t testing.TB, o *Overlay, from, to plainState) {
	t.Helper()
	for _, k := range slices.Sorted(maps.Keys(from)) {
		if _, ok := to[k]; !ok {
			noError(t, o.clear(nil, []byte(k)))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(to)) {
		noError(t, o.put(nil, []byte(k), []byte(to[k])))
	}
}

// checkView compares a view with a plain state, key by key and in order.
func checkView(t testing.TB, v *View, want plainState) {
	t.Helper()
	got := plainState{}
	var last []byte
	noError(t, v.Pairs(func(p Pair) error {
		if p.ID == nil && p.Key == nil {
			p.Key = []byte{}
		}
		k := p.treeKey()
		if last != nil && bytes.Compare(last, k) >= 0 {
			t.Fatalf("height %d: key %x comes after %x", v.Height(), k, last)
		}
		last = k
		got[string(k)] = string(p.Value)
		return nil
	}))
	if !maps.Equal(got, want) {
		t.Fatalf("height %d: state has %d keys, want %d; or values differ", v.Height(), len(got), len(want))
	}
	for k, value := range want {
		got, found, err := v.v.get([]byte(k))
		if err != nil || !found || string(got) != value {
			t.Fatalf("height %d: key %x is %.20x, %v, %v, want %.20x", v.Height(), k, got, found, err, value)
		}
	}
}
