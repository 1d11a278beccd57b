package consensus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/sepia-chain/sepia/consensus/comet"
	"github.com/sepia-chain/sepia/consensus/pool"
)

// watchful counts what CometBFT asks, and can be made to propose something else.
type watchful struct {
	*application
	mu       sync.Mutex
	asked    int // PrepareProposal
	refused  int // ProcessProposal
	propose  func(height int64, asked int, honest [][]byte) [][]byte
	onCommit func()
}

func (w *watchful) PrepareProposal(ctx context.Context, r *abci.RequestPrepareProposal) (*abci.ResponsePrepareProposal, error) {
	res, err := w.application.PrepareProposal(ctx, r)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	if err == nil && w.propose != nil {
		res.Txs = w.propose(r.Height, w.asked, res.Txs)
	}
	return res, err
}

func (w *watchful) ProcessProposal(ctx context.Context, r *abci.RequestProcessProposal) (*abci.ResponseProcessProposal, error) {
	res, err := w.application.ProcessProposal(ctx, r)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil && !res.IsAccepted() {
		w.refused++
	}
	return res, err
}

func (w *watchful) Commit(ctx context.Context, r *abci.RequestCommit) (*abci.ResponseCommit, error) {
	if w.onCommit != nil {
		w.onCommit()
	}
	return w.application.Commit(ctx, r)
}

func (w *watchful) counts() (asked, refused int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked, w.refused
}

func watched(h *home) *watchful {
	w := &watchful{}
	h.wrap = func(app *application) abci.Application { w.application = app; return w }
	return w
}

// Two transactions of one account that exclude each other, again and again while others send: no round fails.
func TestConflictingSendersUnderLoad_NoFailedRound(t *testing.T) {
	home := newHome(t)
	home.seal = comet.Seal{Interval: comet.SealSpacing}
	w := watched(home)
	n := home.start(t)
	n.next()
	for round, spender := range []string{"//Bob", "//Dave", "//Eve", "//Ferdie"} {
		for i := range uint32(8) { // the load
			n.submit(n.signed("//Charlie", 8*uint32(round)+i, transferTo(t, "//Alice", unit), 0))
		}
		all := n.submit(n.signed(spender, 0, transferAll(t, "//Alice"), 0))
		n.submit(n.signed(spender, 1, remark("too poor"), 0))
		n.land(all)
		n.next()
	}
	blocks := n.engine.Height()
	asked, refused := w.counts()
	if refused != 0 || int64(asked) > blocks+1 {
		t.Errorf("%d proposals for %d blocks, %d refused: rounds failed", asked, blocks, refused)
	}
	n.stop()
}

func TestEvilProposal_IsRefusedAndTheNextRoundCommits(t *testing.T) {
	for name, evil := range map[string]func(n *node) []byte{
		"bare inherent":  func(n *node) []byte { return setTime(1) },
		"trailing bytes": func(n *node) []byte { return append(n.signed("//Alice", 0, remark("x"), 0), make([]byte, 1000)...) },
		"inapplicable":   func(n *node) []byte { return n.signed("//Alice", 7, remark("x"), 0) },
	} {
		home := newHome(t)
		w := watched(home)
		n := home.start(t)
		n.next()
		tx := evil(n)
		w.mu.Lock()
		before := w.asked
		w.propose = func(_ int64, asked int, honest [][]byte) [][]byte {
			if asked == before+1 {
				return append(honest, tx)
			}
			return honest
		}
		w.mu.Unlock()
		n.land(n.submit(n.signed("//Bob", 0, remark("good"), 0)))
		if _, refused := w.counts(); refused != 1 {
			t.Errorf("%s: %d proposals refused, want 1", name, refused)
		}
		for number := uint32(1); number <= uint32(n.engine.Height()); number++ {
			hash, _, _ := n.HashAt(number)
			body, _, err := n.Body(hash)
			for _, xt := range body {
				if err != nil || string(xt) == string(tx) {
					t.Errorf("%s: it is in block %d (%v)", name, number, err)
				}
			}
		}
		n.stop()
	}
}

func TestIdleChain_MakesNoBlocks(t *testing.T) {
	n := newHome(t).start(t)
	n.next()
	for nonce := range uint32(5) {
		n.land(n.submit(n.signed("//Alice", nonce, remark("x"), 0)))
		if height, most := n.engine.Height(), int64(1+2*(nonce+1)); height > most {
			t.Fatalf("height %d after %d transactions, at most %d are due", height, nonce+1, most)
		}
	}
	height := n.engine.Height()
	n.stop()
	if number, _, err := func() (uint32, any, error) { n := n.home.start(t); defer n.stop(); a, b, c := n.Best(); return a, b, c }(); err != nil || int64(number) != height {
		t.Fatalf("height %d after the last transaction, %d later (%v)", height, number, err)
	}
}

