package metertest

import "github.com/sepia-chain/sepia/runtime/wasm"

// Shape is a contract that recurses without end through frames of one kind. It must end by the stack counter.
type Shape struct {
	Name string
	Code []byte
}

// recursive makes a contract whose call runs function 1, (i64) -> (i64), which code should call again.
func recursive(params string, locals int, code []byte) []byte {
	t := Types(params, "I")
	f := Func{Type: t, Code: code}
	for range locals {
		f.Locals = append(f.Locals, wasm.I64)
	}
	var args []byte
	for range t.Params {
		args = Asm(args, wasm.OpI64Const, 12345)
	}
	entry := Func{Type: Types("", ""), Export: "call", Code: Asm(args, wasm.OpCall, uint32(1), wasm.OpDrop)}
	b := Builder{MemoryMin: 1, Funcs: []Func{entry, f, {Type: Types("", ""), Export: "deploy"}}}
	b.TableSize = 1
	b.Elements = []Segment{{Funcs: []uint32{1}}}
	b.TypeIndex(t) // type 0 is the recursive function's
	return b.Bytes()
}

const (
	op64Xor  = wasm.Op(0x85)
	op64Rotl = wasm.Op(0x89)
	self     = uint32(1)
)

// repeat joins n pieces of code.
func repeat(n int, piece func(i int) []byte) []byte {
	var code []byte
	for i := range n {
		code = append(code, piece(i)...)
	}
	return code
}

// FrameShapes are the shapes known to make wide native frames, as large as the limits for contracts allow. What they have in
// common is that many values are needed on both sides of a call.
func FrameShapes() []Shape {
	get := func(i int) []byte { return Asm(wasm.OpLocalGet, uint32(i)) }
	call := Asm(get(0), wasm.OpI64Const, 1, wasm.OpI64Add, wasm.OpCall, self)
	const locals = 120
	mix := func(i int) []byte { return Asm(get(0), wasm.OpI64Const, int64(i)*977+3, wasm.OpI64Mul) }
	return []Shape{
		{"minimal", recursive("I", 0, call)},
		{"live locals", recursive("I", locals, Asm(
			repeat(locals, func(i int) []byte { return Asm(mix(i), wasm.OpLocalSet, uint32(i+1)) }),
			call, repeat(locals, func(i int) []byte { return Asm(get(i+1), op64Xor) })))},
		{"operand stack", recursive("I", 0, Asm(repeat(400, mix), call, repeat(400, func(int) []byte { return Asm(op64Xor) })))},
		{"parameters", recursive("IIIIIIIIIIIIIIII", 0, Asm(
			repeat(16, func(i int) []byte { return Asm(get((i+1)%16), wasm.OpI64Const, 1, wasm.OpI64Add) }), wasm.OpCall, self,
			repeat(16, func(i int) []byte { return Asm(get(i), op64Xor) })))},
		{"indirect", recursive("I", 0, Asm(get(0), wasm.OpI32Const, 0, wasm.OpCallIndirect, uint32(0), byte(0)))},
		{"call and accumulate", recursive("I", 1, Asm(
			repeat(1_500, func(i int) []byte {
				return Asm(get(1), get(0), wasm.OpI64Const, int64(i), wasm.OpI64Add, wasm.OpCall, self, wasm.OpI64Add, wasm.OpLocalSet, uint32(1))
			}), get(1)))},
		{"common values across a call", recursive("I", 1, Asm(
			repeat(2_000, func(i int) []byte { return Asm(mix(i), get(1), op64Xor, wasm.OpLocalSet, uint32(1)) }), call,
			repeat(2_000, func(i int) []byte { return Asm(mix(i), op64Rotl) })))},
		{"loops with rotating locals", recursive("I", locals, Asm(
			repeat(8, func(int) []byte { return Asm(wasm.OpLoop, byte(0x40)) }),
			repeat(locals, func(i int) []byte { return Asm(get((i+1)%locals+1), mix(i), op64Xor, wasm.OpLocalSet, uint32(i+1)) }),
			call, wasm.OpLocalSet, uint32(1),
			repeat(8, func(i int) []byte { return Asm(get(i+1), wasm.OpI64Eqz, wasm.OpBrIf, uint32(0), wasm.OpEnd) }), get(2)))},
		{"choices", recursive("I", 1, Asm(repeat(300, func(i int) []byte {
			return Asm(mix(i), wasm.OpI64Eqz, wasm.OpIf, byte(wasm.I64), mix(i+1), wasm.OpElse, mix(i+2), wasm.OpEnd)
		}), call, repeat(300, func(int) []byte { return Asm(op64Xor) })))},
		{"divisions", recursive("I", 0, Asm(repeat(300, func(i int) []byte {
			return Asm(get(0), get(0), wasm.OpI64Const, int64(2*i+1), wasm.Op(0x84), wasm.OpI64DivU)
		}), call, repeat(300, func(int) []byte { return Asm(op64Xor) })))},
		{"loads", recursive("I", 0, Asm(repeat(400, func(i int) []byte {
			return Asm(get(0), wasm.Op(0xa7), wasm.OpI32Const, 0xff, wasm.Op(0x71), wasm.Op(0x29), byte(0), uint32(8*i))
		}), call, repeat(400, func(int) []byte { return Asm(op64Xor) })))},
	}
}
