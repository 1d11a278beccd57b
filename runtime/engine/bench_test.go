package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/oasisprotocol/curve25519-voi/primitives/sr25519"

	"github.com/sepia-chain/sepia/runtime/wasm"
)

// verification is the time of one sr25519 check, the unit in which the project states its costs.
func verification(b *testing.B) time.Duration {
	b.Helper()
	key, err := sr25519.GenerateKeyPair(nil)
	if err != nil {
		b.Fatal(err)
	}
	context := sr25519.NewSigningContext([]byte("substrate"))
	message := []byte("a message")
	signature, err := key.Sign(nil, context.NewTranscriptBytes(message))
	if err != nil {
		b.Fatal(err)
	}
	const times = 200
	begin := time.Now()
	for range times {
		if !key.PublicKey().Verify(context.NewTranscriptBytes(message), signature) {
			b.Fatal("the signature does not verify")
		}
	}
	return time.Since(begin) / times
}

// report prints what one of n operations costs, in verifications.
func report(b *testing.B, operations int, unit time.Duration) {
	each := float64(b.Elapsed()) / float64(b.N) / float64(operations)
	b.ReportMetric(each, "ns/each")
	b.ReportMetric(each/float64(unit), "verifications/each")
}

// BenchmarkHostCall calls a host function 1,000 times in one blob call.
func BenchmarkHostCall(b *testing.B) {
	const calls = 1000
	unit := verification(b)
	e := newEngine(b)
	pingType := wasm.FuncType{Params: []wasm.ValType{i32, i64}, Results: []wasm.ValType{i64}}
	cases := []struct {
		name string
		typ  wasm.FuncType
		args []byte
		fn   HostFunc
	}{
		{"go", pingType, seq(i32Const(1), i64Const(2)), HostFunc{Go: func(*Instance, []uint64) (uint64, error) { return 1, nil }}},
		{"go, allocating", pingType, seq(i32Const(1), i64Const(2)), HostFunc{Go: func(in *Instance, _ []uint64) (uint64, error) { return in.Return([]byte("a result")) }}},
		{"malloc in C", mallocType, i32Const(32), HostFunc{Native: NativeMalloc}},
		{"twox_128 of 32 bytes in C", hashType, i64Const(32<<32 | 64), HostFunc{Native: NativeTwox128}},
		{"blake2_128 of 32 bytes in C", hashType, i64Const(32<<32 | 64), HostFunc{Native: NativeBlake2128}},
	}
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			a := &assembly{minimum: 1, maximum: 100, base: 4096}
			a.imports = []assembledImport{{"env", "f", c.typ}}
			a.funcs = []assembledFunc{{typ: entryType, locals: []wasm.ValType{i32}, code: seq(
				i32Const(calls), localSet(2), op(opLoop, blockEmpty),
				c.args, globalGet(gasGlobal), call(0), op(opDrop), call(a.gasImport()), globalSet(gasGlobal),
				localGet(2), i32Const(1), op(opI32Sub), localSet(2), localGet(2), branchIf(0), op(opEnd), i64Const(0))}}
			a.exports = []assembledExport{{"run", a.function(0)}}
			f := c.fn
			f.Module, f.Name, f.Params, f.Results = "env", "f", c.typ.Params, c.typ.Results
			in := newInstance(b, e, a.bytes(), []HostFunc{f})
			b.ResetTimer()
			for range b.N {
				if _, err := in.Call("run", nil, 1<<40, nil); err != nil {
					b.Fatal(err)
				}
			}
			report(b, calls, unit)
		})
	}
}

// BenchmarkBlobCall is the overhead of a call: entering, input, output and fresh memory.
func BenchmarkBlobCall(b *testing.B) {
	unit := verification(b)
	e := newEngine(b)
	in := newInstance(b, e, echoModule(), pingFuncs(func(*Instance, []uint64) (uint64, error) { return 1, nil }))
	input := []byte("hello")
	call := func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			if _, err := in.Call("echo", input, 1000, nil); err != nil {
				b.Fatal(err)
			}
		}
		report(b, 1, unit)
	}
	b.Run("restored memory", call)
	in.blob.c.tracker = -1
	b.Run("a new instance", call)
}

// BenchmarkSyscall is a guest's import: out of the guest and back into it.
func BenchmarkSyscall(b *testing.B) {
	unit := verification(b)
	e := newEngine(b)
	x := start(b, newGuest(b, e, loopModule(0x7fffffff), []GuestImport{{ID: 9}}, LevelSpeed))
	b.ResetTimer()
	for range b.N {
		if step, err := x.Run(1<<40, 1); err != nil || step.Kind != StepSyscall {
			b.Fatal(step, err)
		}
	}
	report(b, 1, unit)
}

// BenchmarkExecution is a guest's life: instantiate, run to the first import or to the end, drop. Every ink! call ends by
// dropping a suspended execution.
func BenchmarkExecution(b *testing.B) {
	unit := verification(b)
	e := newEngine(b)
	for _, c := range []struct {
		name   string
		module []byte
		kind   StepKind
	}{
		{"suspended", loopModule(1), StepSyscall},
		{"finished", trapModule(nil), StepFinished},
		{"unreachable", trapModule(op(opUnreachable)), StepTrapped},
		{"memory", trapModule(knownTraps[1].code), StepTrapped},
	} {
		b.Run(c.name, func(b *testing.B) {
			var imports []GuestImport
			if c.kind == StepSyscall {
				imports = []GuestImport{{ID: 9}}
			}
			g := newGuest(b, e, c.module, imports, LevelSpeed)
			b.ResetTimer()
			for range b.N {
				if step, err := runOnce(g); err != nil || step.Kind != c.kind {
					b.Fatal(step, err)
				}
			}
			report(b, 1, unit)
		})
	}
}

// BenchmarkTouch is a guest that writes to n pages of the machine: faults and their undoing.
func BenchmarkTouch(b *testing.B) {
	e := newEngine(b)
	for _, pages := range []int32{1, 8, 32, 128} {
		b.Run(fmt.Sprintf("%d pages", pages), func(b *testing.B) {
			a := &assembly{minimum: 16, maximum: 16}
			a.funcs = []assembledFunc{{locals: []wasm.ValType{i32}, code: seq(
				i32Const(pages), localSet(0), op(opLoop, blockEmpty),
				localGet(0), i32Const(12), op(0x74), i32Const(1), access(opI32Store, 0),
				localGet(0), i32Const(1), op(opI32Sub), localSet(0), localGet(0), branchIf(0), op(opEnd))}}
			a.exports = []assembledExport{{"call", a.function(0)}}
			g := newGuest(b, e, a.bytes(), nil, LevelSpeed)
			b.ResetTimer()
			for range b.N {
				if step, err := runOnce(g); err != nil || step.Kind != StepFinished {
					b.Fatal(step, err)
				}
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	for range b.N {
		e, err := New(Config{})
		if err != nil {
			b.Fatal(err)
		}
		e.Close()
	}
}
