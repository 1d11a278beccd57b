package attacks

import (
	"fmt"
	"testing"

	"github.com/sepia-chain/sepia/consensus/driver"
	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/test/attacks/chaintest"
	"github.com/sepia-chain/sepia/test/solo"
	"github.com/sepia-chain/sepia/test/wallet"
)

// fullChain is a chain on which blocks are filled to the brim.
type fullChain struct {
	*solo.Chain
	t       *testing.T
	senders []*keyring.Pair
	nonces  []uint32
}

const (
	crowd = 64                          // accounts that fill the blocks
	room  = 375 * chaintest.Millisecond // of a block by weight, for transactions of users
)

func newFullChain(t *testing.T) *fullChain {
	t.Helper()
	senders, pairs, err := solo.Senders(crowd)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4_000 {
		pairs = append(pairs, solo.AccountPair(solo.Numbered(i)))
	}
	chain, err := solo.Open(t.TempDir(), pairs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := chain.Close(); err != nil {
			t.Error(err)
		}
	})
	return &fullChain{chain, t, senders, make([]uint32, crowd)}
}

// deploy makes a contract and returns it.
func (c *fullChain) deploy(nonce uint32, code, input []byte) *solo.Contract {
	c.t.Helper()
	k := &solo.Contract{Code: code}
	if err := c.Deploy(k, nonce, input); err != nil {
		c.t.Fatal(err)
	}
	return k
}

// fill makes a block of as many calls as fit by weight and two more, which must not fit, and says how many did. What one
// weighs is seen from a small block before it. Candidates that do not fit cost gas too, so there should not be many.
func (c *fullChain) fill(call func(sender, i int) []byte) (fit int, gas int64) {
	c.t.Helper()
	const more = 2
	if _, left := c.block(0, crowd, call); left != 0 {
		c.t.Fatalf("%d of %d transactions do not fit", left, crowd)
	}
	count := int(room/(c.normalWeight()/crowd)) + more
	result, left := c.block(crowd, count, call)
	if left == 0 {
		c.t.Fatalf("all %d transactions fit: the block is not full", count)
	}
	return count - left, result.Gas
}

// block makes a block of so many calls, counted from one on, and says how many did not fit.
func (c *fullChain) block(from, count int, call func(sender, i int) []byte) (result driver.Result, left int) {
	c.t.Helper()
	transactions := make([][]byte, count)
	for i := range transactions {
		sender := i % crowd
		signed, err := c.Sign(c.senders[sender], c.nonces[sender]+uint32(i/crowd), call(sender, from+i))
		if err != nil {
			c.t.Fatal(err)
		}
		transactions[i] = signed
	}
	result, err := c.Block(transactions)
	if err != nil {
		c.t.Fatal(err)
	}
	for i, outcome := range result.Outcomes {
		switch outcome.Code {
		case driver.Applied:
			c.nonces[i%crowd]++
		case driver.Exhausts, driver.Inapplicable: // the latter for a nonce after one that did not fit
			left++
		default:
			c.t.Fatalf("transaction %d ended as %v: %v", i, outcome.Code, outcome.Cause)
		}
	}
	return result, left
}

// normalWeight is the weight of the transactions of users in the last block.
func (c *fullChain) normalWeight() uint64 {
	c.t.Helper()
	value, err := c.Read(primitives.StoragePrefix("System", "BlockWeight"))
	if err != nil {
		c.t.Fatal(err)
	}
	return scale.NewDecoder(value).Compact()
}

// spread gives the crowd tokens of //Alice's.
func (c *fullChain) spread(nonce uint32, token *solo.Contract, bundle chaintest.Bundle) {
	c.t.Helper()
	transactions := make([][]byte, crowd)
	for i, sender := range c.senders {
		account := sender.Account()
		call := token.CallRaw(5*chaintest.Millisecond, bundle.Input("transfer", account[:], solo.AppendU128(nil, 1_000)))
		signed, err := c.Sign(chaintest.Pair(c.t, "//Alice"), nonce+uint32(i), call)
		if err != nil {
			c.t.Fatal(err)
		}
		transactions[i] = signed
	}
	if err := c.Include(transactions); err != nil {
		c.t.Fatal(err)
	}
}

// Weight is an estimate of time that fees are paid by and that fills blocks; gas is the bound that stops whatever takes longer.
// Nobody should meet the bound first, whatever the block is full of: so a block that is full by weight has used a quarter of
// its gas at most, and so has the one after it, which clears what the first left to clear. The weights are the runtime's, the
// gas comes from the host's prices: `make calibrate` brings them together.
func TestFullBlock_UsesAQuarterOfItsGasAtMost(t *testing.T) {
	const perCall = 25 // of what a contract does for one transaction
	c := newFullChain(t)
	bundle := chaintest.Load(t, "erc20")
	token := c.deploy(0, bundle.Code, bundle.Input("new", solo.AppendU128(nil, 1<<50)))
	busy := c.deploy(1, worker(primitives.AccountID{}), nil)
	c.spread(2, token, bundle)
	for _, full := range []struct {
		of    string
		least int // that have to fit
		call  func(sender, i int) []byte
	}{
		{"remarks", 1_000, func(_, i int) []byte { return chaintest.Remark(fmt.Sprint(i)) }},
		{"transfers", 1_000, func(_, i int) []byte { return wallet.TransferKeepAlive(solo.Numbered(i), solo.Unit/100) }},
		{"transfers to new accounts", 1_000, func(_, i int) []byte {
			return wallet.TransferKeepAlive(solo.Numbered(1_000_000+i), solo.Unit/100)
		}},
		{"batches of transfers", 50, func(_, i int) []byte {
			one := wallet.TransferKeepAlive(solo.Numbered(i), solo.Unit/100)
			return chaintest.Batch(one, one, one, one, one, one, one, one, one, one, one, one, one, one, one, one, one, one, one, one)
		}},
		{"erc20 transfers", 300, func(sender, _ int) []byte {
			receiver := c.senders[(sender+1)%crowd].Account()
			return token.CallRaw(chaintest.Millisecond, bundle.Input("transfer", receiver[:], solo.AppendU128(nil, 1)))
		}},
		{"one-byte storage sets", 100, func(_, i int) []byte {
			return busy.CallRaw(2*chaintest.Millisecond, work(workStore, uint64(i)*perCall, perCall))
		}},
		{"events with four topics", 50, func(_, i int) []byte {
			return busy.CallRaw(5*chaintest.Millisecond, work(workEvents, uint64(i)*perCall, perCall))
		}},
	} {
		fit, gas := c.fill(full.call)
		if weight := c.normalWeight(); weight < 90*room/100 {
			t.Errorf("a block of %s is full at %d %%", full.of, 100*weight/room)
		}
		result, err := c.Block(nil)
		if err != nil {
			t.Fatal(err)
		}
		if fit < full.least {
			t.Errorf("only %d %s fit a block, want %d", fit, full.of, full.least)
		}
		const quarter = 25
		for block, used := range map[string]int64{"a block full of": gas, "the block after one full of": result.Gas} {
			if share := 100 * float64(used) / float64(driver.DefaultBudgets.Total); share > quarter {
				t.Errorf("%s %s uses %.1f %% of the gas of a block, want %d at most", block, full.of, share, quarter)
			}
		}
		t.Logf("[figure] %d %s fill a block and use %.1f %% of its gas", fit, full.of, 100*float64(gas)/float64(driver.DefaultBudgets.Total))
	}
}
