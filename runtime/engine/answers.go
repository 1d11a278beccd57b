package engine

import (
	"encoding/binary"
	"math"

	"github.com/sepia-chain/sepia/runtime/wasm"
)

// Where the known-answer module keeps its operands and results.
const (
	operandsAt = 1024
	answersAt  = 8192
	scratchAt  = 32768
	heapAt     = 49152
)

// answer is a function (a, b i64) -> i64 with operands that the compiler cannot see, and what it must return.
type answer struct {
	name string
	a, b uint64
	code []byte
	want uint64
}

var (
	argA = localGet(0)
	argB = localGet(1)
	lowA = seq(argA, op(opI32WrapI64))
	lowB = seq(argB, op(opI32WrapI64))
)

// wide makes an i64 of an i32 expression.
func wide(code ...[]byte) []byte { return seq(seq(code...), op(opI64ExtendU)) }

func repeat(n int, code []byte) []byte {
	var out []byte
	for range n {
		out = append(out, code...)
	}
	return out
}

// answers are chosen where compilers went wrong before: pairs of shifts by nothing and by the whole width (x86-64 and arm64
// each made another value of them), long chains of one operation, edges of division, sign extension, memory at its end,
// overlapping copies, the default of a branch table, indirect calls. The rest are the basic operations.
var answers = []answer{
	{"a<<32 | b>>>0, 32 bits", 1, 2, wide(lowA, i32Const(32), op(0x74), lowB, i32Const(0), op(0x76), op(0x72)), 3},
	{"a<<0 | b>>>32, 32 bits", 1, 2, wide(lowA, i32Const(0), op(0x74), lowB, i32Const(32), op(0x76), op(0x72)), 3},
	{"a<<64 | b>>>0, 64 bits", 1, 2, seq(argA, i64Const(64), op(opI64Shl), argB, i64Const(0), op(0x88), op(opI64Or)), 3},
	{"a<<0 | b>>>64, 64 bits", 1, 2, seq(argA, i64Const(0), op(opI64Shl), argB, i64Const(64), op(0x88), op(opI64Or)), 3},
	{"a<<8 | b>>>56, 64 bits", 1, 0x0200000000000000, seq(argA, i64Const(8), op(opI64Shl), argB, i64Const(56), op(0x88), op(opI64Or)), 0x102},
	{"shift by b, 32 bits", 1, 33, wide(lowA, lowB, op(0x74)), 2},
	{"arithmetic shift by the width", 0x80000000, 32, wide(lowA, lowB, op(0x75)), 0x80000000},
	{"rotate left by 0, 32 bits", 0x80000001, 0, wide(lowA, lowB, op(0x77)), 0x80000001},
	{"rotate left by 1, 32 bits", 0x80000001, 1, wide(lowA, lowB, op(0x77)), 3},
	{"rotate right by 33, 32 bits", 0x80000001, 33, wide(lowA, lowB, op(0x78)), 0xc0000000},
	{"rotate left by 64", 0x8000000000000001, 64, seq(argA, argB, op(0x89)), 0x8000000000000001},
	{"rotate right by 1", 0x8000000000000001, 1, seq(argA, argB, op(0x8a)), 0xc000000000000000},
	{"an even chain of eqz", 7, 0, wide(lowA, repeat(400, op(opI32Eqz))), 1},
	{"an odd chain of eqz", 7, 0, wide(lowA, repeat(401, op(opI32Eqz))), 0},
	{"a chain of eqz, xor", 7, 1, wide(lowA, repeat(100, seq(op(opI32Eqz), op(opI32Eqz), lowB, op(0x73)))), 1},
	{"a chain of mul, add", 3, 5, seq(argA, repeat(64, seq(argB, op(opI64Mul), argA, op(opI64Add)))), chainMulAdd(3, 5, 64)},
	{"-7 / 2", minus(7), 2, seq(argA, argB, op(opI64DivS)), minus(3)},
	{"-7 rem 2", minus(7), 2, seq(argA, argB, op(0x81)), minus(1)},
	{"MIN rem -1", 1 << 63, minus(1), seq(argA, argB, op(0x81)), 0},
	{"MIN rem -1, 32 bits", 0x80000000, minus(1), wide(lowA, lowB, op(0x6f)), 0},
	{"unsigned division", minus(1), 10, seq(argA, argB, op(0x80)), math.MaxUint64 / 10},
	{"unsigned remainder", minus(1), 10, seq(argA, argB, op(0x82)), math.MaxUint64 % 10},
	{"division by the constant 7", minus(50), 0, seq(argA, i64Const(7), op(opI64DivS)), minus(7)},
	{"division by the constant -3, 32 bits", 100, 0, wide(lowA, i32Const(-3), op(0x6d)), uint64(uint32(0xffffffdf))},
	{"unsigned division by the constant 641", 4294967295, 0, wide(lowA, i32Const(641), op(0x6e)), 6700417 - 1},
	{"sign extension of 8 bits", 0x80, 0, seq(argA, op(0xc2)), minus(0x80)},
	{"sign extension of 16 bits", 0x8000, 0, seq(argA, op(0xc3)), minus(0x8000)},
	{"sign extension of 32 bits", 0x80000000, 0, seq(argA, op(0xc4)), minus(0x80000000)},
	{"sign extension of 8 bits, 32 bits", 0x80, 0, wide(lowA, op(0xc0)), 0xffffff80},
	{"extension of a negative i32", 0xffffffff, 0, seq(lowA, op(0xac)), minus(1)},
	{"leading zeros of 0", 0, 0, seq(argA, op(0x79)), 64},
	{"trailing zeros of 0, 32 bits", 0, 0, wide(lowA, op(0x68)), 32},
	{"ones", 0xf0f0, 0, seq(argA, op(0x7b)), 8},
	{"signed less", minus(1), 1, wide(argA, argB, op(opI64LtS)), 1},
	{"unsigned less", minus(1), 1, wide(argA, argB, op(0x54)), 0},
	{"select", 10, 20, seq(argA, argB, lowA, op(opI32Eqz), op(0x1b)), 20},
	{"the last word of the memory", 0x1122334455667788, 0, seq(
		i32Const(wasmPage-8), argA, access(opI64Store, 0),
		i32Const(wasmPage-16), access(opI64Load, 8)), 0x1122334455667788},
	{"a byte load after a word store", 0xff80, 0, seq(
		i32Const(scratchAt), argA, access(opI64Store, 0), i32Const(scratchAt), access(0x30, 0)), minus(0x80)},
	{"an overlapping copy upwards", 0x0807060504030201, 0, seq(
		i32Const(scratchAt), argA, access(opI64Store, 0),
		i32Const(scratchAt+2), i32Const(scratchAt), i32Const(6), op(0xfc, 0x0a, 0, 0),
		i32Const(scratchAt), access(opI64Load, 0)), 0x0605040302010201},
	{"an overlapping copy downwards", 0x0807060504030201, 0, seq(
		i32Const(scratchAt), argA, access(opI64Store, 0),
		i32Const(scratchAt), i32Const(scratchAt+2), i32Const(6), op(0xfc, 0x0a, 0, 0),
		i32Const(scratchAt), access(opI64Load, 0)), 0x0807080706050403},
	{"a fill", 0, 0xab, seq(
		i32Const(scratchAt), argA, access(opI64Store, 0),
		i32Const(scratchAt+1), lowB, i32Const(3), op(0xfc, 0x0b, 0),
		i32Const(scratchAt), access(opI64Load, 0)), 0xababab00},
	{"a branch table's entry", 1, 0, branchTable(lowA), 20},
	{"a branch table's default", 99, 0, branchTable(lowA), 30},
	{"an indirect call", 1, 5, seq(argB, argA, lowA, callIndirect(indirectType)), 4},
	{"a loop", 10, 0, seq(
		i64Const(0), localSet(1),
		op(opLoop, blockEmpty), argB, argA, op(opI64Add), localSet(1),
		argA, i64Const(1), op(opI64Sub), localSet(0), argA, op(opI64Eqz), op(opI32Eqz), branchIf(0), op(opEnd),
		argB), 55},
}

