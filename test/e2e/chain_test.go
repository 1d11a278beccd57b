package e2e

import (
	"context"
	"encoding/json"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/test/nodetest"
	"github.com/sepia-chain/sepia/test/wallet"
)

const (
	unit     = 1_000_000_000_000
	patience = 60 * time.Second
)

func pair(t *testing.T, uri string) *keyring.Pair {
	t.Helper()
	p, err := keyring.FromURI(keyring.Sr25519, uri)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// transfer sends units from one account to another and waits for the block.
func transfer(t *testing.T, ctx context.Context, c *wallet.Client, from, to *keyring.Pair, amount uint64) wallet.Inclusion {
	t.Helper()
	height, err := c.Height(ctx)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := c.Submit(ctx, from, wallet.TransferKeepAlive(to.Account(), amount))
	if err != nil {
		t.Fatal(err)
	}
	where, err := c.WaitIncluded(ctx, hash, height)
	if err != nil {
		t.Fatal(err)
	}
	return where
}

func free(t *testing.T, ctx context.Context, c *wallet.Client, p *keyring.Pair) *big.Int {
	t.Helper()
	balance, err := c.Free(ctx, p.Account())
	if err != nil {
		t.Fatal(err)
	}
	return balance
}

func TestDev_ATransferLandsAndTheChainStopsCleanly(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	n := nodetest.Start(t, "dev", "--rpc-port", "0", "--port", "0")
	c := wallet.Dial(n.RPC)
	alice, bob := pair(t, "//Alice"), pair(t, "//Bob")
	before := free(t, ctx, c, bob)
	where := transfer(t, ctx, c, alice, bob, 5*unit)
	if where.Number < 2 {
		t.Errorf("the transfer is in block %d: block 1 carries the genesis time and must be empty", where.Number)
	}
	if got := new(big.Int).Sub(free(t, ctx, c, bob), before); got.Cmp(big.NewInt(5*unit)) != 0 {
		t.Errorf("Bob received %s, want %d", got, 5*unit)
	}
	status := nodetest.Run(t, nil, "", "status", "--url", strings.Replace(n.RPC, "ws://", "http://", 1), "--json")
	var report struct {
		Chain  string `json:"chain"`
		Height uint32 `json:"height"`
	}
	if err := json.Unmarshal([]byte(status.Stdout), &report); err != nil || report.Chain != "Sepia Development" || report.Height < where.Number {
		t.Errorf("status prints %q (%v)", status.Stdout, err)
	}
	if exit := n.Stop(); exit != 0 {
		t.Errorf("SIGTERM ends the node with exit code %d, want 0", exit)
	}
}

func TestDev_KeepsTheChainUnderABasePath(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	home := t.TempDir()
	alice, bob := pair(t, "//Alice"), pair(t, "//Bob")
	args := []string{"dev", "--base-path", home, "--rpc-port", "0", "--port", "0"}

	n := nodetest.Start(t, args...)
	where := transfer(t, ctx, wallet.Dial(n.RPC), alice, bob, unit)
	balance := free(t, ctx, wallet.Dial(n.RPC), bob)

	second := nodetest.Run(t, nil, "", append(args, "--json")...)
	if second.Exit != 1 || !strings.Contains(second.Stderr, "is held by process") {
		t.Errorf("a second node on the same home: exit %d, %q", second.Exit, second.Stderr)
	}
	if exit := n.Stop(); exit != 0 {
		t.Fatalf("exit code %d", exit)
	}

	n = nodetest.Start(t, args...)
	c := wallet.Dial(n.RPC)
	if height, err := c.Height(ctx); err != nil || height < where.Number {
		t.Errorf("after a restart the height is %d (%v), want at least %d", height, err, where.Number)
	}
	if got := free(t, ctx, c, bob); got.Cmp(balance) != 0 {
		t.Errorf("after a restart Bob has %s, want %s", got, balance)
	}
	transfer(t, ctx, c, alice, bob, unit)
}

func TestDev_RunsAnotherRuntime(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	n := nodetest.Start(t, "dev", "--rpc-port", "0", "--port", "0", "--runtime", v2Blob, "--genesis-runtime", genesisBlob, "--preset", "dev")
	c := wallet.Dial(n.RPC)
	transfer(t, ctx, c, pair(t, "//Alice"), pair(t, "//Bob"), unit)
	var version struct {
		SpecVersion uint32 `json:"specVersion"`
	}
	if err := c.Call(ctx, &version, "state_getRuntimeVersion"); err != nil || version.SpecVersion != 2 {
		t.Errorf("spec version %d (%v), want 2", version.SpecVersion, err)
	}
}

// kills is how often the node is killed: 5, and 50 with SEPIA_LONG set.
func kills() int {
	if os.Getenv("SEPIA_LONG") != "" {
		return 50
	}
	return 5
}

func TestKill_NoAcknowledgedBlockIsLost(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(kills())*patience)
	defer cancel()
	args := []string{"dev", "--base-path", t.TempDir(), "--rpc-port", "0", "--port", "0"}
	alice, bob := pair(t, "//Alice"), pair(t, "//Bob")
	want, seen := new(big.Int), uint32(0)
	for round := range kills() {
		n := nodetest.Start(t, args...)
		c := wallet.Dial(n.RPC)
		if round == 0 {
			want = free(t, ctx, c, bob)
		}
		height, err := c.Height(ctx)
		if err != nil || height < seen {
			t.Fatalf("round %d: height %d (%v) after block %d was acknowledged", round, height, err, seen)
		}
		if got := free(t, ctx, c, bob); got.Cmp(want) < 0 {
			t.Fatalf("round %d: Bob has %s, was shown %s", round, got, want)
		}
		for range 3 {
			seen = transfer(t, ctx, c, alice, bob, unit).Number
		}
		want = free(t, ctx, c, bob)
		if _, err := c.Submit(ctx, alice, wallet.TransferKeepAlive(bob.Account(), unit)); err != nil {
			t.Fatal(err)
		}
		n.Kill() // while that transfer is on its way into a block
	}
}
