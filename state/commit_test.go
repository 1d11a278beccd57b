package state

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/state/kv"
)

// batchKeys is the keys that a commit of the overlay would write, as its batch has them.
func batchKeys(t testing.TB, s *Store, o *Overlay, b Block) (keys [][]byte) {
	t.Helper()
	must(o.Root())(t)
	batch := must(s.db.NewBatch(0))(t)
	defer func() { noError(t, batch.Close()) }()
	w := writer{batch: batch}
	w.state(o)
	w.block(BlockInfo{Height: b.Height, Root: o.root}, b, o.tree.Leaves())
	noError(t, w.err)
	reader := batch.Reader()
	for {
		kind, key, _, ok, err := reader.Next()
		noError(t, err)
		if !ok {
			return keys
		}
		if kind != pebble.InternalKeyKindSet && kind != pebble.InternalKeyKindDelete {
			t.Fatalf("batch holds a write of kind %d", kind)
		}
		keys = append(keys, bytes.Clone(key))
	}
}

func count(keys [][]byte, kinds string) (n int) {
	for _, k := range keys {
		if bytes.IndexByte([]byte(kinds), k[0]) >= 0 {
			n++
		}
	}
	return n
}

func TestRule7_TransientKeysNeverReachTheBatch(t *testing.T) {
	m := plainState{}.top("Account1", "old").top("Account2", "same").top("Gone", "x")
	s := storeWith(t, m)
	o := newOverlay(t, s)
	for i := range 100 {
		key := fmt.Appendf(nil, "ExtrinsicData%d", i)
		noError(t, o.Set(key, []byte("bytes")))
		noError(t, o.Set([]byte(":extrinsic_index"), key))
		o.StartTransaction()
		noError(t, o.Set([]byte("rolled back"), key))
		noError(t, o.RollbackTransaction())
		noError(t, o.Clear(key))
	}
	noError(t, o.Clear([]byte(":extrinsic_index")))
	noError(t, o.Set([]byte("Account1"), []byte("new")))
	noError(t, o.Set([]byte("Account2"), []byte("same")))
	noError(t, o.Clear([]byte("Gone")))
	noError(t, o.Clear([]byte("never was")))
	keys := batchKeys(t, s, o, block(1))
	want := [][]byte{
		stateKey(TreeKey([]byte("Account1"))), appendHistoryKey(nil, TreeKey([]byte("Account1")), 1),
		stateKey(TreeKey([]byte("Gone"))), appendHistoryKey(nil, TreeKey([]byte("Gone")), 1),
	}
	for _, k := range want {
		if !slices.ContainsFunc(keys, func(have []byte) bool { return bytes.Equal(have, k) }) {
			t.Errorf("batch lacks %q", k)
		}
	}
	if n := count(keys, "SV"); n != len(want) {
		t.Errorf("batch has %d keys of state and history, want %d: %q", n, len(want), keys)
	}
	if n := count(keys, "KB"); n != 1 {
		t.Errorf("batch has %d preimages and long values, want the one of the deleted key", n)
	}
}

// An idle block of a FRAME chain changes its number, parent hash and time, adds one block hash, and rewrites or removes the
// rest: 4 keys on the dev chain. The block itself takes four keys more, and one for each extrinsic.
func TestRule7_IdleBlockHasAtMostTwelveStateKeys(t *testing.T) {
	m := plainState{}.top("System.Number", "1").top("System.ParentHash", "p").top("Timestamp.Now", "t").
		top("System.Digest", "d").top("System.Events", "\x04e").top("System.EventCount", "0").top("System.BlockWeight", "w")
	s := storeWith(t, m)
	o := newOverlay(t, s)
	for _, key := range []string{"System.Number", "System.ParentHash", "Timestamp.Now", "System.Digest"} {
		noError(t, o.Set([]byte(key), []byte("changed")))
	}
	noError(t, o.Clear([]byte("System.Events")))
	noError(t, o.Append([]byte("System.Events"), []byte("e")))
	noError(t, o.Set([]byte("System.EventCount"), []byte("0")))
	noError(t, o.Set([]byte("System.BlockHash(1)"), []byte("h")))
	for _, transient := range []string{"Timestamp.DidUpdate", "ExecutionPhase", "ExtrinsicCount", ":intrablock_entropy"} {
		noError(t, o.Set([]byte(transient), []byte("x")))
		noError(t, o.Clear([]byte(transient)))
	}
	keys := batchKeys(t, s, o, block(1))
	if n := count(keys, "SVKLB"); n > 12 {
		t.Errorf("idle block writes %d keys of the state, its history and its lists, want at most 12", n)
	}
	if n := count(keys, "MHTI"); n != 4 || len(keys) > 12+4 {
		t.Errorf("idle block writes %d keys beside the state, of %d in all", n, len(keys))
	}
}

