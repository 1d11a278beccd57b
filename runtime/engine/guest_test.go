package engine

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/sepia-chain/sepia/runtime/wasm"
)

// loopModule calls sys(n, 7) for n = count..1, adds up the answers and stores the sum at address 16.
func loopModule(count int32) []byte {
	a := &assembly{minimum: 1, maximum: 16}
	a.imports = []assembledImport{{"seal0", "sys", wasm.FuncType{Params: []wasm.ValType{i32, i64}, Results: []wasm.ValType{i32}}}}
	a.funcs = []assembledFunc{{locals: []wasm.ValType{i32, i32}, code: seq(
		i32Const(count), localSet(0),
		op(opLoop, blockEmpty),
		localGet(0), i64Const(7), globalGet(gasGlobal), i64Const(1), op(opI64Sub), call(0),
		call(a.gasImport()), globalSet(gasGlobal),
		localGet(1), op(opI32Add), localSet(1),
		localGet(0), i32Const(1), op(opI32Sub), localSet(0), localGet(0), branchIf(0),
		op(opEnd),
		i32Const(16), localGet(1), access(opI32Store, 0),
	)}}
	a.exports = []assembledExport{{"call", a.function(0)}}
	return a.bytes()
}

func newGuest(t testing.TB, e *Engine, metered []byte, imports []GuestImport, level Level) *Guest {
	t.Helper()
	g, err := e.CompileGuest(metered, imports, GuestOptions{Level: level})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

func start(t testing.TB, g *Guest) *Exec {
	t.Helper()
	x, err := g.Instantiate("call")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Drop)
	return x
}

func TestRun_HandsOverGasAndArgumentsBothWays(t *testing.T) {
	e := newEngine(t)
	for _, level := range levels {
		g := newGuest(t, e, loopModule(3), []GuestImport{{ID: 9}}, level)
		x := start(t, g)
		gas := int64(100)
		var answer int64
		for n := uint64(3); n >= 1; n-- {
			step, err := x.Run(gas, answer)
			if err != nil {
				t.Fatal(err)
			}
			want := Step{Kind: StepSyscall, GasLeft: gas - 1, ID: 9, NArgs: 2, MemBytes: wasmPage}
			want.Args[0], want.Args[1] = n, 7
			if step != want {
				t.Fatalf("%v: got %+v, want %+v", level, step, want)
			}
			gas, answer = step.GasLeft-5, int64(n*10)
		}
		step, err := x.Run(gas, answer)
		if err != nil {
			t.Fatal(err)
		}
		if want := (Step{Kind: StepFinished, GasLeft: gas, MemBytes: wasmPage}); step != want {
			t.Fatalf("%v: got %+v, want %+v", level, step, want)
		}
		var sum [4]byte
		if !x.Read(16, sum[:]) || sum != [4]byte{60} {
			t.Fatalf("%v: sum %v, want 60", level, sum)
		}
		if _, err := x.Run(gas, 0); err != errOver {
			t.Fatalf("got %v, want errOver", err)
		}
	}
}

// counterModule does what metered code does when a counter runs out.
func counterModule(global uint32, value []byte) []byte {
	return trapModule(seq(value, globalSet(global), op(opUnreachable)))
}

func TestRun_Classes(t *testing.T) {
	e := newEngine(t)
	const gas = 500
	hole := &assembly{minimum: 1, maximum: 1}
	hole.funcs = []assembledFunc{{code: seq(i32Const(1), callIndirect(1))}}
	hole.table, hole.holes = []uint32{hole.function(0)}, 1
	hole.exports = []assembledExport{{"call", hole.function(0)}}
	cases := map[string]struct {
		module []byte
		want   Step
	}{
		"out of gas":     {counterModule(gasGlobal, i64Const(-3)), Step{Kind: StepOutOfGas}},
		"stack overflow": {counterModule(stackGlobal, i32Const(-3)), Step{Kind: StepTrapped, Trap: TrapStackOverflow, GasLeft: gas}},
		"both": {trapModule(seq(i64Const(-1), globalSet(gasGlobal), i32Const(-1), globalSet(stackGlobal), op(opUnreachable))),
			Step{Kind: StepOutOfGas}},
		"a null entry": {hole.bytes(), Step{Kind: StepTrapped, Trap: TrapTable, GasLeft: gas}},
		"success":      {trapModule(nil), Step{Kind: StepFinished, GasLeft: gas}},
	}
	for _, k := range knownTraps {
		want := Step{Kind: StepTrapped, Trap: k.want, GasLeft: gas}
		if k.want == TrapMemory {
			want.GasLeft = 0
		}
		cases[k.name] = struct {
			module []byte
			want   Step
		}{trapModule(k.code), want}
	}
	for name, c := range cases {
		for _, level := range levels {
			t.Run(name+" "+level.String(), func(t *testing.T) {
				x := start(t, newGuest(t, e, c.module, nil, level))
				got, err := x.Run(gas, 0)
				want := c.want
				want.MemBytes = wasmPage
				if err != nil || got != want {
					t.Fatalf("got %+v, %v, want %+v", got, err, want)
				}
				if _, err := x.Run(gas, 0); err != errOver {
					t.Fatalf("a second run: got %v, want errOver", err)
				}
			})
		}
	}
}

