package consensus

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/sepia-chain/sepia/consensus/driver"
	"github.com/sepia-chain/sepia/consensus/pool"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/state"
)

func addressOf(pubKey [32]byte) []byte {
	sum := sha256.Sum256(pubKey[:])
	return sum[:20]
}

const unit = 1_000_000_000_000

func TestConflictingSenders_TransferAllThenRemark(t *testing.T) {
	h := newHand(t)
	h.block()
	all := h.signed("//Alice", 0, transferAll(t, "//Bob"), 0)
	next := h.signed("//Alice", 1, remark("too poor"), 0)
	first, second := h.submit(all), h.submit(next)
	txs := h.block()
	if len(txs) != 1 || !bytes.Equal(txs[0], all) {
		t.Fatalf("%d transactions proposed, want only the first", len(txs))
	}
	if s := <-second; s.Kind != pool.Ready {
		t.Errorf("second: %v, want ready", s.Kind)
	}
	if s := <-second; s.Kind != pool.Invalid {
		t.Errorf("second: %v, want invalid", s.Kind)
	}
	h.land(first)
	other := newHand(t)
	other.block()
	if other.process([][]byte{all, next}) {
		t.Error("a proposal with both is accepted")
	}
	if got := codes(other.decide(all, next)); got != "[0 4]" {
		t.Errorf("results %s, want the second left out", got)
	}
	h.sameState(other)
}

// sameState compares the latest blocks of two nodes.
func (h *hand) sameState(o *hand) {
	h.t.Helper()
	a, hashA, errA := h.Best()
	b, hashB, errB := o.Best()
	if errA != nil || errB != nil || a != b || hashA != hashB {
		h.t.Fatalf("blocks %d %v and %d %v differ (%v, %v)", a, hashA, b, hashB, errA, errB)
	}
}

func TestCoherence_WhatOneNodeProposesAnotherAccepts(t *testing.T) {
	proposer, follower := newHand(t), newHand(t)
	proposer.block()
	follower.decide()
	random := rand.New(rand.NewPCG(7, 7))
	accounts := []string{"//Alice", "//Bob", "//Charlie"}
	for range 12 {
		for range random.IntN(12) {
			from, to := accounts[random.IntN(3)], accounts[random.IntN(3)]
			_, best, _ := proposer.Best()
			nonce, _ := proposer.account(best, from)
			calls := [][]byte{remark(strings.Repeat("x", random.IntN(400))), transferTo(t, to, random.Uint64N(unit)), transferAll(t, to), transferTo(t, to, 1<<62)}
			xt := proposer.signed(from, nonce+random.Uint32N(4), calls[random.IntN(len(calls))], random.Uint64N(9))
			_, err := proposer.Submit(context.Background(), xt)
			var refused *pool.Error
			if err != nil && !errors.As(err, &refused) {
				t.Fatal(err)
			}
		}
		txs := proposer.prepare()
		if !follower.process(txs) {
			t.Fatalf("block %d: %d transactions proposed, and refused by another node", proposer.height+1, len(txs))
		}
		followed := follower.finalize(txs)
		for _, r := range followed.TxResults {
			if r.Code > uint32(driver.Failed) {
				t.Fatalf("block %d: a proposed transaction ended as %v", proposer.height+1, driver.Code(r.Code))
			}
		}
		follower.commit()
		if !proposer.process(txs) {
			t.Fatal("the proposer refuses its own proposal")
		}
		if own := codes(proposer.finalize(txs)); own != codes(followed) {
			t.Fatalf("block %d: the proposer has the results %s, the other node %s", proposer.height+1, own, codes(followed))
		}
		proposer.commit()
		proposer.sameState(follower)
	}
}

func TestProposalIsExecutedOnce(t *testing.T) {
	h := newHand(t)
	txs := h.prepare()
	block := h.app.open.list[0]
	h.process(txs)
	h.finalize(txs)
	if len(h.app.open.list) != 1 || h.app.decided != block {
		t.Fatal("the block was executed again although the proposer had it")
	}
	h.commit()
	if len(h.app.open.list) != 0 {
		t.Fatal("overlays are left after the commit")
	}
}

