package chaintest

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/sepia-chain/sepia/consensus"
	"github.com/sepia-chain/sepia/consensus/comet"
	"github.com/sepia-chain/sepia/consensus/driver"
	"github.com/sepia-chain/sepia/consensus/pool"
	"github.com/sepia-chain/sepia/internal/extrinsic"
	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/node"
	"github.com/sepia-chain/sepia/node/spec"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/host"
	"github.com/sepia-chain/sepia/runtime/vm"
	"github.com/sepia-chain/sepia/state"
)

// instances of the runtime that a chain of a test has, one of them for blocks.
const instances = 3

// Options are what may differ between two chains without a difference in their results, but for Budgets.
type Options struct {
	Budgets         *driver.Budgets // written into the genesis state; nil leaves the defaults
	Seal            comet.Seal
	Level           engine.Level
	CodeCache       bool  // of compiled runtimes and contracts, on disk
	StateCacheBytes int64 // 0 means 8 MiB
	GuestCacheBytes int64 // 0 means the default
	GuestCompile    vm.Compile
	GuestChild      *engine.Child // compiles contracts ahead; the test binary must serve engine.CompileCommand
	Log             *slog.Logger
	Tap             func(abci.Application) abci.Application
	// Before is called with the empty store before the chain opens it.
	Before func(*state.Store)
}

// Chain is a running chain.
type Chain struct {
	*consensus.Chain
	Store *state.Store

	tb     testing.TB
	failed chan error
	stop   func()
	nonces map[string]uint32
}

// Start opens a chain in an empty home. It ends with the test, or with Stop.
func Start(tb testing.TB, o Options) *Chain {
	tb.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.StateCacheBytes == 0 {
		o.StateCacheBytes = 8 << 20
	}
	c := &Chain{tb: tb, failed: make(chan error, 1), nonces: map[string]uint32{}}
	var err error
	c.Store, err = state.Open(state.Options{Path: "state", FS: vfs.NewMem(), CacheBytes: o.StateCacheBytes, MemTableBytes: 8 << 20, Logger: o.Log})
	must(tb, err)
	if o.Before != nil {
		o.Before(c.Store)
	}
	machine, err := engine.New(engine.Config{BlobSlots: instances, GuestSlots: vm.GuestSlots(instances)})
	must(tb, err)
	guestOptions := vm.Options{CacheBytes: o.GuestCacheBytes, Compile: o.GuestCompile, Child: o.GuestChild, Log: o.Log}
	runtimes := host.Options{Level: o.Level, Signatures: host.NewSignatures()}
	runtimes.Pool, err = host.NewPool(host.PoolConfig{Instances: instances, ForBlocks: 1})
	must(tb, err)
	if o.CodeCache {
		dir := tb.TempDir()
		runtimes.Cache, err = engine.OpenCache(dir, o.Log)
		must(tb, err)
		guestOptions.Disk, err = engine.OpenGuestCache(dir, o.Log)
		must(tb, err)
	}
	guests := vm.NewProvider(machine, guestOptions)
	runtimes.Guests = guests
	c.Chain, err = consensus.Start(c.options(o, machine, runtimes))
	must(tb, err)
	stopped := false
	c.stop = func() {
		if stopped {
			return
		}
		stopped = true
		if err := c.Chain.Stop(); err != nil {
			tb.Errorf("stopping the chain: %v", err)
		}
		if err := c.Err(); err != nil {
			tb.Errorf("the node had to stop: %v", err)
		}
		guests.Close()
		machine.Close()
	}
	tb.Cleanup(func() {
		c.stop()
		if err := c.Store.Close(); err != nil {
			tb.Errorf("closing the store: %v", err)
		}
	})
	return c
}

func (c *Chain) options(o Options, machine *engine.Engine, runtimes host.Options) consensus.Options {
	dir := c.tb.TempDir()
	keyFile, signedFile := filepath.Join(dir, "key.json"), filepath.Join(dir, "signed.json")
	_, err := comet.CreateSigner(keyFile, signedFile, node.DevValidatorSecret())
	must(c.tb, err)
	signer, err := comet.LoadSigner(keyFile, signedFile)
	must(c.tb, err)
	must(c.tb, os.Mkdir(filepath.Join(dir, "wal"), 0o755))
	return consensus.Options{
		Genesis: genesis(c.tb, o.Budgets), Store: c.Store, Engine: machine, Runtimes: runtimes, Signer: signer,
		WALFile: filepath.Join(dir, "wal", "wal"), Seal: o.Seal, Logger: o.Log, Fatal: func(err error) { c.failed <- err }, Tap: o.Tap,
	}
}

// Stop ends the making of blocks. The store stays open until the test ends.
func (c *Chain) Stop() { c.stop() }

