package engine

import (
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

func BenchmarkSyscall(b *testing.B) {
	e := newEngine(b)
	g := newGuest(b, e, loopModule(0x7fffffff), []GuestImport{{ID: 9}}, LevelSpeed)
	x := start(b, g)
	b.ResetTimer()
	for range b.N {
		if step, err := x.Run(1<<40, 1); err != nil || step.Kind != StepSyscall {
			b.Fatal(step, err)
		}
	}
}

func BenchmarkInstantiateRunDrop(b *testing.B) {
	e := newEngine(b)
	g := newGuest(b, e, loopModule(1), []GuestImport{{ID: 9}}, LevelSpeed)
	for range b.N {
		x, err := g.Instantiate("call")
		if err != nil {
			b.Fatal(err)
		}
		if step, err := x.Run(1<<40, 1); err != nil || step.Kind != StepSyscall {
			b.Fatal(step, err)
		}
		x.Drop()
	}
}
