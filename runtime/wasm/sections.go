package wasm

// Smallest encodings of vector items in bytes, so that a vector's memory is bounded by the input's size.
const (
	minType    = 3 // form, no parameters, no results
	minImport  = 4 // two empty names, kind, one index byte
	minTable   = 3 // element type, flags, minimum
	minMemory  = 2 // flags, minimum
	minGlobal  = 5 // type, mutability, opcode, value, end
	minExport  = 3 // empty name, kind, index
	minElement = 3 // of a passive segment: flags, kind, count
	minBody    = 3 // size, no locals, end
	minRun     = 2 // count, type
	minData    = 2 // of a passive segment: flags, count
)

const (
	typeV128   = 0x7b
	typeFunc   = 0x70
	typeExtern = 0x6f
	formFunc   = 0x60
)

func (r *reader) valType() (ValType, *Error) {
	at := r.offset()
	b, err := r.byte()
	if err != nil {
		return None, err
	}
	switch {
	case b >= byte(F64) && b <= byte(I32):
		return ValType(b), nil
	case b == typeV128:
		return None, fail(Vector, at, "the vector type v128 is used")
	case b >= 0x63 && b <= typeFunc:
		return None, fail(ReferenceTypes, at, "the reference type 0x%02x is used", b)
	}
	return None, fail(BadForm, at, "0x%02x is no value type", b)
}

func (r *reader) valTypes(what string) ([]ValType, *Error) {
	n, err := r.count(what, 1)
	if err != nil || n == 0 {
		return nil, err
	}
	types := make([]ValType, n)
	for i := range types {
		if types[i], err = r.valType(); err != nil {
			return nil, err
		}
	}
	return types, nil
}

func decodeTypes(m *Module, r *reader) *Error {
	n, err := r.count("types", minType)
	if err != nil {
		return err
	}
	m.Types = make([]FuncType, n)
	for i := range m.Types {
		at := r.offset()
		form, err := r.byte()
		if err != nil {
			return err
		}
		if form != formFunc {
			return fail(BadForm, at, "type %d has form 0x%02x, only functions (0x60) are types here", i, form)
		}
		if m.Types[i].Params, err = r.valTypes("parameters"); err != nil {
			return err
		}
		if m.Types[i].Results, err = r.valTypes("results"); err != nil {
			return err
		}
	}
	return nil
}

func decodeImports(m *Module, r *reader) *Error {
	n, err := r.count("imports", minImport)
	if err != nil {
		return err
	}
	for range n {
		if err := decodeImport(m, r); err != nil {
			return err
		}
	}
	return nil
}

func decodeImport(m *Module, r *reader) *Error {
	at := r.offset()
	module, err := r.name()
	if err != nil {
		return err
	}
	name, err := r.name()
	if err != nil {
		return err
	}
	kindAt := r.offset()
	kind, err := r.byte()
	if err != nil {
		return err
	}
	switch ExternKind(kind) {
	case KindFunction:
		index, err := r.u32()
		m.Imports = append(m.Imports, Import{Module: module, Name: name, Type: index, Offset: at})
		return err
	case KindMemory:
		if m.Memory != nil {
			return fail(MultiMemory, at, "a second memory %s is imported", quote(module, name))
		}
		limits, err := r.memoryRange()
		m.Memory = &Memory{Range: limits, Imported: true, Module: module, Name: name, Offset: at}
		return err
	case KindTable, KindGlobal:
		return fail(ImportKind, at, "the %s %s is imported", ExternKind(kind), quote(module, name))
	}
	return fail(BadForm, kindAt, "import kind 0x%02x is unknown", kind)
}

