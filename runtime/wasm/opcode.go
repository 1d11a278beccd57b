package wasm

import "fmt"

// Op is an opcode; those behind the prefix byte 0xfc are 0xfc00 plus their number.
type Op uint16

// The opcodes that other code names. All others are known by their table entry only.
const (
	OpUnreachable  Op = 0x00
	OpNop          Op = 0x01
	OpBlock        Op = 0x02
	OpLoop         Op = 0x03
	OpIf           Op = 0x04
	OpElse         Op = 0x05
	OpEnd          Op = 0x0b
	OpBr           Op = 0x0c
	OpBrIf         Op = 0x0d
	OpBrTable      Op = 0x0e
	OpReturn       Op = 0x0f
	OpCall         Op = 0x10
	OpCallIndirect Op = 0x11
	OpDrop         Op = 0x1a
	OpSelect       Op = 0x1b
	OpLocalGet     Op = 0x20
	OpLocalSet     Op = 0x21
	OpLocalTee     Op = 0x22
	OpGlobalGet    Op = 0x23
	OpGlobalSet    Op = 0x24
	OpI32Load      Op = 0x28
	OpI64Load32U   Op = 0x35
	OpI32Store     Op = 0x36
	OpI64Store32   Op = 0x3e
	OpMemorySize   Op = 0x3f
	OpMemoryGrow   Op = 0x40
	OpI32Const     Op = 0x41
	OpI64Const     Op = 0x42
	OpI32Eqz       Op = 0x45
	OpI32LtU       Op = 0x49
	OpI64Eqz       Op = 0x50
	OpI64LtS       Op = 0x53
	OpI64LtU       Op = 0x54
	OpI32Add       Op = 0x6a
	OpI32Sub       Op = 0x6b
	OpI32Mul       Op = 0x6c
	OpI32DivS      Op = 0x6d
	OpI32DivU      Op = 0x6e
	OpI32RemS      Op = 0x6f
	OpI32RemU      Op = 0x70
	OpI32LtS       Op = 0x48
	OpI64Add       Op = 0x7c
	OpI64Sub       Op = 0x7d
	OpI64Mul       Op = 0x7e
	OpI64DivS      Op = 0x7f
	OpI64DivU      Op = 0x80
	OpI64RemS      Op = 0x81
	OpI64RemU      Op = 0x82
	OpI64ShrU      Op = 0x88
	OpI64ExtendU32 Op = 0xad
	OpMemoryCopy   Op = 0xfc0a
	OpMemoryFill   Op = 0xfc0b

	opF32Const Op = 0x43
	opF64Const Op = 0x44

	prefixMisc   = 0xfc
	prefixVector = 0xfd
	prefixAtomic = 0xfe
)

// immKind says what follows an opcode.
type immKind byte

const (
	immNone immKind = iota
	immBlock
	immIndex
	immTable
	immIndirect
	immMemory
	immAccess
	immI32
	immI64
	immCopy
	immFill
	immRefused // not in the accepted subset: see refusals
)

// opInfo describes one opcode. Operands are listed in the order in which they are pushed.
type opInfo struct {
	name     string
	imm      immKind
	checked  bool // type checking needs more than in and out: see special
	producer bool // computes a value that a compiler may keep in a register or stack slot
	align    byte // natural alignment of an access, as a power of two
	in       [3]ValType
	ins      byte
	out      ValType
	score    uint16 // compile cost by itself, see score.go
}

var ops = buildOps()

const (
	miscCopy = 0
	miscFill = 1
)

var miscOps = [...]opInfo{
	miscCopy: {name: "memory.copy", imm: immCopy, in: [3]ValType{I32, I32, I32}, ins: 3, score: scorePerBulk},
	miscFill: {name: "memory.fill", imm: immFill, in: [3]ValType{I32, I32, I32}, ins: 3, score: scorePerBulk},
}

func (op Op) info() *opInfo {
	if op < 0x100 {
		return &ops[op]
	}
	return &miscOps[op-OpMemoryCopy]
}

