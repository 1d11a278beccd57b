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
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/node/spec"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/host"
	"github.com/sepia-chain/sepia/state"
)

// chain is a store and a runtime on which the bench makes blocks by itself, without CometBFT, so that each part can be timed.
type chain struct {
	engine  *engine.Engine
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
	if c.engine, err = engine.New(engine.Config{}); err != nil {
		return nil, err
	}
	c.runtime, err = host.NewRuntime(c.engine, code, host.Options{Signatures: host.NewSignatures()})
	return c, err
}

func (c *chain) close() error {
	c.runtime.Close()
	err := c.store.Close()
	c.engine.Close()
	return err
}

// validate does what the pool does with a transaction before any block has it; the signature is known afterwards.
func (c *chain) validate(transaction []byte) error {
	view, err := c.store.View()
	if err != nil {
		return err
	}
	defer view.Release()
	overlay, err := c.store.NewOverlay(view)
	if err != nil {
		return err
	}
	const external = 2
	input := append(append([]byte{external}, transaction...), c.parent[:]...)
	result, err := c.runtime.Call(context.Background(), "TaggedTransactionQueue_validate_transaction", input,
		host.CallOptions{Storage: consensus.Storage(overlay), GasLimit: validateGas})
	if err == nil && result.Output[0] != 0 {
		err = fmt.Errorf("the pool would refuse it: %x", result.Output)
	}
	return errors.Join(err, overlay.Drop())
}

// validateGas is the node's limit for one validation, in ps.
const validateGas = 50_000_000_000

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

func (s timedRoot) Root() (primitives.Hash, error) {
	start := time.Now()
	root, err := s.Storage.Root()
	*s.spent += time.Since(start)
	return root, err
}
