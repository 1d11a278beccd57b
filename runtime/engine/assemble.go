package engine

import (
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// assembly is a small metered module written by hand: the known-answer module at start, and modules of tests. It declares
// what metering adds (memory, counters, the gas import) and leaves the code to its author.
type assembly struct {
	imports []assembledImport // sepia.gas is added after them
	funcs   []assembledFunc
	globals []assembledGlobal // after the two counters: the first has index 2
	exports []assembledExport // of functions, besides the reserved ones
	table   []uint32          // function indices; none means no table
	holes   uint32            // null entries after them
	data    []assembledData
	minimum uint32 // pages
	maximum uint32
	base    uint32 // __heap_base; 0 leaves it out
	stack   int64  // units
}

type assembledImport struct {
	module, name string
	typ          wasm.FuncType // without the gas parameter
}

type assembledFunc struct {
	typ    wasm.FuncType
	locals []wasm.ValType
	code   []byte // without the final end
}

type assembledGlobal struct {
	typ     wasm.ValType
	mutable bool
	value   int64
}

type assembledExport struct {
	name  string
	index uint32 // of the function, imports and the gas import first
}

type assembledData struct {
	at    uint32
	bytes []byte
}

// Indices of the counters' globals.
const (
	gasGlobal   = 0
	stackGlobal = 1
)

// gasImport is the function index of sepia.gas.
func (a *assembly) gasImport() uint32 { return uint32(len(a.imports)) }

// function is the index of the n-th defined function.
func (a *assembly) function(n int) uint32 { return uint32(len(a.imports) + 1 + n) }

// bytes encodes the module.
func (a *assembly) bytes() []byte {
	var types [][]byte
	typeOf := func(t wasm.FuncType) uint32 {
		types = append(types, encodeType(t))
		return uint32(len(types) - 1)
	}
	imports, functions := a.encodeImports(typeOf), a.encodeFunctions(typeOf)
	out := wasm.AppendHeader(nil)
	out = wasm.AppendSection(out, wasm.SectionType, vector(types))
	out = wasm.AppendSection(out, wasm.SectionImport, vector(imports))
	out = wasm.AppendSection(out, wasm.SectionFunction, vector(functions))
	if len(a.table) > 0 {
		n := uint32(len(a.table)) + a.holes
		out = wasm.AppendSection(out, wasm.SectionTable, vector([][]byte{wasm.AppendU32(wasm.AppendU32([]byte{0x70, 1}, n), n)}))
	}
	out = wasm.AppendSection(out, wasm.SectionMemory, vector([][]byte{wasm.AppendU32(wasm.AppendU32([]byte{1}, a.minimum), a.maximum)}))
	out = wasm.AppendSection(out, wasm.SectionGlobal, vector(a.encodeGlobals()))
	out = wasm.AppendSection(out, wasm.SectionExport, vector(a.encodeExports()))
	if len(a.table) > 0 {
		var funcs [][]byte
		for _, f := range a.table {
			funcs = append(funcs, wasm.AppendU32(nil, f))
		}
		out = wasm.AppendSection(out, wasm.SectionElement, vector([][]byte{append([]byte{0, 0x41, 0, 0x0b}, vector(funcs)...)}))
	}
	out = wasm.AppendSection(out, wasm.SectionCode, vector(a.encodeBodies()))
	if len(a.data) > 0 {
		out = wasm.AppendSection(out, wasm.SectionData, vector(a.encodeData()))
	}
	return out
}

func vector(items [][]byte) []byte {
	out := wasm.AppendU32(nil, uint32(len(items)))
	for _, item := range items {
		out = append(out, item...)
	}
	return out
}

func encodeType(t wasm.FuncType) []byte {
	out := []byte{0x60}
	for _, list := range [][]wasm.ValType{t.Params, t.Results} {
		out = wasm.AppendU32(out, uint32(len(list)))
		for _, v := range list {
			out = append(out, byte(v))
		}
	}
	return out
}

func (a *assembly) encodeImports(typeOf func(wasm.FuncType) uint32) [][]byte {
	var items [][]byte
	add := func(module, name string, t wasm.FuncType) {
		item := append(wasm.AppendName(wasm.AppendName(nil, module), name), byte(wasm.KindFunction))
		items = append(items, wasm.AppendU32(item, typeOf(t)))
	}
	for _, i := range a.imports {
		params := append(append([]wasm.ValType{}, i.typ.Params...), wasm.I64)
		add(i.module, i.name, wasm.FuncType{Params: params, Results: i.typ.Results})
	}
	add(gasModule, gasName, wasm.FuncType{Results: []wasm.ValType{wasm.I64}})
	return items
}

func (a *assembly) encodeFunctions(typeOf func(wasm.FuncType) uint32) [][]byte {
	var items [][]byte
	for _, f := range a.funcs {
		items = append(items, wasm.AppendU32(nil, typeOf(f.typ)))
	}
	return items
}

func (a *assembly) encodeGlobals() [][]byte {
	all := append([]assembledGlobal{{wasm.I64, true, 0}, {wasm.I32, true, a.stack}}, a.globals...)
	if a.base != 0 {
		all = append(all, assembledGlobal{wasm.I32, false, int64(int32(a.base))})
	}
	var items [][]byte
	for _, g := range all {
		item := []byte{byte(g.typ), 0, 0x41}
		if g.mutable {
			item[1] = 1
		}
		if g.typ == wasm.I64 {
			item[2] = 0x42
		}
		items = append(items, append(wasm.AppendS64(item, g.value), 0x0b))
	}
	return items
}

func (a *assembly) encodeExports() [][]byte {
	var items [][]byte
	add := func(name string, kind wasm.ExternKind, index uint32) {
		items = append(items, wasm.AppendU32(append(wasm.AppendName(nil, name), byte(kind)), index))
	}
	for _, e := range a.exports {
		add(e.name, wasm.KindFunction, e.index)
	}
	if a.base != 0 {
		add("__heap_base", wasm.KindGlobal, uint32(2+len(a.globals)))
	}
	add("sepia:memory", wasm.KindMemory, 0)
	add("sepia:gas", wasm.KindGlobal, gasGlobal)
	add("sepia:stack", wasm.KindGlobal, stackGlobal)
	return items
}

func (a *assembly) encodeBodies() [][]byte {
	var items [][]byte
	for _, f := range a.funcs {
		body := wasm.AppendU32(nil, uint32(len(f.locals)))
		for _, t := range f.locals {
			body = append(body, 1, byte(t))
		}
		body = append(append(body, f.code...), 0x0b)
		items = append(items, append(wasm.AppendU32(nil, uint32(len(body))), body...))
	}
	return items
}

func (a *assembly) encodeData() [][]byte {
	var items [][]byte
	for _, d := range a.data {
		item := append(wasm.AppendS64([]byte{0, 0x41}, int64(int32(d.at))), 0x0b)
		items = append(items, append(wasm.AppendU32(item, uint32(len(d.bytes))), d.bytes...))
	}
	return items
}

// seq joins pieces of code.
func seq(pieces ...[]byte) []byte {
	var out []byte
	for _, p := range pieces {
		out = append(out, p...)
	}
	return out
}

func op(codes ...byte) []byte      { return codes }
func i32Const(v int32) []byte      { return wasm.AppendS64([]byte{0x41}, int64(v)) }
func i64Const(v int64) []byte      { return wasm.AppendS64([]byte{0x42}, v) }
func localGet(i uint32) []byte     { return wasm.AppendU32([]byte{0x20}, i) }
func localSet(i uint32) []byte     { return wasm.AppendU32([]byte{0x21}, i) }
func globalGet(i uint32) []byte    { return wasm.AppendU32([]byte{0x23}, i) }
func globalSet(i uint32) []byte    { return wasm.AppendU32([]byte{0x24}, i) }
func call(f uint32) []byte         { return wasm.AppendU32([]byte{0x10}, f) }
func callIndirect(t uint32) []byte { return append(wasm.AppendU32([]byte{0x11}, t), 0) }
func branchIf(label uint32) []byte { return wasm.AppendU32([]byte{0x0d}, label) }
func branch(label uint32) []byte   { return wasm.AppendU32([]byte{0x0c}, label) }

// access is a load or store with an offset and no alignment.
func access(code byte, offset uint32) []byte { return wasm.AppendU32([]byte{code, 0}, offset) }

// Opcodes used by name.
const (
	opUnreachable = 0x00
	opBlock       = 0x02
	opLoop        = 0x03
	opIf          = 0x04
	opElse        = 0x05
	opEnd         = 0x0b
	opDrop        = 0x1a
	opI32Load     = 0x28
	opI64Load     = 0x29
	opI32Load8U   = 0x2d
	opI32Store    = 0x36
	opI64Store    = 0x37
	opI32Store8   = 0x3a
	opMemorySize  = 0x3f
	opMemoryGrow  = 0x40
	opI32Eqz      = 0x45
	opI64Eqz      = 0x50
	opI64LtS      = 0x53
	opI32Add      = 0x6a
	opI32Sub      = 0x6b
	opI64Add      = 0x7c
	opI64Sub      = 0x7d
	opI64Mul      = 0x7e
	opI64DivS     = 0x7f
	opI64Or       = 0x84
	opI64Shl      = 0x86
	opI32WrapI64  = 0xa7
	opI64ExtendU  = 0xad

	blockEmpty = 0x40
)
