package metertest

import "github.com/sepia-chain/sepia/runtime/wasm"

// Bomb is a contract made to keep a compiler busy.
type Bomb struct {
	Name string
	Code []byte
}

// plain makes a contract with one function of the given code, () -> (), next to deploy and call.
func plain(locals int, t wasm.FuncType, code []byte) []byte {
	f := Func{Type: t, Code: code}
	for range locals {
		f.Locals = append(f.Locals, wasm.I32)
	}
	entry := Types("", "")
	b := Builder{MemoryMin: 1, TableSize: 1, Funcs: []Func{{Type: entry, Export: "call"}, {Type: entry, Export: "deploy"}, f}}
	b.Elements = []Segment{{Funcs: []uint32{0}}}
	b.TypeIndex(entry) // type 0
	return b.Bytes()
}

// fill repeats a pattern to about size bytes.
func fill(size int, pattern []byte) []byte {
	return repeat(size/len(pattern), func(int) []byte { return pattern })
}

// chain applies a pattern of operators to one value again and again.
func chain(size int, pattern ...any) []byte {
	return plain(1, Types("", ""), Asm(wasm.OpLocalGet, uint32(0), fill(size, Asm(pattern...)), wasm.OpDrop))
}

// Bombs are the shapes known to make compilers slow or large, at sizes near the limits for contracts and above. Each must be
// refused, or compile within its score.
func Bombs() []Bomb {
	get := Asm(wasm.OpLocalGet, uint32(0))
	loop, end := Asm(wasm.OpLoop, byte(0x40)), Asm(wasm.OpEnd)
	diamond := Asm(wasm.OpBlock, byte(0x40), get, wasm.OpBrIf, uint32(0), get, wasm.OpLocalSet, uint32(1), wasm.OpEnd)
	table := wasm.AppendU32([]byte{byte(wasm.OpBrTable)}, 256)
	table = append(table, make([]byte, 257)...)
	jump := Asm(wasm.OpBlock, byte(0x40), get, table, wasm.OpEnd)
	const body = 47 << 10
	none := Types("", "")
	return []Bomb{
		{"eqz chain", chain(body, wasm.OpI32Eqz)},
		{"eqz, eqz, get, xor chain", chain(body, wasm.OpI32Eqz, wasm.OpI32Eqz, get, wasm.Op(0x73))},
		{"mul, add chain", chain(body, get, wasm.OpI32Mul, get, wasm.OpI32Add)},
		{"rotate chain", chain(body, get, wasm.Op(0x78))},
		{"shift, rotate chain", chain(body, get, wasm.Op(0x74), get, wasm.Op(0x77))},
		{"popcnt, compare chain", chain(body, wasm.Op(0x69), get, wasm.OpI32LtS)},
		{"not, add chain", chain(body, wasm.OpI32Const, -1, wasm.Op(0x73), get, wasm.OpI32Add)},
		{"select chain", chain(body, get, get, wasm.OpSelect)},
		{"div chain", chain(body, get, wasm.OpI32DivU)},
		{"20,000 locals", plain(20_000, none, nil)},
		{"128 locals in 70 functions", manyLocals()},
		{"1,000 parameters", plain(0, parameters(1_000), nil)},
		{"br_if diamonds with 126 locals", plain(126, none, fill(body, diamond))},
		{"1,900 br_if diamonds with 126 locals", plain(126, none, repeat(1_900, func(int) []byte { return diamond }))},
		{"loops nested 9 deep", plain(126, none, Asm(repeat(9, func(int) []byte { return loop }), repeat(9, func(int) []byte { return end })))},
		{"loops nested 8 deep with 126 locals, again and again", plain(126, none, repeat(240, func(int) []byte {
			return Asm(repeat(8, func(int) []byte { return loop }), get, wasm.OpBrIf, uint32(0), repeat(8, func(int) []byte { return end }))
		}))},
		{"blocks nested 200 deep", plain(1, none, Asm(repeat(200, func(int) []byte { return Asm(wasm.OpBlock, byte(0x40)) }), repeat(200, func(int) []byte { return end })))},
		{"call_indirect chain", plain(0, none, fill(body, Asm(wasm.OpI32Const, 0, wasm.OpCallIndirect, uint32(0), byte(0))))},
		{"call chain", plain(0, none, fill(body, Asm(wasm.OpCall, uint32(0))))},
		{"br_table with 1,000 targets", plain(1, none, wideTable())},
		{"br_table with 256 targets repeated, 126 locals", plain(126, none, fill(body, jump))},
		{"br_table with 256 targets repeated, 2 locals", plain(2, none, fill(body, jump))},
		{"600 values on the operand stack", plain(1, none, Asm(fill(1_200, get), repeat(600, func(int) []byte { return Asm(wasm.OpDrop) })))},
		{"memory.grow chain", plain(0, none, Asm(wasm.OpI32Const, 0, fill(22_000, Asm(wasm.OpMemoryGrow, byte(0))), wasm.OpDrop))},
		{"5,000 memory.fill", plain(0, none, fill(45_000, Asm(wasm.OpI32Const, 0, wasm.OpI32Const, 0, wasm.OpI32Const, 0, wasm.OpMemoryFill, byte(0))))},
		{"load chain", plain(0, none, Asm(wasm.OpI32Const, 0, fill(45_000, Asm(wasm.OpI32Load, byte(0), uint32(0))), wasm.OpDrop))},
		{"1,900 ifs with a result", plain(1, none, Asm(get, repeat(1_900, func(int) []byte {
			return Asm(get, wasm.OpIf, byte(wasm.I32), get, wasm.OpElse, wasm.OpI32Const, 1, wasm.OpEnd, wasm.Op(0x73))
		}), wasm.OpDrop))},
		{"1,900 ifs that set 126 locals", plain(126, none, repeat(1_900, func(i int) []byte {
			return Asm(wasm.OpLocalGet, uint32((i+7)%126), wasm.OpIf, byte(0x40), wasm.OpI32Const, i, wasm.OpLocalSet, uint32(i%126),
				wasm.OpElse, wasm.OpLocalGet, uint32(i*5%126), wasm.OpLocalSet, uint32(i*3%126), wasm.OpEnd)
		}))},
		{"1,900 ifs that trap", plain(1, none, repeat(1_900, func(int) []byte { return Asm(get, wasm.OpIf, byte(0x40), wasm.OpUnreachable, wasm.OpEnd) }))},
		{"300 choices on the operand stack", FrameShapes()[8].Code},
		{"functions of 6 bytes", manyFunctions()},
		{"blocks with 1,000 results", wideBlock()},
	}
}

