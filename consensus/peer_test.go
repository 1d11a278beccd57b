package consensus

import (
	"context"
	"testing"

	"github.com/sepia-chain/sepia/consensus/driver"
	"github.com/sepia-chain/sepia/internal/scale"
)

// splitTxs reads a peer's bytes as a proposal: lengths and transactions as far as they go, and the rest as one more.
func splitTxs(b []byte) (txs [][]byte) {
	for len(b) > 0 && len(txs) < 4 {
		size := min(int(b[0]), len(b)-1)
		txs, b = append(txs, b[1:1+size]), b[1+size:]
	}
	return append(txs, b)
}

// FuzzProposal: whatever a peer proposes or gossips, the node refuses or takes it, and neither stops nor fails. What it
// refused as a proposal it can still execute if the others decide it, and a good proposal is taken afterwards.
func FuzzProposal(f *testing.F) {
	h := newHand(f)
	h.block()
	good := h.signed("//Alice", 0, remark("good"), 0)
	for _, seed := range [][]byte{good, h.signed("//Bob", 7, transferTo(f, "//Alice", 5), 1), scale.AppendBytes(nil, []byte{4, 0, 0, 0})} {
		f.Add(append([]byte{byte(len(seed))}, seed...))
		f.Add(append(append([]byte{byte(len(seed))}, seed...), seed[1:]...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h.t = t
		txs := splitTxs(b)
		for _, tx := range txs {
			if _, err := h.app.chain.pool.Insert(context.Background(), tx); err != nil {
				t.Fatalf("a peer's transaction %x is a fault of this node: %v", tx, err)
			}
		}
		accepted := h.process(txs)
		outcome := h.finalize(txs)
		for _, r := range outcome.TxResults {
			if accepted && r.Code > uint32(driver.Failed) {
				t.Fatalf("an accepted proposal has the results %s", codes(outcome))
			}
		}
		if err := h.app.open.clear(); err != nil {
			t.Fatal(err)
		}
		if !h.process([][]byte{good}) {
			t.Fatal("a good proposal is refused after a bad one")
		}
		if err := h.app.open.clear(); err != nil {
			t.Fatal(err)
		}
	})
}