func TestExec_ReadWriteInEveryState(t *testing.T) {
	e := newEngine(t)
	g := newGuest(t, e, loopModule(1), []GuestImport{{ID: 9}}, LevelSpeed)
	x := start(t, g)
	check := func(state string) {
		t.Helper()
		for _, c := range []struct {
			at uint32
			n  int
			ok bool
		}{{0, 0, true}, {wasmPage, 0, true}, {wasmPage + 1, 0, false}, {wasmPage - 4, 4, true}, {wasmPage - 3, 4, false}, {0, wasmPage, true}, {1, wasmPage, false}, {^uint32(0), 1, false}} {
			b := make([]byte, c.n)
			if got := x.Read(c.at, b); got != c.ok {
				t.Errorf("%s: read of %d bytes at %d: %v", state, c.n, c.at, got)
			}
			if got := x.Write(c.at, b); got != c.ok {
				t.Errorf("%s: write of %d bytes at %d: %v", state, c.n, c.at, got)
			}
		}
	}
	check("new")
	for _, state := range []string{"suspended", "finished"} {
		if _, err := x.Run(1000, 0); err != nil {
			t.Fatal(err)
		}
		check(state)
	}
	x.Drop()
	if x.Read(0, nil) || x.Write(0, nil) {
		t.Error("a dropped execution has memory")
	}
	if _, err := x.Run(1, 1); err != errOver {
		t.Errorf("run of a dropped execution: got %v, want errOver", err)
	}
	x.Drop()
}

