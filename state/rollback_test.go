package state

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/sepia-chain/sepia/internal/primitives"
)

func TestRollback_ThenAnotherBranch(t *testing.T) {
	fs := vfs.NewMem()
	rng := rand.New(rand.NewPCG(51, 51))
	states := chainStates(rng, 25, 10)
	s, err := Open(testOptions(fs))
	noError(t, err)
	noError(t, must(s.CommitGenesis(genesis(t, states[0])))(t).Release())
	commitStates(t, s, states)
	noError(t, s.Close())
	for _, to := range []uint32{25, 24, 17, 3, 0} {
		noError(t, Rollback(testOptions(fs), to))
		s, err := Open(testOptions(fs)) // checks the number of keys and the root
		noError(t, err)
		v := must(s.View())(t)
		checkView(t, v, states[to])
		if v.Height() != to {
			t.Fatalf("rolled back to %d, store is at %d", to, v.Height())
		}
		noError(t, v.Release())
		noError(t, s.Verify())
		if _, found, err := s.HashToHeight(blockHash(to + 1)); to < 25 && (found || err != nil) {
			t.Errorf("block %d is still indexed: %v", to+1, err)
		}
		if err := second(s.Block(to + 1)); !errors.Is(err, ErrUnknownHeight) {
			t.Errorf("block %d: %v, want ErrUnknownHeight", to+1, err)
		}
		noError(t, s.Close())
	}
	other := append(states[:1:1], chainStates(rng, 10, 10)[1:]...)
	s = openStore(t, fs)
	commitStates(t, s, other)
	checkView(t, latestView(t, s), other[10])
	noError(t, s.Verify())
}

func TestRollback_Refuses(t *testing.T) {
	fs := vfs.NewMem()
	if err := Rollback(testOptions(fs), 0); !errors.Is(err, ErrNoGenesis) {
		t.Errorf("empty store: %v, want ErrNoGenesis", err)
	}
	s, err := Open(testOptions(fs))
	noError(t, err)
	noError(t, must(s.CommitGenesis(genesis(t, plainState{}.top("a", "1"))))(t).Release())
	o := must(s.NewOverlay(latestView(t, s)))(t)
	noError(t, o.Set([]byte("b"), []byte("2")))
	commit(t, s, o, block(1, []byte("xt")))
	noError(t, s.Close())
	if err := Rollback(testOptions(fs), 2); !errors.Is(err, ErrUnknownHeight) {
		t.Errorf("height above the latest: %v, want ErrUnknownHeight", err)
	}
	noError(t, Rollback(testOptions(fs), 0))
	s = openStore(t, fs)
	if _, _, found, err := s.ExtrinsicIndex(primitives.Blake2_256([]byte("xt"))); found || err != nil {
		t.Errorf("extrinsic of the block taken back is still indexed: %v", err)
	}
}
