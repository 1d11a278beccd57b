package consensus

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sepia-chain/sepia/consensus/driver"
	"github.com/sepia-chain/sepia/internal/scale"
)

// A block is full by weight before its gas is spent: weight is an estimate that fees are paid by, gas a bound that nobody
// should meet before it. How much of its gas a full block may use is tested in test/attacks.
func TestFullBlock_WeightComesBeforeGas(t *testing.T) {
	h := newHand(t)
	h.block()
	var txs [][]byte
	for nonce := range uint32(4000) {
		txs = append(txs, h.signed("//Alice", nonce, remark(fmt.Sprint(nonce)), 0))
	}
	r := h.finalize(txs)
	fit := 0
	for i, result := range r.TxResults {
		switch driver.Code(result.Code) {
		case driver.Applied:
			fit++
		case driver.OutOfGas, driver.Trapped:
			t.Fatalf("transaction %d ended as %v after %d applied", i, driver.Code(result.Code), fit)
		}
	}
	h.commit()
	if fit == len(txs) {
		t.Fatalf("all %d transactions fit: the block is not full", fit)
	}
}

// finalizeMeter records what closing a block uses.
type finalizeMeter struct {
	driver.Machine
	used int64
}

func (m *finalizeMeter) Call(method string, input []byte, gas int64) ([]byte, int64, error) {
	out, used, err := m.Machine.Call(method, input, gas)
	if method == "BlockBuilder_finalize_block" {
		m.used = used
	}
	return out, used, err
}

// closing is what finalizing the next block uses.
func (h *hand) closing(txs [][]byte) int64 {
	h.t.Helper()
	height := h.height + 1
	p := proposal{height: height, time: h.time(height), proposer: h.proposer(), votes: votesOf(h.commitInfo(height))}
	var meter finalizeMeter
	block, err := h.app.execute(p, func(m driver.Machine, in driver.Input) (driver.Result, error) {
		meter.Machine = m
		return driver.Apply(&meter, in, txs)
	})
	if err != nil {
		h.t.Fatal(err)
	}
	if err := block.overlay.Drop(); err != nil {
		h.t.Fatal(err)
	}
	return meter.used
}

func (h *hand) setFinalizeBudget(gas int64) {
	h.t.Helper()
	d := driver.DefaultBudgets
	var b []byte
	for _, n := range []int64{d.Initialize, d.Inherent, d.Extrinsic, gas, d.FirstBlock, d.Total} {
		b = scale.AppendU64(b, uint64(n))
	}
	h.decide(h.signed("//Alice", 0, sudo(setStorage(budgetsKey, b)), 0))
}

func TestHookTrap_TheProposerRetriesWithoutTransactions(t *testing.T) {
	h := newHand(t)
	h.block()
	var txs [][]byte
	for nonce := range uint32(8) {
		txs = append(txs, h.signed("//Bob", nonce, remark(strings.Repeat("x", 4000)), 0))
	}
	empty, full := h.closing(nil), h.closing(txs)
	if full <= empty {
		t.Fatalf("closing a block uses %d without transactions and %d with", empty, full)
	}
	h.setFinalizeBudget((empty + full) / 2)
	for _, xt := range txs {
		h.submit(xt)
	}
	if got := h.prepare(); len(got) != 0 {
		t.Fatalf("%d transactions proposed, want none", len(got))
	}
	if len(h.app.open.list) != 1 {
		t.Errorf("%d blocks were built, want the one without transactions", len(h.app.open.list))
	}
	if h.process(txs) {
		t.Error("a block whose finalize fails is accepted")
	}
	if !h.process(nil) {
		t.Error("the block without transactions is refused")
	}
	if h.Err() != nil {
		t.Errorf("the node stopped: %v", h.Err())
	}
}

func TestHookTrap_WithoutTransactionsTheChainWaits(t *testing.T) {
	h := newHand(t)
	h.block()
	h.setFinalizeBudget(1)
	if got := h.prepare(); len(got) != 0 {
		t.Fatalf("%d transactions proposed", len(got))
	}
	if h.process(nil) {
		t.Error("a block whose finalize fails is accepted")
	}
	if h.Err() != nil {
		t.Errorf("the node stopped: %v", h.Err())
	}
	var rejected *driver.Rejection
	if _, err := h.tryFinalize(nil); !errors.As(err, &rejected) || h.Err() == nil {
		t.Errorf("a decided block that cannot be executed: %v", err)
	}
}

func TestGenesis_OneValidatorOnly(t *testing.T) {
	g := testGenesis()
	g.Validators = append(g.Validators, validator(1, 1))
	if _, err := Start(Options{Genesis: g}); !errors.Is(err, ErrGenesis) {
		t.Fatalf("Start: %v", err)
	}
}
