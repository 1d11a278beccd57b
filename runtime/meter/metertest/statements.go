package metertest

import "github.com/sepia-chain/sepia/runtime/wasm"

// statements makes up to n statements that leave the operand stack as it was.
func (g *generator) statements(n int) []byte {
	var code []byte
	for range n {
		if g.budget > 0 {
			code = append(code, g.statement(2)...)
		}
	}
	return code
}

// statement makes one statement; nesting bounds the blocks inside it.
func (g *generator) statement(nesting int) []byte {
	g.budget--
	makers := []func(int) []byte{
		g.assign, g.assign, g.assign, g.setGlobal, g.store, g.store, g.conditional, g.conditional, g.block, g.block, g.loop, g.loop,
		g.jumpTable, g.call, g.call, g.callTable, g.callTable, g.hostCall, g.bulk, g.grow, g.leave, g.discard,
	}
	return makers[g.below(len(makers))](nesting)
}

func (g *generator) assign(int) []byte {
	i := g.below(g.counters)
	value := g.value(g.locals[i], 3)
	if g.chance(20) {
		return Asm(value, wasm.OpLocalTee, uint32(i), wasm.OpDrop)
	}
	return Asm(value, wasm.OpLocalSet, uint32(i))
}

func (g *generator) setGlobal(nesting int) []byte {
	i := g.below(len(g.b.Globals))
	if !g.b.Globals[i].Mutable {
		return g.assign(nesting)
	}
	return Asm(g.value(g.b.Globals[i].Type, 3), wasm.OpGlobalSet, uint32(i))
}

func (g *generator) discard(int) []byte {
	if g.chance(20) {
		return Asm(wasm.OpNop)
	}
	return Asm(g.value(g.numType(), 4), wasm.OpDrop)
}

// address is within the first page with any offset of access, but for one time in a hundred.
func (g *generator) address() []byte {
	if g.chance(1) {
		return g.value(wasm.I32, 2)
	}
	return Asm(g.value(wasm.I32, 2), wasm.OpI32Const, 0x7fff, wasm.Op(0x71))
}

func (g *generator) store(int) []byte {
	op := []byte{0x36, 0x37, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e}[g.below(7)]
	t := wasm.I64
	if op == 0x36 || op == 0x3a || op == 0x3b {
		t = wasm.I32
	}
	return Asm(g.address(), g.value(t, 3), op, byte(0), uint32(g.below(20_000)))
}

func (g *generator) conditional(nesting int) []byte {
	if nesting == 0 {
		return g.assign(nesting)
	}
	condition := g.value(wasm.I32, 2)
	then := g.nested(nesting)
	if g.chance(25) { // an arm that does not reach its end
		then = Asm(then, wasm.OpBr, uint32(0), g.dead())
	}
	var code []byte
	if g.chance(50) {
		code = Asm(condition, wasm.OpIf, byte(0x40), then, wasm.OpElse, g.nested(nesting), wasm.OpEnd)
	} else {
		code = Asm(condition, wasm.OpIf, byte(0x40), then, wasm.OpEnd)
	}
	return code
}

func (g *generator) nested(nesting int) []byte {
	var code []byte
	for range 1 + g.below(3) {
		if g.budget > 0 {
			code = append(code, g.statement(nesting-1)...)
		}
	}
	return code
}

// block leaves early by br_if or br now and then, also to labels outside: any block may be left, no loop may be gone back to.
func (g *generator) block(nesting int) []byte {
	if nesting == 0 {
		return g.assign(nesting)
	}
	inside := g.nested(nesting)
	switch g.below(4) {
	case 0:
		inside = Asm(inside, g.value(wasm.I32, 2), wasm.OpBrIf, uint32(0), g.nested(nesting))
	case 1:
		inside = Asm(inside, wasm.OpBr, uint32(0), g.dead())
	case 2:
		inside = Asm(wasm.OpBlock, byte(0x40), inside, g.value(wasm.I32, 2), wasm.OpBrIf, uint32(1), g.nested(nesting), wasm.OpEnd)
	}
	return Asm(wasm.OpBlock, byte(0x40), inside, wasm.OpEnd)
}

// dead is code that cannot be reached, with blocks of its own.
func (g *generator) dead() []byte {
	if g.chance(50) {
		return nil
	}
	return Asm(wasm.OpI32Const, 1, wasm.OpIf, byte(0x40), wasm.OpUnreachable, wasm.OpElse, wasm.OpNop, wasm.OpEnd, wasm.OpReturn)
}

