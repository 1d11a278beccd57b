package state

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	ics23 "github.com/cosmos/ics23/go"

	"github.com/sepia-chain/sepia/internal/primitives"
)

// chainStates is a chain of random states: keys are inserted, changed, killed and inserted again.
func chainStates(rng *rand.Rand, heights, keys int) []plainState {
	states := []plainState{plainState{}.top("stays", "here")}
	for h := 1; h <= heights; h++ {
		m := states[h-1].clone()
		for range 12 {
			domain := string(opDomains[rng.IntN(3)])
			key := domain + fmt.Sprintf("p%d\x00k%d", rng.IntN(3), rng.IntN(keys))
			if rng.IntN(3) == 0 {
				delete(m, key)
				continue
			}
			m[key] = strings.Repeat("v", rng.IntN(3)*rng.IntN(600)) + fmt.Sprint(rng.IntN(4))
		}
		states = append(states, m)
	}
	return states
}

func commitStates(t testing.TB, s *Store, states []plainState) {
	t.Helper()
	for h := 1; h < len(states); h++ {
		o := newOverlay(t, s)
		apply(t, o, states[h-1], states[h])
		commit(t, s, o, block(uint32(h)))
	}
}

func (m plainState) keysPaged(domain, prefix string, count int, start *string) []string {
	var keys []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if !strings.HasPrefix(k, domain+prefix) || start != nil && k[len(domain):] <= *start || len(keys) == count {
			continue
		}
		keys = append(keys, k[len(domain):])
	}
	return keys
}

func TestRule2_HistoryAnswersAtEveryHeight(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 11))
	states := chainStates(rng, 40, 12)
	s := storeWith(t, states[0])
	commitStates(t, s, states)
	for h, want := range states {
		v := must(s.ViewAt(uint32(h)))(t)
		checkView(t, v, want)
		if v.Root() != want.root(t) {
			t.Errorf("height %d: root %s, want %s", h, v.Root(), want.root(t))
		}
		checkPaging(t, rng, v, want)
		noError(t, v.Release())
	}
	noError(t, s.Verify())
	checkChangedKeys(t, s, states)
}

func checkPaging(t *testing.T, rng *rand.Rand, v *View, want plainState) {
	t.Helper()
	for range 20 {
		prefix, n := []string{"", "p", "p1", "p1\x00", "p2\x00k", "x"}[rng.IntN(6)], 1+rng.IntN(5)
		var start *string
		if rng.IntN(3) > 0 {
			k := []string{"", "p1", "p1\x00k3", "p2", "q", "a"}[rng.IntN(6)]
			start = &k
		}
		for _, child := range []string{"", "c"} {
			domain, list := string(topDomain()), v.KeysPaged
			if child != "" {
				domain = string(childDomain([]byte(child)))
				list = func(prefix []byte, n int, start []byte) ([][]byte, error) {
					return v.ChildKeysPaged([]byte(child), prefix, n, start)
				}
			}
			var from []byte
			if start != nil {
				from = []byte(*start)
			}
			got := must(list([]byte(prefix), n, from))(t)
			expect := want.keysPaged(domain, prefix, n, start)
			if !slices.EqualFunc(got, expect, func(a []byte, b string) bool { return string(a) == b }) {
				t.Fatalf("height %d: keys %q after %v: %q, want %q", v.Height(), prefix, start, got, expect)
			}
		}
	}
}

func checkChangedKeys(t *testing.T, s *Store, states []plainState) {
	t.Helper()
	for h := 1; h < len(states); h++ {
		want := map[string]bool{}
		for _, m := range []plainState{states[h-1], states[h]} {
			for k := range m {
				before, was := states[h-1][k]
				after, is := states[h][k]
				if k[0] == domainTop && (was != is || before != after) {
					want[k[1:]] = true
				}
			}
		}
		got := map[string]bool{}
		for _, k := range must(s.ChangedKeys(uint32(h)))(t) {
			got[string(k)] = true
		}
		if !maps.Equal(got, want) {
			t.Fatalf("height %d: changed keys %v, want %v", h, got, want)
		}
	}
}

func TestView_ChangeListNamesTheVersionBefore(t *testing.T) {
	states := chainStates(rand.New(rand.NewPCG(12, 12)), 30, 8)
	s := storeWith(t, states[0])
	commitStates(t, s, states)
	written := map[string]uint32{}
	for k := range states[0] {
		written[k] = 0
	}
	for h := 1; h < len(states); h++ {
		for _, c := range must(s.changes(uint32(h)))(t) {
			_, existed := states[h-1][string(c.treeKey)]
			if existed != c.existed || existed && written[string(c.treeKey)] != c.before {
				t.Fatalf("height %d: key %q was %v at %d, want %v at %d", h, c.treeKey, c.existed, c.before, existed,
					written[string(c.treeKey)])
			}
			written[string(c.treeKey)] = uint32(h)
		}
	}
}

