package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/sepia-chain/sepia/runtime/meter"
	"github.com/sepia-chain/sepia/runtime/meter/metertest"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// A frameShape is a function (i64...) -> i64 that calls itself for ever, made so that its native frame is large compared with
// what its locals and operands show. self is the code of the recursive call, with its arguments on the stack.
type frameShape struct {
	name   string
	params int
	locals int
	code   func(self []byte) []byte
}

func repeated(n int, piece func(i int) []byte) []byte {
	var out []byte
	for i := range n {
		out = append(out, piece(i)...)
	}
	return out
}

// arguments pushes n values that depend on the first parameter.
func arguments(n int) []byte {
	return repeated(n, func(i int) []byte { return seq(localGet(0), i64Const(int64(i)+1), op(opI64Add)) })
}

// mixed is an i64 expression that only the i-th use shares with another of the same i.
func mixed(i int) []byte {
	return seq(localGet(0), i64Const(int64(i)*2654435761+1), op(opI64Mul), localGet(0), i64Const(int64(i%63)+1), op(0x88), op(0x85))
}

var frameShapes = []frameShape{
	{"minimal", 1, 0, func(self []byte) []byte { return seq(arguments(1), self) }},
	{"sums of calls", 1, 1, func(self []byte) []byte {
		return seq(repeated(1500, func(int) []byte { return seq(localGet(1), arguments(1), self, op(opI64Add), localSet(1)) }), localGet(1))
	}},
	{"values used before and after a call", 1, 1, func(self []byte) []byte {
		all := repeated(500, func(i int) []byte { return seq(mixed(i), localGet(1), op(0x85), localSet(1)) })
		return seq(all, arguments(1), self, localGet(1), op(0x85), localSet(1), all, localGet(1))
	}},
	{"loops in loops", 1, 40, func(self []byte) []byte {
		turn := repeated(40, func(i int) []byte { return seq(localGet(uint32(i+1)), mixed(i), op(opI64Add), localSet(uint32(i+1))) })
		open := repeated(8, func(int) []byte { return seq(op(opLoop, blockEmpty), turn) })
		shut := repeated(8, func(i int) []byte {
			return seq(localGet(uint32(i+1)), op(opI64Eqz), branchIf(0), op(opEnd))
		})
		return seq(open, arguments(1), self, localSet(1), shut, localGet(1))
	}},
	{"live locals", 1, 120, func(self []byte) []byte {
		set := repeated(120, func(i int) []byte { return seq(mixed(i), localSet(uint32(i+1))) })
		sum := repeated(120, func(i int) []byte { return seq(localGet(uint32(i+1)), op(opI64Add)) })
		return seq(set, arguments(1), self, sum)
	}},
	{"operands", 1, 0, func(self []byte) []byte {
		return seq(repeated(400, mixed), arguments(1), self, repeated(400, func(int) []byte { return op(opI64Add) }))
	}},
	{"parameters", 16, 0, func(self []byte) []byte {
		return seq(arguments(16), self, repeated(15, func(i int) []byte { return seq(localGet(uint32(i+1)), op(opI64Add)) }))
	}},
	{"choices", 1, 30, func(self []byte) []byte {
		set := repeated(30, func(i int) []byte {
			return seq(mixed(i), mixed(i+1), localGet(0), i64Const(int64(i)), op(opI64LtS), op(0x1b), localSet(uint32(i+1)))
		})
		sum := repeated(30, func(i int) []byte { return seq(localGet(uint32(i+1)), mixed(i), op(opI64Add), op(0x85)) })
		return seq(set, arguments(1), self, sum)
	}},
}