func minus(v uint64) uint64 { return -v }

func chainMulAdd(a, b uint64, n int) uint64 {
	v := a
	for range n {
		v = v*b + a
	}
	return v
}

// branchTable gives 10, 20 or, beyond the table, 30.
func branchTable(index []byte) []byte {
	return seq(
		op(opBlock, blockEmpty, opBlock, blockEmpty, opBlock, blockEmpty),
		index, op(0x0e, 2, 0, 1, 2), op(opEnd),
		i64Const(10), op(0x0f), op(opEnd),
		i64Const(20), op(0x0f), op(opEnd),
		i64Const(30))
}

// word reads a little-endian i64.
func word(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

var operationType = wasm.FuncType{Params: []wasm.ValType{wasm.I64, wasm.I64}, Results: []wasm.ValType{wasm.I64}}

// indirectType is the index of operationType in the known-answer module: types are numbered import by import, then function by
// function, and the first function is an operation.
const indirectType = 1

// answerModule is one module for both tiers: "answers" for a blob call, "call" for a guest. Both compute every answer from
// operands in a data segment.
func answerModule() []byte {
	a := &assembly{minimum: 1, maximum: 1, base: heapAt}
	// Two functions to call indirectly come first: sum and difference.
	a.funcs = []assembledFunc{
		{typ: operationType, code: seq(argA, argB, op(opI64Add))},
		{typ: operationType, code: seq(argA, argB, op(opI64Sub))},
	}
	a.table = []uint32{a.function(0), a.function(1)}
	var operands, run []byte
	for i, k := range answers {
		f := a.function(len(a.funcs))
		a.funcs = append(a.funcs, assembledFunc{typ: operationType, code: k.code})
		operands = binary.LittleEndian.AppendUint64(operands, k.a)
		operands = binary.LittleEndian.AppendUint64(operands, k.b)
		at := uint32(operandsAt + 16*i)
		run = append(run, seq(
			i32Const(answersAt+8*int32(i)),
			i32Const(0), access(opI64Load, at), i32Const(0), access(opI64Load, at+8), call(f),
			access(opI64Store, 0))...)
	}
	a.data = []assembledData{{operandsAt, operands}}
	all := a.function(len(a.funcs))
	result := int64(8*len(answers))<<32 | answersAt
	a.funcs = append(a.funcs,
		assembledFunc{code: run},
		assembledFunc{
			typ:  wasm.FuncType{Params: []wasm.ValType{wasm.I32, wasm.I32}, Results: []wasm.ValType{wasm.I64}},
			code: seq(call(all), i64Const(result)),
		})
	a.exports = []assembledExport{{"call", all}, {"answers", all + 1}}
	return a.bytes()
}

// knownTraps are pieces of code that end in each class of trap that machine code can have.
var knownTraps = []struct {
	name string
	code []byte
	want TrapClass
}{
	{"unreachable", op(opUnreachable), TrapUnreachable},
	{"a load across the end", seq(i32Const(wasmPage-3), access(opI32Load, 0), op(opDrop)), TrapMemory},
	{"a store far outside", seq(i32Const(-1), i32Const(1), access(opI32Store, 0x7fffffff)), TrapMemory},
	{"a copy across the end", seq(i32Const(0), i32Const(wasmPage-1), i32Const(2), op(0xfc, 0x0a, 0, 0)), TrapMemory},
	{"a fill across the end", seq(i32Const(wasmPage-1), i32Const(0), i32Const(2), op(0xfc, 0x0b, 0)), TrapMemory},
	{"an index outside the table", seq(i32Const(1), callIndirect(1)), TrapTable},
	{"a call of another type", seq(i32Const(0), callIndirect(2), op(opDrop)), TrapSignature},
	{"a division by zero", seq(i64Const(1), globalGet(zeroGlobal), op(opI64DivS), op(opDrop)), TrapDivideByZero},
	{"a remainder by zero", seq(i64Const(1), globalGet(zeroGlobal), op(0x82), op(opDrop)), TrapDivideByZero},
	{"MIN / -1", seq(i64Const(math.MinInt64), globalGet(zeroGlobal), i64Const(1), op(opI64Sub), op(opI64DivS), op(opDrop)), TrapIntegerOverflow},
}

const zeroGlobal = 2 // a variable that the compiler cannot take for a constant

// trapModule has the code as its entry point, and a table that holds a function of the entry's type.
func trapModule(code []byte) []byte {
	a := &assembly{minimum: 1, maximum: 1}
	a.globals = []assembledGlobal{{wasm.I64, true, 0}}
	a.funcs = []assembledFunc{
		{code: code},
		{typ: wasm.FuncType{Results: []wasm.ValType{wasm.I64}}, code: i64Const(1)},
	}
	a.table = []uint32{a.function(0)}
	a.exports = []assembledExport{{"call", a.function(0)}}
	return a.bytes()
}