// genesis is the dev chain's, with other budgets if there are any.
func genesis(tb testing.TB, budgets *driver.Budgets) consensus.Genesis {
	tb.Helper()
	dev, err := spec.Dev()
	must(tb, err)
	g := consensus.Genesis{ChainID: dev.ID, Time: dev.GenesisTime}
	top, err := dev.TopPairs()
	must(tb, err)
	for _, p := range top {
		if budgets == nil || string(p.Key) != driver.BudgetsKey {
			g.Pairs = append(g.Pairs, state.Pair{Key: p.Key, Value: p.Value})
		}
	}
	if budgets != nil {
		g.Pairs = append(g.Pairs, state.Pair{Key: []byte(driver.BudgetsKey), Value: encodeBudgets(*budgets)})
	}
	for _, v := range dev.Validators {
		g.Validators = append(g.Validators, consensus.Validator{PubKey: v.PubKey, Power: v.Power})
	}
	header, err := consensus.GenesisHeader(g.Pairs)
	must(tb, err)
	g.Hash = header.Hash()
	return g
}

func encodeBudgets(b driver.Budgets) []byte {
	var out []byte
	for _, n := range []int64{b.Initialize, b.Inherent, b.Extrinsic, b.Finalize, b.FirstBlock, b.Total} {
		out = scale.AppendU64(out, uint64(n))
	}
	return out
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// Pair is a well-known account, as "//Alice".
func Pair(tb testing.TB, uri string) *keyring.Pair {
	tb.Helper()
	pair, err := keyring.FromURI(keyring.Sr25519, uri)
	must(tb, err)
	return pair
}

// Sign signs a call of an account with the nonce after its last one here.
func (c *Chain) Sign(uri string, call []byte) []byte {
	c.tb.Helper()
	_, best, err := c.Best()
	must(c.tb, err)
	v, err := c.RuntimeVersion(best)
	must(c.tb, err)
	nonce := c.nonces[uri]
	c.nonces[uri]++
	xt, err := extrinsic.Sign(Pair(c.tb, uri), call, extrinsic.Params{
		Nonce: nonce, SpecVersion: v.SpecVersion, TxVersion: v.TransactionVersion, Genesis: c.GenesisHash(), Checkpoint: c.GenesisHash(),
	})
	must(c.tb, err)
	return xt
}

// Pending is a transaction on its way.
type Pending struct {
	chain  *Chain
	hash   primitives.Hash
	status <-chan pool.Status
}

// Send signs and submits a call.
func (c *Chain) Send(uri string, call []byte) Pending {
	c.tb.Helper()
	hash, status, err := c.Watch(context.Background(), c.Sign(uri, call))
	if err != nil {
		c.tb.Fatalf("submitting: %v", err)
	}
	return Pending{c, hash, status}
}

// Landed is where a transaction went, and how it ended.
type Landed struct {
	Number uint32
	Block  primitives.Hash
	Index  uint32
	Error  *ModuleError // of the call; nil if it worked
}

// Land waits until the transaction is in a block.
func (p Pending) Land() Landed {
	c := p.chain
	c.tb.Helper()
	for {
		select {
		case s, open := <-p.status:
			if !open || s.Kind > pool.Finalized {
				c.tb.Fatalf("the transaction ended as %v", s.Kind)
			}
			if s.Kind == pool.Finalized {
				return c.landed(p.hash, s.Hash)
			}
		case err := <-c.failed:
			c.tb.Fatalf("the node had to stop: %v", err)
		case <-time.After(patience):
			c.tb.Fatalf("the transaction is in no block after %v", patience)
		}
	}
}

func (c *Chain) landed(xt, block primitives.Hash) Landed {
	c.tb.Helper()
	number, _, err := c.Number(block)
	must(c.tb, err)
	body, _, err := c.Body(block)
	must(c.tb, err)
	for i, one := range body {
		if primitives.Blake2_256(one) == xt {
			failure, err := Failure(c.Read(block, EventsKey), uint32(i))
			must(c.tb, err)
			return Landed{number, block, uint32(i), failure}
		}
	}
	c.tb.Fatalf("extrinsic %s is not in block %d", xt, number)
	return Landed{}
}

// Must waits for a transaction whose call has to work.
func (p Pending) Must() Landed {
	p.chain.tb.Helper()
	landed := p.Land()
	if landed.Error != nil {
		p.chain.tb.Fatalf("the call failed: %v", landed.Error)
	}
	return landed
}

// Read is a value of the state after a block.
func (c *Chain) Read(block primitives.Hash, key []byte) []byte {
	c.tb.Helper()
	view, err := c.StateAt(block)
	must(c.tb, err)
	defer func() { must(c.tb, view.Release()) }()
	value, _, err := view.Get(key)
	must(c.tb, err)
	return value
}

// WaitHeight waits until there is a block of this number.
func (c *Chain) WaitHeight(number uint32) {
	c.tb.Helper()
	events, cancel, err := c.Subscribe()
	must(c.tb, err)
	defer cancel()
	if best, _, err := c.Best(); err == nil && best >= number {
		return
	}
	for {
		select {
		case event := <-events:
			if event.Number >= number {
				return
			}
		case err := <-c.failed:
			c.tb.Fatalf("the node had to stop: %v", err)
		case <-time.After(patience):
			c.tb.Fatalf("no block %d in %v", number, patience)
		}
	}
}

// patience is for machines that stand still, not a measure of anything.
const patience = 2 * time.Minute
