package consensus

import (
	"testing"
)

func TestSignedTransferLands(t *testing.T) {
	n := newHome(t).start(t)
	first := n.next()
	if first.Number != 1 {
		t.Fatalf("first block %d", first.Number)
	}
	_, before := n.account(first.Hash, "//Bob")
	const amount = 1_000_000_000_000
	block := n.land(n.submit(n.signed("//Alice", 0, transferTo(t, "//Bob", amount), 0)))
	if _, after := n.account(block, "//Bob"); after != before+amount {
		t.Errorf("Bob has %d, want %d", after, before+amount)
	}
	if nonce, _ := n.account(block, "//Alice"); nonce != 1 {
		t.Errorf("Alice's nonce is %d, want 1", nonce)
	}
	n.stop()
}
