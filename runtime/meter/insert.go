package meter

import "github.com/sepia-chain/sepia/runtime/wasm"

// put appends bytes of code in the emitting run.
func (w *rewriter) put(code ...byte) {
	if !w.planning {
		w.code = append(w.code, code...)
	}
}

func (w *rewriter) number(v uint32) {
	if !w.planning {
		w.code = wasm.AppendU32(w.code, v)
	}
}

// indexed appends an instruction with an index.
func (w *rewriter) indexed(op byte, index uint32) {
	w.put(op)
	w.number(index)
}

func (w *rewriter) i32Const(v int64) {
	w.put(opI32Const)
	w.signed(v)
}

func (w *rewriter) i64Const(v int64) {
	w.put(opI64Const)
	w.signed(v)
}

func (w *rewriter) signed(v int64) {
	if !w.planning {
		w.code = wasm.AppendS64(w.code, v)
	}
}

// subtract takes a constant off the i64 on the operand stack.
func (w *rewriter) subtract(cost uint64) {
	if cost == 0 {
		return
	}
	w.i64Const(int64(cost))
	w.put(opI64Sub)
}

// outOfGasIf leaves for the out-of-gas exit if the i32 on the operand stack is not 0.
func (w *rewriter) outOfGasIf() { w.indexed(opBrIf, w.outermost()+1) }

// sync writes the exact gas left to the global: the counter plus what was charged for code behind this place.
func (w *rewriter) sync() {
	w.indexed(opLocalGet, w.gasLocal)
	if w.ahead > 0 {
		w.i64Const(int64(w.ahead))
		w.put(opI64Add)
	}
	w.indexed(opGlobalSet, w.gas)
}

// divisorTraps says whether the division in hand may trap: only a constant divisor shows that it cannot. Writing the counter
// back before every other division costs less than testing the divisor would, in time and in code: the test's branches made
// 48 KiB of divisions compile for two seconds.
func (w *rewriter) divisorTraps() bool {
	if !w.constant || w.value == 0 {
		return true
	}
	signed := w.in.Op == wasm.OpI32DivS || w.in.Op == wasm.OpI64DivS
	return signed && w.value == -1
}

// chargeBulk charges memory.copy and memory.fill for their length, which is on top of the operand stack: the number of
// 8-byte words that hold it, times the weight.
func (w *rewriter) chargeBulk() {
	w.needTemp = true
	w.indexed(opLocalTee, w.temp)
	w.indexed(opLocalGet, w.gasLocal)
	w.indexed(opLocalGet, w.temp)
	w.put(opI64ExtendU, opI64Const, 7, opI64Add, opI64Const, 3, opI64ShrU)
	w.chargeProduct(ClassBulkWord)
}

// chargeGrow charges memory.grow for the pages asked, which are on top of the operand stack.
func (w *rewriter) chargeGrow() {
	w.needTemp = true
	w.indexed(opLocalTee, w.temp)
	w.indexed(opLocalGet, w.gasLocal)
	w.indexed(opLocalGet, w.temp)
	w.put(opI64ExtendU)
	w.chargeProduct(ClassGrowPage)
}

// chargeProduct takes the i64 on the operand stack, times a weight, off the counter below it, and tests the counter.
func (w *rewriter) chargeProduct(class Class) {
	w.i64Const(int64(w.o.Weights.Cost[class]))
	w.put(opI64Mul, opI64Sub)
	w.indexed(opLocalTee, w.gasLocal)
	w.put(opI64Const, 0, opI64LtS)
	w.outOfGasIf()
}

func blockType(result wasm.ValType) byte {
	if result == wasm.None {
		return blockEmpty
	}
	return byte(result)
}
