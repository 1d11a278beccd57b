package consensus

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"
	cs "github.com/cometbft/cometbft/consensus"
	"github.com/cometbft/cometbft/proxy"
	sm "github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/store"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/state"
)

var cometDBs = []string{"blockstore", "state", "evidence"}

// cometCopy is the content of CometBFT's databases.
type cometCopy map[string]map[string][]byte

func copyComet(t *testing.T, from *state.Store) cometCopy {
	t.Helper()
	all := cometCopy{}
	for _, name := range cometDBs {
		all[name] = map[string][]byte{}
		it, err := from.CometDB(name).Iterator(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		for ; it.Valid(); it.Next() {
			all[name][string(it.Key())] = bytes.Clone(it.Value())
		}
		if err := it.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func (c cometCopy) into(t testing.TB, to *state.Store) {
	t.Helper()
	for _, name := range cometDBs {
		for k, v := range c[name] {
			if err := to.CometDB(name).SetSync([]byte(k), v); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// trail is what a chain did, height by height. Hashes of results are not in it: a replayed node has the headers that carry
// them from the first one's blocks, so comparing them would compare a thing with itself. Package replay takes them from the
// application's answers.
type trail struct {
	hash, app map[uint32]primitives.Hash
}

func trailOf(t testing.TB, n *node) trail {
	t.Helper()
	last, _, err := n.Best()
	if err != nil {
		t.Fatal(err)
	}
	tr := trail{map[uint32]primitives.Hash{}, map[uint32]primitives.Hash{}}
	for number := range last + 1 {
		info, err := n.store.Block(number)
		if err != nil {
			t.Fatal(err)
		}
		tr.hash[number], tr.app[number] = info.Hash, info.Root
	}
	return tr
}

// history makes a chain of some blocks with all sorts of transactions, and returns it stopped with what it did and with
// CometBFT's databases as they were before each commit (the block is stored, CometBFT's state is one behind) and at the end.
func history(t *testing.T, blocks int) (n *node, tr trail, before map[int64]cometCopy, end cometCopy) {
	t.Helper()
	home := newHome(t)
	w := watched(home)
	before = map[int64]cometCopy{}
	w.onCommit = func() { before[w.application.decided.height] = copyComet(t, w.application.chain.store) }
	n = home.start(t)
	n.next()
	for nonce := uint32(0); n.engine.Height() < int64(blocks); nonce++ {
		call := transferTo(t, "//Bob", unit)
		if nonce%3 == 1 {
			call = transferTo(t, "//Bob", 1<<62) // fails, and pays its fee
		}
		n.land(n.submit(n.signed("//Alice", nonce, call, 0)))
	}
	tr = trailOf(t, n)
	if err := n.Stop(); err != nil {
		t.Fatal(err)
	}
	return n, tr, before, copyComet(t, n.store)
}

// bare is an application over a store without consensus, and how CometBFT shakes hands with it.
type bare struct {
	*hand
	log []string
}

func newBare(t *testing.T) *bare { return &bare{hand: newHandOn(t, newHome(t))} }

func (b *bare) shake(comet cometCopy) (err error) {
	b.t.Helper()
	comet.into(b.t, b.store)
	blocks := store.NewBlockStore(b.store.CometDB("blockstore"))
	states := sm.NewStore(b.store.CometDB("state"), sm.StoreOptions{DiscardABCIResponses: true})
	doc, err := b.home.genesis.document()
	if err != nil {
		b.t.Fatal(err)
	}
	st, err := states.LoadFromDBOrGenesisDoc(doc)
	if err != nil {
		b.t.Fatal(err)
	}
	app := proxy.NewAppConns(proxy.NewConnSyncLocalClientCreator(&recording{b.app, &b.log}), proxy.NopMetrics())
	if err := app.Start(); err != nil {
		b.t.Fatal(err)
	}
	defer app.Stop()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	b.log = nil
	return cs.NewHandshaker(states, st, blocks, doc).Handshake(app)
}

// recording notes the calls that change the application.
type recording struct {
	*application
	log *[]string
}

func (r *recording) InitChain(ctx context.Context, q *abci.RequestInitChain) (*abci.ResponseInitChain, error) {
	*r.log = append(*r.log, "init")
	return r.application.InitChain(ctx, q)
}

func (r *recording) FinalizeBlock(ctx context.Context, q *abci.RequestFinalizeBlock) (*abci.ResponseFinalizeBlock, error) {
	*r.log = append(*r.log, fmt.Sprint(q.Height))
	return r.application.FinalizeBlock(ctx, q)
}

func TestHandshakeMatrix(t *testing.T) {
	const height = 4
	_, want, before, end := history(t, height)
	for _, c := range []struct {
		name  string
		app   int64 // how far the application is
		comet cometCopy
		log   string // what CometBFT has it do
		fails string
	}{
		{name: "nothing anywhere", app: 0, comet: cometCopy{}, log: "init"},
		{name: "application empty, CometBFT complete", app: 0, comet: end, log: "init 1 2 3 4"},
		{name: "application empty, CometBFT's state one behind", app: 0, comet: before[height], log: "init 1 2 3 4"},
		{name: "application behind", app: 2, comet: end, log: "3 4"},
		{name: "application two behind, state one behind", app: 2, comet: before[height], log: "3 4"},
		{name: "application and state one behind", app: 3, comet: before[height], log: "4"},
		{name: "application committed, state one behind", app: 4, comet: before[height], log: ""},
		{name: "all complete", app: 4, comet: end, log: ""},
		{name: "application ahead", app: 4, comet: before[3], fails: "higher than core"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBare(t)
			if c.app > 0 { // bring it there, as far as CometBFT was then
				comet := end
				if c.app < height {
					comet = before[c.app]
				}
				if err := b.shake(comet); err != nil {
					t.Fatalf("replaying to %d: %v", c.app, err)
				}
			}
			err := b.shake(c.comet)
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("%v, want %q", err, c.fails)
				}
				return
			}
			if log := strings.Join(b.log, " "); err != nil || log != c.log {
				t.Errorf("CometBFT asks for %q (%v), want %q", log, err, c.log)
			}
			if got := b.compare(want); c.comet["blockstore"] != nil && got != height {
				t.Errorf("it ends at block %d", got)
			}
		})
	}
}

// compare looks that each block is that of another run, and returns the last one's number.
func (b *bare) compare(want trail) int {
	b.t.Helper()
	got := trailOf(b.t, b.node)
	for number, hash := range got.hash {
		if hash != want.hash[number] || got.app[number] != want.app[number] {
			b.t.Errorf("block %d is %v with root %v, want %v with %v", number, hash, got.app[number], want.hash[number], want.app[number])
		}
	}
	return len(got.hash) - 1
}

// A replay on an empty home, with other settings: debug logs, another cache, no code cache on disk.
func TestReplayOnAnEmptyHome_SameHashesAtEachHeight(t *testing.T) {
	_, want, _, end := history(t, 6)
	home := newHome(t)
	home.fs = vfs.NewMem()
	home.log = slog.New(slog.NewTextHandler(new(bytes.Buffer), &slog.HandlerOptions{Level: slog.LevelDebug}))
	b := &bare{hand: newHandOn(t, home)}
	b.runtimes.options.Cache = nil
	if err := b.shake(end); err != nil {
		t.Fatal(err)
	}
	got := trailOf(t, b.node)
	for number := range want.hash {
		if got.hash[number] != want.hash[number] || got.app[number] != want.app[number] {
			t.Errorf("block %d: %v, root %v; want %v, %v", number, got.hash[number], got.app[number], want.hash[number], want.app[number])
		}
	}
	if len(want.hash) < 5 {
		t.Errorf("%d blocks compared", len(want.hash))
	}
}
