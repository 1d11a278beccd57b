package hosttest_test

import (
	"errors"
	"testing"

	"github.com/sepia-chain/sepia/runtime/host"
	"github.com/sepia-chain/sepia/runtime/host/hosttest"
)

// The counts of Substrate: pending keys go uncounted and beyond the limit; committed keys are looked at in order, each
// counted as visited, and counted as removed unless a pending change had removed it.
func TestStorage_RemovalCounts(t *testing.T) {
	limit := func(n uint32) *uint32 { return &n }
	for _, c := range []struct {
		name  string
		limit *uint32
		want  host.Removal
		left  []string
	}{
		{"no limit", nil, host.Removal{Backend: 2, Unique: 4, Loops: 3, AllRemoved: true}, nil},
		{"limit 0", limit(0), host.Removal{Unique: 2}, []string{"a1", "a3"}},
		{"limit 2", limit(2), host.Removal{Backend: 1, Unique: 3, Loops: 2}, []string{"a3"}},
		{"limit 3", limit(3), host.Removal{Backend: 2, Unique: 4, Loops: 3, AllRemoved: true}, nil},
	} {
		s := hosttest.New(map[string][]byte{"a1": {1}, "a2": {1}, "a3": {1}, "b": {1}})
		must(t, s.Clear([]byte("a2")))
		must(t, s.Set([]byte("a4"), []byte{1}))
		must(t, s.Set([]byte("a5"), []byte{1}))
		got, err := s.ClearPrefix([]byte("a"), c.limit)
		got.NextPending = nil
		if err != nil || got.Backend != c.want.Backend || got.Unique != c.want.Unique || got.Loops != c.want.Loops || got.AllRemoved != c.want.AllRemoved {
			t.Errorf("%s: %+v, %v, want %+v", c.name, got, err, c.want)
		}
		pairs := s.Pairs()
		if len(pairs) != len(c.left)+1 {
			t.Errorf("%s: %v left, want %v and b", c.name, pairs, c.left)
		}
		for _, key := range c.left {
			if _, found := pairs[key]; !found {
				t.Errorf("%s: %s is gone", c.name, key)
			}
		}
	}
}

func TestStorage_TransactionsNest(t *testing.T) {
	s := hosttest.New(map[string][]byte{"k": []byte("old")})
	child := []byte("child")
	must(t, s.Set([]byte("k"), []byte("one")))
	s.StartTransaction()
	must(t, s.Child(child).Set([]byte("c"), []byte("1")))
	s.StartTransaction()
	must(t, s.Set([]byte("k"), []byte("two")))
	must(t, s.Append([]byte("list"), []byte{7}))
	must(t, s.Child(child).Clear([]byte("c")))
	must(t, s.RollbackTransaction())
	value, _, _ := s.Get([]byte("k"))
	_, found, _ := s.Child(child).Get([]byte("c"))
	if string(value) != "one" || !found || s.TransactionDepth() != 1 {
		t.Errorf("after rolling back: k = %s, child's key %v, depth %d", value, found, s.TransactionDepth())
	}
	if err := s.Commit(); !errors.Is(err, host.ErrNoTransaction) {
		t.Errorf("commit with an open transaction: %v", err)
	}
	must(t, s.CommitTransaction())
	must(t, s.Commit())
	if next, found, _ := s.Child(child).NextKey(nil); !found || string(next) != "c" {
		t.Errorf("after committing: the child's first key is %q", next)
	}
	for _, err := range []error{s.CommitTransaction(), s.RollbackTransaction()} {
		if !errors.Is(err, host.ErrNoTransaction) {
			t.Errorf("error %v", err)
		}
	}
}

// What is no list becomes the list of the appended item.
func TestStorage_AppendReplacesWhatIsNoList(t *testing.T) {
	s := hosttest.New(map[string][]byte{"k": {0xff, 0xff}})
	must(t, s.Append([]byte("k"), []byte{9}))
	must(t, s.Append([]byte("k"), []byte{8}))
	if value, _, _ := s.Get([]byte("k")); string(value) != "\x08\x09\x08" {
		t.Errorf("value %x", value)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