func TestOpenBlocks_AtMostFour(t *testing.T) {
	h := newHand(t)
	h.block()
	var proposals [][][]byte
	for i := range 6 {
		txs := [][]byte{h.signed("//Alice", 0, remark(fmt.Sprint(i)), 0)}
		proposals = append(proposals, txs)
		if !h.process(txs) {
			t.Fatal("refused")
		}
	}
	if len(h.app.open.list) != maxOpenBlocks {
		t.Fatalf("%d overlays open, want %d", len(h.app.open.list), maxOpenBlocks)
	}
	h.finalize(proposals[0]) // was dropped, so it is executed again
	h.commit()
	other := newHand(t)
	other.block()
	other.decide(proposals[0]...)
	h.sameState(other)
}

// setTime is Timestamp.set as a bare extrinsic.
func setTime(ms uint64) []byte {
	return scale.AppendBytes(nil, scale.AppendCompact([]byte{0x04, 1, 0}, ms))
}

func TestBareInherent_IsRefusedAndLeftOut(t *testing.T) {
	h := newHand(t)
	h.block()
	evil := setTime(uint64(h.time(2).UnixMilli()) + 5)
	if _, err := h.Submit(context.Background(), evil); err == nil {
		t.Error("the pool takes an inherent")
	}
	if h.process([][]byte{evil}) {
		t.Error("a proposal with an inherent is accepted")
	}
	if got := codes(h.decide(evil)); got != "[3]" {
		t.Errorf("results %s, want the inherent left out", got)
	}
	other := newHand(t)
	other.block()
	other.decide()
	h.sameState(other)
}

func TestTrailingBytes_AreRefusedAndLeftOut(t *testing.T) {
	h := newHand(t)
	h.block()
	evil := append(h.signed("//Alice", 0, remark("x"), 0), make([]byte, 1000)...)
	_, err := h.Submit(context.Background(), evil)
	var refused *pool.Error
	if !errors.As(err, &refused) || refused.Code != pool.CodeBadFormat {
		t.Errorf("the pool says %v", err)
	}
	if h.process([][]byte{evil}) {
		t.Error("a proposal with trailing bytes is accepted")
	}
	if got := codes(h.decide(evil)); got != "[2]" {
		t.Errorf("results %s, want it left out", got)
	}
}

func TestBlockOne_TakesNoTransactions(t *testing.T) {
	h := newHand(t)
	xt := h.signed("//Alice", 0, remark("x"), 0)
	h.submit(xt)
	if txs := h.prepare(); len(txs) != 0 {
		t.Errorf("%d transactions proposed", len(txs))
	}
	if h.process([][]byte{xt}) {
		t.Error("a proposal with a transaction is accepted")
	}
	if got := codes(h.decide(xt)); got != "[7]" {
		t.Errorf("results %s", got)
	}
	if txs := h.block(); len(txs) != 1 {
		t.Errorf("block 2 has %d transactions, want 1", len(txs))
	}
}

func TestFinalizeTwice_SameAnswer(t *testing.T) {
	h := newHand(t)
	h.block()
	xt := h.signed("//Alice", 0, transferTo(t, "//Bob", unit), 0)
	first, second := h.finalize([][]byte{xt}), h.finalize([][]byte{xt})
	if !bytes.Equal(first.AppHash, second.AppHash) || codes(first) != codes(second) {
		t.Fatalf("%x %s and %x %s", first.AppHash, codes(first), second.AppHash, codes(second))
	}
	h.commit()
}

func TestTxResults_HaveNeitherDataNorGas(t *testing.T) {
	h := newHand(t)
	h.block()
	failing := h.signed("//Alice", 0, transferTo(t, "//Bob", 1<<62), 0)
	r := h.finalize([][]byte{failing, {1}})
	for i, want := range []abci.ExecTxResult{{Code: 1, Log: "call failed"}, {Code: 2, Log: "not exactly one extrinsic"}} {
		if !reflect.DeepEqual(r.TxResults[i], &want) {
			t.Errorf("result %d: %v, want %v", i, r.TxResults[i], want)
		}
	}
	h.commit()
	if at, found, err := h.Place(2, 0); at != 2 || !found || err != nil {
		t.Errorf("transaction 0 is at %d, %v, %v, want after the two inherents", at, found, err)
	}
	if _, found, err := h.Place(2, 1); found || err != nil {
		t.Errorf("transaction 1 has a place: %v", err)
	}
}

