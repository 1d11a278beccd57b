package wasm

// unknown is the type of an operand in code that cannot be reached: it matches every type.
const unknown ValType = 1

// frame is one entry of the control stack.
type frame struct {
	op      Op // OpBlock, OpLoop, OpIf, OpElse, or OpEnd for the function itself
	result  ValType
	dead    bool // code after a branch, until the frame's end
	height  int  // of the operand stack at entry
	loopsIn uint32
}

// label is the type that a branch to the frame carries: none for a loop, because loops have no parameters here.
func (f *frame) label() ValType {
	if f.op == OpLoop {
		return None
	}
	return f.result
}

// checker type-checks bodies one after the other, reusing its stacks. It follows the validation algorithm in the appendix
// of the WebAssembly specification.
type checker struct {
	m      *Module
	limits *Limits
	locals []ValType
	values []ValType
	frames []frame
	facts  Facts
	in     Instr
}

// body checks one function. Errors carry the place in the file; the caller adds the function's index.
func (c *checker) body(body *Body) *Error {
	typ := &c.m.Types[body.Type]
	c.facts = Facts{}
	if err := c.declareLocals(typ, body); err != nil {
		return err
	}
	c.values = c.values[:0]
	c.frames = append(c.frames[:0], frame{op: OpEnd, result: typ.Result()})
	code := NewCodeReader(body)
	for len(c.frames) > 0 {
		if !code.More() {
			return fail(Structure, code.r.offset(), "the body ends with %d blocks open", len(c.frames))
		}
		if err := code.Next(&c.in); err != nil {
			return err
		}
		if err := c.instruction(); err != nil {
			return err
		}
	}
	if code.More() {
		return fail(Structure, code.r.offset(), "code follows the end of the function")
	}
	body.Facts = c.facts
	return nil
}

func (c *checker) declareLocals(typ *FuncType, body *Body) *Error {
	var n uint64
	for _, run := range body.Locals {
		n += uint64(run.Count)
		if run.Type.isFloat() {
			return fail(Float, body.Offset, "a local has type %s", run.Type)
		}
		if exceeds(n, c.limits.Locals) || n > maxLocals {
			return fail(LimitLocals, body.Offset, "%d locals are declared, the limit is %d", n, c.limits.Locals)
		}
	}
	c.facts.LocalCount = uint32(n)
	c.locals = append(c.locals[:0], typ.Params...)
	for _, run := range body.Locals {
		for range run.Count {
			c.locals = append(c.locals, run.Type)
		}
	}
	return nil
}

// maxLocals bounds the expansion of runs of locals under a policy without that limit. Engines share this bound.
const maxLocals = 50_000

// exceeds says whether n is above a limit.
func exceeds[N uint32 | uint64](n N, limit uint32) bool { return uint64(n) > uint64(limit) }

func (c *checker) instruction() *Error {
	info := c.in.Op.info()
	if info.checked {
		return c.special(info)
	}
	for i := int(info.ins) - 1; i >= 0; i-- {
		if _, err := c.pop(info.in[i]); err != nil {
			return err
		}
	}
	if info.imm >= immMemory && info.imm != immI32 && info.imm != immI64 && c.m.Memory == nil {
		return fail(BadIndex, c.in.Offset, "%s is used without a memory", info.name)
	}
	if info.producer {
		c.facts.Producers++
	}
	c.facts.Score += uint64(info.score)
	if info.out != None {
		return c.push(info.out)
	}
	return nil
}

func (c *checker) push(t ValType) *Error {
	c.values = append(c.values, t)
	height := uint32(len(c.values))
	if height > c.facts.MaxHeight {
		c.facts.MaxHeight = height
		if exceeds(height, c.limits.Operands) {
			return fail(LimitOperands, c.in.Offset, "the operand stack is higher than %d", c.limits.Operands)
		}
	}
	return nil
}

// pushResult pushes a result type, or nothing for None.
func (c *checker) pushResult(t ValType) *Error {
	if t == None {
		return nil
	}
	return c.push(t)
}