// String returns the instruction's name in the text format.
func (op Op) String() string {
	if op < 0x100 || op == OpMemoryCopy || op == OpMemoryFill {
		return op.info().name
	}
	return fmt.Sprintf("opcode 0x%x", uint16(op))
}

// Known says whether op is in the accepted instruction set.
func (op Op) Known() bool {
	if op < 0x100 {
		return ops[op].imm != immRefused
	}
	return op == OpMemoryCopy || op == OpMemoryFill
}

func buildOps() (t [256]opInfo) {
	for i := range t {
		t[i] = opInfo{name: fmt.Sprintf("opcode 0x%02x", i), imm: immRefused}
	}
	control := []struct {
		op   Op
		name string
		imm  immKind
	}{
		{OpUnreachable, "unreachable", immNone}, {OpBlock, "block", immBlock}, {OpLoop, "loop", immBlock}, {OpIf, "if", immBlock},
		{OpElse, "else", immNone}, {OpEnd, "end", immNone}, {OpBr, "br", immIndex}, {OpBrIf, "br_if", immIndex},
		{OpBrTable, "br_table", immTable}, {OpReturn, "return", immNone}, {OpCall, "call", immIndex},
		{OpCallIndirect, "call_indirect", immIndirect}, {OpDrop, "drop", immNone}, {OpSelect, "select", immNone},
		{OpLocalGet, "local.get", immIndex}, {OpLocalSet, "local.set", immIndex}, {OpLocalTee, "local.tee", immIndex},
		{OpGlobalGet, "global.get", immIndex}, {OpGlobalSet, "global.set", immIndex},
	}
	for _, c := range control {
		t[c.op] = opInfo{name: c.name, imm: c.imm, checked: true}
	}
	t[OpNop] = opInfo{name: "nop"}
	t[OpMemorySize] = opInfo{name: "memory.size", imm: immMemory, out: I32, producer: true}
	t[OpMemoryGrow] = opInfo{name: "memory.grow", imm: immMemory, in: [3]ValType{I32}, ins: 1, out: I32, producer: true, score: scorePerGrow}
	t[OpI32Const] = opInfo{name: "i32.const", imm: immI32, out: I32}
	t[OpI64Const] = opInfo{name: "i64.const", imm: immI64, out: I64}
	addAccesses(&t)
	addNumeric(&t)
	for op := OpI32DivS; op <= OpI32RemU; op++ {
		t[op].score = scorePerDivision
		t[op+OpI64DivS-OpI32DivS].score = scorePerDivision
	}
	return t
}

func addAccesses(t *[256]opInfo) {
	accesses := []struct {
		op    byte
		name  string
		typ   ValType
		align byte
	}{
		{0x28, "i32.load", I32, 2}, {0x29, "i64.load", I64, 3}, {0x2c, "i32.load8_s", I32, 0}, {0x2d, "i32.load8_u", I32, 0},
		{0x2e, "i32.load16_s", I32, 1}, {0x2f, "i32.load16_u", I32, 1}, {0x30, "i64.load8_s", I64, 0}, {0x31, "i64.load8_u", I64, 0},
		{0x32, "i64.load16_s", I64, 1}, {0x33, "i64.load16_u", I64, 1}, {0x34, "i64.load32_s", I64, 2}, {0x35, "i64.load32_u", I64, 2},
		{0x36, "i32.store", I32, 2}, {0x37, "i64.store", I64, 3}, {0x3a, "i32.store8", I32, 0}, {0x3b, "i32.store16", I32, 1},
		{0x3c, "i64.store8", I64, 0}, {0x3d, "i64.store16", I64, 1}, {0x3e, "i64.store32", I64, 2},
	}
	for _, a := range accesses {
		info := opInfo{name: a.name, imm: immAccess, align: a.align, score: scorePerAccess}
		if Op(a.op) >= OpI32Store {
			info.in, info.ins = [3]ValType{I32, a.typ}, 2
		} else {
			info.in, info.ins, info.out, info.producer = [3]ValType{I32}, 1, a.typ, true
		}
		t[a.op] = info
	}
}