// loop counts a reserved local down, so that it ends; now and then it is left from inside.
func (g *generator) loop(nesting int) []byte {
	if nesting == 0 || g.loops == maxLoops {
		return g.store(nesting)
	}
	counter := uint32(g.counters + g.loops)
	g.loops++
	inside := g.nested(nesting)
	if g.chance(30) {
		inside = Asm(inside, g.value(wasm.I32, 2), wasm.OpBrIf, uint32(1))
	}
	if g.chance(30) {
		inside = Asm(inside, g.nested(nesting))
	}
	g.loops--
	back := Asm(wasm.OpLocalGet, counter, wasm.OpI32Const, 1, wasm.OpI32Sub, wasm.OpLocalTee, counter, wasm.OpBrIf, uint32(0))
	return Asm(wasm.OpI32Const, 1+g.below(6), wasm.OpLocalSet, counter,
		wasm.OpBlock, byte(0x40), wasm.OpLoop, byte(0x40), inside, back, wasm.OpEnd, wasm.OpEnd)
}

func (g *generator) jumpTable(nesting int) []byte {
	if nesting == 0 {
		return g.assign(nesting)
	}
	targets := wasm.AppendU32(nil, 3)
	for range 4 {
		targets = wasm.AppendU32(targets, uint32(g.below(3)))
	}
	selector := Asm(g.value(wasm.I32, 2), wasm.OpI32Const, 7, wasm.Op(0x71))
	first := Asm(wasm.OpBlock, byte(0x40), selector, wasm.OpBrTable, targets, wasm.OpEnd, g.nested(nesting))
	second := Asm(wasm.OpBlock, byte(0x40), first, wasm.OpEnd, g.nested(nesting))
	return Asm(wasm.OpBlock, byte(0x40), second, wasm.OpEnd)
}

// arguments makes the operands of a call.
func (g *generator) arguments(t wasm.FuncType) []byte {
	var code []byte
	for _, p := range t.Params {
		code = append(code, g.value(p, 2)...)
	}
	return code
}

// consume does away with a call's result.
func (g *generator) consume(t wasm.FuncType) []byte {
	if len(t.Results) == 0 {
		return nil
	}
	for i := range g.counters {
		if g.locals[i] == t.Results[0] && g.chance(60) {
			return Asm(wasm.OpLocalSet, uint32(i))
		}
	}
	return Asm(wasm.OpDrop)
}

// mayCall says whether the function under work may call another one here, so that runs stay short.
func (g *generator) mayCall(defined int) bool {
	if g.b.HasStart && defined == 2 || defined <= g.function || g.calls == 0 {
		return false
	}
	return g.loops == 0 || defined >= g.leaves
}

func (g *generator) call(nesting int) []byte {
	defined := 2 + g.below(len(g.b.Funcs)-2)
	if !g.mayCall(defined) {
		return g.hostCall(nesting)
	}
	g.calls--
	f := g.imports + defined
	return Asm(g.arguments(g.types[f]), wasm.OpCall, uint32(f), g.consume(g.types[f]))
}

// callTable calls through the table, nearly always with the entry's own type.
func (g *generator) callTable(nesting int) []byte {
	if len(g.table) == 0 {
		return g.call(nesting)
	}
	index := g.below(len(g.table))
	f := g.table[index]
	if f >= g.imports && !g.mayCall(f-g.imports) {
		return g.assign(nesting)
	}
	g.calls--
	t := g.types[f]
	place := Asm(wasm.OpI32Const, index)
	if g.chance(50) {
		place = Asm(g.value(wasm.I32, 1), wasm.OpI32Const, 0, wasm.Op(0x71), wasm.OpI32Const, index, wasm.Op(0x72))
	}
	return Asm(g.arguments(t), place, wasm.OpCallIndirect, g.b.TypeIndex(t), byte(0), g.consume(t))
}

func (g *generator) hostCall(int) []byte {
	f := g.below(ImportStop)
	return Asm(g.arguments(g.types[f]), wasm.OpCall, uint32(f), g.consume(g.types[f]))
}

func (g *generator) bulk(int) []byte {
	length := Asm(g.value(wasm.I32, 1), wasm.OpI32Const, 0x3ff, wasm.Op(0x71))
	if g.chance(50) {
		return Asm(g.address(), g.value(wasm.I32, 1), length, wasm.OpMemoryFill, byte(0))
	}
	return Asm(g.address(), g.address(), length, wasm.OpMemoryCopy, byte(0), byte(0))
}

func (g *generator) grow(nesting int) []byte {
	if g.chance(50) {
		return g.assign(nesting)
	}
	return Asm(wasm.OpI32Const, g.below(4), wasm.OpMemoryGrow, byte(0), wasm.OpDrop)
}

// leave returns in rare cases, or traps in rarer ones.
func (g *generator) leave(nesting int) []byte {
	condition := Asm(g.value(wasm.I32, 2), wasm.OpI32Const, 15, wasm.Op(0x71), wasm.OpI32Eqz)
	result := g.b.Funcs[g.function].Type.Result()
	if g.chance(15) {
		return Asm(condition, condition, wasm.Op(0x71), wasm.OpIf, byte(0x40), wasm.OpUnreachable, wasm.OpEnd)
	}
	return Asm(condition, wasm.OpIf, byte(0x40), g.value(result, 1), wasm.OpReturn, wasm.OpEnd)
}

