package host_test

import (
	"context"
	"errors"
	"maps"
	"math/big"
	"sync"
	"testing"

	"github.com/sepia-chain/sepia/internal/extrinsic"
	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/internal/trie"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/host"
	"github.com/sepia-chain/sepia/runtime/host/hosttest"
)

var genesisOnce struct {
	sync.Once
	pairs map[string][]byte
}

// genesis is the state that the released genesis blob makes of its preset "dev", with the released runtime as code.
func genesis(t testing.TB) map[string][]byte {
	t.Helper()
	genesisOnce.Do(func() {
		ctx, storage, code := context.Background(), hosttest.New(nil), readBlob(t, genesisBlob)
		preset, found, err := host.GenesisPreset(ctx, code, "dev", storage)
		if err != nil || !found {
			t.Fatalf("preset dev: %v, found %v", err, found)
		}
		if err := host.BuildGenesis(ctx, code, preset, storage); err != nil {
			t.Fatal(err)
		}
		genesisOnce.pairs = storage.Pairs()
		genesisOnce.pairs[":code"] = readBlob(t, runtimeBlob)
	})
	if genesisOnce.pairs == nil {
		t.Fatal("an earlier test could not build the genesis")
	}
	return maps.Clone(genesisOnce.pairs)
}

// chain drives blocks through a blob on a storage in memory.
type chain struct {
	t       testing.TB
	runtime *host.Runtime
	storage *hosttest.Storage
	genesis primitives.Hash
	parent  primitives.Header
	gas     int64 // used so far
}

func newChain(t testing.TB) *chain {
	c := &chain{t: t, runtime: released(t), storage: hosttest.New(genesis(t))}
	root, err := c.storage.Root()
	if err != nil {
		t.Fatal(err)
	}
	c.parent = primitives.Header{StateRoot: root, ExtrinsicsRoot: trie.OrderedRoot(nil, trie.V0, func(b []byte) [32]byte { return primitives.Blake2_256(b) })}
	c.genesis = c.parent.Hash()
	return c
}

func (c *chain) call(method string, input []byte) []byte {
	c.t.Helper()
	result, err := c.runtime.Call(context.Background(), method, input, host.CallOptions{Storage: c.storage, GasLimit: ampleGas, ForBlock: true})
	if err != nil {
		c.t.Fatal(err)
	}
	if result.GasUsed <= 0 {
		c.t.Fatalf("%s used %d ps", method, result.GasUsed)
	}
	c.gas += result.GasUsed
	return result.Output
}

// block makes the next block and returns the outcome of each extrinsic, the two inherents left out.
func (c *chain) block(extrinsics ...[]byte) [][]byte {
	c.t.Helper()
	header := primitives.Header{ParentHash: c.parent.Hash(), Number: c.parent.Number + 1}
	c.call("Core_initialize_block", header.Encode())
	body := c.inherents(uint64(header.Number) * 6_000)
	for i, xt := range body {
		if outcome := c.call("BlockBuilder_apply_extrinsic", xt); string(outcome) != "\x00\x00" {
			c.t.Fatalf("inherent %d: outcome %x", i, outcome)
		}
	}
	var outcomes [][]byte
	for _, xt := range extrinsics {
		outcome := c.call("BlockBuilder_apply_extrinsic", xt)
		if outcome[0] == 0 { // applied, whatever its dispatch did: part of the body
			body = append(body, xt)
		}
		outcomes = append(outcomes, outcome)
	}
	finished, err := primitives.DecodeHeader(c.call("BlockBuilder_finalize_block", nil))
	if err != nil {
		c.t.Fatal(err)
	}
	c.checkHeader(finished, header, body)
	if err := c.storage.Commit(); err != nil {
		c.t.Fatal(err)
	}
	c.parent = finished
	return outcomes
}

func (c *chain) checkHeader(got, want primitives.Header, body [][]byte) {
	c.t.Helper()
	if got.Number != want.Number || got.ParentHash != want.ParentHash {
		c.t.Fatalf("header %+v", got)
	}
	// FRAME keeps layout V0 for this root up to system_version 1.
	extrinsicsRoot := trie.OrderedRoot(body, trie.V0, func(b []byte) [32]byte { return primitives.Blake2_256(b) })
	if got.ExtrinsicsRoot != extrinsicsRoot {
		c.t.Fatalf("extrinsics root %s, want %s", got.ExtrinsicsRoot, primitives.Hash(extrinsicsRoot))
	}
}