// shapeModule is the recursion as a module for both tiers: "call" begins it as a guest, "run" as a blob. Indirect recursion goes
// through the table.
func shapeModule(s frameShape, indirect bool) *metertest.Builder {
	params := make([]wasm.ValType, s.params)
	locals := make([]wasm.ValType, s.locals)
	for _, list := range [][]wasm.ValType{params, locals} {
		for i := range list {
			list[i] = wasm.I64
		}
	}
	b := &metertest.Builder{MemoryMin: 1, MemoryMax: 1, TableSize: 1, Globals: []metertest.Global{{Type: wasm.I32, Value: 4096}}}
	t := wasm.FuncType{Params: params, Results: []wasm.ValType{wasm.I64}}
	self := call(0)
	if indirect {
		self = seq(i32Const(0), callIndirect(b.TypeIndex(t)))
	}
	b.Elements = []metertest.Segment{{Funcs: []uint32{0}}}
	begin := seq(repeated(s.params, func(int) []byte { return i64Const(1) }), call(0))
	b.Funcs = []metertest.Func{
		{Type: t, Locals: locals, Code: s.code(self)},
		{Code: seq(begin, op(opDrop)), Export: "call"},
		{Type: entryType, Code: begin, Export: "run"},
	}
	return b
}

func meterBlob(t testing.TB, b *metertest.Builder) []byte {
	t.Helper()
	table, err := wasm.NewImportTable(nil)
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := wasm.Validate(b.Bytes(), wasm.BlobPolicy(16, table))
	if err != nil {
		t.Fatal(err)
	}
	metered, err := meter.Instrument(m, meter.Options{Weights: meter.BlobWeights(), MemoryMaxPages: 16, StackLimit: meter.BlobStackLimit})
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := wasm.Decode(metered)
	if err != nil {
		t.Fatal(err)
	}
	exports := wasm.AppendU32(nil, uint32(len(decoded.Exports)+1))
	for _, e := range decoded.Exports {
		exports = appendExport(exports, e.Name, e.Kind, e.Index)
	}
	exports = appendExport(exports, "__heap_base", wasm.KindGlobal, 0)
	return replaceSections(metered, map[wasm.SectionID][]byte{wasm.SectionExport: exports})
}

func meterContract(t testing.TB, b *metertest.Builder) []byte {
	t.Helper()
	m, _, err := wasm.Validate(b.Bytes(), metertest.Policy())
	if err != nil {
		t.Fatal(err)
	}
	metered, err := meter.Instrument(m, meter.Options{
		Weights: meter.ContractWeights(), ImportPrices: make([]uint64, len(m.Imports)), MemoryMaxPages: 16, StackLimit: meter.ContractStackLimit,
	})
	if err != nil {
		t.Fatal(err)
	}
	return metered
}

// mostBytesPerUnit is the alarm: a unit stands for 32 bytes, and a shape that comes this near needs a dearer rule.
const mostBytesPerUnit = 24

// nativeBytes is how much of the instance's stack was ever written.
func nativeBytes(in *Instance) int {
	const guard = 64 << 10
	stack := unsafe.Slice((*byte)(in.c.stack), int(in.c.stack_len))
	for at := guard; at < len(stack); at += 8 {
		if *(*uint64)(unsafe.Pointer(&stack[at])) != 0 {
			return len(stack) - at
		}
	}
	return 0
}

// overflowBlob runs the shape until its own counter ends it and returns the native bytes a unit.
func overflowBlob(t *testing.T, e *Engine, metered []byte, level Level) float64 {
	t.Helper()
	b, err := e.CompileBlob(metered, nil, BlobOptions{Level: level})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	in, err := b.Instantiate()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	_, err = in.Call("run", nil, MaxGas, nil)
	wantTrap(t, err, TrapStackOverflow)
	return float64(nativeBytes(in)) / BlobStackUnits
}

func overflowGuest(t *testing.T, e *Engine, metered []byte, level Level) {
	t.Helper()
	g, err := e.CompileGuest(metered, nil, GuestOptions{Level: level})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	x, err := g.Instantiate("call")
	if err != nil {
		t.Fatal(err)
	}
	defer x.Drop()
	step, err := x.Run(MaxGas, 0)
	if err != nil || step.Kind != StepTrapped || step.Trap != TrapStackOverflow || step.GasLeft == 0 {
		t.Fatalf("level %v: got %+v, %v, want a stack overflow by the counter with gas left", level, step, err)
	}
}

