// Package solo makes blocks of the built-in chain by itself, without CometBFT, so that a tool can time each part: the released
// runtime, metered, on a store on disk with history, blocks committed with a synced batch.
//
// It is for tools that measure. What it leaves out of a node (consensus, the pool, RPC) is measured by running one.
package solo

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/sepia-chain/sepia/consensus"
	"github.com/sepia-chain/sepia/consensus/driver"
	"github.com/sepia-chain/sepia/internal/extrinsic"
	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/node/spec"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/host"
	"github.com/sepia-chain/sepia/runtime/vm"
	"github.com/sepia-chain/sepia/state"
)

// Chain is a store and a runtime.
type Chain struct {
	engine  *engine.Engine
	guests  *vm.Provider
	store   *state.Store
	runtime *host.Runtime
	genesis primitives.Hash
	parent  primitives.Hash
	height  uint32
	timeMs  uint64
	spent   Spent
}

// Spent is where the time of a block went.
type Spent struct{ Execute, Root, Commit time.Duration }

// Spent is where the time of the last block went.
func (c *Chain) Spent() Spent { return c.spent }

// Open makes a chain of the built-in spec with more pairs in its genesis state.
func Open(dir string, more []state.Pair) (*Chain, error) {
	dev, err := spec.Dev()
	if err != nil {
		return nil, err
	}
	top, err := dev.TopPairs()
	if err != nil {
		return nil, err
	}
	pairs := more
	var code []byte
	for _, p := range top {
		pairs = append(pairs, state.Pair{Key: p.Key, Value: p.Value})
		if string(p.Key) == ":code" {
			code = p.Value
		}
	}
	header, err := consensus.GenesisHeader(pairs)
	if err != nil {
		return nil, err
	}
	c := &Chain{genesis: header.Hash(), parent: header.Hash(), timeMs: uint64(dev.GenesisTime.UnixMilli())}
	if c.store, err = state.Open(state.Options{Path: filepath.Join(dir, "state")}); err != nil {
		return nil, err
	}
	view, err := c.store.CommitGenesis(state.Genesis{Pairs: pairs, Hash: c.genesis, Header: header.Encode(), HostVersion: 1})
	if err != nil {
		return nil, err
	}
	if err := view.Release(); err != nil {
		return nil, err
	}
	if c.engine, err = engine.New(engine.Config{GuestSlots: vm.GuestSlots(1)}); err != nil {
		return nil, err
	}
	c.guests = vm.NewProvider(c.engine, vm.Options{Compile: vm.CompileSpeed}) // as a node has them a while after the upload
	c.runtime, err = host.NewRuntime(c.engine, code, host.Options{Signatures: host.NewSignatures(), Guests: c.guests})
	if err != nil {
		return nil, err
	}
	_, err = c.Block(nil) // block 1 carries the genesis time and no transactions
	return c, err
}

// Close gives everything up.
func (c *Chain) Close() error {
	c.runtime.Close()
	c.guests.Close()
	err := c.store.Close()
	c.engine.Close()
	return err
}

// Ask calls the runtime on the latest state, as the pool and RPC do, and drops what it wrote.
func (c *Chain) Ask(method string, input []byte, gas int64) (host.Result, error) {
	view, err := c.store.View()
	if err != nil {
		return host.Result{}, err
	}
	defer view.Release()
	overlay, err := c.store.NewOverlay(view)
	if err != nil {
		return host.Result{}, err
	}
	result, err := c.runtime.Call(context.Background(), method, input,
		host.CallOptions{Storage: consensus.Storage(overlay), GasLimit: gas, DryRun: true})
	return result, errors.Join(err, overlay.Drop())
}

// Read is a value of the latest state.
func (c *Chain) Read(key []byte) ([]byte, error) {
	view, err := c.store.View()
	if err != nil {
		return nil, err
	}
	defer view.Release()
	value, _, err := view.Get(key)
	return value, err
}

// Limits of gas for one call that the node has: for a validation, and for a question of a client's. In ps.
const (
	validateGas = 50_000_000_000
	AskGas      = 5_000_000_000_000
)

// Validate does what the pool does with a transaction before any block has it; the signature is known afterwards.
func (c *Chain) Validate(transaction []byte) error {
	const external = 2
	input := append(append([]byte{external}, transaction...), c.parent[:]...)
	result, err := c.Ask("TaggedTransactionQueue_validate_transaction", input, validateGas)
	if err == nil && result.Output[0] != 0 {
		err = fmt.Errorf("the pool would refuse it: %x", result.Output)
	}
	return err
}