func decodeFunctions(m *Module, r *reader) *Error {
	n, err := r.count("functions", 1)
	if err != nil {
		return err
	}
	m.declared = make([]uint32, n)
	for i := range m.declared {
		if m.declared[i], err = r.u32(); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) memoryRange() (Range, *Error) {
	at := r.offset()
	flags, err := r.byte()
	if err != nil {
		return Range{}, err
	}
	switch {
	case flags >= 4:
		return Range{}, fail(Memory64, at, "memory flags 0x%02x ask for 64-bit addresses or another page size", flags)
	case flags >= 2:
		return Range{}, fail(Threads, at, "the memory is shared")
	}
	return r.sizes(flags == 1)
}

func (r *reader) sizes(hasMax bool) (Range, *Error) {
	minimum, err := r.u32()
	if err != nil || !hasMax {
		return Range{Min: minimum}, err
	}
	maximum, err := r.u32()
	return Range{Min: minimum, Max: maximum, HasMax: true}, err
}

func decodeTables(m *Module, r *reader) *Error {
	n, err := r.count("tables", minTable)
	if err != nil || n == 0 {
		return err
	}
	if n > 1 {
		return fail(ReferenceTypes, r.offset(), "%d tables are defined, one is allowed", n)
	}
	at := r.offset()
	elem, err := r.byte()
	if err != nil {
		return err
	}
	if elem != typeFunc {
		return fail(ReferenceTypes, at, "the table holds 0x%02x, only functions (0x70) are allowed", elem)
	}
	flags, err := r.byte()
	if err != nil {
		return err
	}
	if flags > 1 {
		return fail(BadForm, at+1, "table flags 0x%02x are unknown", flags)
	}
	limits, err := r.sizes(flags == 1)
	m.Table = &Table{Range: limits, Offset: at}
	return err
}

func decodeMemories(m *Module, r *reader) *Error {
	n, err := r.count("memories", minMemory)
	if err != nil || n == 0 {
		return err
	}
	if n > 1 || m.Memory != nil {
		return fail(MultiMemory, r.offset(), "more than one memory is imported or defined")
	}
	at := r.offset()
	limits, err := r.memoryRange()
	m.Memory = &Memory{Range: limits, Offset: at}
	return err
}

func decodeGlobals(m *Module, r *reader) *Error {
	n, err := r.count("globals", minGlobal)
	if err != nil {
		return err
	}
	m.Globals = make([]Global, n)
	for i := range m.Globals {
		g := &m.Globals[i]
		g.Offset = r.offset()
		if g.Type, err = r.valType(); err != nil {
			return err
		}
		at := r.offset()
		mutable, err := r.byte()
		if err != nil {
			return err
		}
		if mutable > 1 {
			return fail(BadForm, at, "mutability 0x%02x is unknown", mutable)
		}
		g.Mutable = mutable == 1
		if g.Value, err = r.constant(g.Type); err != nil {
			return err
		}
	}
	return nil
}

// constant reads a constant expression of one const instruction and end.
func (r *reader) constant(want ValType) (int64, *Error) {
	at := r.offset()
	op, err := r.byte()
	if err != nil {
		return 0, err
	}
	var v int64
	var got ValType
	switch Op(op) {
	case OpI32Const:
		var v32 int32
		v32, err = r.s32()
		v, got = int64(v32), I32
	case OpI64Const:
		v, err = r.s64()
		got = I64
	case opF32Const, opF64Const:
		return 0, fail(Float, at, "a constant expression is a floating-point number")
	default:
		return 0, fail(ConstantExpr, at, "a constant expression begins with opcode 0x%02x", op)
	}
	if err != nil {
		return 0, err
	}
	if want.isFloat() {
		return 0, fail(Float, at, "a global has type %s", want)
	}
	if got != want {
		return 0, fail(TypeMismatch, at, "a constant expression gives %s where %s is needed", got, want)
	}
	at = r.offset()
	end, err := r.byte()
	if err != nil {
		return 0, err
	}
	if Op(end) != OpEnd {
		return 0, fail(ConstantExpr, at, "a constant expression has more than one instruction")
	}
	return v, nil
}

func decodeExports(m *Module, r *reader) *Error {
	n, err := r.count("exports", minExport)
	if err != nil {
		return err
	}
	m.Exports = make([]Export, n)
	seen := make(map[string]struct{}, n)
	for i := range m.Exports {
		e := &m.Exports[i]
		e.Offset = r.offset()
		if e.Name, err = r.name(); err != nil {
			return err
		}
		if _, dup := seen[e.Name]; dup {
			return fail(DoubleExport, e.Offset, "the name %s is exported twice", quote(e.Name))
		}
		seen[e.Name] = struct{}{}
		at := r.offset()
		kind, err := r.byte()
		if err != nil {
			return err
		}
		if kind > byte(KindGlobal) {
			return fail(BadForm, at, "export kind 0x%02x is unknown", kind)
		}
		e.Kind = ExternKind(kind)
		if e.Index, err = r.u32(); err != nil {
			return err
		}
	}
	return nil
}

func decodeStart(m *Module, r *reader) (err *Error) {
	m.HasStart, m.StartAt = true, r.offset()
	m.Start, err = r.u32()
	return err
}

func decodeElements(m *Module, r *reader) *Error {
	n, err := r.count("element segments", minElement)
	if err != nil {
		return err
	}
	m.Elements = make([]Element, n)
	for i := range m.Elements {
		if m.Elements[i], err = r.element(); err != nil {
			return err
		}
	}
	return nil
}

// element reads an active segment of table 0: form 0, or form 2 which names the table and the kind of its items.
func (r *reader) element() (e Element, err *Error) {
	e.Offset = r.offset()
	form, err := r.u32()
	if err != nil {
		return e, err
	}
	if form != 0 && form != 2 {
		return e, fail(ReferenceTypes, e.Offset, "element segment form %d is not an active list of functions", form)
	}
	if form == 2 {
		if err = r.zero("table index"); err != nil {
			return e, err
		}
	}
	at, err := r.constant(I32)
	if err != nil {
		return e, err
	}
	e.At = uint32(at)
	if form == 2 {
		if err = r.zero("element kind"); err != nil {
			return e, err
		}
	}
	n, err := r.count("elements", 1)
	if err != nil {
		return e, err
	}
	e.indexAt = r.offset()
	e.Funcs = make([]uint32, n)
	for i := range e.Funcs {
		if e.Funcs[i], err = r.u32(); err != nil {
			return e, err
		}
	}
	return e, nil
}

// zero reads an index that must be 0. Compilers pad it to five bytes for the linker's sake.
func (r *reader) zero(what string) *Error {
	at := r.offset()
	v, err := r.u32()
	if err == nil && v != 0 {
		return fail(ReferenceTypes, at, "%s is %d, only 0 exists here", what, v)
	}
	return err
}

func decodeDataCount(m *Module, r *reader) *Error {
	n, err := r.u32()
	m.dataCount = int(n)
	return err
}

func decodeCode(m *Module, r *reader) *Error {
	m.CodeLen = r.left()
	n, err := r.count("function bodies", minBody)
	if err != nil {
		return err
	}
	m.Bodies = make([]Body, n)
	for i := range m.Bodies {
		size, err := r.u32()
		if err != nil {
			return err
		}
		start := r.offset()
		content, err := r.bytes(size)
		if err != nil {
			return err
		}
		if err := m.Bodies[i].decode(&reader{b: content, base: start}); err != nil {
			err.Function = uint32(len(m.Imports) + i)
			return err
		}
	}
	return nil
}

func (body *Body) decode(r *reader) *Error {
	body.Size = r.left()
	n, err := r.count("runs of locals", minRun)
	if err != nil {
		return err
	}
	body.Locals = make([]LocalRun, n)
	for i := range body.Locals {
		if body.Locals[i].Count, err = r.u32(); err != nil {
			return err
		}
		if body.Locals[i].Type, err = r.valType(); err != nil {
			return err
		}
	}
	body.Offset = r.offset()
	body.Code = r.b[r.pos:]
	return nil
}

func decodeData(m *Module, r *reader) *Error {
	n, err := r.count("data segments", minData)
	if err != nil {
		return err
	}
	m.Data = make([]Data, n)
	for i := range m.Data {
		if m.Data[i], err = r.data(); err != nil {
			return err
		}
	}
	return nil
}

// data reads an active segment of memory 0: form 0, or form 2 which names the memory.
func (r *reader) data() (d Data, err *Error) {
	d.Offset = r.offset()
	form, err := r.u32()
	if err != nil {
		return d, err
	}
	switch form {
	case 0:
	case 1:
		return d, fail(BulkMemory, d.Offset, "a data segment is passive")
	case 2:
		at := r.offset()
		memory, err := r.u32()
		if err != nil {
			return d, err
		}
		if memory != 0 {
			return d, fail(MultiMemory, at, "a data segment names memory %d", memory)
		}
	default:
		return d, fail(BadForm, d.Offset, "data segment form %d is unknown", form)
	}
	at, err := r.constant(I32)
	if err != nil {
		return d, err
	}
	d.At = uint32(at)
	n, err := r.u32()
	if err != nil {
		return d, err
	}
	d.Bytes, err = r.bytes(n)
	return d, err
}