// Drops in every state give the slot back; a new execution finds clean memory.
func TestExec_DropInEveryState(t *testing.T) {
	e, err := New(Config{BlobSlots: 1, GuestSlots: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	g := newGuest(t, e, loopModule(3), []GuestImport{{ID: 9}}, LevelSpeed)
	for runs := range 100 {
		x, err := g.Instantiate("call")
		if err != nil {
			t.Fatal(err)
		}
		var before [64]byte
		if !x.Read(512, before[:]) || before != [64]byte{} {
			t.Fatal("a new execution has another's memory")
		}
		for range runs % 5 {
			if _, err := x.Run(1000, 1); err != nil {
				t.Fatal(err)
			}
		}
		if !x.Write(512, []byte("left behind")) {
			t.Fatal("write failed")
		}
		x.Drop()
	}
}

// A full pool makes Instantiate wait; it is no error.
func TestInstantiate_WaitsForASlot(t *testing.T) {
	e, err := New(Config{BlobSlots: 1, GuestSlots: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	g := newGuest(t, e, loopModule(1), []GuestImport{{ID: 9}}, LevelSpeed)
	first, err := g.Instantiate("call")
	if err != nil {
		t.Fatal(err)
	}
	second := make(chan *Exec)
	go func() {
		x, err := g.Instantiate("call")
		if err != nil {
			t.Error(err)
		}
		second <- x
	}()
	select {
	case <-second:
		t.Fatal("two executions in one slot")
	default:
	}
	first.Drop()
	(<-second).Drop()
}

// Executions move between threads, live side by side, and are dropped half-way, with garbage collections all the time.
func TestExec_ManyGoroutinesWithGC(t *testing.T) {
	e := newEngine(t)
	g := newGuest(t, e, loopModule(8), []GuestImport{{ID: 9}}, LevelSpeed)
	stop := make(chan struct{})
	var collector sync.WaitGroup
	collector.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	})
	var workers sync.WaitGroup
	for w := range 8 {
		workers.Go(func() {
			for round := range 200 {
				if err := runSome(g, (w+round)%11); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	workers.Wait()
	close(stop)
	collector.Wait()
}

// runSome takes an execution at most n steps far, each on another goroutine.
func runSome(g *Guest, n int) error {
	x, err := g.Instantiate("call")
	if err != nil {
		return err
	}
	defer x.Drop()
	for i := range n {
		type outcome struct {
			step Step
			err  error
		}
		done := make(chan outcome)
		go func() {
			step, err := x.Run(int64(1000-i), int64(i))
			done <- outcome{step, err}
		}()
		o := <-done
		if o.err != nil {
			return o.err
		}
		if o.step.Kind == StepFinished {
			if i != 8 {
				return fmt.Errorf("finished after %d steps", i)
			}
			return nil
		}
		if o.step.Kind != StepSyscall || o.step.Args[0] != uint64(8-i) || o.step.GasLeft != int64(1000-i)-1 {
			return fmt.Errorf("step %d: %+v", i, o.step)
		}
	}
	return nil
}

// A guest that is suspended inside a host function of a blob outlives neither a trap of the blob nor its return.
func TestExec_InsideAHostFunction(t *testing.T) {
	e := newEngine(t)
	g := newGuest(t, e, loopModule(2), []GuestImport{{ID: 9}}, LevelSpeed)
	overflow := newGuest(t, e, counterModule(stackGlobal, i32Const(-1)), nil, LevelSpeed)
	var live []*Exec
	in := newInstance(t, e, callOut(), outFunc(func(in *Instance, args []uint64) (uint64, error) {
		x, err := g.Instantiate("call")
		if err != nil {
			return 0, err
		}
		live = append(live, x)
		if step, err := x.Run(100, 0); err != nil || step.Kind != StepSyscall {
			return 0, fmt.Errorf("guest: %+v, %w", step, err)
		}
		if step, err := runOnce(overflow); err != nil || step.Trap != TrapStackOverflow {
			return 0, fmt.Errorf("guest: %+v, %w", step, err)
		}
		if args[1] > 0 {
			return 0, &HostTrap{Text: "a trap with a guest suspended"}
		}
		return 0, nil
	}))
	for range 5 {
		if _, err := in.Call("run", nil, 1000, nil); err != nil {
			t.Fatal(err)
		}
		_, err := in.Call("run", []byte{1}, 1000, nil)
		wantTrap(t, err, TrapHost)
		for _, x := range live {
			x.Drop()
		}
		live = live[:0]
	}
}

func TestCompileGuest_Refusals(t *testing.T) {
	e := newEngine(t)
	twice := &assembly{minimum: 1, maximum: 1}
	twice.imports = []assembledImport{{"seal0", "f", wasm.FuncType{}}, {"seal0", "f", wasm.FuncType{}}}
	twice.funcs = []assembledFunc{{}}
	twice.exports = []assembledExport{{"call", twice.function(0)}}
	entry := &assembly{minimum: 1, maximum: 1}
	entry.funcs = []assembledFunc{{typ: entryType, code: i64Const(0)}}
	entry.exports = []assembledExport{{"call", entry.function(0)}}
	for name, c := range map[string]struct {
		module  []byte
		imports []GuestImport
		want    string
	}{
		"no module":             {nil, nil, "reading a metered module"},
		"too few ids":           {loopModule(1), nil, "1 imports, not 0"},
		"two ids of one import": {twice.bytes(), []GuestImport{{1}, {2}}, "has two ids"},
		"entry of another type": {entry.bytes(), nil, "no function () -> () or () -> i32"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := e.CompileGuest(c.module, c.imports, GuestOptions{}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
		})
	}
	g := newGuest(t, e, twice.bytes(), []GuestImport{{1}, {1}}, LevelSpeed)
	if _, err := g.Instantiate("deploy"); !errors.Is(err, ErrNoExport) {
		t.Fatalf("got %v, want ErrNoExport", err)
	}
}
