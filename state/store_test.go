package state

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestStore_CommitReopenHistory(t *testing.T) {
	fs := vfs.NewMem()
	s, err := Open(testOptions(fs))
	noError(t, err)
	m := plainState{}.top("a", "1").top("", "empty key").top(":code", string(make([]byte, 3000))).child("c", "x", "")
	noError(t, must(s.CommitGenesis(genesis(t, m)))(t).Release())
	states := []plainState{m}
	for h := uint32(1); h <= 5; h++ {
		next := states[h-1].clone().top("h", string(rune('0'+h))).child("c", string(rune('a'+h)), "child")
		if h == 3 {
			delete(next, string(TreeKey([]byte("a"))))
		}
		o := newOverlay(t, s)
		apply(t, o, states[h-1], next)
		if root := must(o.Root())(t); root != next.root(t) {
			t.Fatalf("height %d: root %s, want %s", h, root, next.root(t))
		}
		commit(t, s, o, block(h, []byte{byte(h)}))
		states = append(states, next)
	}
	check := func() {
		for h := range states {
			v := must(s.ViewAt(uint32(h)))(t)
			checkView(t, v, states[h])
			noError(t, v.Release())
		}
		noError(t, s.Verify())
	}
	check()
	noError(t, s.Close())
	s, err = Open(testOptions(fs))
	noError(t, err)
	check()
	noError(t, s.Close())
}
