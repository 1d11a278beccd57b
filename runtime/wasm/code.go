package wasm

// Instr is one decoded instruction.
type Instr struct {
	Op      Op
	Index   uint32   // of a label, local, global, function, or of the type of a call_indirect; the alignment of an access
	Memory  uint32   // constant offset of an access
	Value   int64    // of a constant, sign-extended
	Block   ValType  // result of a block, loop or if
	Targets []uint32 // labels of a br_table, the default last; valid until the next Next
	Offset  int      // in the file
}

// CodeReader reads the instructions of a body. It checks the encoding and refuses instructions outside the accepted
// subset; types and indices are the checker's business.
type CodeReader struct {
	r       reader
	targets []uint32
}

// NewCodeReader returns a reader at the first instruction of the body.
func NewCodeReader(body *Body) CodeReader {
	return CodeReader{r: reader{b: body.Code, base: body.Offset}}
}

// More says whether bytes are left.
func (c *CodeReader) More() bool { return c.r.pos < len(c.r.b) }

// Next reads one instruction into in.
func (c *CodeReader) Next(in *Instr) *Error {
	in.Offset = c.r.offset()
	op, err := c.r.byte()
	if err != nil {
		return err
	}
	in.Op = Op(op)
	info := &ops[op]
	switch info.imm {
	case immNone:
		return nil
	case immRefused:
		return c.prefixed(op, in)
	case immIndex:
		in.Index, err = c.r.u32()
	case immI32:
		var v int32
		v, err = c.r.s32()
		in.Value = int64(v)
	case immI64:
		in.Value, err = c.r.s64()
	case immAccess:
		return c.access(in, info)
	case immBlock:
		in.Block, err = c.blockType()
	case immTable:
		return c.branchTable(in)
	case immIndirect:
		if in.Index, err = c.r.u32(); err == nil {
			err = c.r.zero("table index")
		}
	case immMemory:
		err = c.memoryIndex()
	}
	return err
}

func (c *CodeReader) prefixed(op byte, in *Instr) *Error {
	if op != prefixMisc {
		return refuse(op, in.Offset)
	}
	sub, err := c.r.u32()
	if err != nil {
		return err
	}
	in.Op = Op(prefixMisc)<<8 + Op(sub&0xff)
	switch {
	case sub > 0xff || !in.Op.Known():
		return refuseMisc(sub, in.Offset)
	case in.Op == OpMemoryCopy:
		if err := c.memoryIndex(); err != nil {
			return err
		}
	}
	return c.memoryIndex()
}

func (c *CodeReader) memoryIndex() *Error {
	at := c.r.offset()
	v, err := c.r.byte()
	if err == nil && v != 0 {
		return fail(MultiMemory, at, "memory index byte is 0x%02x", v)
	}
	return err
}

func (c *CodeReader) access(in *Instr, info *opInfo) *Error {
	at := c.r.offset()
	align, err := c.r.u32()
	if err != nil {
		return err
	}
	if align >= 64 && align < 128 {
		return fail(MultiMemory, at, "%s names a memory", info.name)
	}
	if align > uint32(info.align) {
		return fail(Alignment, at, "%s has alignment 2^%d, more than its natural 2^%d", info.name, align, info.align)
	}
	in.Index = align
	in.Memory, err = c.r.u32()
	return err
}

// blockType reads the type of a block: no result or one. A type index would mean parameters or several results.
func (c *CodeReader) blockType() (ValType, *Error) {
	const empty = 0x40
	if !c.More() {
		return None, c.r.truncated()
	}
	at := c.r.offset()
	switch b := c.r.b[c.r.pos]; {
	case b == empty:
		c.r.pos++
		return None, nil
	case b&0xc0 != 0x40:
		return None, fail(MultiValue, at, "a block has a type index instead of one result")
	}
	t, err := c.r.valType()
	if err == nil && t.isFloat() {
		return None, fail(Float, at, "a block has result %s", t)
	}
	return t, err
}

func (c *CodeReader) branchTable(in *Instr) *Error {
	n, err := c.r.count("branch targets", 1)
	if err != nil {
		return err
	}
	c.targets = c.targets[:0]
	for range uint64(n) + 1 {
		label, err := c.r.u32()
		if err != nil {
			return err
		}
		c.targets = append(c.targets, label)
	}
	in.Targets = c.targets
	return nil
}

// Append appends the instruction in its shortest encoding.
func (in *Instr) Append(dst []byte) []byte {
	if in.Op >= 0x100 {
		dst = AppendU32(append(dst, prefixMisc), uint32(in.Op&0xff))
		if in.Op == OpMemoryCopy {
			dst = append(dst, 0)
		}
		return append(dst, 0)
	}
	dst = append(dst, byte(in.Op))
	switch ops[in.Op].imm {
	case immBlock:
		if in.Block == None {
			return append(dst, 0x40)
		}
		return append(dst, byte(in.Block))
	case immIndex:
		return AppendU32(dst, in.Index)
	case immTable:
		dst = AppendU32(dst, uint32(len(in.Targets)-1))
		for _, label := range in.Targets {
			dst = AppendU32(dst, label)
		}
	case immIndirect:
		return append(AppendU32(dst, in.Index), 0)
	case immMemory:
		return append(dst, 0)
	case immAccess:
		return AppendU32(AppendU32(dst, in.Index), in.Memory)
	case immI32, immI64:
		return AppendS64(dst, in.Value)
	}
	return dst
}
