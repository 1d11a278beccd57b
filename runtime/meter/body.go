package meter

import (
	"fmt"

	"github.com/sepia-chain/sepia/runtime/wasm"
)

// Opcodes of the code that the meter inserts, as bytes.
const (
	opUnreachable = byte(wasm.OpUnreachable)
	opBlock       = byte(wasm.OpBlock)
	opIf          = byte(wasm.OpIf)
	opEnd         = byte(wasm.OpEnd)
	opBr          = byte(wasm.OpBr)
	opBrIf        = byte(wasm.OpBrIf)
	opReturn      = byte(wasm.OpReturn)
	opCall        = byte(wasm.OpCall)
	opLocalGet    = byte(wasm.OpLocalGet)
	opLocalSet    = byte(wasm.OpLocalSet)
	opLocalTee    = byte(wasm.OpLocalTee)
	opGlobalGet   = byte(wasm.OpGlobalGet)
	opGlobalSet   = byte(wasm.OpGlobalSet)
	opI32Const    = byte(wasm.OpI32Const)
	opI64Const    = byte(wasm.OpI64Const)
	opI32LtS      = byte(wasm.OpI32LtS)
	opI32Add      = byte(wasm.OpI32Add)
	opI32Sub      = byte(wasm.OpI32Sub)
	opI64LtS      = byte(wasm.OpI64LtS)
	opI64Add      = byte(wasm.OpI64Add)
	opI64Sub      = byte(wasm.OpI64Sub)
	opI64Mul      = byte(wasm.OpI64Mul)
	opI64ShrU     = byte(wasm.OpI64ShrU)
	opI64ExtendU  = byte(wasm.OpI64ExtendU32)
	blockEmpty    = 0x40
)

// rewriter rewrites bodies one after the other, reusing its buffers.
type rewriter struct {
	regions

	m        *wasm.Module
	o        *Options
	gas      uint32 // index of the gas global
	stack    uint32 // index of the stack global
	gasQuery uint32 // index of the import sepia.gas

	code []byte // of the body under work, without local declarations
	in   wasm.Instr

	gasLocal uint32 // the counter
	temp     uint32 // an i32, declared if needed
	needTemp bool

	dead     bool // the code here cannot be reached
	skipped  int  // blocks open inside such code
	stale    bool // the counter must be read back from the global: a defined function was called
	constant bool // the instruction before was a constant
	value    int64
}

// function is one defined function of the output: of the input, or made by the meter in the same index space.
type function struct {
	typ  uint32
	body wasm.Body
}

// rewrite appends the metered body, with its size, to dst.
func (w *rewriter) rewrite(dst []byte, f *function) ([]byte, error) {
	typ := &w.m.Types[f.typ]
	params := len(typ.Params)
	w.gasLocal = uint32(params) + f.body.Facts.LocalCount
	w.temp = w.gasLocal + 1
	w.needTemp = false
	if err := w.walk(f, typ, true); err != nil {
		return nil, err
	}
	w.code, w.planning = w.code[:0], false
	cost := int64(FrameCost(params, &f.body.Facts))
	w.prologue(cost, typ.Result())
	if err := w.walk(f, typ, false); err != nil {
		return nil, err
	}
	w.epilogue(cost)
	locals := w.locals(f.body.Locals)
	dst = wasm.AppendU32(dst, uint32(len(locals)+len(w.code)))
	return append(append(dst, locals...), w.code...), nil
}

// locals encodes the local declarations: the input's with equal neighbours joined, the counter, the
// temporary if it is in use.
func (w *rewriter) locals(runs []wasm.LocalRun) []byte {
	all := append(make([]wasm.LocalRun, 0, len(runs)+2), runs...)
	all = append(all, wasm.LocalRun{Count: 1, Type: wasm.I64})
	if w.needTemp {
		all = append(all, wasm.LocalRun{Count: 1, Type: wasm.I32})
	}
	joined := all[:0]
	for _, run := range all {
		last := len(joined) - 1
		switch {
		case run.Count == 0:
		case last >= 0 && joined[last].Type == run.Type:
			joined[last].Count += run.Count
		default:
			joined = append(joined, run)
		}
	}
	b := wasm.AppendU32(nil, uint32(len(joined)))
	for _, run := range joined {
		b = append(wasm.AppendU32(b, run.Count), byte(run.Type))
	}
	return b
}