func TestCommit_RefusesWhatDoesNotFollow(t *testing.T) {
	s := storeWith(t, plainState{}.top("a", "1"))
	open := newOverlay(t, s)
	open.StartTransaction()
	if _, err := s.Commit(open, block(1)); !errors.Is(err, ErrOpenTransaction) {
		t.Errorf("open transaction: %v, want ErrOpenTransaction", err)
	}
	noError(t, open.CommitTransaction())
	if _, err := s.Commit(open, block(2)); !errors.Is(err, ErrNotNext) {
		t.Errorf("height 2 after 0: %v, want ErrNotNext", err)
	}
	sibling := newOverlay(t, s)
	commit(t, s, open, block(1))
	if _, err := s.Commit(sibling, block(2)); !errors.Is(err, ErrNotNext) {
		t.Errorf("overlay over height 0 as block 2: %v, want ErrNotNext", err)
	}
	if _, err := s.Commit(open, block(2)); !errors.Is(err, ErrClosed) {
		t.Errorf("overlay committed before: %v, want ErrClosed", err)
	}
	last := newOverlay(t, s)
	noError(t, last.Clear([]byte("a")))
	if _, err := s.Commit(last, block(2)); !errors.Is(err, ErrNoLeaves) {
		t.Errorf("block that empties the state: %v, want ErrNoLeaves", err)
	}
	if v := latestView(t, s); v.Height() != 1 {
		t.Errorf("height %d after refusals, want 1", v.Height())
	}
}

func TestRule3_SiblingOverlaysThreeDroppedOneCommitted(t *testing.T) {
	m := plainState{}
	for i := range 300 {
		m.top(fmt.Sprint(i), "genesis")
	}
	s := storeWith(t, m)
	for h := uint32(1); h <= 12; h++ {
		var next []plainState
		var overlays []*Overlay
		for sibling := range 4 {
			after := m.clone().top(fmt.Sprint("new", h, sibling), "x").top(fmt.Sprint(h), fmt.Sprint(sibling))
			delete(after, string(TreeKey(fmt.Append(nil, 200+int(h)*4+sibling))))
			o := newOverlay(t, s)
			apply(t, o, m, after)
			if root := must(o.Root())(t); root != after.root(t) {
				t.Fatalf("height %d: sibling %d has root %s, want %s", h, sibling, root, after.root(t))
			}
			next, overlays = append(next, after), append(overlays, o)
		}
		chosen := int(h) % 4
		for sibling, o := range overlays {
			if sibling != chosen {
				noError(t, o.Drop())
			}
		}
		commit(t, s, overlays[chosen], block(h))
		m = next[chosen]
		checkView(t, latestView(t, s), m)
	}
	noError(t, s.Verify())
}

