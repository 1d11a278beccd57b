package replay

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/store"
	"github.com/cometbft/cometbft/types"

	"github.com/sepia-chain/sepia/consensus/comet"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/vm"
	"github.com/sepia-chain/sepia/state"
	"github.com/sepia-chain/sepia/test/attacks/chaintest"
)

// heights is how long the chain gets.
func heights() uint32 {
	if os.Getenv("SEPIA_LONG") != "" {
		return 1_000
	}
	return 200
}

// trail is what a chain did: by height, the hash of the results of its transactions, as CometBFT computes it.
type trail struct {
	mu      sync.Mutex
	results map[int64]string
	codes   map[uint32]int // of transactions, and how often
}

func newTrail() *trail { return &trail{results: map[int64]string{}, codes: map[uint32]int{}} }

// tap records an application's answers.
func (tr *trail) tap(app abci.Application) abci.Application { return &tapped{app, tr} }

type tapped struct {
	abci.Application
	trail *trail
}

func (a *tapped) FinalizeBlock(ctx context.Context, r *abci.RequestFinalizeBlock) (*abci.ResponseFinalizeBlock, error) {
	answer, err := a.Application.FinalizeBlock(ctx, r)
	if err == nil {
		a.trail.mu.Lock()
		defer a.trail.mu.Unlock()
		a.trail.results[r.Height] = string(types.NewResults(answer.TxResults).Hash())
		for _, result := range answer.TxResults {
			a.trail.codes[result.Code]++
		}
	}
	return answer, err
}

// copyComet copies CometBFT's databases into a store that has nothing.
func copyComet(t *testing.T, from, to *state.Store) {
	t.Helper()
	for _, name := range []string{"blockstore", "state", "evidence"} {
		it, err := from.CometDB(name).Iterator(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		for ; it.Valid(); it.Next() {
			if err := to.CometDB(name).Set(bytes.Clone(it.Key()), bytes.Clone(it.Value())); err != nil {
				t.Fatal(err)
			}
		}
		if err := it.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMain lets the test binary compile contracts ahead, as the node's does.
func TestMain(m *testing.M) {
	if engine.IsCompileCommand(os.Args[1:]) {
		os.Exit(engine.ServeCompile(os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// settings are what must make no difference. The first chain swaps the tier of its contracts in the middle, whenever the fast
// one is ready.
var settings = []struct {
	name    string
	options chaintest.Options
	long    bool
}{
	{"quick compile level, no code cache, tiny caches, debug logs", chaintest.Options{
		Level: engine.LevelNone, GuestCompile: vm.CompileNone, StateCacheBytes: 1 << 20, GuestCacheBytes: 1, Log: slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}, false},
	{"full compile level, large caches, another seal", chaintest.Options{
		Level: engine.LevelSpeed, GuestCompile: vm.CompileSpeed, StateCacheBytes: 64 << 20, CodeCache: true, Seal: comet.Seal{Interval: time.Hour},
	}, true},
}

// Blocks with contracts, failures of every kind and an upgrade give the same app hash, block hash and results hash at every
// height when a node with other settings executes them again from nothing.
func TestReplay_OnAnEmptyHomeWithOtherSettingsGivesTheSameHashesAtEachHeight(t *testing.T) {
	made := newTrail()
	first := chaintest.Start(t, chaintest.Options{Seal: comet.Seal{Interval: 20 * time.Millisecond}, CodeCache: true, GuestChild: &engine.Child{}, Tap: made.tap})
	first.WaitHeight(1)
	l := newLoad(t, first)
	upgraded := false
	for {
		height, _, err := first.Best()
		if err != nil {
			t.Fatal(err)
		}
		if height >= heights() {
			break
		}
		if !upgraded && height >= heights()/2 {
			l.upgrade()
			upgraded = true
		}
		l.work()
	}
	first.Stop()
	t.Logf("[figure] %d rounds; results of transactions %v; calls failed with %v", l.round, made.codes, l.failed)
	for _, name := range []string{"ContractTrapped", "ContractReverted", "OutOfGas"} {
		if l.failed[name] == 0 {
			t.Errorf("no call failed with %s", name)
		}
	}
	for _, s := range settings {
		if s.long && os.Getenv("SEPIA_LONG") == "" {
			continue
		}
		t.Run(s.name, func(t *testing.T) { replay(t, first, made, s.options) })
	}
}

func replay(t *testing.T, first *chaintest.Chain, made *trail, o chaintest.Options) {
	again := newTrail()
	o.Tap = again.tap
	o.Before = func(empty *state.Store) { copyComet(t, first.Store, empty) }
	if o.Seal == (comet.Seal{}) {
		o.Seal.Idle = time.Hour
	}
	start := time.Now()
	second := chaintest.Start(t, o)
	took := time.Since(start)
	second.Stop()
	last, _, err := first.Best()
	if err != nil {
		t.Fatal(err)
	}
	headers := store.NewBlockStore(first.Store.CometDB("blockstore"))
	codes := map[string]bool{}
	for number := range last + 1 {
		want, err := first.Store.Block(number)
		if err != nil {
			t.Fatal(err)
		}
		got, err := second.Store.Block(number)
		if err != nil {
			t.Fatalf("block %d is not there again: %v", number, err)
		}
		codes[got.CodeHash.String()] = true
		if got.Hash != want.Hash || got.Root != want.Root || got.CodeHash != want.CodeHash || !bytes.Equal(got.Header, want.Header) {
			t.Fatalf("block %d is %v with root %v, want %v with %v", number, got.Hash, got.Root, want.Hash, want.Root)
		}
		results := again.results[int64(number)]
		if results != made.results[int64(number)] || number > 0 && results == "" {
			t.Fatalf("block %d has the results %x, want %x", number, results, made.results[int64(number)])
		}
		if next := headers.LoadBlockMeta(int64(number) + 1); number > 0 && next != nil && string(next.Header.LastResultsHash) != results {
			t.Fatalf("block %d has the results %x, CometBFT's next header says %x", number, results, next.Header.LastResultsHash)
		}
	}
	if len(codes) != 2 || last < heights() {
		t.Errorf("%d codes in %d blocks: there was no upgrade", len(codes), last)
	}
	t.Logf("[figure] %d blocks executed again in %.1f s", last, took.Seconds())
}
