package meter

import (
	"bytes"

	"github.com/sepia-chain/sepia/runtime/wasm"
)

func appendType(b []byte, t wasm.FuncType) []byte {
	const formFunc = 0x60
	b = append(b, formFunc)
	for _, list := range [...][]wasm.ValType{t.Params, t.Results} {
		b = wasm.AppendU32(b, uint32(len(list)))
		for _, v := range list {
			b = append(b, byte(v))
		}
	}
	return b
}

func (p *plan) typeSection() []byte {
	b := wasm.AppendU32(nil, uint32(len(p.types)))
	for _, t := range p.types {
		b = appendType(b, t)
	}
	return b
}

func (p *plan) importSection() []byte {
	b := wasm.AppendU32(nil, uint32(len(p.m.Imports)+1))
	for i := range p.m.Imports {
		imp := &p.m.Imports[i]
		b = wasm.AppendName(wasm.AppendName(b, imp.Module), imp.Name)
		b = wasm.AppendU32(append(b, byte(wasm.KindFunction)), p.importTypes[i])
	}
	b = wasm.AppendName(wasm.AppendName(b, GasImportModule), GasImportName)
	return wasm.AppendU32(append(b, byte(wasm.KindFunction)), p.queryType)
}

func (p *plan) functionSection() []byte {
	b := wasm.AppendU32(nil, uint32(len(p.functions)))
	for i := range p.functions {
		b = wasm.AppendU32(b, p.functions[i].typ)
	}
	return b
}

// hasMaximum is the flag of a table or memory with a maximum.
const hasMaximum = 1

// tableSection fixes the table's size: no accepted instruction can grow it.
func (p *plan) tableSection() []byte {
	const funcref = 0x70
	size := p.m.Table.Min
	return wasm.AppendU32(wasm.AppendU32([]byte{1, funcref, hasMaximum}, size), size)
}

func (p *plan) memorySection(o *Options) []byte {
	mem := p.m.Memory
	maximum := o.MemoryMaxPages
	if mem.HasMax {
		maximum = min(maximum, mem.Max)
	}
	return wasm.AppendU32(wasm.AppendU32([]byte{1, hasMaximum}, mem.Min), maximum)
}

// globalSection appends the two counters, so that the input's indices stay.
func (p *plan) globalSection(o *Options) []byte {
	b := wasm.AppendU32(nil, uint32(len(p.m.Globals)+2))
	for i := range p.m.Globals {
		g := &p.m.Globals[i]
		b = appendGlobal(b, g.Type, g.Mutable, g.Value)
	}
	b = appendGlobal(b, wasm.I64, true, 0)
	return appendGlobal(b, wasm.I32, true, int64(o.StackLimit))
}

func appendGlobal(b []byte, t wasm.ValType, mutable bool, value int64) []byte {
	flag, op := byte(0), opI64Const
	if mutable {
		flag = 1
	}
	if t == wasm.I32 {
		op = opI32Const
	}
	return append(wasm.AppendS64(append(b, byte(t), flag, op), value), opEnd)
}

func (p *plan) gasGlobal() uint32   { return uint32(len(p.m.Globals)) }
func (p *plan) stackGlobal() uint32 { return uint32(len(p.m.Globals)) + 1 }

// exportSection keeps functions and immutable globals. The memory and the table are the host's to reach under reserved names
// or not at all.
func (p *plan) exportSection() []byte {
	var b []byte
	var n uint32
	export := func(name string, kind wasm.ExternKind, index uint32) {
		b = wasm.AppendU32(append(wasm.AppendName(b, name), byte(kind)), index)
		n++
	}
	for i := range p.m.Exports {
		e := &p.m.Exports[i]
		index := e.Index
		switch e.Kind {
		case wasm.KindFunction:
			if wrapper, ok := p.wrappers[e.Name]; ok {
				index = wrapper
			}
			export(e.Name, e.Kind, p.place(index))
		case wasm.KindGlobal:
			export(e.Name, e.Kind, index)
		}
	}
	export(MemoryExport, wasm.KindMemory, 0)
	export(GasExport, wasm.KindGlobal, p.gasGlobal())
	export(StackExport, wasm.KindGlobal, p.stackGlobal())
	return append(wasm.AppendU32(nil, n), b...)
}

func (p *plan) elementSection() []byte {
	b := wasm.AppendU32(nil, uint32(len(p.m.Elements)))
	for i := range p.m.Elements {
		e := &p.m.Elements[i]
		b = append(wasm.AppendS64(append(b, 0, opI32Const), int64(int32(e.At))), opEnd)
		b = wasm.AppendU32(b, uint32(len(e.Funcs)))
		for _, f := range e.Funcs {
			if int(f) < len(p.m.Imports) {
				f = p.thunks[f]
			}
			b = wasm.AppendU32(b, p.place(f))
		}
	}
	return b
}

func (p *plan) dataSection() []byte {
	var buf bytes.Buffer
	buf.Write(wasm.AppendU32(nil, uint32(len(p.m.Data))))
	for i := range p.m.Data {
		d := &p.m.Data[i]
		head := append(wasm.AppendS64([]byte{0, opI32Const}, int64(int32(d.At))), opEnd)
		buf.Write(wasm.AppendU32(head, uint32(len(d.Bytes))))
		buf.Write(d.Bytes)
	}
	return buf.Bytes()
}

func (p *plan) codeSection(o *Options) ([]byte, error) {
	w := &rewriter{m: p.m, o: o, gas: p.gasGlobal(), stack: p.stackGlobal(), gasQuery: uint32(len(p.m.Imports))}
	b := wasm.AppendU32(make([]byte, 0, 2*p.m.CodeLen), uint32(len(p.functions)))
	for i := range p.functions {
		var err error
		if b, err = w.rewrite(b, &p.functions[i]); err != nil {
			return nil, err
		}
	}
	return b, nil
}
