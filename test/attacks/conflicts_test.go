package attacks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/sepia-chain/sepia/internal/extrinsic"
	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/test/attacks/chaintest"
	"github.com/sepia-chain/sepia/test/wallet"
)

// conflict is a quarrel between transactions of one account: each drains it, or spends what a drain takes, with the same nonce
// or the next ones. Two accounts take turns: what one loses the other gets.
type conflict struct {
	params  extrinsic.Params // but for nonce and tip
	holders [2]*keyring.Pair

	mu       sync.Mutex
	taken    map[primitives.Hash]bool // by the pool; true for those that drain
	refusals map[int]int              // code -> how often
}

// quarrel sends transactions from one connection until ctx ends.
func (q *conflict) quarrel(ctx context.Context, url string, worker int) error {
	c := wallet.Dial(url)
	for round := uint64(1); ctx.Err() == nil; round++ {
		from, to, err := q.richer(ctx, c)
		if err != nil {
			return err
		}
		var nonce uint32
		if err := c.Call(ctx, &nonce, "system_accountNextIndex", from.Account().String()); err != nil {
			return err
		}
		nonce -= min(nonce, uint32(worker)%2) // half of them replace what waits already
		drain, text := transferAll(to.Account()), chaintest.Remark(fmt.Sprintf("%d of %d", round, worker))
		tip := 1000*round + uint64(worker) // a replacement needs a higher priority: tip by weight, and a drain weighs more
		for _, send := range []struct {
			call  []byte
			nonce uint32
			tip   uint64
			drain bool
		}{{text, nonce + 1, tip, false}, {text, nonce, tip, false}, {drain, nonce + 1, 100 * tip, true}, {text, nonce + 2, tip, false}, {drain, nonce, tip, true}} {
			if err := q.send(ctx, c, from, send.call, send.nonce, send.tip, send.drain); err != nil {
				return err
			}
		}
	}
	return nil
}

// richer is the account that has what both quarrel about, and the other one.
func (q *conflict) richer(ctx context.Context, c *wallet.Client) (from, to *keyring.Pair, err error) {
	first, err := c.Free(ctx, q.holders[0].Account())
	if err != nil {
		return nil, nil, err
	}
	second, err := c.Free(ctx, q.holders[1].Account())
	if err != nil {
		return nil, nil, err
	}
	if first.Cmp(second) < 0 {
		return q.holders[1], q.holders[0], nil
	}
	return q.holders[0], q.holders[1], nil
}

// send signs and submits. A refusal by the pool is counted, and any other error returned.
func (q *conflict) send(ctx context.Context, c *wallet.Client, from *keyring.Pair, call []byte, nonce uint32, tip uint64, drain bool) error {
	params := q.params
	params.Nonce, params.Tip = nonce, tip
	xt, err := extrinsic.Sign(from, call, params)
	if err != nil {
		return err
	}
	err = c.Call(ctx, nil, "author_submitExtrinsic", toHex(xt))
	q.mu.Lock()
	defer q.mu.Unlock()
	var refusal *wallet.RPCError
	if errors.As(err, &refusal) {
		q.refusals[refusal.Code]++
		return nil
	}
	if err == nil {
		q.taken[primitives.Blake2_256(xt)] = drain
	}
	return err
}

// Transactions of one account that cannot all be paid for, sent over several connections at once, fail no round: a proposer
// proposes only what it has seen apply, one after the other. The chain goes on, and some of each kind land.
func TestConflicts_OfOneAccountFailNoRoundOfTheRealNode(t *testing.T) {
	const connections, blocks = 4, 30
	n := startNode(t, "--log-level", "debug")
	q := &conflict{taken: map[primitives.Hash]bool{}, refusals: map[int]int{}}
	for i, uri := range []string{"//Alice", "//Alice//stash"} {
		q.holders[i] = chaintest.Pair(t, uri)
	}
	var err error
	if q.params, err = n.Params(n.ctx, q.holders[0].Account()); err != nil {
		t.Fatal(err)
	}
	first, err := n.Height(n.ctx)
	if err != nil {
		t.Fatal(err)
	}
	load, stop := context.WithCancel(n.ctx)
	var workers sync.WaitGroup
	for worker := range connections {
		workers.Go(func() {
			if err := q.quarrel(load, n.node.RPC, worker); err != nil && load.Err() == nil {
				t.Errorf("connection %d: %v", worker, err)
			}
		})
	}
	for at := first; at < first+blocks; { // whoever stands beside is served all the time
		at = n.must("//Ferdie", chaintest.Remark(fmt.Sprint("after block ", at))).Number
	}
	stop()
	workers.Wait()
	n.alive()

	drains, others := n.landedOf(q, first+1)
	if drains < 5 || others < 5 || len(q.taken) < drains+others+5 {
		t.Errorf("%d drains and %d others landed of %d taken by the pool: that is no quarrel", drains, others, len(q.taken))
	}
	t.Logf("[figure] of %d transactions in the pool %d drains and %d others landed, refusals by code: %v", len(q.taken), drains, others, q.refusals)
	n.wantNoFailedRound(blocks)
	if exit := n.node.Stop(); exit != 0 {
		t.Errorf("the node ends with exit code %d", exit)
	}
}

// landedOf counts which transactions of a quarrel are in the blocks from a number on.
func (n *target) landedOf(q *conflict, from uint32) (drains, others int) {
	n.t.Helper()
	best, err := n.Height(n.ctx)
	if err != nil {
		n.t.Fatal(err)
	}
	for number := from; number <= best; number++ {
		var hash string
		n.ask(&hash, "chain_getBlockHash", number)
		var signed struct {
			Block struct {
				Extrinsics []string `json:"extrinsics"`
			} `json:"block"`
		}
		n.ask(&signed, "chain_getBlock", hash)
		for _, text := range signed.Block.Extrinsics {
			switch drain, ours := q.taken[primitives.Blake2_256(n.fromHex(text))]; {
			case ours && drain:
				drains++
			case ours:
				others++
			}
		}
	}
	return drains, others
}

// wantNoFailedRound reads in the log that each height was decided in its first round.
func (n *target) wantNoFailedRound(blocks int) {
	n.t.Helper()
	committed := 0
	for line := range strings.Lines(n.node.Log()) {
		switch {
		case strings.Contains(line, "finalizing commit of block"):
			committed++
		case strings.Contains(line, "resetting proposal info"), strings.Contains(line, "proposal refused"),
			strings.Contains(line, "level=WARN"), strings.Contains(line, "level=ERROR"):
			n.t.Errorf("a round failed, or the node complains: %s", line)
		}
	}
	if committed < blocks {
		n.t.Errorf("the log tells of %d blocks, want at least %d", committed, blocks)
	}
}
