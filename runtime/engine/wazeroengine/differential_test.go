package wazeroengine

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"testing"

	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/meter"
	"github.com/sepia-chain/sepia/runtime/meter/metertest"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

const (
	testPages = 4
	plenty    = 800_000_000 // ps: about two million plain instructions
)

// moduleCount is 300, or SEPIA_RANDOM_MODULES for a longer search.
func moduleCount(t testing.TB) int {
	text := os.Getenv("SEPIA_RANDOM_MODULES")
	if text == "" {
		return 300
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("SEPIA_RANDOM_MODULES: %v", err)
	}
	return n
}

// execution is what both engines' executions do.
type execution interface {
	Run(gas, answer int64) (engine.Step, error)
	Read(at uint32, dst []byte) bool
	Write(at uint32, src []byte) bool
}

// bound is a wazero execution with its context.
type bound struct {
	*Exec
	ctx context.Context
}

func (b bound) Run(gas, answer int64) (engine.Step, error) { return b.Exec.Run(b.ctx, gas, answer) }

// outcome is all that a caller can see of an execution.
type outcome struct {
	Calls  []engine.Step
	Last   engine.Step
	Memory []byte
}

// drive runs an execution to its end, with the host functions of metertest.
func drive(x execution, gas int64) (outcome, error) {
	var o outcome
	answer := int64(0)
	for {
		step, err := x.Run(gas, answer)
		if err != nil {
			return outcome{}, err
		}
		o.Last = step
		memory := make([]byte, step.MemBytes)
		if !x.Read(0, memory) {
			return outcome{}, fmt.Errorf("reading %d bytes of memory failed", len(memory))
		}
		o.Memory = memory
		if step.Kind != engine.StepSyscall {
			return o, nil
		}
		o.Calls = append(o.Calls, step)
		result, price, stop := metertest.Answer(step.ID, step.Args[:step.NArgs], memory)
		if stop {
			return o, nil
		}
		if !x.Write(0, memory) {
			return outcome{}, fmt.Errorf("writing %d bytes of memory failed", len(memory))
		}
		gas, answer = step.GasLeft-price, int64(result)
	}
}

// rival is one module on one engine.
type rival struct {
	name  string
	run   func(entry string, gas int64) (outcome, error)
	close func()
}

// rivals compiles a module for Wasmtime at both levels and for wazero.
func rivals(t testing.TB, e *engine.Engine, metered []byte, imports []engine.GuestImport) []rival {
	t.Helper()
	var list []rival
	for _, level := range []engine.Level{engine.LevelSpeed, engine.LevelNone} {
		g, err := e.CompileGuest(metered, imports, engine.GuestOptions{Level: level})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, rival{close: g.Close, name: level.String(), run: func(entry string, gas int64) (outcome, error) {
			x, err := g.Instantiate(entry)
			if err != nil {
				return outcome{}, err
			}
			defer x.Drop()
			return drive(x, gas)
		}})
	}
	return append(list, wazeroRival(t, metered, imports))
}

func wazeroRival(t testing.TB, metered []byte, imports []engine.GuestImport) rival {
	t.Helper()
	ctx := context.Background()
	g, err := CompileGuest(ctx, metered, imports)
	if err != nil {
		t.Fatal(err)
	}
	shut := func() {
		if err := g.Close(ctx); err != nil {
			t.Error(err)
		}
	}
	return rival{close: shut, name: "wazero", run: func(entry string, gas int64) (o outcome, err error) {
		x, err := g.Instantiate(ctx, entry)
		if err != nil {
			return outcome{}, err
		}
		defer func() {
			if dropErr := x.Drop(ctx); err == nil {
				err = dropErr
			}
		}()
		return drive(bound{x, ctx}, gas)
	}}
}

// testWeights are a contract's, with growing cheap enough for recursion to reach the end of its stack first.
func testWeights() meter.Weights {
	w := meter.ContractWeights()
	w.Cost[meter.ClassStructure] = 10 // every class must count
	w.Cost[meter.ClassGrowPage] = 3_000
	w.Cost[meter.ClassGrow] = 2_000
	return w
}

func meterModule(t testing.TB, module []byte, w meter.Weights) ([]byte, *wasm.Module, []engine.GuestImport) {
	t.Helper()
	m, _, err := wasm.Validate(module, metertest.Policy())
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]uint32{}
	for _, h := range metertest.HostImports() {
		ids[h.Name] = h.ID
	}
	prices := make([]uint64, len(m.Imports))
	imports := make([]engine.GuestImport, len(m.Imports))
	for i, imp := range m.Imports {
		imports[i].ID = ids[imp.Name]
		prices[i] = metertest.ImportPrices()[imports[i].ID]
	}
	metered, err := meter.Instrument(m, meter.Options{Weights: w, ImportPrices: prices, MemoryMaxPages: testPages, StackLimit: meter.ContractStackLimit})
	if err != nil {
		t.Fatal(err)
	}
	return metered, m, imports
}

// difference compares everything that a caller can see.
func difference(a, b outcome) string {
	switch {
	case !reflect.DeepEqual(a.Calls, b.Calls):
		return fmt.Sprintf("calls %v and %v", a.Calls, b.Calls)
	case a.Last != b.Last:
		return fmt.Sprintf("ends %+v and %+v", a.Last, b.Last)
	case !bytes.Equal(a.Memory, b.Memory):
		return "memories differ"
	}
	return ""
}