// Recursion of any shape ends by the module's own counter, at both levels and tiers, far from the end of the native stack.
func TestStack_FrameShapesEndByTheCounter(t *testing.T) {
	e := newEngine(t)
	for _, s := range frameShapes {
		for _, indirect := range []bool{false, true} {
			name := s.name
			if indirect {
				name += ", indirect"
			}
			t.Run(name, func(t *testing.T) {
				for _, level := range levels {
					guest := shapeModule(s, indirect)
					guest.Funcs[2] = metertest.Func{Export: "deploy"} // contracts export their entry points only
					overflowGuest(t, e, meterContract(t, guest), level)
					perUnit := overflowBlob(t, e, meterBlob(t, shapeModule(s, indirect)), level)
					t.Logf("level %v: %.1f native bytes a unit", level, perUnit)
					if perUnit > mostBytesPerUnit {
						t.Errorf("level %v: %.1f native bytes a unit, the alarm is at %d", level, perUnit, mostBytesPerUnit)
					}
				}
			})
		}
	}
}

// randomShape mixes the ways in which values stay alive across a call.
func randomShape(random *rand.Rand) frameShape {
	locals := 1 + random.IntN(60)
	piece := func() []byte {
		l := uint32(1 + random.IntN(locals))
		switch random.IntN(4) {
		case 0:
			return seq(mixed(random.IntN(200)), localGet(l), op(0x85), localSet(l))
		case 1:
			return seq(mixed(random.IntN(20)), mixed(random.IntN(200)), localGet(l), op(opI64Eqz), op(0x1b), localSet(l))
		case 2:
			return seq(localGet(l), i64Const(int64(random.IntN(64))), op(0x89), localGet(0), op(opI64Add), localSet(l))
		}
		return seq(localGet(l), mixed(random.IntN(200)), op(opI64LtS), op(opI64ExtendU), localSet(l))
	}
	calls, loops := 1+random.IntN(3), random.IntN(3)
	body := func(self []byte) []byte {
		code := repeated(loops, func(int) []byte { return op(opLoop, blockEmpty) })
		for range calls {
			before := repeated(random.IntN(150), func(int) []byte { return piece() })
			code = seq(code, before, arguments(1), self, localSet(uint32(1+random.IntN(locals))), before)
		}
		code = seq(code, repeated(loops, func(int) []byte { return seq(localGet(1), op(opI64Eqz), branchIf(0), op(opEnd)) }))
		return seq(code, repeated(locals, func(i int) []byte { return seq(localGet(uint32(i+1)), localGet(0), op(opI64Add), localSet(0)) }), localGet(0))
	}
	return frameShape{fmt.Sprintf("%d locals, %d calls, %d loops", locals, calls, loops), 1, locals, body}
}

func TestStack_SearchOfRandomShapes(t *testing.T) {
	e := newEngine(t)
	random := rand.New(rand.NewPCG(9, 10))
	worst, worstName := 0.0, ""
	for range 40 {
		s := randomShape(random)
		metered := meterBlob(t, shapeModule(s, false))
		for _, level := range levels {
			perUnit := overflowBlob(t, e, metered, level)
			if perUnit > worst {
				worst, worstName = perUnit, fmt.Sprintf("%s at level %v", s.name, level)
			}
		}
	}
	t.Logf("worst: %.1f native bytes a unit (%s)", worst, worstName)
	if worst > mostBytesPerUnit {
		t.Errorf("%s: %.1f native bytes a unit, the alarm is at %d", worstName, worst, mostBytesPerUnit)
	}
}

// Code without a stack counter cannot come from the meter. If it runs all the same, the engine's own limit ends it, and that is
// a fault of the node, never a result.
func TestStack_NativeOverflowIsAFault(t *testing.T) {
	e := newEngine(t)
	a := &assembly{minimum: 1, maximum: 1, base: 4096}
	a.funcs = []assembledFunc{
		{code: call(a.function(0))},
		{typ: entryType, code: seq(call(a.function(0)), i64Const(0))},
	}
	a.exports = []assembledExport{{"call", a.function(0)}, {"run", a.function(1)}}
	in := newInstance(t, e, a.bytes(), nil)
	if _, err := in.Call("run", nil, 1000, nil); !errors.Is(err, ErrFault) {
		t.Errorf("blob: got %v, want a fault", err)
	}
	if _, err := runOnce(newGuest(t, e, a.bytes(), nil, LevelSpeed)); !errors.Is(err, ErrFault) {
		t.Errorf("guest: got %v, want a fault", err)
	}
}