func parameters(n int) wasm.FuncType {
	var t wasm.FuncType
	for range n {
		t.Params = append(t.Params, wasm.I32)
	}
	return t
}

func manyLocals() []byte {
	b := Builder{MemoryMin: 1}
	for i := range 80 {
		f := Func{Type: Types("", "")}
		for range 128 {
			f.Locals = append(f.Locals, wasm.I64)
		}
		if i < 2 {
			f.Export = []string{"call", "deploy"}[i]
		}
		b.Funcs = append(b.Funcs, f)
	}
	return b.Bytes()
}

func manyFunctions() []byte {
	b := Builder{MemoryMin: 1}
	for i := range 20_000 {
		f := Func{Type: Types("", ""), Code: Asm(wasm.OpNop)}
		if i < 2 {
			f.Export = []string{"call", "deploy"}[i]
		}
		b.Funcs = append(b.Funcs, f)
	}
	return b.Bytes()
}

func wideTable() []byte {
	table := append(wasm.AppendU32([]byte{byte(wasm.OpBrTable)}, 1_000), make([]byte, 1_001)...)
	return Asm(wasm.OpLocalGet, uint32(0), table)
}

func wideBlock() []byte {
	t := wasm.FuncType{Results: parameters(1_000).Params}
	b := Builder{MemoryMin: 1, Funcs: []Func{
		{Type: Types("", ""), Export: "call", Code: Asm(wasm.OpUnreachable, wasm.OpBlock, uint32(1), wasm.OpUnreachable, wasm.OpEnd, wasm.OpUnreachable)},
		{Type: Types("", ""), Export: "deploy"},
	}}
	b.TypeIndex(Types("", ""))
	b.TypeIndex(t)
	return b.Bytes()
}
