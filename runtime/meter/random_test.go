package meter_test

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/sepia-chain/sepia/runtime/meter"
	"github.com/sepia-chain/sepia/runtime/meter/metertest"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// moduleCount is 300, or SEPIA_RANDOM_MODULES.
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

const (
	testPages = 4
	plenty    = 800_000_000 // ps: about two million plain instructions; a thousand frames must fit
)

func testWeights() meter.Weights {
	w := meter.ContractWeights()
	w.Cost[meter.ClassStructure] = 10 // every class must count
	w.Cost[meter.ClassGrowPage] = 3_000
	w.Cost[meter.ClassGrow] = 2_000
	return w
}

func options(m *wasm.Module, w meter.Weights) meter.Options {
	return meter.Options{Weights: w, ImportPrices: metertest.ImportPrices(), MemoryMaxPages: testPages, StackLimit: meter.ContractStackLimit}
}

func modelOptions(w meter.Weights, gas int64) metertest.RunOptions {
	ids := []uint32{metertest.ImportA, metertest.ImportB, metertest.ImportC, metertest.ImportStop}
	return metertest.RunOptions{Weights: w, Prices: metertest.ImportPrices(), IDs: ids, Gas: gas, StackLimit: meter.ContractStackLimit, MaxPages: testPages}
}

// difference compares what must be equal: everything, except that gas and memory are not defined once gas is out (the
// counter is tested a few instructions late), and that an access outside memory forfeits the gas.
func difference(model, real metertest.Outcome) string {
	switch {
	case model.Class != real.Class:
		return fmt.Sprintf("ends with %q, the model with %q", real.Class, model.Class)
	case !reflect.DeepEqual(model.Calls, real.Calls):
		return fmt.Sprintf("calls the host as %v, the model as %v", real.Calls, model.Calls)
	case model.Class == metertest.OutOfGas:
		return ""
	case model.Class != metertest.MemoryBounds && model.GasLeft != real.GasLeft:
		return fmt.Sprintf("leaves %d gas, the model %d", real.GasLeft, model.GasLeft)
	case model.Result != real.Result:
		return fmt.Sprintf("returns %d, the model %d", real.Result, model.Result)
	case !bytes.Equal(model.Memory, real.Memory):
		return "leaves another memory than the model"
	}
	return ""
}

// subject is one random module, ready to run.
type subject struct {
	seed uint64
	m    *wasm.Module
	code wazero.CompiledModule
}

func (e *engine) subject(t testing.TB, seed uint64, w meter.Weights) subject {
	code := metertest.Random(seed)
	m, _, err := wasm.Validate(code, metertest.Policy())
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	o := options(m, w)
	if seed%2 == 1 {
		o.FixedImports = []bool{metertest.ImportB: true, metertest.ImportStop: true} // those that charge nothing of their own
	}
	_, compiled := e.metered(t, code, metertest.Policy(), o)
	return subject{seed: seed, m: m, code: compiled}
}

// compare runs model and engine with the same gas and returns the model's outcome and what differs.
func (s subject) compare(t testing.TB, e *engine, entry string, w meter.Weights, gas int64) (metertest.Outcome, string) {
	model := metertest.Interpret(s.m, entry, modelOptions(w, gas))
	return model, difference(model, e.run(t, s.code, entry, gas))
}

// Each random module is run with plenty of gas, with exactly what it needs, with one unit less and with a random part of it.
func TestMetered_SpendsWhatThePlainInterpreterCounts(t *testing.T) {
	e, w := newEngine(t), testWeights()
	stats := newShares()
	for seed := range uint64(moduleCount(t)) {
		s := e.subject(t, seed, w)
		stats.features(s.m)
		for _, entry := range []string{"call", "deploy"} {
			model, diff := s.compare(t, e, entry, w, plenty)
			if diff != "" {
				t.Fatalf("seed %d, %s: %s", seed, entry, diff)
			}
			stats.outcome(model)
			if model.Class != metertest.OutOfGas {
				s.tight(t, e, entry, w, model)
			}
		}
		if err := s.code.Close(e.ctx); err != nil {
			t.Fatal(err)
		}
	}
	stats.check(t)
}