// inherents asks the blob for its bare extrinsics at a time.
func (c *chain) inherents(milliseconds uint64) [][]byte {
	commit := append(make([]byte, 20), 0, 0) // no proposer, no votes, no misbehaviour
	data := scale.AppendCompact(nil, 2)
	data = scale.AppendBytes(append(data, "cometbft"...), commit)
	data = scale.AppendBytes(append(data, "timstap0"...), scale.AppendU64(nil, milliseconds))
	d := scale.NewDecoder(c.call("BlockBuilder_inherent_extrinsics", data))
	var list [][]byte
	for range d.Length(1) {
		list = append(list, scale.AppendBytes(nil, d.Bytes()))
	}
	if err := d.Finish(); err != nil || len(list) != 2 {
		c.t.Fatalf("%d inherents, %v", len(list), err)
	}
	return list
}

// free is the free balance of an account.
func (c *chain) free(account primitives.AccountID) *big.Int {
	hash := primitives.Blake2_128(account[:])
	key := append(append(primitives.StoragePrefix("System", "Account"), hash[:]...), account[:]...)
	value, found, err := c.storage.Get(key)
	if err != nil || !found {
		c.t.Fatalf("account %s: found %v, %v", account, found, err)
	}
	d := scale.NewDecoder(value)
	d.Fixed(16) // nonce, consumers, providers, sufficients
	return d.U128()
}

