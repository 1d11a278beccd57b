package consensus

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"

	"github.com/sepia-chain/sepia/consensus/comet"
	"github.com/sepia-chain/sepia/state"
)

// hand drives an application the way CometBFT does, one call at a time.
type hand struct {
	*node
	app    *application
	height int64
	when   time.Time
}

func newHand(t testing.TB) *hand { return newHandOn(t, newHome(t)) }

func newHandOn(t testing.TB, home *home) *hand {
	t.Helper()
	if home.fs == nil {
		home.fs = vfs.NewMem()
	}
	store, err := state.Open(state.Options{Path: "state", FS: home.fs, CacheBytes: 8 << 20, MemTableBytes: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	n := &node{t: t, home: home, store: store, failed: make(chan error, 1)}
	home.seal = comet.Seal{Interval: time.Hour} // no freshness rule: time is what the test says
	h := &hand{node: n, when: home.genesis.Time}
	n.Chain, h.app, err = prepare(home.options(t, store, func(err error) { n.failed <- err }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.app.open.clear(); err != nil {
			t.Error(err)
		}
		n.Chain.close()
		_ = store.Close() // a test may have closed it
	})
	return h
}

// commitInfo is that of one validator who always signs.
func (h *hand) commitInfo(height int64) abci.CommitInfo {
	if height == 1 {
		return abci.CommitInfo{}
	}
	key := h.home.genesis.Validators[0].PubKey
	return abci.CommitInfo{Votes: []abci.VoteInfo{{
		Validator:   abci.Validator{Address: addressOf(key), Power: 10},
		BlockIdFlag: cmtproto.BlockIDFlagCommit,
	}}}
}

func (h *hand) proposer() []byte { return addressOf(h.home.genesis.Validators[0].PubKey) }

func blockHash(height int64, txs [][]byte) []byte {
	p := proposal{height: height}
	hash := p.content(txs)
	return hash[:]
}

func (h *hand) prepare() [][]byte {
	h.t.Helper()
	height := h.height + 1
	var extended abci.ExtendedCommitInfo
	for _, v := range h.commitInfo(height).Votes {
		extended.Votes = append(extended.Votes, abci.ExtendedVoteInfo{Validator: v.Validator, BlockIdFlag: v.BlockIdFlag})
	}
	r, err := h.app.PrepareProposal(context.Background(), &abci.RequestPrepareProposal{
		MaxTxBytes: 1 << 20, Height: height, Time: h.time(height), ProposerAddress: h.proposer(), LocalLastCommit: extended,
	})
	if err != nil {
		h.t.Fatalf("PrepareProposal: %v", err)
	}
	return r.Txs
}

// time is that of a block: genesis time first, then a second a block.
func (h *hand) time(height int64) time.Time {
	return h.when.Add(time.Duration(height-1) * time.Second)
}

func (h *hand) process(txs [][]byte) bool {
	h.t.Helper()
	height := h.height + 1
	r, err := h.app.ProcessProposal(context.Background(), &abci.RequestProcessProposal{
		Txs: txs, Hash: blockHash(height, txs), Height: height, Time: h.time(height), ProposerAddress: h.proposer(),
		ProposedLastCommit: h.commitInfo(height),
	})
	if err != nil {
		h.t.Fatalf("ProcessProposal: %v", err)
	}
	return r.IsAccepted()
}

func (h *hand) tryFinalize(txs [][]byte) (*abci.ResponseFinalizeBlock, error) {
	height := h.height + 1
	return h.app.FinalizeBlock(context.Background(), &abci.RequestFinalizeBlock{
		Txs: txs, Hash: blockHash(height, txs), Height: height, Time: h.time(height), ProposerAddress: h.proposer(),
		DecidedLastCommit: h.commitInfo(height),
	})
}

func (h *hand) finalize(txs [][]byte) *abci.ResponseFinalizeBlock {
	h.t.Helper()
	r, err := h.tryFinalize(txs)
	if err != nil {
		h.t.Fatalf("FinalizeBlock: %v", err)
	}
	return r
}

func (h *hand) commit() {
	h.t.Helper()
	if _, err := h.app.Commit(context.Background(), &abci.RequestCommit{}); err != nil {
		h.t.Fatalf("Commit: %v", err)
	}
	h.height++
}

// block makes and commits a block of what is proposed, and returns its transactions.
func (h *hand) block() [][]byte {
	h.t.Helper()
	txs := h.prepare()
	if !h.process(txs) {
		h.t.Fatalf("block %d: the proposer refuses its own proposal", h.height+1)
	}
	h.finalize(txs)
	h.commit()
	return txs
}

// decide commits a block as one that others decided.
func (h *hand) decide(txs ...[]byte) *abci.ResponseFinalizeBlock {
	h.t.Helper()
	r := h.finalize(txs)
	h.commit()
	return r
}

func codes(r *abci.ResponseFinalizeBlock) string {
	var list []uint32
	for _, result := range r.TxResults {
		list = append(list, result.Code)
	}
	return fmt.Sprint(list)
}