func TestCommit_BlockRecordsAndIndexes(t *testing.T) {
	s := storeWith(t, plainState{}.top("a", "1").top(":code", "old"))
	old := latestView(t, s)
	o := newOverlay(t, s)
	noError(t, o.Set([]byte(":code"), []byte("new")))
	b := block(1, []byte("one"), []byte("two"))
	b.HostVersion = 7
	b.Extra = []KV{{[]byte("k"), []byte("v")}, {[]byte("gone"), nil}}
	v := must(s.Commit(o, b))(t)
	defer func() { noError(t, v.Release()) }()
	if v.CodeHash() == old.CodeHash() || v.CodeHash() != sha256.Sum256([]byte("new")) || v.HostVersion() != 7 {
		t.Errorf("code hash %s, host version %d", v.CodeHash(), v.HostVersion())
	}
	if string(v.Header()) != "header 1" || v.BlockHash() != blockHash(1) || v.Height() != 1 {
		t.Errorf("view of %q %s %d", v.Header(), v.BlockHash(), v.Height())
	}
	body := must(s.Body(1))(t)
	if len(body) != 2 || string(body[0]) != "one" || string(body[1]) != "two" {
		t.Errorf("body %q", body)
	}
	if h, found, err := s.HashToHeight(blockHash(1)); h != 1 || !found || err != nil {
		t.Errorf("HashToHeight = %d, %v, %v", h, found, err)
	}
	if _, found, err := s.HashToHeight(primitives.Hash{9}); found || err != nil {
		t.Errorf("HashToHeight of no block: %v, %v", found, err)
	}
	h, i, found, err := s.ExtrinsicIndex(primitives.Blake2_256([]byte("two")))
	if h != 1 || i != 1 || !found || err != nil {
		t.Errorf("ExtrinsicIndex = %d, %d, %v, %v", h, i, found, err)
	}
	if value, found, err := s.Extra([]byte("k")); string(value) != "v" || !found || err != nil {
		t.Errorf("Extra = %q, %v, %v", value, found, err)
	}
	if keys := must(s.ChangedKeys(1))(t); len(keys) != 1 || string(keys[0]) != ":code" {
		t.Errorf("changed keys %q, want :code", keys)
	}
	for name, err := range map[string]error{
		"block": second(s.Block(2)), "body": second(s.Body(2)), "changes": second(s.ChangedKeys(2)), "view": second(s.ViewAt(2)),
	} {
		if !errors.Is(err, ErrUnknownHeight) {
			t.Errorf("%s of a height not there: %v, want ErrUnknownHeight", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestGenesis_IsIdempotentAndReplacesUntilABlock(t *testing.T) {
	fs := vfs.NewMem()
	s := openStore(t, fs)
	if _, err := s.View(); !errors.Is(err, ErrNoGenesis) {
		t.Fatalf("view of an empty store: %v, want ErrNoGenesis", err)
	}
	first, second := plainState{}.top("a", "1").top("b", "2").child("c", "k", "v"), plainState{}.top("a", "other")
	comet := s.CometDB("blockstore")
	noError(t, comet.SetSync([]byte("k"), []byte("comet's")))
	for _, m := range []plainState{first, first, second, second, first} {
		g := genesis(t, m)
		g.Hash = m.root(t)
		v := must(s.CommitGenesis(g))(t)
		checkView(t, v, m)
		if v.Height() != 0 || v.Root() != m.root(t) {
			t.Fatalf("genesis at height %d with root %s", v.Height(), v.Root())
		}
		noError(t, v.Release())
		noError(t, s.Verify())
	}
	if value := must(comet.Get([]byte("k")))(t); string(value) != "comet's" {
		t.Errorf("genesis removed CometBFT's data: %q", value)
	}
	o := newOverlay(t, s)
	noError(t, o.Set([]byte("a"), []byte("3")))
	commit(t, s, o, block(1))
	if _, err := s.CommitGenesis(genesis(t, second)); !errors.Is(err, ErrNotNext) {
		t.Errorf("genesis after block 1: %v, want ErrNotNext", err)
	}
	if _, err := s.CommitGenesis(Genesis{}); !errors.Is(err, ErrNoLeaves) {
		t.Errorf("genesis without keys: %v, want ErrNoLeaves", err)
	}
}

// TestRule6_OnlyThePrefixesOfTheStateAreReplaced compares the prefixes that genesis clears with all that are used.
func TestRule6_OnlyThePrefixesOfTheStateAreReplaced(t *testing.T) {
	s := storeWith(t, plainState{}.top("a", "1").top("big", string(make([]byte, 2000))))
	o := newOverlay(t, s)
	noError(t, o.Set([]byte("a"), []byte("2")))
	b := block(1, []byte("xt"))
	b.Extra = []KV{{[]byte("k"), []byte("v")}}
	commit(t, s, o, b)
	noError(t, s.CometDB("state").Set([]byte("k"), []byte("v")))
	cursor := must(s.db.Cursor(nil, nil))(t)
	defer func() { noError(t, cursor.Close()) }()
	var used []byte
	for ok := cursor.First(); ok; ok = cursor.Next() {
		if k := cursor.Key()[0]; !bytes.Contains(used, []byte{k}) {
			used = append(used, k)
		}
	}
	slices.Sort(used)
	want := []byte(ownKeys + "C")
	slices.Sort(want)
	if !bytes.Equal(used, want) {
		t.Errorf("prefixes in use %q, cleared at genesis and CometBFT's %q", used, want)
	}
}

func TestClose_EverythingIsAnErrorAfterwards(t *testing.T) {
	s := storeWith(t, plainState{}.top("a", "1"))
	v := must(s.View())(t)
	past := must(s.ViewAt(0))(t)
	o := must(s.NewOverlay(v))(t)
	must(o.Root())(t)
	if _, _, err := o.NextKey(nil); err != nil {
		t.Fatal(err)
	}
	comet := s.CometDB("blockstore")
	noError(t, comet.Set([]byte("k"), []byte("v")))
	it := must(comet.Iterator(nil, nil))(t)
	noError(t, s.Close())
	noError(t, s.Close())
	_, _, nextErr := o.NextKey(nil)
	_, _, getErr := v.Get([]byte("unread"))
	_, _, overlayErr := o.Get([]byte("unread too"))
	for name, err := range map[string]error{
		"View": second(s.View()), "ViewAt": second(s.ViewAt(0)), "Body": second(s.Body(0)), "Get": getErr, "NextKey": nextErr,
		"overlay Get": overlayErr, "KeysPaged": second(v.KeysPaged(nil, 1, nil)), "Proof": second(v.Proof([]byte("a"))),
		"Commit": second(s.Commit(o, block(1))), "Metrics": second(s.Metrics()),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s after Close: %v, want ErrClosed", name, err)
		}
	}
	if _, err := comet.Get([]byte("k")); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("CometBFT's Get after Close: %v, want kv.ErrClosed and never absent", err)
	}
	it.Next()
	if it.Valid() || !errors.Is(it.Error(), kv.ErrClosed) {
		t.Errorf("iterator after Close: valid %v, %v, want kv.ErrClosed", it.Valid(), it.Error())
	}
	noError(t, it.Close())
	noError(t, o.Drop())
	noError(t, v.Release())
	noError(t, past.Release())
}

func TestOpen_SecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Options{Path: dir, MemTableBytes: testMemTableBytes, CacheBytes: testCacheBytes})
	noError(t, err)
	if _, err := Open(Options{Path: dir, MemTableBytes: testMemTableBytes, CacheBytes: testCacheBytes}); err == nil {
		t.Error("a second store opened on the same directory")
	}
	noError(t, s.Close())
}

