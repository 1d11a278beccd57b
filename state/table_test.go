package state

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestTable_EqualsMap asks for keys of all sizes, through several times of growth. An entry stays where it was made, and its
// key is a copy.
func TestTable_EqualsMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	c, want := newTable(), map[string]*entry{}
	scratch := make([]byte, 0, 2*mostKeyBytes)
	for n := range 20_000 {
		size := rng.IntN(4)
		if n%1_000 == 0 {
			size = rng.IntN(cap(scratch)) // longer than what keys are copied to
		}
		scratch = scratch[:size]
		for i := range scratch {
			scratch[i] = byte(rng.IntN(12))
		}
		key := string(scratch)
		if found, _, _ := c.find(scratch); found != want[key] {
			t.Fatalf("find of %x is %p, want %p", key, found, want[key])
		}
		e := c.entry(scratch)
		if was := want[key]; was != nil && e != was {
			t.Fatalf("the entry of %x moved from %p to %p", key, was, e)
		}
		want[key] = e
	}
	if c.count != len(want) {
		t.Errorf("the table counts %d entries, want %d", c.count, len(want))
	}
	for key, e := range want {
		if found, _, _ := c.find([]byte(key)); found != e || !bytes.Equal(e.key, []byte(key)) {
			t.Errorf("find of %x is %p, want %p with a copy of that key", key, found, e)
		}
	}
}

// TestOverlay_OrderSeesWhatWaits asks for order, writes, rolls some of it back, writes again, and asks again.
func TestOverlay_OrderSeesWhatWaits(t *testing.T) {
	c := newChangeset()
	keys := func() (found []string) {
		for _, e := range c.under(nil) {
			found = append(found, string(e.key))
		}
		return found
	}
	put := func(key string) { c.set(c.entry([]byte(key)), []byte{1}) }
	steps := []struct {
		name string
		do   func()
		want string
	}{
		{"nothing", func() {}, "[]"},
		{"written after the index was built", func() { put("b"); put("a") }, "[a b]"},
		{"rolled back before anybody asked", func() { c.start(); put("c"); noError(t, c.rollback()) }, "[a b]"},
		{"rolled back after somebody asked", func() { c.start(); put("d"); keys(); noError(t, c.rollback()) }, "[a b]"},
		{"rolled back and written again, twice", func() {
			c.start()
			put("c")
			noError(t, c.rollback())
			put("c")
			put("c")
		}, "[a b c]"},
		{"rolled back after somebody asked, and written again", func() {
			c.start()
			put("d")
			keys()
			noError(t, c.rollback())
			put("d")
		}, "[a b c d]"},
	}
	for _, step := range steps {
		step.do()
		if got := keys(); fmt.Sprint(got) != step.want {
			t.Errorf("%s: %v, want %s", step.name, got, step.want)
		}
	}
	if len(c.waiting) != 0 {
		t.Errorf("%d entries wait after order was asked for", len(c.waiting))
	}
}
