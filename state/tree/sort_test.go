package tree

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSortByPath compares with sorting the changes themselves. Few different bytes make paths that share their beginning,
// and some that are equal.
func TestSortByPath(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		changes := make([]Change, rng.IntN(70))
		for i := range changes {
			changes[i].Index = i
			for _, at := range []int{0, 7, 8, 31} {
				changes[i].Path[at] = byte(rng.IntN(4))
			}
		}
		want := slices.Clone(changes)
		slices.SortFunc(want, func(a, b Change) int { return bytes.Compare(a.Path[:], b.Path[:]) })
		before := slices.Clone(changes)
		sortByPath(changes)
		for i := range changes {
			if changes[i].Path != want[i].Path || changes[i] != before[changes[i].Index] {
				t.Fatalf("of %d changes, number %d is %+v, want path %x", len(changes), i, changes[i], want[i].Path)
			}
		}
		slices.SortFunc(changes, func(a, b Change) int { return a.Index - b.Index })
		if !slices.Equal(changes, before) {
			t.Fatalf("%d changes are not those that were given", len(before))
		}
	}
}