// Include makes a block of transactions that must all succeed.
func (c *Chain) Include(transactions [][]byte) error {
	result, err := c.Block(transactions)
	if err != nil {
		return err
	}
	for i, outcome := range result.Outcomes {
		if outcome.Code != driver.Applied {
			return fmt.Errorf("block %d: transaction %d is %v: %v", c.height, i, outcome.Code, outcome.Cause)
		}
	}
	return nil
}

// Sign makes a transaction of a call.
func (c *Chain) Sign(pair *keyring.Pair, nonce uint32, call []byte) ([]byte, error) {
	version := c.runtime.Version()
	return extrinsic.Sign(pair, call, extrinsic.Params{
		Nonce: nonce, SpecVersion: version.SpecVersion, TxVersion: version.TransactionVersion, Genesis: c.genesis, Checkpoint: c.genesis,
	})
}

// Block executes and commits one block and notes where the time went.
func (c *Chain) Block(transactions [][]byte) (driver.Result, error) {
	view, err := c.store.View()
	if err != nil {
		return driver.Result{}, err
	}
	defer view.Release()
	overlay, err := c.store.NewOverlay(view)
	if err != nil {
		return driver.Result{}, err
	}
	c.timeMs += 1_000
	m := &machine{chain: c, view: view, overlay: overlay}
	budgets := driver.DefaultBudgets
	start := time.Now()
	result, err := driver.Apply(m, driver.Input{
		Parent: c.parent, Height: c.height + 1, Inherents: c.inherents(), Budgets: budgets,
		Runtime: driver.Runtime{SystemVersion: c.runtime.Version().SystemVersion}, // what first blocks after an upgrade need is left out
	}, transactions)
	if err != nil {
		return result, errors.Join(err, overlay.Drop())
	}
	executed := time.Now()
	committed, err := c.store.Commit(overlay, state.Block{
		Height: c.height + 1, Hash: result.Hash, Header: result.Encoded, HostVersion: 1, Body: result.Body,
	})
	if err != nil {
		return result, err
	}
	c.spent = Spent{Execute: executed.Sub(start) - m.root, Root: m.root, Commit: time.Since(executed)}
	c.parent, c.height = result.Hash, c.height+1
	return result, committed.Release()
}

// inherents are the time and an empty report of CometBFT's: inherent data is a map of ids to bytes, in the order of the ids.
func (c *Chain) inherents() []byte {
	const entries = 2
	info := append(make([]byte, 20), 0, 0) // proposer, no votes, no misbehaviour
	data := scale.AppendCompact(nil, entries)
	data = scale.AppendBytes(append(data, "cometbft"...), info)
	return scale.AppendBytes(append(data, "timstap0"...), binary.LittleEndian.AppendUint64(nil, c.timeMs))
}

// machine is the runtime over one overlay, with a watch on the root.
type machine struct {
	chain   *Chain
	view    *state.View
	overlay *state.Overlay
	root    time.Duration
}

func (m *machine) Call(method string, input []byte, gas int64) ([]byte, int64, error) {
	return m.call(m.overlay, method, input, gas)
}

func (m *machine) CallParent(method string, input []byte, gas int64) ([]byte, int64, error) {
	layer, err := m.chain.store.NewOverlay(m.view)
	if err != nil {
		return nil, 0, err
	}
	output, used, err := m.call(layer, method, input, gas)
	return output, used, errors.Join(err, layer.Drop())
}

func (m *machine) call(overlay *state.Overlay, method string, input []byte, gas int64) ([]byte, int64, error) {
	storage := timedRoot{consensus.Storage(overlay), &m.root}
	result, err := m.chain.runtime.Call(context.Background(), method, input, host.CallOptions{Storage: storage, GasLimit: gas, ForBlock: true})
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", method, err)
	}
	return result.Output, result.GasUsed, nil
}

func (m *machine) Begin()                         { m.overlay.StartTransaction() }
func (m *machine) Commit() error                  { return m.overlay.CommitTransaction() }
func (m *machine) Rollback() error                { return m.overlay.RollbackTransaction() }
func (m *machine) Root() (primitives.Hash, error) { return m.overlay.Root() }

// timedRoot is a storage that adds up the time its root takes.
type timedRoot struct {
	host.Storage
	spent *time.Duration
}

// Revision is the storage's own: an embedded interface does not show it.
func (s timedRoot) Revision() primitives.Revision { return s.Storage.(host.Revised).Revision() }

func (s timedRoot) Root() (primitives.Hash, error) {
	start := time.Now()
	root, err := s.Storage.Root()
	*s.spent += time.Since(start)
	return root, err
}