// pop takes an operand that must be of type want, or of any type if want is unknown.
func (c *checker) pop(want ValType) (ValType, *Error) {
	f := &c.frames[len(c.frames)-1]
	if len(c.values) == f.height {
		if f.dead {
			return want, nil
		}
		return want, fail(Underflow, c.in.Offset, "%s needs an operand (%s), none is left in its block", c.in.Op, want)
	}
	got := c.values[len(c.values)-1]
	c.values = c.values[:len(c.values)-1]
	if got != want && got != unknown && want != unknown {
		return got, fail(TypeMismatch, c.in.Offset, "%s found %s where %s is needed", c.in.Op, got, want)
	}
	if got == unknown {
		return want, nil
	}
	return got, nil
}

func (c *checker) popResult(t ValType) *Error {
	if t == None {
		return nil
	}
	_, err := c.pop(t)
	return err
}

func (c *checker) special(info *opInfo) *Error {
	in := &c.in
	switch in.Op {
	case OpBlock, OpLoop, OpIf:
		return c.open()
	case OpElse, OpEnd:
		return c.closeFrame()
	case OpBr, OpBrIf, OpBrTable, OpReturn, OpUnreachable:
		return c.branch()
	case OpCall, OpCallIndirect:
		return c.call()
	case OpDrop:
		_, err := c.pop(unknown)
		return err
	case OpSelect:
		return c.selectValue()
	case OpLocalGet, OpLocalSet, OpLocalTee:
		return c.local()
	}
	return c.global()
}

func (c *checker) open() *Error {
	in := &c.in
	if in.Op == OpIf {
		if _, err := c.pop(I32); err != nil {
			return err
		}
	}
	f := frame{op: in.Op, result: in.Block, height: len(c.values), loopsIn: c.frames[len(c.frames)-1].loopsIn}
	if in.Op == OpLoop {
		f.loopsIn++
	}
	if in.Op != OpBlock {
		c.facts.BranchEdges++
	}
	c.frames = append(c.frames, f)
	c.facts.Blocks++
	c.facts.MaxLoops = max(c.facts.MaxLoops, f.loopsIn)
	nesting := uint32(len(c.frames) - 1)
	c.facts.MaxNesting = max(c.facts.MaxNesting, nesting)
	switch {
	case exceeds(nesting, c.limits.Nesting):
		return fail(LimitNesting, in.Offset, "blocks nest deeper than %d", c.limits.Nesting)
	case exceeds(f.loopsIn, c.limits.Loops):
		return fail(LimitLoops, in.Offset, "loops nest deeper than %d", c.limits.Loops)
	case exceeds(c.facts.Blocks, c.limits.Blocks):
		return fail(LimitBlocks, in.Offset, "the function has more than %d blocks", c.limits.Blocks)
	}
	return nil
}

// closeFrame handles else and end: both finish a run of instructions that must leave exactly the block's result.
func (c *checker) closeFrame() *Error {
	f := c.frames[len(c.frames)-1]
	if err := c.popResult(f.result); err != nil {
		return err
	}
	if extra := len(c.values) - f.height; extra != 0 {
		return fail(TypeMismatch, c.in.Offset, "%d operands are left over at the end of a block", extra)
	}
	if c.in.Op == OpElse {
		if f.op != OpIf {
			return fail(Structure, c.in.Offset, "else has no if")
		}
		last := &c.frames[len(c.frames)-1]
		last.op, last.dead = OpElse, false
		c.facts.BranchEdges++
		return nil
	}
	if f.op == OpIf && f.result != None {
		return fail(TypeMismatch, c.in.Offset, "an if with result %s has no else", f.result)
	}
	c.frames = c.frames[:len(c.frames)-1]
	if len(c.frames) == 0 {
		return nil
	}
	return c.pushResult(f.result)
}

func (c *checker) label(index uint32) (*frame, *Error) {
	if uint64(index) >= uint64(len(c.frames)) {
		return nil, fail(BadIndex, c.in.Offset, "%s names label %d, only %d are open", c.in.Op, index, len(c.frames))
	}
	return &c.frames[len(c.frames)-1-int(index)], nil
}

func (c *checker) branch() *Error {
	in := &c.in
	switch in.Op {
	case OpUnreachable:
	case OpReturn:
		if err := c.popResult(c.frames[0].result); err != nil {
			return err
		}
	case OpBrTable:
		if err := c.branchTable(); err != nil {
			return err
		}
	default:
		return c.branchOne()
	}
	c.kill()
	return nil
}

