package metertest

import (
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// splitmix is a small generator whose sequence depends on nothing but the seed, so that a seed names a module for ever.
// Source: https://prng.di.unimi.it/splitmix64.c (public domain).
type splitmix uint64

func (s *splitmix) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number in [0, n).
func (s *splitmix) below(n int) int { return int(s.next() % uint64(n)) }

// chance is true in percent of cases.
func (s *splitmix) chance(percent int) bool { return s.below(100) < percent }

// planned are the ends that modules are steered to. Finished stands for no plan. Ends that also come about unplanned are
// there once, the others twice.
var planned = []Class{
	Finished, Stopped, Stopped, OutOfGas, OutOfGas, Unreachable, MemoryBounds, MemoryBounds, TableBounds, TableBounds, SignatureClass,
	SignatureClass, DivideByZero, IntegerOverflow, IntegerOverflow,
	StackOverflow, StackOverflow,
}

// generator makes one module. Functions call only functions behind them, so that calls end; loops count down.
type generator struct {
	splitmix
	b        Builder
	types    []wasm.FuncType // of all functions, imports first
	imports  int
	plan     Class
	table    []int
	leaves   int // functions from here on call nothing
	function int // under work
	budget   int // statements left in it
	calls    int // calls left in it
	loops    int // open loops
	locals   []wasm.ValType
	counters int // locals reserved for loop counters, the last ones
}

const (
	tableSize   = 8
	maxLoops    = 3
	extraLocals = maxLoops // loop counters
)

// Random returns a contract module without meter that passes Policy: it imports env.memory and functions of HostImports, and
// exports deploy and call. The same seed gives the same bytes for ever. Most modules are
// steered to one of Classes; a third ends by itself. Some modules have a start function.
func Random(seed uint64) []byte {
	g := &generator{splitmix: splitmix(seed)}
	g.next()
	g.plan = planned[g.below(len(planned))]
	g.declare()
	for i := range g.b.Funcs {
		g.body(i)
	}
	return g.b.Bytes()
}

func (g *generator) declare() {
	for _, imp := range HostImports() {
		g.b.Imports = append(g.b.Imports, Import{Module: imp.Module, Name: imp.Name, Type: imp.Type})
		g.types = append(g.types, imp.Type)
	}
	g.imports = len(g.types)
	entries := []wasm.FuncType{Types("", ""), Types("", "i")}
	count := 3 + g.below(6)
	for i := range count {
		f := Func{Type: g.funcType()}
		switch i {
		case 0:
			f.Type, f.Export = entries[g.below(2)], "call"
		case 1:
			f.Type, f.Export = entries[g.below(2)], "deploy"
		case 2:
			if g.b.HasStart = g.chance(12); g.b.HasStart {
				f.Type = entries[0]
				g.b.Start = g.imports + i
			}
		}
		g.b.Funcs = append(g.b.Funcs, f)
		g.types = append(g.types, f.Type)
	}
	g.leaves = max(2, count-2)
	for range 1 + g.below(4) {
		g.b.Globals = append(g.b.Globals, Global{Type: g.numType(), Mutable: g.chance(75), Value: int64(int32(g.next()))})
	}
	g.b.MemoryMin = uint32(1 + g.below(2))
	if g.chance(80) {
		g.b.MemoryMax = g.b.MemoryMin + uint32(g.below(3))
	}
	g.b.Data = append(g.b.Data, Segment{At: int32(g.below(4096)), Bytes: []byte("sepia random data \x00\x01\xff")})
	if g.chance(65) || g.plan == TableBounds || g.plan == SignatureClass {
		g.declareTable()
	}
}

// declareTable fills most of the table; the last two places stay null.
func (g *generator) declareTable() {
	g.b.TableSize = tableSize
	segment := Segment{}
	for range tableSize - 2 {
		f := g.imports + 2 + g.below(len(g.b.Funcs)-2)
		if g.chance(15) {
			f = g.below(ImportStop)
		}
		segment.Funcs = append(segment.Funcs, uint32(f))
		g.table = append(g.table, f)
	}
	g.b.Elements = append(g.b.Elements, segment)
}

func (g *generator) numType() wasm.ValType {
	if g.chance(60) {
		return wasm.I32
	}
	return wasm.I64
}

func (g *generator) funcType() wasm.FuncType {
	var t wasm.FuncType
	for range g.below(4) {
		t.Params = append(t.Params, g.numType())
	}
	if g.chance(70) {
		t.Results = []wasm.ValType{g.numType()}
	}
	return t
}

func (g *generator) body(i int) {
	f := &g.b.Funcs[i]
	g.function, g.budget, g.calls, g.loops = i, 6+g.below(14), 3, 0
	g.locals = append([]wasm.ValType(nil), f.Type.Params...)
	for range 2 + g.below(5) {
		f.Locals = append(f.Locals, g.numType())
	}
	g.locals = append(g.locals, f.Locals...)
	g.counters = len(g.locals)
	for range extraLocals {
		f.Locals = append(f.Locals, wasm.I32)
	}
	before := 6
	if g.plan == StackOverflow {
		before = 2 // every frame runs them again
	}
	code := g.statements(before)
	if g.plan != Finished && g.steer() {
		code = append(code, g.ending()...)
	}
	code = append(code, g.statements(4)...)
	f.Code = append(code, g.value(f.Type.Result(), 3)...)
}

// steer says whether the planned end belongs into this function: nearly always into call or deploy, so that it is reached.
func (g *generator) steer() bool {
	if g.function < 2 {
		return g.chance(97)
	}
	return g.chance(15)
}

// ending is code that ends as planned.
func (g *generator) ending() []byte {
	zero := Asm(g.value(wasm.I32, 1), wasm.OpI32Const, 0, wasm.Op(0x71)) // and 0: no constant to the meter
	switch g.plan {
	case Stopped:
		return Asm(g.value(wasm.I32, 2), wasm.OpCall, uint32(ImportStop))
	case OutOfGas:
		return Asm(wasm.OpLoop, byte(0x40), g.statement(1), wasm.OpBr, uint32(0), wasm.OpEnd)
	case Unreachable:
		return Asm(wasm.OpUnreachable)
	case MemoryBounds:
		if g.chance(30) {
			return Asm(zero, g.value(wasm.I32, 1), wasm.OpI32Const, 300_000, wasm.OpMemoryFill, byte(0))
		}
		return Asm(zero, wasm.OpI64Const, 1, wasm.Op(0x37), byte(0), uint32(1<<20-4))
	case TableBounds, SignatureClass:
		return g.badIndirect(zero)
	case DivideByZero:
		if g.chance(50) {
			return Asm(g.value(wasm.I32, 2), zero, wasm.OpI32DivS+wasm.Op(g.below(4)), wasm.OpDrop)
		}
		return Asm(g.value(wasm.I64, 2), zero, wasm.OpI64ExtendU32, wasm.OpI64DivS+wasm.Op(g.below(4)), wasm.OpDrop)
	case IntegerOverflow:
		if g.chance(50) {
			return Asm(wasm.OpI32Const, -1<<31, wasm.OpI32Const, -1, wasm.OpI32DivS, wasm.OpDrop)
		}
		return Asm(wasm.OpI64Const, int64(-1<<63), zero, wasm.OpI64ExtendU32, wasm.OpI64Const, -1, wasm.OpI64Add, wasm.OpI64DivS, wasm.OpDrop)
	}
	return g.recursion()
}

// badIndirect calls a null or missing table entry, or one of another type.
func (g *generator) badIndirect(zero []byte) []byte {
	index := tableSize - 1 - g.below(2)
	if g.chance(50) {
		index = tableSize + g.below(1000)
	}
	t := Types("iIiIi", "") // no function has five parameters
	if g.plan == SignatureClass {
		index = g.below(len(g.table))
	}
	return Asm(wasm.OpI32Const, 0, wasm.OpI64Const, 0, wasm.OpI32Const, 0, wasm.OpI64Const, 0, wasm.OpI32Const, 0,
		zero, wasm.OpI32Const, index, wasm.OpI32Add, wasm.OpCallIndirect, g.b.TypeIndex(t), byte(0))
}

// recursion calls the function itself without end.
func (g *generator) recursion() []byte {
	t := g.b.Funcs[g.function].Type
	var code []byte
	for _, p := range t.Params {
		code = append(code, g.value(p, 1)...)
	}
	code = Asm(code, wasm.OpCall, uint32(g.imports+g.function))
	if len(t.Results) > 0 {
		code = Asm(code, wasm.OpDrop)
	}
	return code
}