// addNumeric fills in the integer instructions: runs of opcodes with one shape each.
func addNumeric(t *[256]opInfo) {
	compares := []string{"eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"}
	unary := []string{"clz", "ctz", "popcnt"}
	binary := []string{"add", "sub", "mul", "div_s", "div_u", "rem_s", "rem_u", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr"}
	runs := []struct {
		first    byte
		names    []string
		operand  ValType
		operands byte
		result   ValType
	}{
		{0x45, []string{"eqz"}, I32, 1, I32}, {0x46, compares, I32, 2, I32}, {0x50, []string{"eqz"}, I64, 1, I32}, {0x51, compares, I64, 2, I32},
		{0x67, unary, I32, 1, I32}, {0x6a, binary, I32, 2, I32}, {0x79, unary, I64, 1, I64}, {0x7c, binary, I64, 2, I64},
		{0xc0, []string{"extend8_s", "extend16_s"}, I32, 1, I32}, {0xc2, []string{"extend8_s", "extend16_s", "extend32_s"}, I64, 1, I64},
	}
	for _, run := range runs {
		for i, name := range run.names {
			info := opInfo{name: run.operand.String() + "." + name, ins: run.operands, out: run.result, producer: true}
			for k := range run.operands {
				info.in[k] = run.operand
			}
			t[int(run.first)+i] = info
		}
	}
	t[0xa7] = opInfo{name: "i32.wrap_i64", in: [3]ValType{I64}, ins: 1, out: I32, producer: true}
	t[0xac] = opInfo{name: "i64.extend_i32_s", in: [3]ValType{I32}, ins: 1, out: I64, producer: true}
	t[0xad] = opInfo{name: "i64.extend_i32_u", in: [3]ValType{I32}, ins: 1, out: I64, producer: true}
}

// refusals explains the opcodes outside the accepted subset, as ranges.
var refusals = [...]struct {
	first, last byte
	reason      Code
	text        string
}{
	{0x06, 0x0a, Exceptions, "exception instruction"},
	{0x12, 0x13, TailCall, "tail call"},
	{0x14, 0x15, ReferenceTypes, "call through a reference"},
	{0x18, 0x19, Exceptions, "exception instruction"},
	{0x1c, 0x1c, ReferenceTypes, "typed select"},
	{0x1f, 0x1f, Exceptions, "exception instruction"},
	{0x25, 0x26, ReferenceTypes, "table instruction"},
	{0x2a, 0x2b, Float, "floating-point load"},
	{0x38, 0x39, Float, "floating-point store"},
	{0x43, 0x44, Float, "floating-point constant"},
	{0x5b, 0x66, Float, "floating-point comparison"},
	{0x8b, 0xa6, Float, "floating-point arithmetic"},
	{0xa8, 0xab, Float, "floating-point conversion"},
	{0xae, 0xbf, Float, "floating-point conversion"},
	{0xd0, 0xd6, ReferenceTypes, "reference instruction"},
	{prefixVector, prefixVector, Vector, "vector instruction"},
	{prefixAtomic, prefixAtomic, Threads, "atomic instruction"},
}

// refuse explains why a one-byte opcode is not accepted.
func refuse(op byte, offset int) *Error {
	for _, r := range refusals {
		if op >= r.first && op <= r.last {
			return fail(r.reason, offset, "%s 0x%02x", r.text, op)
		}
	}
	return fail(UnknownOpcode, offset, "opcode 0x%02x is unknown", op)
}

// refuseMisc explains why an opcode behind the prefix 0xfc is not accepted.
func refuseMisc(sub uint32, offset int) *Error {
	switch {
	case sub <= 7:
		return fail(Float, offset, "saturating floating-point conversion 0xfc %d", sub)
	case sub <= 9:
		return fail(BulkMemory, offset, "memory.init or data.drop 0xfc %d", sub)
	case sub <= 17:
		return fail(ReferenceTypes, offset, "table instruction 0xfc %d", sub)
	}
	return fail(UnknownOpcode, offset, "opcode 0xfc %d is unknown", sub)
}