func TestHeader_IsWhatClientsRecompute(t *testing.T) {
	h := newHand(t)
	h.block()
	h.submit(h.signed("//Alice", 0, remark("x"), 0))
	h.block()
	_, best, err := h.Best()
	if err != nil {
		t.Fatal(err)
	}
	header, found, err := h.Header(best)
	if err != nil || !found || header.Hash() != best || header.Number != 2 {
		t.Fatalf("header %+v, %v, %v", header, found, err)
	}
	body, found, err := h.Body(best)
	if err != nil || !found || len(body) != 3 || driver.ExtrinsicsRoot(body, 1) != header.ExtrinsicsRoot {
		t.Fatalf("body of %d, %v, %v", len(body), found, err)
	}
	if parent, _, _ := h.HashAt(1); parent != header.ParentHash {
		t.Errorf("parent %v, want %v", header.ParentHash, parent)
	}
	view, err := h.StateAt(best)
	if err != nil || view.Root() != header.StateRoot {
		t.Fatalf("state root: %v", err)
	}
	view.Release()
}

func TestStorageFault_StopsTheNode(t *testing.T) {
	h := newHand(t)
	h.block()
	xt := h.signed("//Alice", 0, remark("x"), 0)
	if err := h.store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.tryFinalize([][]byte{xt}); !errors.Is(err, state.ErrClosed) {
		t.Fatalf("FinalizeBlock on a dead store: %v", err)
	}
	if err := <-h.failed; !errors.Is(err, state.ErrClosed) || h.Err() == nil {
		t.Fatalf("the node was told %v", err)
	}
}

func TestUnknownBlock_IsAnAnswer(t *testing.T) {
	h := newHand(t)
	nowhere := primitives.Hash{1}
	if _, err := h.StateAt(nowhere); !errors.Is(err, ErrUnknownBlock) {
		t.Errorf("StateAt: %v", err)
	}
	if _, err := h.Call(context.Background(), nowhere, "Core_version", nil); !errors.Is(err, ErrUnknownBlock) {
		t.Errorf("Call: %v", err)
	}
	if _, found, err := h.Header(nowhere); found || err != nil {
		t.Errorf("Header: %v, %v", found, err)
	}
	if _, found, err := h.HashAt(99); found || err != nil {
		t.Errorf("HashAt: %v, %v", found, err)
	}
}

func TestCall_NamesWhatFailed(t *testing.T) {
	h := newHand(t)
	h.block()
	_, best, _ := h.Best()
	out, err := h.Call(context.Background(), best, "AccountNonceApi_account_nonce", key(t, "//Alice").Public())
	if err != nil || !bytes.Equal(out, []byte{0, 0, 0, 0}) {
		t.Errorf("nonce %x, %v", out, err)
	}
	var failed *CallError
	if _, err := h.Call(context.Background(), best, "Nothing_here", nil); !errors.As(err, &failed) || !strings.Contains(err.Error(), "export not found") {
		t.Errorf("missing export: %v", err)
	}
	if _, err := h.Call(context.Background(), best, "AccountNonceApi_account_nonce", []byte{1}); !errors.As(err, &failed) || !strings.Contains(err.Error(), "panicked") {
		t.Errorf("bad input: %v", err)
	}
	if h.Err() != nil {
		t.Errorf("a failed call stops the node: %v", h.Err())
	}
}