// tight runs with less gas. A run that traps may run out of gas earlier than the model says, because code behind the trap is
// charged with its region; a run that ends otherwise may not.
func (s subject) tight(t *testing.T, e *engine, entry string, w meter.Weights, full metertest.Outcome) {
	t.Helper()
	used := plenty - full.GasLeft
	for _, gas := range []int64{used, used - 1, int64(s.seed*7919) % used} {
		if gas < 0 {
			continue
		}
		_, diff := s.compare(t, e, entry, w, gas)
		if diff != "" && (full.Class == metertest.Finished || full.Class == metertest.Stopped) {
			t.Fatalf("seed %d, %s, %d of %d gas: %s", s.seed, entry, gas, used, diff)
		}
		real := e.run(t, s.code, entry, gas)
		if diff != "" && real.Class != metertest.OutOfGas && full.Class != metertest.MemoryBounds {
			t.Fatalf("seed %d, %s, %d of %d gas, ends with %q: %s", s.seed, entry, gas, used, full.Class, diff)
		}
	}
}

// shares counts how often what happens, so that the comparison cannot become empty unnoticed.
type shares struct {
	modules, runs                int
	loops, calls, memory, tables int
	syscalls                     int
	classes                      map[metertest.Class]int
}

func newShares() *shares { return &shares{classes: map[metertest.Class]int{}} }

func (s *shares) features(m *wasm.Module) {
	s.modules++
	var loops, calls, indirect, memory bool
	for i := range m.Bodies {
		f := m.Bodies[i].Facts
		loops = loops || f.MaxLoops > 0
		calls = calls || f.Calls > 0
		indirect = indirect || f.IndirectCall > 0
		reader := wasm.NewCodeReader(&m.Bodies[i])
		var in wasm.Instr
		for reader.More() {
			if reader.Next(&in) != nil {
				return
			}
			memory = memory || in.Op >= wasm.OpI32Load && in.Op <= wasm.OpMemoryGrow
		}
	}
	for _, c := range []struct {
		seen  bool
		count *int
	}{{loops, &s.loops}, {calls, &s.calls}, {indirect, &s.tables}, {memory, &s.memory}} {
		if c.seen {
			*c.count++
		}
	}
}

func (s *shares) outcome(o metertest.Outcome) {
	s.runs++
	s.classes[o.Class]++
	if len(o.Calls) > 0 {
		s.syscalls++
	}
}

func (s *shares) check(t *testing.T) {
	t.Helper()
	const leastClass, leastFeature = 5, 30 // percent
	t.Logf("%d modules, %d runs: %v, %d with host calls; modules with loops %d, calls %d, memory %d, tables %d",
		s.modules, s.runs, s.classes, s.syscalls, s.loops, s.calls, s.memory, s.tables)
	for _, class := range metertest.Classes {
		if 100*s.classes[class] < leastClass*s.runs {
			t.Errorf("only %d of %d runs end with %q", s.classes[class], s.runs, class)
		}
	}
	if 100*s.syscalls < leastClass*s.runs {
		t.Errorf("only %d of %d runs call the host", s.syscalls, s.runs)
	}
	for name, n := range map[string]int{"loops": s.loops, "calls": s.calls, "memory": s.memory, "tables": s.tables} {
		if 100*n < leastFeature*s.modules {
			t.Errorf("only %d of %d modules have %s", n, s.modules, name)
		}
	}
}

// The comparison must notice one wrong weight, whichever class it is in.
func TestComparison_NoticesAPlantedWrongWeight(t *testing.T) {
	e, w := newEngine(t), testWeights()
	for class := range meter.ClassCount {
		t.Run(class.String(), func(t *testing.T) {
			planted := w
			planted.Cost[class]++
			for seed := range uint64(100) {
				s := e.subject(t, seed, planted)
				_, diff := s.compare(t, e, "call", w, plenty)
				if diff != "" {
					return
				}
			}
			t.Errorf("no module of 100 notices that %s costs one more", class)
		})
	}
}

func TestRandom_SameSeedSameBytes(t *testing.T) {
	for seed := range uint64(20) {
		if !bytes.Equal(metertest.Random(seed), metertest.Random(seed)) {
			t.Fatalf("seed %d gives two modules", seed)
		}
	}
}