// TestCommit_WritesEachKindInOrder: Pebble finds the place of a key faster near that of the one before. The batch is not
// part of any rule, so only time would tell if it were lost.
func TestCommit_WritesEachKindInOrder(t *testing.T) {
	s := storeWith(t, plainState{}.top("a", "1"))
	o := newOverlay(t, s)
	var body [][]byte
	for i := range 100 {
		noError(t, o.Set(fmt.Append(nil, i*7919%100), []byte("x")))
		body = append(body, fmt.Append(nil, i))
	}
	keys := batchKeys(t, s, o, block(1, body...))
	for _, kind := range "SVX" {
		var of [][]byte
		for _, key := range keys {
			if key[0] == byte(kind) {
				of = append(of, key)
			}
		}
		if len(of) != 100 || !slices.IsSortedFunc(of, bytes.Compare) {
			t.Errorf("%d keys of kind %c, sorted %v, want 100, sorted", len(of), kind, slices.IsSortedFunc(of, bytes.Compare))
		}
	}
}

func TestCommit_OfEqualExtrinsicsTheLastCounts(t *testing.T) {
	s := storeWith(t, plainState{}.top("a", "1"))
	commit(t, s, newOverlay(t, s), block(1, []byte("one"), []byte("two"), []byte("one"), []byte("one"), []byte("three")))
	h, i, found, err := s.ExtrinsicIndex(primitives.Blake2_256([]byte("one")))
	if h != 1 || i != 3 || !found || err != nil {
		t.Errorf("ExtrinsicIndex = %d, %d, %v, %v, want block 1, index 3", h, i, found, err)
	}
}
