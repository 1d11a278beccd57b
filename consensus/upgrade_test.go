package consensus

import (
	"context"
	"errors"
	"testing"

	"github.com/sepia-chain/sepia/consensus/driver"
	"github.com/sepia-chain/sepia/consensus/pool"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/runtime/host"
)

// setCode is System.set_code.
func setCode(code []byte) []byte { return scale.AppendBytes([]byte{0, 2}, code) }

// setStorage is System.set_storage of one key.
func setStorage(k, value []byte) []byte {
	call := scale.AppendCompact([]byte{0, 4}, 1)
	return scale.AppendBytes(scale.AppendBytes(call, k), value)
}

func TestUpgrade_FirstBlockComesAtOnceWithoutTransactions(t *testing.T) {
	n := newHome(t).start(t)
	n.next()
	upgrade := n.submit(n.signed("//Alice", 0, sudo(setCode(readBlob("sepia-runtime-v2.wasm"))), 0))
	waiting := n.submit(n.signed("//Bob", 1, remark("signed for the old version"), 0)) // future, so it stays
	at := n.land(upgrade)
	number, _, err := n.Number(at)
	if err != nil {
		t.Fatal(err)
	}
	for e := n.next(); e.Number <= number+1; e = n.next() {
		if e.NewRuntime != (e.Number == number) {
			t.Errorf("block %d says new runtime: %v", e.Number, e.NewRuntime)
		}
		if e.Number == number+1 {
			checkFirstBlock(t, n, e, at)
			break
		}
	}
	for s := range waiting {
		if s.Kind != pool.Future && s.Kind != pool.Invalid {
			t.Errorf("a transaction for the old version is %v", s.Kind)
		}
	}
	n.land(n.submit(n.signed("//Bob", 0, transferTo(t, "//Alice", unit), 0))) // signed for the new one
	n.stop()
}

// checkFirstBlock looks at the block after an upgrade, and at what reads at both sides of it answer.
func checkFirstBlock(t *testing.T, n *node, e Event, upgraded primitives.Hash) {
	t.Helper()
	body, _, err := n.Body(e.Hash)
	if err != nil || len(body) != 2 {
		t.Errorf("the first block has %d extrinsics (%v), want only the two inherents", len(body), err)
	}
	if txs := n.engine.Block(int64(e.Number)).Txs; len(txs) != 0 {
		t.Errorf("the first block was proposed with %d transactions", len(txs))
	}
	header, _, err := n.Header(upgraded)
	if err != nil {
		t.Fatal(err)
	}
	hasItem := false
	for _, item := range header.Digest {
		hasItem = hasItem || item.Kind == primitives.DigestRuntimeEnvironmentUpdated
	}
	if !hasItem {
		t.Error("the upgrade block's digest does not say that the environment changed")
	}
	parent := header.ParentHash
	for _, at := range []struct {
		hash  primitives.Hash
		newer bool
	}{{parent, false}, {upgraded, true}, {e.Hash, true}} {
		v, err := n.RuntimeVersion(at.hash)
		if err != nil || (v.SpecVersion > 1) != at.newer {
			t.Errorf("spec version %d, %v", v.SpecVersion, err)
		}
		out, err := n.Call(context.Background(), at.hash, "Core_version", nil)
		if told, errTold := host.DecodeVersion(out); err != nil || errTold != nil || told.SpecVersion != v.SpecVersion {
			t.Errorf("Core_version is %+v (%v, %v), want %d", told, err, errTold, v.SpecVersion)
		}
	}
}

func TestUpgrade_WatchedWhoeverWroteTheCode(t *testing.T) {
	h := newHand(t)
	h.block()
	code := readBlob("sepia-runtime-v2.wasm")
	h.decide(h.signed("//Alice", 0, sudo(setStorage([]byte(":code"), code)), 0))
	xt := h.signed("//Bob", 0, remark("x"), 0)
	if h.process([][]byte{xt}) {
		t.Error("a first block with a transaction is accepted")
	}
	if got := codes(h.decide(xt)); got != "[7]" {
		t.Errorf("results %s, want the transaction left out", got)
	}
	if txs := h.block(); len(txs) != 0 {
		t.Errorf("%d transactions", len(txs))
	}
	if got := codes(h.decide(xt)); got != "[0]" {
		t.Errorf("results %s after the first block", got)
	}
}