// prologue takes the frame's cost off the stack counter, then opens two blocks: the inner one is the function's exit, the
// outer one is where it goes when gas is out. Their labels are outermost and outermost+1 inside the body.
func (w *rewriter) prologue(cost int64, result wasm.ValType) {
	w.indexed(opGlobalGet, w.stack)
	w.i32Const(cost)
	w.put(opI32Sub)
	w.indexed(opGlobalSet, w.stack)
	w.indexed(opGlobalGet, w.stack)
	w.i32Const(0)
	w.put(opI32LtS, opIf, blockEmpty, opUnreachable, opEnd)
	w.put(opBlock, blockEmpty, opBlock, blockType(result))
}

func (w *rewriter) epilogue(cost int64) {
	w.indexed(opLocalGet, w.gasLocal)
	w.put(opI64Const, 0, opI64LtS, opBrIf, 0)
	w.indexed(opLocalGet, w.gasLocal)
	w.indexed(opGlobalSet, w.gas)
	w.indexed(opGlobalGet, w.stack)
	w.i32Const(cost)
	w.put(opI32Add)
	w.indexed(opGlobalSet, w.stack)
	w.put(opReturn, opEnd)
	w.indexed(opLocalGet, w.gasLocal)
	w.indexed(opGlobalSet, w.gas)
	w.put(opUnreachable, opEnd)
}

// walk goes over the body once, planning regions or emitting code.
func (w *rewriter) walk(f *function, typ *wasm.FuncType, planning bool) error {
	w.reset(planning)
	w.dead, w.skipped, w.stale, w.constant = false, 0, false, false
	w.enter()
	code := wasm.NewCodeReader(&f.body)
	for code.More() {
		if err := code.Next(&w.in); err != nil {
			return fmt.Errorf("metering checked code: %w", err)
		}
		if w.dead && w.skip() {
			continue
		}
		if err := w.instruction(); err != nil {
			return err
		}
		w.constant = w.in.Op == wasm.OpI32Const || w.in.Op == wasm.OpI64Const
		w.value = w.in.Value
	}
	return nil
}

// enter opens the function's first region: reads the counter, charges, tests.
func (w *rewriter) enter() {
	total := w.open()
	w.spend(uint64(w.o.Weights.Cost[ClassFrame]))
	if w.planning {
		return
	}
	w.indexed(opGlobalGet, w.gas)
	w.subtract(total)
	w.indexed(opLocalTee, w.gasLocal)
	w.put(opI64Const, 0, opI64LtS)
	w.outOfGasIf()
}

// skip says whether the instruction is part of code that cannot be reached, and keeps count of its blocks.
func (w *rewriter) skip() bool {
	switch w.in.Op {
	case wasm.OpBlock, wasm.OpLoop, wasm.OpIf:
		w.skipped++
	case wasm.OpEnd:
		if w.skipped == 0 {
			return false
		}
		w.skipped--
	case wasm.OpElse:
		return w.skipped > 0
	}
	return true
}

func (w *rewriter) instruction() error {
	in := &w.in
	switch in.Op {
	case wasm.OpUnreachable:
		w.trap()
	case wasm.OpBlock, wasm.OpLoop, wasm.OpIf:
		w.block()
	case wasm.OpElse, wasm.OpEnd:
		w.endArm()
	case wasm.OpBr, wasm.OpBrIf, wasm.OpBrTable, wasm.OpReturn:
		w.branch()
	case wasm.OpCall, wasm.OpCallIndirect:
		return w.call()
	default:
		w.plain()
	}
	return nil
}

// cost is the weight of an instruction's class.
func (w *rewriter) cost(op wasm.Op) uint64 { return uint64(w.o.Weights.Cost[ClassOf(op)]) }

// begin accounts for an instruction, opening a region and reading the counter back if need be.
func (w *rewriter) begin(cost uint64) {
	if cost > 0 && w.current == none {
		w.head()
	}
	w.refresh()
	w.spend(cost)
}

// head opens a region and charges it.
func (w *rewriter) head() {
	total := w.open()
	if w.planning {
		w.stale = false
		return
	}
	switch {
	case w.stale:
		w.indexed(opGlobalGet, w.gas)
	case total > 0:
		w.indexed(opLocalGet, w.gasLocal)
	default:
		return
	}
	w.stale = false
	w.subtract(total)
	w.indexed(opLocalSet, w.gasLocal)
}

// refresh reads the counter back after a call of a defined function.
func (w *rewriter) refresh() {
	if !w.stale {
		return
	}
	w.stale = false
	w.indexed(opGlobalGet, w.gas)
	w.indexed(opLocalSet, w.gasLocal)
}