func TestFiveTransactionsWithoutWaiting_AllLand(t *testing.T) {
	n := newHome(t).start(t)
	n.next()
	var watchers []<-chan pool.Status
	for nonce := range uint32(5) {
		watchers = append(watchers, n.submit(n.signed("//Alice", nonce, transferTo(t, "//Bob", unit), 0)))
	}
	for _, w := range watchers {
		n.land(w)
	}
	n.stop()
}

func TestBlockTime_IsFreshAfterAPause(t *testing.T) {
	n := newHome(t).start(t)
	n.next() // block 1 carries the genesis time, which is years old
	block := n.land(n.submit(n.signed("//Alice", 0, remark("x"), 0)))
	header, _, err := n.Header(block)
	if err != nil {
		t.Fatal(err)
	}
	made := n.engine.Block(int64(header.Number)).Time
	parent := n.engine.Block(int64(header.Number) - 1).Time
	if made.Year() == n.home.genesis.Time.Year() || made.Before(parent) {
		t.Fatalf("the block's time is %v", made)
	}
	n.stop()
}

func TestSubmit_ThroughTheRealRuntime(t *testing.T) {
	home := newHome(t)
	home.seal = comet.Seal{Interval: 300 * comet.SealSpacing}
	n := home.start(t)
	n.next()
	ctx := context.Background()
	first := n.signed("//Alice", 0, remark("x"), 0)
	n.submit(first)
	for name, c := range map[string]struct {
		xt   []byte
		code int
		data string
	}{
		"known":  {first, 1013, ""},
		"no tip": {n.signed("//Alice", 0, remark("y"), 0), 1014, "The transaction has too low priority to replace another transaction already in the pool."},
		"bad signature": {func() []byte {
			b := append([]byte(nil), n.signed("//Bob", 0, remark("y"), 0)...)
			b[len(b)-1]++
			return b
		}(), 1010, "Transaction has a bad signature"},
		"poor":      {n.signed("//Nobody", 0, remark("y"), 0), 1010, "Inability to pay some fees (e.g. account balance too low)"},
		"malformed": {[]byte{4, 0x84}, 1002, ""},
		"cut":       {[]byte{8, 0x84}, 1001, ""},
	} {
		_, err := n.Submit(ctx, c.xt)
		var refused *pool.Error
		if !errors.As(err, &refused) || refused.Code != c.code || c.data != "" && refused.Data != c.data {
			t.Errorf("%s: %v, want code %d %q", name, err, c.code, c.data)
		}
	}
	if _, err := n.Submit(ctx, n.signed("//Alice", 0, remark("y"), 5)); err != nil {
		t.Errorf("with a tip: %v", err)
	}
	n.submit(n.signed("//Alice", 1, remark("z"), 0))
	if next := n.NextIndex(key(t, "//Alice").Account(), 0); next != 2 {
		t.Errorf("next index %d, want 2", next)
	}
	if pending := n.Pending(); len(pending) != 2 {
		t.Errorf("%d pending, want 2", len(pending))
	}
	n.stop()
}

func TestStaleNonce_AfterItsBlock(t *testing.T) {
	n := newHome(t).start(t)
	n.next()
	n.land(n.submit(n.signed("//Alice", 0, remark("x"), 0)))
	_, err := n.Submit(context.Background(), n.signed("//Alice", 0, remark("y"), 0))
	var refused *pool.Error
	if !errors.As(err, &refused) || refused.Code != 1010 || refused.Data != "Transaction is outdated" {
		t.Errorf("error %v", err)
	}
	n.stop()
}

func TestEvents_NoneIsMissedByASlowReader(t *testing.T) {
	n := newHome(t).start(t)
	for nonce := range uint32(4) {
		n.land(n.submit(n.signed("//Alice", nonce, remark(fmt.Sprint(nonce)), 0)))
	}
	last, _, _ := n.Best()
	for want := uint32(1); want <= last; want++ {
		e := n.next()
		hash, found, err := n.HashAt(e.Number)
		keys, errKeys := e.ChangedKeys()
		if e.Number != want || !found || err != nil || hash != e.Hash || e.Header.Hash() != e.Hash || len(keys) == 0 || errKeys != nil || e.NewRuntime {
			t.Fatalf("event %+v, want block %d (%v, %v, %d keys)", e, want, err, errKeys, len(keys))
		}
	}
	n.stop()
	if _, open := <-n.events; open {
		t.Error("an event after the last block")
	}
	if events, cancel, err := n.Subscribe(); err == nil {
		defer cancel()
		if _, open := <-events; open {
			t.Error("a stopped chain has events")
		}
	}
}
