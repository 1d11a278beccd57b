package main

import (
	"bytes"

	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/meter"
	"github.com/sepia-chain/sepia/runtime/meter/metertest"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// loop is code that is repeated each times in a turn of a loop.
type loop struct {
	name  string
	each  int
	turns int
	code  []byte
	// guestOnly marks what a blob does in another way.
	guestOnly bool
}

// Opcodes that package wasm has no name for.
const (
	i64Store = wasm.Op(0x37)
	i32And   = wasm.Op(0x71)
	i32Shl   = wasm.Op(0x74)
)

// Locals of the loop's function.
const (
	counter = uint32(iota) // i32
	address                // i32, 0
	value                  // i64, changed by each piece of code
	divisor                // i64, 3, not known to the compiler
)

const (
	many, few = 100, 1
	hot       = 20_000
	warm      = 2_000
	growTurns = memoryPages - memoryMin - 1
	copyBytes = 64 << 10
)

// Pages of a guest's memory: what the long copy needs, and the most that a contract may have.
const (
	memoryMin   = 4
	memoryPages = 16
)

var loops = []loop{
	{"plain", many, hot, metertest.Asm(wasm.OpLocalGet, value, wasm.OpLocalGet, divisor, wasm.OpI64Add, wasm.OpLocalSet, value), false},
	{"mul", many, hot, metertest.Asm(wasm.OpLocalGet, value, wasm.OpLocalGet, divisor, wasm.OpI64Mul, wasm.OpLocalSet, value), false},
	{"div", many, hot, metertest.Asm(wasm.OpLocalGet, value, wasm.OpI64Const, -1, wasm.OpI64Sub, wasm.OpLocalGet, divisor,
		wasm.OpI64DivU, wasm.OpLocalSet, value), false},
	{"load", many, hot, metertest.Asm(wasm.OpLocalGet, address, wasm.OpI32Load, uint32(2), uint32(0), wasm.OpLocalSet, address), false},
	{"store", many, hot, metertest.Asm(wasm.OpLocalGet, address, wasm.OpLocalGet, value, i64Store, uint32(3), uint32(64)), false},
	{"global", many, hot, metertest.Asm(wasm.OpGlobalGet, uint32(0), wasm.OpLocalGet, value, wasm.OpI64Add, wasm.OpGlobalSet, uint32(0)), false},
	{"branch", many, hot, metertest.Asm(wasm.OpBlock, noBlock, wasm.OpLocalGet, divisor, wasm.OpI64Eqz, wasm.OpBrIf, uint32(0),
		wasm.OpLocalGet, value, wasm.OpLocalGet, divisor, wasm.OpI64Add, wasm.OpLocalSet, value, wasm.OpEnd), false},
	{"br_table", many, hot, metertest.Asm(wasm.OpBlock, noBlock, wasm.OpBlock, noBlock, wasm.OpBlock, noBlock,
		wasm.OpLocalGet, value, i32Wrap, wasm.OpI32Const, 3, i32And, wasm.OpBrTable, uint32(3), uint32(0), uint32(1), uint32(2), uint32(0), wasm.OpEnd,
		addOne, wasm.OpEnd, addOne, wasm.OpEnd, addOne), false},
	{"call", many, hot, metertest.Asm(wasm.OpLocalGet, value, wasm.OpCall, callee, wasm.OpLocalSet, value), false},
	{"call_indirect", many, hot, metertest.Asm(wasm.OpLocalGet, value, wasm.OpLocalGet, address, wasm.OpCallIndirect, calleeType, uint32(0),
		wasm.OpLocalSet, value), false},
	{"import", few, warm, metertest.Asm(wasm.OpLocalGet, value, wasm.OpCall, uint32(metertest.ImportB), wasm.OpLocalSet, value), true},
	{"copy 32 B", many, warm, metertest.Asm(wasm.OpI32Const, 1024, wasm.OpLocalGet, address, wasm.OpI32Const, 32, wasm.OpMemoryCopy, byte(0), byte(0)), false},
	{"copy 64 KiB", few, warm, metertest.Asm(wasm.OpI32Const, copyBytes, wasm.OpLocalGet, address, wasm.OpI32Const, copyBytes, wasm.OpMemoryCopy, byte(0), byte(0)), false},
	{"fill 32 B", many, warm, metertest.Asm(wasm.OpI32Const, 1024, wasm.OpLocalGet, address, wasm.OpI32Const, 32, wasm.OpMemoryFill, byte(0)), false},
	{"fill 64 KiB", few, warm, metertest.Asm(wasm.OpI32Const, copyBytes, wasm.OpLocalGet, address, wasm.OpI32Const, copyBytes, wasm.OpMemoryFill, byte(0)), false},
	{"grow by 0", few, warm, metertest.Asm(wasm.OpLocalGet, address, wasm.OpMemoryGrow, byte(0), wasm.OpDrop), false},
	{"grow that fails", few, warm, metertest.Asm(wasm.OpI32Const, memoryPages, wasm.OpMemoryGrow, byte(0), wasm.OpDrop), false},
	{"grow by 1, fill it", few, growTurns, metertest.Asm(wasm.OpI32Const, 1, wasm.OpMemoryGrow, byte(0), wasm.OpI32Const, 16, i32Shl,
		wasm.OpI32Const, 1, wasm.OpI32Const, copyBytes, wasm.OpMemoryFill, byte(0)), false},
}

// addOne changes the value, so that the next branch goes elsewhere.
var addOne = metertest.Asm(wasm.OpLocalGet, value, wasm.OpI64Const, 1, wasm.OpI64Add, wasm.OpLocalSet, value)

// callee is the function that the loops for calls call: it returns its argument. It stands in the table too.
const (
	callee     = uint32(metertest.ImportStop) + 3
	calleeType = uint32(metertest.ImportB) // ImportB has the same type
)

// compile makes a guest of a loop.
func compile(e *engine.Engine, l loop, turns int, w meter.Weights) (*engine.Guest, error) {
	b := &metertest.Builder{MemoryMin: memoryMin, MemoryMax: memoryPages, TableSize: 1, Elements: []metertest.Segment{{Funcs: []uint32{callee}}}, Globals: []metertest.Global{{Type: wasm.I64, Mutable: true}}}
	var imports []engine.GuestImport
	for _, imported := range metertest.HostImports() {
		b.Imports = append(b.Imports, metertest.Import{Module: imported.Module, Name: imported.Name, Type: imported.Type})
		imports = append(imports, engine.GuestImport{ID: imported.ID})
	}
	code := metertest.Asm(wasm.OpI32Const, turns, wasm.OpLocalSet, counter,
		// 3, but not for the compiler: memory is zero
		wasm.OpLocalGet, address, i64Load, uint32(3), uint32(8), wasm.OpI64Const, 3, wasm.OpI64Add, wasm.OpLocalSet, divisor,
		wasm.OpLoop, byte(0x40), bytes.Repeat(l.code, l.each),
		wasm.OpLocalGet, counter, wasm.OpI32Const, 1, wasm.OpI32Sub, wasm.OpLocalTee, counter, wasm.OpBrIf, uint32(0), wasm.OpEnd,
		wasm.OpLocalGet, address, wasm.OpLocalGet, value, i64Store, uint32(3), uint32(128)) // what is computed is wanted
	entry := metertest.Types("", "")
	b.Funcs = []metertest.Func{
		{Type: entry, Export: "call", Locals: []wasm.ValType{wasm.I32, wasm.I32, wasm.I64, wasm.I64}, Code: code},
		{Type: entry, Export: "deploy"},
		{Type: metertest.Types("I", "I"), Code: metertest.Asm(wasm.OpLocalGet, uint32(0))},
	}
	module, _, err := wasm.Validate(b.Bytes(), metertest.Policy())
	if err != nil {
		return nil, err
	}
	metered, err := meter.Instrument(module, meter.Options{
		Weights: w, ImportPrices: make([]uint64, len(imports)), MemoryMaxPages: memoryPages, StackLimit: meter.ContractStackLimit,
	})
	if err != nil {
		return nil, err
	}
	return e.CompileGuest(metered, imports, engine.GuestOptions{})
}
