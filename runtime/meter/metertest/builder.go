package metertest

import "github.com/sepia-chain/sepia/runtime/wasm"

// Func is one function of a Builder.
type Func struct {
	Type   wasm.FuncType
	Locals []wasm.ValType
	Code   []byte // without the final end
	Export string // empty: not exported
}

// Import is one imported function of a Builder.
type Import struct {
	Module, Name string
	Type         wasm.FuncType
}

// Global is one global of a Builder.
type Global struct {
	Type    wasm.ValType
	Mutable bool
	Value   int64
	Export  string // empty: not exported
}

// Segment is bytes or functions at a place in memory or table.
type Segment struct {
	At    int32
	Bytes []byte
	Funcs []uint32
}

// Builder puts a contract-shaped module together: it imports env.memory. The zero value is a module with an empty memory.
type Builder struct {
	Imports   []Import
	Funcs     []Func
	Globals   []Global
	Elements  []Segment
	Data      []Segment
	TableSize int // 0: no table
	MemoryMin uint32
	MemoryMax uint32 // 0: none
	Start     int    // index of the start function, -1 or 0 with HasStart false: none
	HasStart  bool
	types     []wasm.FuncType
}

// TypeIndex returns the index of a type, adding it if it is new.
func (b *Builder) TypeIndex(t wasm.FuncType) uint32 {
	for i, known := range b.types {
		if known.Equal(t) {
			return uint32(i)
		}
	}
	b.types = append(b.types, t)
	return uint32(len(b.types) - 1)
}

// Bytes encodes the module.
func (b *Builder) Bytes() []byte {
	imports := b.importSection()
	functions := wasm.AppendU32(nil, uint32(len(b.Funcs)))
	for _, f := range b.Funcs {
		functions = wasm.AppendU32(functions, b.TypeIndex(f.Type))
	}
	out := wasm.AppendHeader(nil)
	out = wasm.AppendSection(out, wasm.SectionType, b.typeSection())
	out = wasm.AppendSection(out, wasm.SectionImport, imports)
	out = wasm.AppendSection(out, wasm.SectionFunction, functions)
	if b.TableSize > 0 {
		out = wasm.AppendSection(out, wasm.SectionTable, wasm.AppendU32([]byte{1, 0x70, 0}, uint32(b.TableSize)))
	}
	out = wasm.AppendSection(out, wasm.SectionGlobal, b.globalSection())
	out = wasm.AppendSection(out, wasm.SectionExport, b.exportSection())
	if b.HasStart {
		out = wasm.AppendSection(out, wasm.SectionStart, wasm.AppendU32(nil, uint32(b.Start)))
	}
	out = wasm.AppendSection(out, wasm.SectionElement, segments(b.Elements, func(dst []byte, s Segment) []byte {
		dst = wasm.AppendU32(dst, uint32(len(s.Funcs)))
		for _, f := range s.Funcs {
			dst = wasm.AppendU32(dst, f)
		}
		return dst
	}))
	out = wasm.AppendSection(out, wasm.SectionCode, b.codeSection())
	return wasm.AppendSection(out, wasm.SectionData, segments(b.Data, func(dst []byte, s Segment) []byte {
		return append(wasm.AppendU32(dst, uint32(len(s.Bytes))), s.Bytes...)
	}))
}

func (b *Builder) typeSection() []byte {
	dst := wasm.AppendU32(nil, uint32(len(b.types)))
	for _, t := range b.types {
		dst = append(dst, 0x60)
		for _, list := range [][]wasm.ValType{t.Params, t.Results} {
			dst = wasm.AppendU32(dst, uint32(len(list)))
			for _, v := range list {
				dst = append(dst, byte(v))
			}
		}
	}
	return dst
}

func (b *Builder) importSection() []byte {
	dst := wasm.AppendU32(nil, uint32(len(b.Imports)+1))
	for _, imp := range b.Imports {
		dst = wasm.AppendName(wasm.AppendName(dst, imp.Module), imp.Name)
		dst = wasm.AppendU32(append(dst, byte(wasm.KindFunction)), b.TypeIndex(imp.Type))
	}
	dst = append(wasm.AppendName(wasm.AppendName(dst, "env"), "memory"), byte(wasm.KindMemory))
	if b.MemoryMax == 0 {
		return wasm.AppendU32(append(dst, 0), b.MemoryMin)
	}
	return wasm.AppendU32(wasm.AppendU32(append(dst, 1), b.MemoryMin), b.MemoryMax)
}

func (b *Builder) globalSection() []byte {
	dst := wasm.AppendU32(nil, uint32(len(b.Globals)))
	for _, g := range b.Globals {
		mutable, op := byte(0), wasm.OpI64Const
		if g.Mutable {
			mutable = 1
		}
		if g.Type == wasm.I32 {
			op = wasm.OpI32Const
		}
		dst = append(wasm.AppendS64(append(dst, byte(g.Type), mutable, byte(op)), g.Value), byte(wasm.OpEnd))
	}
	return dst
}

func (b *Builder) exportSection() []byte {
	var dst []byte
	var n uint32
	for i, f := range b.Funcs {
		if f.Export != "" {
			dst = append(wasm.AppendName(dst, f.Export), byte(wasm.KindFunction))
			dst = wasm.AppendU32(dst, uint32(len(b.Imports)+i))
			n++
		}
	}
	for i, g := range b.Globals {
		if g.Export != "" {
			dst = wasm.AppendU32(append(wasm.AppendName(dst, g.Export), byte(wasm.KindGlobal)), uint32(i))
			n++
		}
	}
	return append(wasm.AppendU32(nil, n), dst...)
}

func segments(list []Segment, content func([]byte, Segment) []byte) []byte {
	dst := wasm.AppendU32(nil, uint32(len(list)))
	for _, s := range list {
		dst = wasm.AppendS64(append(dst, 0, byte(wasm.OpI32Const)), int64(s.At))
		dst = content(append(dst, byte(wasm.OpEnd)), s)
	}
	return dst
}

func (b *Builder) codeSection() []byte {
	dst := wasm.AppendU32(nil, uint32(len(b.Funcs)))
	for _, f := range b.Funcs {
		body := wasm.AppendU32(nil, uint32(len(f.Locals)))
		for _, t := range f.Locals {
			body = append(body, 1, byte(t))
		}
		body = append(append(body, f.Code...), byte(wasm.OpEnd))
		dst = append(wasm.AppendU32(dst, uint32(len(body))), body...)
	}
	return dst
}

// Types makes a function type: Types("iI", "i") is (i32, i64) -> (i32).
func Types(params, results string) wasm.FuncType {
	list := func(letters string) []wasm.ValType {
		var types []wasm.ValType
		for _, c := range letters {
			if c == 'i' {
				types = append(types, wasm.I32)
			} else {
				types = append(types, wasm.I64)
			}
		}
		return types
	}
	return wasm.FuncType{Params: list(params), Results: list(results)}
}

// Asm builds code from opcodes and numbers: wasm.Op values are written as opcodes, uint32 as indices, int and int64 as
// signed constants, byte as it is, []byte as code.
func Asm(parts ...any) []byte {
	var code []byte
	for _, part := range parts {
		switch v := part.(type) {
		case wasm.Op:
			if v >= 0x100 {
				code = append(code, byte(v>>8))
			}
			code = append(code, byte(v))
		case uint32:
			code = wasm.AppendU32(code, v)
		case int:
			code = wasm.AppendS64(code, int64(v))
		case int64:
			code = wasm.AppendS64(code, v)
		case byte:
			code = append(code, v)
		case []byte:
			code = append(code, v...)
		}
	}
	return code
}