func TestUpgrade_CodeThatIsNoneStopsWithAClearError(t *testing.T) {
	for name, code := range map[string][]byte{"garbage": []byte("no wasm"), "empty": {}} {
		h := newHand(t)
		h.block()
		h.decide(h.signed("//Alice", 0, sudo(setStorage([]byte(":code"), code)), 0))
		_, err := h.tryFinalize(nil)
		var failure *driver.FirstBlockFailure
		if !errors.As(err, &failure) || h.Err() == nil {
			t.Errorf("%s: %v", name, err)
		}
		_, best, _ := h.Best()
		var failed *CallError
		if _, err := h.Call(context.Background(), best, "Core_version", nil); !errors.As(err, &failed) {
			t.Errorf("%s: a read answers %v", name, err)
		}
		header, _, err := h.Header(best)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Call(context.Background(), header.ParentHash, "Core_version", nil); err != nil {
			t.Errorf("%s: a read before it answers %v", name, err)
		}
	}
}

func TestBudgets_AreThoseOfTheParentState(t *testing.T) {
	h := newHand(t)
	h.block()
	var tiny []byte // no gas for any extrinsic
	for _, n := range []int64{driver.DefaultBudgets.Initialize, driver.DefaultBudgets.Inherent, 1000, driver.DefaultBudgets.Finalize, driver.DefaultBudgets.FirstBlock, driver.DefaultBudgets.Total} {
		tiny = scale.AppendU64(tiny, uint64(n))
	}
	set := h.signed("//Alice", 0, sudo(setStorage([]byte(driver.BudgetsKey), tiny)), 0)
	same := h.signed("//Bob", 0, remark("in the same block"), 0)
	if got := codes(h.decide(set, same)); got != "[0 0]" {
		t.Fatalf("results %s: a budget took effect in its own block", got)
	}
	if got := codes(h.decide(h.signed("//Bob", 1, remark("x"), 0))); got != "[5]" {
		t.Fatalf("results %s, want out of gas", got)
	}
}

func TestTrappingSender_IsBarredAfterTheProposal(t *testing.T) {
	h := newHand(t)
	h.block()
	// Judging costs less than applying, so a budget between the two lets the transaction into the pool and traps it after.
	var b []byte
	for _, n := range []int64{driver.DefaultBudgets.Initialize, driver.DefaultBudgets.Inherent, 1000, driver.DefaultBudgets.Finalize, driver.DefaultBudgets.FirstBlock, driver.DefaultBudgets.Total} {
		b = scale.AppendU64(b, uint64(n))
	}
	h.decide(h.signed("//Alice", 0, sudo(setStorage([]byte(driver.BudgetsKey), b)), 0))
	h.submit(h.signed("//Bob", 0, remark("x"), 0))
	if txs := h.block(); len(txs) != 0 {
		t.Fatalf("%d transactions proposed", len(txs))
	}
	_, err := h.Submit(context.Background(), h.signed("//Bob", 0, remark("y"), 0))
	var refused *pool.Error
	if !errors.As(err, &refused) || refused.Code != pool.CodeBanned {
		t.Fatalf("the sender of a trapping transaction: %v", err)
	}
}

func TestHostVersion_AnUnknownOneStopsTheNode(t *testing.T) {
	h := newHand(t)
	h.block()
	h.decide(h.signed("//Alice", 0, sudo(setStorage(hostVersionKey, []byte{2, 0, 0, 0})), 0))
	if _, err := h.tryFinalize(nil); !errors.Is(err, ErrHostVersion) {
		t.Fatalf("FinalizeBlock: %v", err)
	}
}