func TestInitChain_RefusesAnotherGenesis(t *testing.T) {
	good := func(h *hand) *abci.RequestInitChain {
		doc, err := h.home.genesis.document()
		if err != nil {
			t.Fatal(err)
		}
		g := h.home.genesis
		return &abci.RequestInitChain{
			Time: g.Time, ChainId: g.ChainID, InitialHeight: 1, AppStateBytes: doc.AppState,
			Validators: abciUpdates(g.Validators),
		}
	}
	for name, c := range map[string]struct {
		change func(*abci.RequestInitChain)
		want   string
	}{
		"hash": {func(r *abci.RequestInitChain) {
			r.AppStateBytes = []byte(`{"genesis_hash":"0x` + strings.Repeat("00", 32) + `"}`)
		}, "began with the chain 0x0000"},
		"note":       {func(r *abci.RequestInitChain) { r.AppStateBytes = nil }, "note"},
		"chain id":   {func(r *abci.RequestInitChain) { r.ChainId = "other" }, `chain id "other"`},
		"height":     {func(r *abci.RequestInitChain) { r.InitialHeight = 2 }, "first height is 2"},
		"validators": {func(r *abci.RequestInitChain) { r.Validators[0].Power++ }, "CometBFT has the validators"},
		"count":      {func(r *abci.RequestInitChain) { r.Validators = nil }, "CometBFT has the validators"},
	} {
		h := newHand(t)
		r := good(h)
		c.change(r)
		if _, err := h.app.InitChain(context.Background(), r); !errors.Is(err, ErrGenesis) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	h := newHand(t)
	for range 2 { // it may come twice
		res, err := h.app.InitChain(context.Background(), good(h))
		if err != nil || len(res.AppHash) != 32 {
			t.Fatalf("InitChain: %v", err)
		}
		if info, err := h.app.Info(context.Background(), nil); err != nil || info.LastBlockHeight != 0 || info.LastBlockAppHash != nil {
			t.Fatalf("Info after InitChain: %v, %v", info, err)
		}
	}
	if header, found, err := h.Header(h.GenesisHash()); err != nil || !found || header.Number != 0 || header.ParentHash != (primitives.Hash{}) || len(header.Digest) != 0 {
		t.Errorf("block 0: %+v, %v, %v", header, found, err)
	}
	h.block()
	view, err := h.store.View()
	if err != nil {
		t.Fatal(err)
	}
	defer view.Release()
	k := append(primitives.StoragePrefix("System", "BlockHash"), twox64Concat([]byte{0, 0, 0, 0})...)
	if hash, _, _ := view.Get(k); !bytes.Equal(hash, h.home.genesis.Hash[:]) {
		t.Errorf("the runtime has %x as the hash of block 0", hash)
	}
}

func twox64Concat(b []byte) []byte {
	return append(scale.AppendU64(nil, primitives.Twox64(b, 0)), b...)
}

func TestGenesis_ValidatorsMustBeTheRuntimes(t *testing.T) {
	home := newHome(t)
	home.genesis.Validators = []Validator{{home.genesis.Validators[0].PubKey, 11}}
	h := newHandOn(t, home)
	doc, err := home.genesis.document()
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.app.InitChain(context.Background(), &abci.RequestInitChain{
		ChainId: home.genesis.ChainID, InitialHeight: 1, AppStateBytes: doc.AppState, Validators: abciUpdates(home.genesis.Validators),
	})
	if !errors.Is(err, ErrGenesis) || !strings.Contains(err.Error(), "the runtime has the validators") {
		t.Fatalf("InitChain: %v", err)
	}
}

func TestGenesis_AnotherChainsStoreIsRefused(t *testing.T) {
	h := newHand(t)
	h.block()
	other := h.home.genesis
	other.Hash[0]++
	if err := other.settle(h.store); !errors.Is(err, ErrGenesis) || !strings.Contains(err.Error(), "the store belongs to the chain") {
		t.Errorf("settle: %v", err)
	}
	fresh, err := state.Open(state.Options{Path: "state", FS: newHome(t).fs, MemTableBytes: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	if err := other.settle(fresh); !errors.Is(err, ErrGenesis) || !strings.Contains(err.Error(), "the state gives block 0 the hash") {
		t.Errorf("settle on an empty store: %v", err)
	}
}

func TestCommit_WithoutABlockIsAFault(t *testing.T) {
	h := newHand(t)
	if _, err := h.app.Commit(context.Background(), nil); err == nil || h.Err() == nil {
		t.Fatal("committed nothing")
	}
}

func TestProposal_StopsWhenItsTimeIsOver(t *testing.T) {
	h := newHand(t)
	h.block()
	for nonce := range uint32(3) {
		h.submit(h.signed("//Alice", nonce, remark("x"), 0))
	}
	now := time.Unix(0, 0)
	h.app.now = func() time.Time { now = now.Add(proposeTime); return now } // each look at the clock is a second later
	if txs := h.block(); len(txs) != 1 {
		t.Fatalf("%d transactions, want 1", len(txs))
	}
}