// compare runs all rivals alike and returns what the first saw.
func compare(t testing.TB, list []rival, what, entry string, gas int64) outcome {
	t.Helper()
	first, err := list[0].run(entry, gas)
	if err != nil {
		t.Fatalf("%s, %s on %s: %v", what, entry, list[0].name, err)
	}
	for _, r := range list[1:] {
		other, err := r.run(entry, gas)
		if err != nil {
			t.Fatalf("%s, %s on %s: %v", what, entry, r.name, err)
		}
		if diff := difference(first, other); diff != "" {
			t.Fatalf("%s, %s, %d gas: %s and %s differ: %s", what, entry, gas, list[0].name, r.name, diff)
		}
	}
	return first
}

// Speed, None and wazero agree on calls, arguments, gas, end and memory of random modules, with plenty of gas, with what is
// needed, with a unit less, and with a part of it.
func TestEngines_AgreeOnRandomModules(t *testing.T) {
	e, err := engine.New(engine.Config{BlobSlots: 1, GuestSlots: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	counts := &tally{kinds: map[string]int{}}
	for seed := range uint64(moduleCount(t)) {
		metered, m, imports := meterModule(t, metertest.Random(seed), testWeights())
		counts.features(m)
		list := rivals(t, e, metered, imports)
		for _, entry := range []string{"call", "deploy"} {
			counts.outcome(compareBudgets(t, list, seed, entry))
		}
		for _, r := range list {
			r.close()
		}
	}
	counts.check(t)
}

// compareBudgets returns the outcome with plenty of gas.
func compareBudgets(t *testing.T, list []rival, seed uint64, entry string) outcome {
	what := fmt.Sprintf("seed %d", seed)
	full := compare(t, list, what, entry, plenty)
	if full.Last.GasLeft == 0 {
		return full // it used up everything, or lost its counter: there is no exact need to try
	}
	used := plenty - full.Last.GasLeft
	for _, gas := range []int64{used, used - 1, int64(seed*7919) % used} {
		compare(t, list, what, entry, gas)
	}
	return full
}

// tally counts how often what happens, so that the comparison cannot become empty unnoticed.
type tally struct {
	modules, runs                int
	loops, calls, memory, tables int
	kinds                        map[string]int
	syscalls                     int
}

func (c *tally) features(m *wasm.Module) {
	c.modules++
	var loops, calls, tables, memory bool
	for i := range m.Bodies {
		f := m.Bodies[i].Facts
		loops, calls, tables = loops || f.MaxLoops > 0, calls || f.Calls > 0, tables || f.IndirectCall > 0
		reader := wasm.NewCodeReader(&m.Bodies[i])
		var in wasm.Instr
		for reader.More() && reader.Next(&in) == nil {
			memory = memory || in.Op >= wasm.OpI32Load && in.Op <= wasm.OpMemoryGrow
		}
	}
	for _, f := range []struct {
		seen  bool
		count *int
	}{{loops, &c.loops}, {calls, &c.calls}, {tables, &c.tables}, {memory, &c.memory}} {
		if f.seen {
			*f.count++
		}
	}
}

func (c *tally) outcome(o outcome) {
	c.runs++
	if len(o.Calls) > 0 {
		c.syscalls++
	}
	c.kinds[kindName(o.Last)]++
}

func kindName(s engine.Step) string {
	switch s.Kind {
	case engine.StepFinished:
		return "finished"
	case engine.StepOutOfGas:
		return "out of gas"
	case engine.StepSyscall:
		return "dropped in a syscall"
	}
	return s.Trap.String()
}

func (c *tally) check(t *testing.T) {
	t.Helper()
	const leastKind, leastFeature = 5, 30 // percent
	t.Logf("%d modules, %d runs: %v, %d with syscalls; modules with loops %d, calls %d, memory %d, tables %d",
		c.modules, c.runs, c.kinds, c.syscalls, c.loops, c.calls, c.memory, c.tables)
	kinds := []string{"finished", "out of gas", "dropped in a syscall"}
	for class := engine.TrapUnreachable; class <= engine.TrapStackOverflow; class++ {
		kinds = append(kinds, class.String())
	}
	for _, kind := range kinds {
		if 100*c.kinds[kind] < leastKind*c.runs {
			t.Errorf("only %d of %d runs end with %q", c.kinds[kind], c.runs, kind)
		}
	}
	if 100*c.syscalls < leastKind*c.runs {
		t.Errorf("only %d of %d runs have a syscall", c.syscalls, c.runs)
	}
	for name, n := range map[string]int{"loops": c.loops, "calls": c.calls, "memory": c.memory, "tables": c.tables} {
		if 100*n < leastFeature*c.modules {
			t.Errorf("only %d of %d modules have %s", n, c.modules, name)
		}
	}
}

// A weight that differs on one engine only must be noticed.
func TestDifference_NoticesAPlantedWrongWeight(t *testing.T) {
	e, err := engine.New(engine.Config{BlobSlots: 1, GuestSlots: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	for class := range meter.ClassCount {
		t.Run(class.String(), func(t *testing.T) {
			right := testWeights()
			planted := right
			planted.Cost[class]++
			for seed := range uint64(60) {
				metered, _, imports := meterModule(t, metertest.Random(seed), right)
				g, err := e.CompileGuest(metered, imports, engine.GuestOptions{Level: engine.LevelNone})
				if err != nil {
					t.Fatal(err)
				}
				x, err := g.Instantiate("call")
				if err != nil {
					t.Fatal(err)
				}
				a, err := drive(x, plenty)
				x.Drop()
				g.Close()
				if err != nil {
					t.Fatal(err)
				}
				metered, _, imports = meterModule(t, metertest.Random(seed), planted)
				rival := wazeroRival(t, metered, imports)
				b, err := rival.run("call", plenty)
				rival.close()
				if err != nil {
					t.Fatal(err)
				}
				if difference(a, b) != "" {
					return
				}
			}
			t.Errorf("no module of 60 notices that %v costs one more", class)
		})
	}
}