// trap emits unreachable with the exact counter in the global.
func (w *rewriter) trap() {
	if cost := w.cost(wasm.OpUnreachable); cost > 0 {
		w.begin(cost)
	}
	if !w.stale {
		w.sync()
	}
	w.stale, w.dead = false, true
	w.put(opUnreachable)
}

func (w *rewriter) block() {
	in := &w.in
	if w.current == none {
		w.head()
	}
	w.begin(w.cost(in.Op))
	w.push()
	w.put(byte(in.Op), blockType(in.Block))
	switch in.Op {
	case wasm.OpIf:
		w.close()
	case wasm.OpLoop:
		w.loopHead()
	}
}

// endArm handles else and end. Only control that falls into them executes them: a branch goes behind.
func (w *rewriter) endArm() {
	if !w.dead {
		w.begin(w.cost(w.in.Op))
	}
	w.dead = false
	if w.in.Op == wasm.OpEnd {
		w.pop()
	} else {
		w.close()
	}
	w.put(byte(w.in.Op))
}

// loopHead opens the region of a loop's first run of code, charges it and tests the counter on every turn.
func (w *rewriter) loopHead() {
	total := w.open()
	if w.planning {
		return
	}
	w.indexed(opLocalGet, w.gasLocal)
	if total > 0 {
		w.subtract(total)
		w.indexed(opLocalTee, w.gasLocal)
	}
	w.put(opI64Const, 0, opI64LtS)
	w.outOfGasIf()
}

func (w *rewriter) branch() {
	in := &w.in
	w.begin(w.cost(in.Op))
	switch in.Op {
	case wasm.OpReturn:
		w.leave(0)
		w.indexed(opBr, w.outermost())
	case wasm.OpBrTable:
		w.branchTable()
	default:
		w.leave(w.target(in.Index))
		w.indexed(byte(in.Op), in.Index)
	}
	w.close()
	w.dead = in.Op != wasm.OpBrIf
}

func (w *rewriter) branchTable() {
	targets := w.in.Targets
	w.put(byte(wasm.OpBrTable))
	w.number(uint32(len(targets) - 1))
	for _, label := range targets {
		w.leave(w.target(label))
		w.number(label)
	}
}

func (w *rewriter) call() error {
	in := &w.in
	imported := in.Op == wasm.OpCall && in.Index < w.imports()
	cost := w.cost(in.Op)
	if imported {
		cost = uint64(w.o.Weights.Cost[ClassImport]) + w.o.ImportPrices[in.Index]
	}
	w.begin(cost)
	w.regions.call()
	if w.ahead != 0 {
		return fmt.Errorf("metering: %d ps charged for code behind a call", w.ahead)
	}
	switch {
	case imported:
		w.callImport(in.Index)
		return nil
	case in.Op == wasm.OpCall:
		w.sync()
		w.indexed(opCall, in.Index+1) // behind the appended import
	default:
		w.sync()
		w.indexed(byte(wasm.OpCallIndirect), in.Index)
		w.put(0)
	}
	w.stale = true
	return nil
}

// callImport passes the gas left to the host and takes the host's answer, where it can be another one.
func (w *rewriter) callImport(index uint32) {
	w.indexed(opLocalGet, w.gasLocal)
	w.put(opI64Const, 0, opI64LtS)
	w.outOfGasIf()
	w.indexed(opLocalGet, w.gasLocal)
	w.indexed(opCall, index)
	if w.o.FixedImports != nil && w.o.FixedImports[index] {
		return
	}
	w.indexed(opCall, w.gasQuery)
	w.indexed(opLocalTee, w.gasLocal)
	w.put(opI64Const, 0, opI64LtS)
	w.outOfGasIf()
}

// plain handles instructions without control flow, most of which are copied.
func (w *rewriter) plain() {
	in := &w.in
	w.begin(w.cost(in.Op))
	switch in.Op {
	case wasm.OpMemoryCopy, wasm.OpMemoryFill:
		w.chargeBulk()
	case wasm.OpMemoryGrow:
		w.chargeGrow()
	case wasm.OpI32DivS, wasm.OpI32DivU, wasm.OpI32RemS, wasm.OpI32RemU,
		wasm.OpI64DivS, wasm.OpI64DivU, wasm.OpI64RemS, wasm.OpI64RemU:
		if w.divisorTraps() {
			w.sync()
		}
	}
	if !w.planning {
		w.code = in.Append(w.code)
	}
}

// imports is the number of functions that the input imports.
func (w *rewriter) imports() uint32 { return uint32(len(w.m.Imports)) }
