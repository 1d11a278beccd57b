package main

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

// chain is a store and a runtime on which the bench makes blocks by itself, without CometBFT, so that each part can be timed.
type chain struct {
	engine  *engine.Engine
	guests  *vm.Provider
	store   *state.Store
	runtime *host.Runtime
	genesis primitives.Hash
	parent  primitives.Hash
	height  uint32
	timeMs  uint64
	spent   spent
}

// spent is where the time of the last block went.
type spent struct{ execute, root, commit time.Duration }

// openChain makes a chain of the built-in spec with more pairs in its genesis state.
func openChain(dir string, more []state.Pair) (*chain, error) {
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
	c := &chain{genesis: header.Hash(), parent: header.Hash(), timeMs: uint64(dev.GenesisTime.UnixMilli())}
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
	c.guests = vm.NewProvider(c.engine, vm.Options{})
	c.runtime, err = host.NewRuntime(c.engine, code, host.Options{Signatures: host.NewSignatures(), Guests: c.guests})
	if err != nil {
		return nil, err
	}
	_, err = c.block(nil) // block 1 carries the genesis time and no transactions
	return c, err
}

func (c *chain) close() error {
	c.runtime.Close()
	c.guests.Close()
	err := c.store.Close()
	c.engine.Close()
	return err
}

// ask calls the runtime on the latest state, as the pool and RPC do, and drops what it wrote.
func (c *chain) ask(method string, input []byte, gas int64) ([]byte, error) {
	view, err := c.store.View()
	if err != nil {
		return nil, err
	}
	defer view.Release()
	overlay, err := c.store.NewOverlay(view)
	if err != nil {
		return nil, err
	}
	result, err := c.runtime.Call(context.Background(), method, input,
		host.CallOptions{Storage: consensus.Storage(overlay), GasLimit: gas, DryRun: true})
	return result.Output, errors.Join(err, overlay.Drop())
}

// Limits of gas for one call that the node has: for a validation, and for a question of a client's. In ps.
const (
	validateGas = 50_000_000_000
	askGas      = 5_000_000_000_000
)

// validate does what the pool does with a transaction before any block has it; the signature is known afterwards.
func (c *chain) validate(transaction []byte) error {
	const external = 2
	input := append(append([]byte{external}, transaction...), c.parent[:]...)
	output, err := c.ask("TaggedTransactionQueue_validate_transaction", input, validateGas)
	if err == nil && output[0] != 0 {
		err = fmt.Errorf("the pool would refuse it: %x", output)
	}
	return err
}

// include makes a block of transactions that must all succeed.
func (c *chain) include(transactions [][]byte) error {
	result, err := c.block(transactions)
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

// sign makes a transaction of a call.
func (c *chain) sign(pair *keyring.Pair, nonce uint32, call []byte) ([]byte, error) {
	version := c.runtime.Version()
	return extrinsic.Sign(pair, call, extrinsic.Params{
		Nonce: nonce, SpecVersion: version.SpecVersion, TxVersion: version.TransactionVersion, Genesis: c.genesis, Checkpoint: c.genesis,
	})
}

// block executes and commits one block and notes where the time went.
func (c *chain) block(transactions [][]byte) (driver.Result, error) {
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
	c.spent = spent{execute: executed.Sub(start) - m.root, root: m.root, commit: time.Since(executed)}
	c.parent, c.height = result.Hash, c.height+1
	return result, committed.Release()
}

// inherents are the time and an empty report of CometBFT's: inherent data is a map of ids to bytes, in the order of the ids.
func (c *chain) inherents() []byte {
	const entries = 2
	info := append(make([]byte, 20), 0, 0) // proposer, no votes, no misbehaviour
	data := scale.AppendCompact(nil, entries)
	data = scale.AppendBytes(append(data, "cometbft"...), info)
	return scale.AppendBytes(append(data, "timstap0"...), binary.LittleEndian.AppendUint64(nil, c.timeMs))
}

// machine is the runtime over one overlay, with a watch on the root.
type machine struct {
	chain   *chain
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