func TestProof_PresenceAndAbsenceOfStateKeys(t *testing.T) {
	m := plainState{}.top("", "the empty key").top("empty value", "").top("big", strings.Repeat("B", 5000)).child("a", "bc", "1").
		child("ab", "c", "2").child("", "", "3")
	for i := range 1000 {
		m.top(fmt.Sprint("key", i), fmt.Sprint("value", i))
	}
	s := storeWith(t, m)
	v := latestView(t, s)
	root := v.Root()
	for k, value := range m {
		p := must(v.proof([]byte(k)))(t)
		form := StoredForm([]byte(value))
		if !p.Exists || string(p.StoredForm) != string(form) || p.Root != root {
			t.Fatalf("proof of %q: exists %v, form %x", k, p.Exists, p.StoredForm)
		}
		if !ics23.VerifyMembership(ics23.SmtSpec, root[:], p.ICS23, p.TreeKey, p.StoredForm) {
			t.Fatalf("proof of %q does not verify", k)
		}
		step := p.ICS23.GetExist().Path[0]
		half := step.Suffix
		if len(half) == 0 {
			half = step.Prefix[1:]
		}
		half[len(value)%32] ^= 1
		if ics23.VerifyMembership(ics23.SmtSpec, root[:], p.ICS23, p.TreeKey, p.StoredForm) {
			t.Fatalf("proof of %q verifies with one bit flipped", k)
		}
	}
	for i := range 1000 {
		p := must(v.Proof(fmt.Append(nil, "absent", i)))(t)
		if p.Exists || !ics23.VerifyNonMembership(ics23.SmtSpec, root[:], p.ICS23, p.TreeKey) {
			t.Fatalf("proof of absence %d: exists %v, or does not verify", i, p.Exists)
		}
		if size := p.ICS23.Size(); size > 6000 {
			t.Fatalf("proof of absence takes %d bytes: a neighbour's long value is in it", size)
		}
	}
	if p := must(v.ProofChild([]byte("a"), []byte("b")))(t); p.Exists {
		t.Error("key of another child proven present")
	}
}

func TestRule12_PastHeightsHaveNeitherProofsNorRoots(t *testing.T) {
	s := storeWith(t, plainState{}.top("a", "1"))
	held := latestView(t, s)
	o := newOverlay(t, s)
	noError(t, o.Set([]byte("a"), []byte("2")))
	commit(t, s, o, block(1))
	past := must(s.ViewAt(0))(t)
	defer func() { noError(t, past.Release()) }()
	if _, err := past.Proof([]byte("a")); !errors.Is(err, ErrRootUnavailable) {
		t.Errorf("proof at a past height: %v, want ErrRootUnavailable", err)
	}
	call := must(s.NewOverlay(past))(t)
	if _, err := call.Root(); !errors.Is(err, ErrRootUnavailable) {
		t.Errorf("root at a past height: %v, want ErrRootUnavailable", err)
	}
	noError(t, call.Drop())
	p := must(held.Proof([]byte("a")))(t)
	root := held.Root()
	if !ics23.VerifyMembership(ics23.SmtSpec, root[:], p.ICS23, p.TreeKey, p.StoredForm) || string(p.StoredForm) != "\x011" {
		t.Error("a view taken when it was the latest no longer proves its own state")
	}
}