// value makes code that leaves one value of type t, or nothing for None.
func (g *generator) value(t wasm.ValType, depth int) []byte {
	switch {
	case t == wasm.None:
		return nil
	case depth == 0 || g.chance(20):
		return g.simple(t)
	case t == wasm.I32:
		return g.value32(depth - 1)
	}
	return g.value64(depth - 1)
}

func (g *generator) simple(t wasm.ValType) []byte {
	if g.chance(60) {
		for range 4 {
			if i := g.below(len(g.locals)); g.locals[i] == t {
				return Asm(wasm.OpLocalGet, uint32(i))
			}
		}
	}
	if i := g.below(len(g.b.Globals)); g.b.Globals[i].Type == t && g.chance(50) {
		return Asm(wasm.OpGlobalGet, uint32(i))
	}
	edges := []int64{0, 1, -1, 2, 7, 31, 32, 63, 64, 255, -1 << 31, 1<<31 - 1, 1 << 30}
	v := edges[g.below(len(edges))]
	if g.chance(40) {
		v = int64(int32(g.next()))
	}
	if t == wasm.I32 {
		return Asm(wasm.OpI32Const, v)
	}
	if g.chance(30) {
		v = int64(g.next())
	}
	return Asm(wasm.OpI64Const, v)
}

func (g *generator) value32(depth int) []byte {
	a := g.value(wasm.I32, depth)
	switch g.below(12) {
	case 0:
		return Asm(a, []byte{0x45, 0x67, 0x68, 0x69, 0xc0, 0xc1}[g.below(6)])
	case 1:
		return Asm(a, g.value(wasm.I32, depth), byte(0x46+g.below(10)))
	case 2:
		return Asm(g.value(wasm.I64, depth), g.value(wasm.I64, depth), byte(0x51+g.below(10)))
	case 3:
		return Asm(g.value(wasm.I64, depth), []byte{0x50, 0xa7}[g.below(2)])
	case 4:
		return Asm(g.address(), []byte{0x28, 0x2c, 0x2d, 0x2e, 0x2f}[g.below(5)], byte(0), uint32(g.below(20_000)))
	case 5:
		return Asm(a, g.value(wasm.I32, depth), g.value(wasm.I32, depth), wasm.OpSelect)
	case 6:
		return Asm(wasm.OpMemorySize, byte(0))
	case 7:
		return Asm(a, g.divisor(wasm.I32, depth), wasm.OpI32DivS+wasm.Op(g.below(4)))
	case 8:
		return Asm(a, wasm.OpIf, byte(wasm.I32), g.value(wasm.I32, depth), wasm.OpElse, g.value(wasm.I32, depth), wasm.OpEnd)
	}
	return Asm(a, g.value(wasm.I32, depth), []byte{0x6a, 0x6b, 0x6c, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78}[g.below(11)])
}

func (g *generator) value64(depth int) []byte {
	a := g.value(wasm.I64, depth)
	switch g.below(10) {
	case 0:
		return Asm(a, []byte{0x79, 0x7a, 0x7b, 0xc2, 0xc3, 0xc4}[g.below(6)])
	case 1:
		return Asm(g.value(wasm.I32, depth), byte(0xac+g.below(2)))
	case 2:
		op := []byte{0x29, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35}[g.below(7)]
		return Asm(g.address(), op, byte(0), uint32(g.below(20_000)))
	case 3:
		return Asm(a, g.value(wasm.I64, depth), g.value(wasm.I32, depth), wasm.OpSelect)
	case 4:
		return Asm(a, g.divisor(wasm.I64, depth), wasm.OpI64DivS+wasm.Op(g.below(4)))
	case 5:
		return Asm(wasm.OpBlock, byte(wasm.I64), a, g.value(wasm.I32, depth), wasm.OpBrIf, uint32(0), wasm.OpEnd)
	}
	return Asm(a, g.value(wasm.I64, depth), []byte{0x7c, 0x7d, 0x7e, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a}[g.below(11)])
}

// divisor is odd nearly always, so that it is not 0; a third of them are constants.
func (g *generator) divisor(t wasm.ValType, depth int) []byte {
	constant, or := wasm.OpI32Const, wasm.Op(0x72)
	if t == wasm.I64 {
		constant, or = wasm.OpI64Const, wasm.Op(0x84)
	}
	switch {
	case g.chance(33):
		return Asm(constant, []int64{1, 3, 10, -1, 1 << 20, -7}[g.below(6)])
	case g.chance(3):
		return g.value(t, depth)
	}
	return Asm(g.value(t, depth), constant, 1, or)
}