func (c *checker) branchOne() *Error {
	c.facts.BranchEdges++
	if c.in.Op == OpBrIf {
		if _, err := c.pop(I32); err != nil {
			return err
		}
	}
	target, err := c.label(c.in.Index)
	if err != nil {
		return err
	}
	if err := c.popResult(target.label()); err != nil {
		return err
	}
	if c.in.Op == OpBr {
		c.kill()
		return nil
	}
	return c.pushResult(target.label())
}

func (c *checker) branchTable() *Error {
	targets := c.in.Targets
	if n := uint64(len(targets) - 1); exceeds(n, c.limits.BranchTable) {
		return fail(LimitBranchTable, c.in.Offset, "br_table has %d targets, the limit is %d", n, c.limits.BranchTable)
	}
	c.facts.BranchEdges += uint32(len(targets))
	if _, err := c.pop(I32); err != nil {
		return err
	}
	last, err := c.label(targets[len(targets)-1])
	if err != nil {
		return err
	}
	for _, index := range targets {
		target, err := c.label(index)
		if err != nil {
			return err
		}
		if target.label() != last.label() {
			return fail(TypeMismatch, c.in.Offset, "targets of br_table carry %s and %s", target.label(), last.label())
		}
	}
	return c.popResult(last.label())
}

// kill marks the rest of the frame as unreachable.
func (c *checker) kill() {
	f := &c.frames[len(c.frames)-1]
	f.dead = true
	c.values = c.values[:f.height]
}

func (c *checker) call() *Error {
	in := &c.in
	index := in.Index
	if in.Op == OpCall {
		c.facts.Calls++
		var ok bool
		if index, ok = c.m.FuncTypeIndex(in.Index); !ok {
			return fail(BadIndex, in.Offset, "call names function %d, there are %d", in.Index, c.m.FuncCount())
		}
	} else {
		c.facts.IndirectCall++
		if c.m.Table == nil {
			return fail(BadIndex, in.Offset, "call_indirect is used without a table")
		}
		if uint64(index) >= uint64(len(c.m.Types)) {
			return fail(BadIndex, in.Offset, "call_indirect names type %d, there are %d", index, len(c.m.Types))
		}
		if _, err := c.pop(I32); err != nil {
			return err
		}
	}
	typ := &c.m.Types[index]
	for i := len(typ.Params) - 1; i >= 0; i-- {
		if _, err := c.pop(typ.Params[i]); err != nil {
			return err
		}
	}
	if len(typ.Results) > 0 {
		c.facts.Producers++
	}
	return c.pushResult(typ.Result())
}

func (c *checker) selectValue() *Error {
	if _, err := c.pop(I32); err != nil {
		return err
	}
	second, err := c.pop(unknown)
	if err != nil {
		return err
	}
	first, err := c.pop(second)
	if err != nil {
		return err
	}
	c.facts.Producers++
	return c.push(first)
}

func (c *checker) local() *Error {
	in := &c.in
	if uint64(in.Index) >= uint64(len(c.locals)) {
		return fail(BadIndex, in.Offset, "%s names local %d, there are %d", in.Op, in.Index, len(c.locals))
	}
	t := c.locals[in.Index]
	if in.Op != OpLocalGet {
		if _, err := c.pop(t); err != nil {
			return err
		}
	}
	if in.Op == OpLocalSet {
		return nil
	}
	return c.push(t)
}

func (c *checker) global() *Error {
	in := &c.in
	if uint64(in.Index) >= uint64(len(c.m.Globals)) {
		return fail(BadIndex, in.Offset, "%s names global %d, there are %d", in.Op, in.Index, len(c.m.Globals))
	}
	g := &c.m.Globals[in.Index]
	if in.Op == OpGlobalGet {
		c.facts.Producers++
		return c.push(g.Type)
	}
	if !g.Mutable {
		return fail(TypeMismatch, in.Offset, "global.set names global %d, which is immutable", in.Index)
	}
	_, err := c.pop(g.Type)
	return err
}