// TestRule8_ReadersHoldOneViewDuringCommits is for the race detector too: whatever is committed meanwhile, a view and an
// overlay over it keep showing their own height, through the cache and past it.
func TestRule8_ReadersHoldOneViewDuringCommits(t *testing.T) {
	const keys = 40
	at := func(h uint32) plainState {
		m := plainState{}
		for i := range uint32(keys) {
			m.top(fmt.Sprint("k", i), fmt.Sprint(max(1, h)-max(1, h)%(i%5+1)))
		}
		return m
	}
	s := storeWith(t, at(0))
	var stop atomic.Bool
	var readers sync.WaitGroup
	for r := range 3 {
		readers.Go(func() {
			rng := rand.New(rand.NewPCG(13, uint64(r)))
			for !stop.Load() {
				v, err := s.View()
				if err != nil {
					t.Error(err)
					return
				}
				want := at(v.Height())
				for range 30 {
					i := rng.IntN(keys)
					k := fmt.Sprint("k", i)
					got, _, err := v.Get([]byte(k))
					if err != nil || string(got) != want[string(TreeKey([]byte(k)))] {
						t.Errorf("height %d: %s is %q, %v, want %q", v.Height(), k, got, err, want[string(TreeKey([]byte(k)))])
						return
					}
				}
				p, err := v.Proof([]byte("k1"))
				root := v.Root()
				if err != nil || !ics23.VerifyMembership(ics23.SmtSpec, root[:], p.ICS23, p.TreeKey, p.StoredForm) {
					t.Errorf("height %d: proof does not verify: %v", v.Height(), err)
					return
				}
				if err := v.Release(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for h := uint32(1); h <= 120; h++ {
		o := newOverlay(t, s)
		apply(t, o, at(h-1), at(h))
		commit(t, s, o, block(h))
	}
	stop.Store(true)
	readers.Wait()
}

// TestRule8_NothingOfABlockIsSeenBeforeItIsPublished puts into the database what a commit that is not on disk yet shows.
func TestRule8_NothingOfABlockIsSeenBeforeItIsPublished(t *testing.T) {
	s := storeWith(t, plainState{}.top("a", "1"))
	o := newOverlay(t, s)
	noError(t, o.Set([]byte("a"), []byte("2")))
	batch := must(s.db.NewBatch(0))(t)
	w := writer{batch: batch}
	root := must(o.Root())(t)
	b := block(1, []byte("xt"))
	w.state(o)
	w.block(BlockInfo{Height: 1, Hash: b.Hash, Header: b.Header, Root: root}, b, o.tree.Leaves())
	noError(t, w.err)
	noError(t, s.db.Apply(batch, false))
	noError(t, batch.Close())
	for name, err := range map[string]error{"Block": second(s.Block(1)), "Body": second(s.Body(1)), "ViewAt": second(s.ViewAt(1)),
		"ChangedKeys": second(s.ChangedKeys(1))} {
		if !errors.Is(err, ErrUnknownHeight) {
			t.Errorf("%s of a block not published: %v, want ErrUnknownHeight", name, err)
		}
	}
	if _, found, err := s.HashToHeight(b.Hash); found || err != nil {
		t.Errorf("HashToHeight of a block not published: %v, %v", found, err)
	}
	if _, _, found, err := s.ExtrinsicIndex(primitives.Blake2_256([]byte("xt"))); found || err != nil {
		t.Errorf("ExtrinsicIndex of a block not published: %v, %v", found, err)
	}
	if value, _, err := latestView(t, s).Get([]byte("a")); string(value) != "1" || err != nil {
		t.Errorf("latest view shows %q, %v, want 1", value, err)
	}
}

func TestView_ReleasedIsClosed(t *testing.T) {
	s := storeWith(t, plainState{}.top("a", "1"))
	v := must(s.View())(t)
	noError(t, v.Release())
	noError(t, v.Release())
	_, _, err := v.Get([]byte("a"))
	for name, err := range map[string]error{"Get": err, "KeysPaged": second(v.KeysPaged(nil, 1, nil)), "NewOverlay": second(s.NewOverlay(v)),
		"Proof": second(v.Proof(nil)), "Pairs": v.Pairs(nil)} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s of a released view: %v, want ErrClosed", name, err)
		}
	}
	other := latestView(t, s)
	if value, _, err := other.Get([]byte("a")); string(value) != "1" || err != nil {
		t.Errorf("another view after a release: %q, %v", value, err)
	}
}

func TestCache_EvictsAndForgetsLargeValues(t *testing.T) {
	c := newCache(5)
	big := make([]byte, cacheMaxValue)
	for i := range 2 * cacheShards * cacheBytesShard / cacheMaxValue {
		c.fill(5, fmt.Append(nil, i), big, true)
	}
	for i := range c.shards {
		if n := c.shards[i].bytes; n > cacheBytesShard || n < 0 {
			t.Errorf("shard %d holds %d bytes, at most %d allowed", i, n, cacheBytesShard)
		}
	}
	c.written(6, []byte("k"), []byte("six"), true)
	c.written(7, []byte("k"), make([]byte, cacheMaxValue+1), true)
	if _, _, known := c.get(7, []byte("k")); known {
		t.Error("a value too large left the older one in the cache")
	}
	c.written(8, []byte("k"), []byte("eight"), true)
	if _, _, known := c.get(7, []byte("k")); known {
		t.Error("a view of height 7 was shown a value of height 8")
	}
	c.advance(9)
	c.fill(8, []byte("late"), nil, false)
	if _, _, known := c.get(9, []byte("late")); known {
		t.Error("a reader of height 8 entered what it found after 9 was committed")
	}
}