func devPair(t testing.TB, scheme keyring.Scheme, uri string) *keyring.Pair {
	t.Helper()
	pair, err := keyring.FromURI(scheme, uri)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// transfer signs Balances.transfer_keep_alive.
func (c *chain) transfer(from *keyring.Pair, nonce uint32, to primitives.AccountID, amount uint64) []byte {
	c.t.Helper()
	const balances, transferKeepAlive = 2, 3
	call := scale.AppendCompact(extrinsic.Address([]byte{balances, transferKeepAlive}, to), amount)
	version := c.runtime.Version()
	xt, err := extrinsic.Sign(from, call, extrinsic.Params{
		Nonce: nonce, SpecVersion: version.SpecVersion, TxVersion: version.TransactionVersion, Genesis: c.genesis, Checkpoint: c.genesis,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return xt
}

func TestBlock_TransferMovesBalanceAndPaysItsFee(t *testing.T) {
	c := newChain(t)
	c.block()
	alice := devPair(t, keyring.Sr25519, "//Alice")
	bob := devPair(t, keyring.Sr25519, "//Bob").Account()
	aliceBefore, bobBefore := c.free(alice.Account()), c.free(bob)
	const amount = 5_000_000_000_000
	outcomes := c.block(c.transfer(alice, 0, bob, amount))
	if string(outcomes[0]) != "\x00\x00" {
		t.Fatalf("outcome %x", outcomes[0])
	}
	if gained := new(big.Int).Sub(c.free(bob), bobBefore); gained.Uint64() != amount {
		t.Errorf("bob gained %s", gained)
	}
	fee := new(big.Int).Sub(aliceBefore, c.free(alice.Account()))
	if fee.Sub(fee, big.NewInt(amount)); fee.Sign() <= 0 || fee.Cmp(big.NewInt(amount)) > 0 {
		t.Errorf("fee %s", fee)
	}
	events, found, err := c.storage.Get(primitives.StoragePrefix("System", "Events"))
	if err != nil || !found || scale.NewDecoder(events).Compact() < 4 {
		t.Errorf("events %x, %v", events, err)
	}
	if c.gas < 100_000_000 {
		t.Errorf("three blocks used %d ps: something is not metered", c.gas)
	}
}

// All three signature schemes pay and transfer; each kind of inapplicable extrinsic has its own answer.
func TestBlock_SchemesAndRefusals(t *testing.T) {
	c := newChain(t)
	alice := devPair(t, keyring.Sr25519, "//Alice")
	ed, ec := devPair(t, keyring.Ed25519, "//Eve//ed"), devPair(t, keyring.Ecdsa, "//Eve//ec")
	const unit = 1_000_000_000_000
	for i, outcome := range c.block(c.transfer(alice, 0, ed.Account(), 10*unit), c.transfer(alice, 1, ec.Account(), 10*unit)) {
		if string(outcome) != "\x00\x00" {
			t.Fatalf("funding %d: %x", i, outcome)
		}
	}
	forged := c.transfer(alice, 2, ed.Account(), unit)
	forged[len(forged)-1] ^= 1
	for _, step := range []struct {
		name    string
		xt      []byte
		outcome string
	}{
		{"ed25519", c.transfer(ed, 0, alice.Account(), unit), "\x00\x00"},
		{"ecdsa", c.transfer(ec, 0, alice.Account(), unit), "\x00\x00"},
		{"forged", forged, "\x01\x00\x04"},
		{"nonce used", c.transfer(alice, 1, ed.Account(), unit), "\x01\x00\x03"},
		{"nonce ahead", c.transfer(alice, 9, ed.Account(), unit), "\x01\x00\x02"},
		{"cannot pay", c.transfer(devPair(t, keyring.Sr25519, "//Nobody"), 0, alice.Account(), unit), "\x01\x00\x01"},
	} {
		if outcome := c.block(step.xt)[0]; string(outcome) != step.outcome {
			t.Errorf("%s: outcome %x, want %x", step.name, outcome, step.outcome)
		}
	}
	// Applied, but the transfer failed: the fee is kept and the outcome says why.
	if outcome := c.block(c.transfer(alice, 2, ed.Account(), 1<<63))[0]; len(outcome) < 3 || outcome[0] != 0 || outcome[1] != 1 {
		t.Errorf("transfer above the balance: outcome %x", outcome)
	}
}

// An extrinsic that runs out of gas anywhere, also inside the storage transactions that FRAME opens around a dispatch, leaves
// only the caller's transaction open, and rolling that back leaves nothing of it.
func TestBlock_TrappedExtrinsicLeavesNothing(t *testing.T) {
	c := newChain(t)
	header := primitives.Header{ParentHash: c.parent.Hash(), Number: 1}
	c.call("Core_initialize_block", header.Encode())
	for _, xt := range c.inherents(6_000) {
		c.call("BlockBuilder_apply_extrinsic", xt)
	}
	xt := c.transfer(devPair(t, keyring.Sr25519, "//Alice"), 0, primitives.AccountID{1}, 1_000_000_000_000)
	before, err := c.storage.Root()
	if err != nil {
		t.Fatal(err)
	}
	attempt := func(gas int64) (host.Result, error) {
		c.storage.StartTransaction()
		result, err := c.runtime.Call(context.Background(), "BlockBuilder_apply_extrinsic", xt, host.CallOptions{Storage: c.storage, GasLimit: gas})
		if depth := c.storage.TransactionDepth(); depth != 1 {
			t.Fatalf("gas %d: %d transactions open after the call, want the caller's one", gas, depth)
		}
		if err := c.storage.RollbackTransaction(); err != nil {
			t.Fatal(err)
		}
		return result, err
	}
	full, err := attempt(ampleGas)
	if err != nil || string(full.Output) != "\x00\x00" {
		t.Fatalf("with ample gas: %x, %v", full.Output, err)
	}
	const points = 40
	for i := range int64(points) {
		var failed *host.CallError
		if _, err := attempt(full.GasUsed * i / points); !errors.As(err, &failed) || failed.Class != engine.TrapOutOfGas {
			t.Fatalf("with %d of %d parts of its gas: error %v", i, points, err)
		}
	}
	if after, err := c.storage.Root(); err != nil || after != before {
		t.Fatalf("root %s, %v; before %s", after, err, before)
	}
}

// The same blocks on another engine, at the other compile level, use the same gas and end in the same state.
func TestBlock_CompileLevelsAgree(t *testing.T) {
	run := func(level engine.Level) (primitives.Hash, int64) {
		c := newChain(t)
		if level != engine.LevelSpeed {
			c.runtime = newRuntime(t, newEngine(t), readBlob(t, runtimeBlob), host.Options{Level: level})
		}
		alice, bob := devPair(t, keyring.Ed25519, "//Alice"), devPair(t, keyring.Sr25519, "//Bob").Account()
		c.block()
		c.block(c.transferDeterministic(alice, bob))
		return c.parent.StateRoot, c.gas
	}
	speedRoot, speedGas := run(engine.LevelSpeed)
	noneRoot, noneGas := run(engine.LevelNone)
	if speedRoot != noneRoot || speedGas != noneGas {
		t.Fatalf("speed: root %s, gas %d; none: root %s, gas %d", speedRoot, speedGas, noneRoot, noneGas)
	}
}

// transferDeterministic signs with a scheme whose signatures are not randomised. Its sender need not be funded: being refused
// is an outcome too.
func (c *chain) transferDeterministic(from *keyring.Pair, to primitives.AccountID) []byte {
	return c.transfer(from, 0, to, 1_000_000_000_000)
}
