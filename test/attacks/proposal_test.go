package attacks

import (
	"context"
	"sync"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/sepia-chain/sepia/consensus/comet"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/test/attacks/chaintest"
)

// evil is a proposer that puts something of its own into its next proposal.
type evil struct {
	abci.Application
	mu       sync.Mutex
	next     []byte
	proposed int
	refused  int
}

func (e *evil) PrepareProposal(ctx context.Context, r *abci.RequestPrepareProposal) (*abci.ResponsePrepareProposal, error) {
	answer, err := e.Application.PrepareProposal(ctx, r)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.proposed++
	if err == nil && e.next != nil {
		answer.Txs = append(answer.Txs, e.next)
		e.next = nil
	}
	return answer, err
}

func (e *evil) ProcessProposal(ctx context.Context, r *abci.RequestProcessProposal) (*abci.ResponseProcessProposal, error) {
	answer, err := e.Application.ProcessProposal(ctx, r)
	e.mu.Lock()
	defer e.mu.Unlock()
	if err == nil && !answer.IsAccepted() {
		e.refused++
	}
	return answer, err
}

func (e *evil) put(xt []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.next = xt
}

func (e *evil) counts() (proposed, refused int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.proposed, e.refused
}

// Calls nested deeper than they decode never enter a block, whoever proposes it: the round fails, and the next one commits.
func TestNestedCalls_AProposalWithOneDeeperIsRefusedAndTheNextRoundCommits(t *testing.T) {
	e := &evil{}
	c := chaintest.Start(t, chaintest.Options{Seal: comet.Seal{Interval: 50 * time.Millisecond}, CodeCache: true, Tap: func(app abci.Application) abci.Application {
		e.Application = app
		return e
	}})
	c.WaitHeight(1)
	for i, depth := range []int{maxNesting + 1, 10_000} {
		xt := c.Sign("//Eve", nested(wrappers[0].wrap, depth))
		e.put(xt)
		landed := c.Send("//Alice", chaintest.Remark("beside it")).Must()
		c.WaitHeight(landed.Number + 2)
		if _, refused := e.counts(); refused != i+1 {
			t.Errorf("%d deep: %d proposals refused, want %d", depth, refused, i+1)
		}
		best, _, err := c.Best()
		if err != nil {
			t.Fatal(err)
		}
		for number := range best + 1 {
			hash, _, err := c.HashAt(number)
			if err != nil {
				t.Fatal(err)
			}
			body, _, err := c.Body(hash)
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range body {
				if primitives.Blake2_256(one) == primitives.Blake2_256(xt) {
					t.Errorf("%d deep: it is in block %d", depth, number)
				}
			}
		}
	}
}

// A chain that seals on demand makes a block for each idle interval and none between: with 6 s, 20 s have 3 or 4. Without
// SEPIA_LONG the interval is a tenth of that, and only what no slow machine can break is checked: that blocks keep coming,
// and never sooner.
func TestIdle_TwentySecondsMakeThreeOrFourBlocks(t *testing.T) {
	idle, watch := comet.SealIdle/10, 20*time.Second/10
	if long() {
		idle, watch = comet.SealIdle, 20*time.Second
	}
	c := chaintest.Start(t, chaintest.Options{Seal: comet.Seal{Idle: idle}, CodeCache: true})
	c.Send("//Alice", chaintest.Remark("the last for long")).Must()
	events, cancel, err := c.Subscribe()
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	blocks, end := 0, time.After(watch)
	for over := false; !over; {
		select {
		case <-events:
			blocks++
		case <-end:
			over = true
		}
	}
	t.Logf("[figure] %v idle with a block at least every %v: %d blocks", watch, idle, blocks)
	if blocks > 4 || long() && blocks < 3 {
		t.Fatalf("%d blocks in %v", blocks, watch)
	}
	for ; blocks < 3; blocks++ { // on a slow machine
		<-events
	}
}
