package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sepia-chain/sepia/consensus"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/runtime/blob"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/host"
	"github.com/sepia-chain/sepia/runtime/vm"
	"github.com/sepia-chain/sepia/runtime/wasm"
	"github.com/sepia-chain/sepia/state"
	"github.com/sepia-chain/sepia/test/solo"
)

// accounts of the state, and keys of its one child tree.
const (
	accounts  = 100_000
	childKeys = 10_000
)

var childID = []byte("calibrate")

// releaseName is the function that releases memory, by its short name.
const releaseName = "allocator_free"

// shortName is a host function's name without what all have.
func shortName(name string) string {
	short := strings.TrimPrefix(name, "ext_")
	at := strings.LastIndex(short, "_version_")
	if version := short[at+len("_version_"):]; version != "1" {
		return short[:at] + " " + version
	}
	return short[:at]
}

// world is a blob that runs scripts, on a state on disk.
type world struct {
	engine     *engine.Engine
	guests     *vm.Provider
	runtime    *host.Runtime
	store      *state.Store
	operations map[string]uint32
	unit       *unit
	nothing    each // what the dispatcher takes for a step
}

func openWorld(dir string, u *unit) (*world, error) {
	w := &world{unit: u, operations: map[string]uint32{}}
	functions := host.Functions()
	for i, f := range functions {
		w.operations[shortName(f.Name)] = uint32(i)
	}
	rules, ok := wasm.CustomSection(blob.Runtime(), vm.SectionName)
	if !ok {
		return nil, errors.New("the released runtime has no rules for guests")
	}
	var err error
	if w.engine, err = engine.New(engine.Config{GuestSlots: vm.GuestSlots(1)}); err != nil {
		return nil, err
	}
	w.guests = vm.NewProvider(w.engine, vm.Options{})
	if w.runtime, err = host.NewRuntime(w.engine, scriptBlob(functions, rules), host.Options{Guests: w.guests}); err != nil {
		return nil, err
	}
	if w.store, err = openStore(filepath.Join(dir, "state")); err != nil {
		return nil, err
	}
	w.nothing, err = w.measure(hostCase{times: often, step: func(s *script, _ int) {
		s.steps = append(s.steps, scriptStep{operation: uint32(2 * len(functions))})
	}})
	return w, err
}

func openStore(path string) (*state.Store, error) {
	store, err := state.Open(state.Options{Path: path})
	if err != nil {
		return nil, err
	}
	var pairs []state.Pair
	for i := range accounts {
		pairs = append(pairs, solo.AccountPair(solo.Numbered(i)))
	}
	for i := range childKeys {
		pairs = append(pairs, state.Pair{ID: childID, Key: childKey(i), Value: make([]byte, 32)})
	}
	pairs = append(pairs, state.Pair{Key: guestKey, Value: scale.AppendBytes(nil, idleGuest())})
	view, err := store.CommitGenesis(state.Genesis{Pairs: pairs, Hash: primitives.Hash{1}, Header: []byte{0}, HostVersion: 1})
	if err != nil {
		return nil, err
	}
	return store, view.Release()
}

func childKey(i int) []byte {
	hash := primitives.Blake2_256(binary.LittleEndian.AppendUint64(nil, uint64(i)))
	return hash[:]
}

func (w *world) close() error {
	w.runtime.Close()
	w.guests.Close()
	err := w.store.Close()
	w.engine.Close()
	return err
}

// hostCase is one way to call a function.
type hostCase struct {
	price string // of which price it is a point
	label string
	times int // how often a script does it
	bytes int // charged each time
	keys  int
	root  bool // the time of the state's root afterwards belongs to it
	setup func(s *script)
	step  func(s *script, i int) // i counts over all rounds, so that keys can be new ones
}

// measure runs a case.
func (w *world) measure(c hostCase) (each, error) {
	run := func(round int, whole bool) (spent, error) {
		s := &script{operations: w.operations}
		if c.setup != nil {
			c.setup(s)
		}
		prelude := len(s.steps)
		for i := range c.times {
			c.step(s, round*c.times+i)
		}
		if whole {
			prelude = len(s.steps)
		}
		return w.run(s.encode(prelude), c.root)
	}
	found, err := w.unit.measure(
		func(round int) (spent, error) { return run(round, true) },
		func(round int) (spent, error) { return run(round, false) }, c.times)
	if err != nil {
		return each{}, fmt.Errorf("%s %s: %w", c.price, c.label, err)
	}
	return each{gas: found.gas - w.nothing.gas, taken: found.taken - w.nothing.taken}, nil
}

const scriptGas = 1 << 60

// run runs a script on the committed state and drops what it wrote.
func (w *world) run(input []byte, root bool) (spent, error) {
	view, err := w.store.View()
	if err != nil {
		return spent{}, err
	}
	defer view.Release()
	overlay, err := w.store.NewOverlay(view)
	if err != nil {
		return spent{}, err
	}
	start := cpuTime()
	result, err := w.runtime.Call(context.Background(), "script", input, host.CallOptions{Storage: consensus.Storage(overlay), GasLimit: scriptGas})
	if err == nil && root {
		_, err = overlay.Root()
	}
	took := cpuTime() - start
	return spent{gas: float64(result.GasUsed), took: took}, errors.Join(err, overlay.Drop())
}

// calibrateHost prints what host functions are charged and what they take.
func calibrateHost(u *unit) error {
	dir, err := os.MkdirTemp("", "sepia-calibrate-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	w, err := openWorld(dir, u)
	if err != nil {
		return err
	}
	cases, err := hostCases()
	if err != nil {
		return errors.Join(err, w.close())
	}
	printHeader("host function", "the dispatcher takes "+picoseconds(w.nothing.taken)+" a step, which is left out")
	points := map[string][]point{}
	var names []string
	for _, c := range cases {
		found, err := w.measure(c)
		if err != nil {
			return errors.Join(err, w.close())
		}
		printRow(c.price+": "+c.label, found.gas, found.taken)
		if points[c.price] == nil {
			names = append(names, c.price)
		}
		points[c.price] = append(points[c.price], point{float64(c.bytes), float64(c.keys), found.taken})
	}
	fmt.Printf("\n%-34s %12s %12s %12s\n", "what the times say, in ps", "base", "a byte", "a key")
	for _, name := range names {
		parts := fit(points[name])
		fmt.Printf("%-34s %12.0f %12.1f %12.0f\n", name, parts[0], parts[1], parts[2])
	}
	return w.close()
}
