package wasm

import "strings"

// Flags of a Report that the validator itself sets. The lower half belongs to the import table.
const (
	FlagStart uint32 = 1 << 31 // the module has a start section
)

// Report is the verdict on a module, for use in consensus.
type Report struct {
	Reason   Code
	Function uint32 // of the refusal, or NoFunction
	Offset   uint32 // of the refusal in the file, or all ones
	Flags    uint32 // of the imported functions, and FlagStart
	MemMin   uint32 // pages
	MemMax   uint32 // pages; the policy's maximum if the module names none
	CodeLen  uint32 // bytes of the code section
	Score    uint64 // us
	Imports  [MaxImportID / 64]uint64
}

// Validate decodes and checks a module. The Report is filled in either case; on refusal the error is an *Error and its
// reason, function and offset are in the Report too.
func Validate(b []byte, p Policy) (*Module, Report, error) {
	report := Report{Function: NoFunction, Offset: NoFunction}
	m, err := validate(b, &p, &report)
	if err != nil {
		report = Report{Reason: err.Reason, Function: err.Function, Offset: NoFunction}
		if err.Offset != NoOffset {
			report.Offset = uint32(err.Offset)
		}
		return nil, report, err
	}
	m.validated = true
	return m, report, nil
}

func validate(b []byte, p *Policy, report *Report) (*Module, *Error) {
	if exceeds(uint64(len(b)), p.Limits.ModuleBytes) {
		return nil, fail(TooLarge, NoOffset, "the file has %d bytes, the limit is %d", len(b), p.Limits.ModuleBytes)
	}
	m, err := decode(b)
	if err != nil {
		return nil, err
	}
	rules := []func(*Module, *Policy, *Report) *Error{
		checkTypes, checkImports, checkFunctions, checkMemory, checkTable, checkGlobals, checkExports, checkStart,
		checkElements, checkData, checkBodies,
	}
	for _, rule := range rules {
		if err := rule(m, p, report); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func checkTypes(m *Module, p *Policy, _ *Report) *Error {
	if n := uint64(len(m.Types)); exceeds(n, p.Limits.Types) {
		return fail(LimitTypes, NoOffset, "%d types are defined, the limit is %d", n, p.Limits.Types)
	}
	for i := range m.Types {
		t := &m.Types[i]
		if len(t.Results) > 1 {
			return fail(MultiValue, NoOffset, "type %d has %d results", i, len(t.Results))
		}
		if n := uint64(len(t.Params)); exceeds(n, p.Limits.Params) {
			return fail(LimitParams, NoOffset, "type %d has %d parameters, the limit is %d", i, n, p.Limits.Params)
		}
		for _, list := range [...][]ValType{t.Params, t.Results} {
			for _, v := range list {
				if v.isFloat() {
					return fail(Float, NoOffset, "type %d contains %s", i, v)
				}
			}
		}
	}
	return nil
}

func checkImports(m *Module, p *Policy, report *Report) *Error {
	if n := uint64(len(m.Imports)); exceeds(n, p.Limits.Imports) {
		return fail(LimitImports, NoOffset, "%d functions are imported, the limit is %d", n, p.Limits.Imports)
	}
	for i := range m.Imports {
		imp := &m.Imports[i]
		if uint64(imp.Type) >= uint64(len(m.Types)) {
			return fail(BadIndex, imp.Offset, "import %s names type %d, there are %d", quote(imp.Module, imp.Name), imp.Type, len(m.Types))
		}
		if p.Imports == nil {
			continue
		}
		entry, ok := p.Imports.Lookup(imp.Module, imp.Name)
		if !ok {
			return fail(ImportUnknown, imp.Offset, "the function %s is imported, but this chain does not offer it", quote(imp.Module, imp.Name))
		}
		if typ := m.Types[imp.Type]; !typ.Equal(entry.Type) {
			return fail(ImportType, imp.Offset, "%s is imported as %s, it is %s", quote(imp.Module, imp.Name), typ, entry.Type)
		}
		report.Flags |= entry.Flags
		report.Imports[entry.ID/64] |= 1 << (entry.ID % 64)
	}
	return nil
}

func checkFunctions(m *Module, p *Policy, report *Report) *Error {
	if n := uint64(len(m.Bodies)); exceeds(n, p.Limits.Functions) {
		return fail(LimitFunctions, NoOffset, "%d functions are defined, the limit is %d", n, p.Limits.Functions)
	}
	for i := range m.Bodies {
		body := &m.Bodies[i]
		if uint64(body.Type) >= uint64(len(m.Types)) {
			err := fail(BadIndex, body.Offset, "the function has type %d, there are %d", body.Type, len(m.Types))
			return m.inBody(err, i)
		}
	}
	report.CodeLen = uint32(m.CodeLen)
	return nil
}

func checkMemory(m *Module, p *Policy, report *Report) *Error {
	mem := m.Memory
	if p.tier == tierMetered {
		if mem == nil || mem.Imported || !mem.HasMax || mem.Min > mem.Max {
			return fail(MemorySize, NoOffset, "a metered module must define its memory with a maximum")
		}
		report.MemMin, report.MemMax = mem.Min, mem.Max
		return nil
	}
	if mem == nil {
		return fail(MemoryImport, NoOffset, "the module has no memory")
	}
	if !mem.Imported || mem.Module != "env" || mem.Name != "memory" {
		return fail(MemoryImport, mem.Offset, "the memory is %s", memoryOrigin(mem))
	}
	maximum := p.Limits.MemoryPages
	if mem.HasMax {
		if mem.Max > maxPages {
			return fail(MemorySize, mem.Offset, "the memory's maximum is %d pages, an address space has %d", mem.Max, maxPages)
		}
		if p.tier == tierContract && mem.Max > maximum {
			return fail(MemorySize, mem.Offset, "the memory's maximum is %d pages, the limit is %d", mem.Max, maximum)
		}
		maximum = min(maximum, mem.Max)
	}
	if mem.Min > maximum {
		return fail(MemorySize, mem.Offset, "the memory begins with %d pages, the maximum is %d", mem.Min, maximum)
	}
	report.MemMin, report.MemMax = mem.Min, maximum
	return nil
}

// maxPages is the size of a 32-bit address space.
const maxPages = 1 << 32 / PageSize

func memoryOrigin(mem *Memory) string {
	if mem.Imported {
		return "imported as " + quote(mem.Module, mem.Name)
	}
	return "defined by the module itself"
}

func checkTable(m *Module, p *Policy, _ *Report) *Error {
	t := m.Table
	if t == nil {
		return nil
	}
	if t.HasMax && t.Min > t.Max {
		return fail(TableSize, t.Offset, "the table begins with %d elements, its maximum is %d", t.Min, t.Max)
	}
	if exceeds(t.Min, p.Limits.TableSize) {
		return fail(TableSize, t.Offset, "the table has %d elements, the limit is %d", t.Min, p.Limits.TableSize)
	}
	return nil
}

func checkGlobals(m *Module, p *Policy, _ *Report) *Error {
	if n := uint64(len(m.Globals)); exceeds(n, p.Limits.Globals) {
		return fail(LimitGlobals, NoOffset, "%d globals are defined, the limit is %d", n, p.Limits.Globals)
	}
	return nil
}

func checkExports(m *Module, p *Policy, _ *Report) *Error {
	if p.tier == tierContract {
		return checkEntryPoints(m)
	}
	if n := uint64(len(m.Exports)); exceeds(n, p.Limits.Exports) {
		return fail(LimitExports, NoOffset, "%d items are exported, the limit is %d", n, p.Limits.Exports)
	}
	for i := range m.Exports {
		if err := checkExport(m, p, &m.Exports[i]); err != nil {
			return err
		}
	}
	return nil
}

func checkExport(m *Module, p *Policy, e *Export) *Error {
	if p.tier == tierBlob && strings.HasPrefix(e.Name, ReservedPrefix) {
		return fail(ReservedName, e.Offset, "the export %s has a reserved name", quote(e.Name))
	}
	exists := [...]bool{
		KindFunction: uint64(e.Index) < uint64(m.FuncCount()),
		KindTable:    e.Index == 0 && m.Table != nil,
		KindMemory:   e.Index == 0 && m.Memory != nil,
		KindGlobal:   uint64(e.Index) < uint64(len(m.Globals)),
	}
	switch {
	case !exists[e.Kind]:
		return fail(BadIndex, e.Offset, "the export %s names %s %d, which does not exist", quote(e.Name), e.Kind, e.Index)
	case e.Kind == KindFunction && int(e.Index) < len(m.Imports):
		return fail(ExportType, e.Offset, "the export %s is an imported function", quote(e.Name))
	case e.Kind == KindGlobal && m.Globals[e.Index].Mutable && p.tier == tierBlob:
		return fail(MutableGlobal, e.Offset, "the mutable global %s is exported", quote(e.Name))
	}
	return nil
}

// entryPoints are the only exports of a contract, both required.
var entryPoints = [...]string{"deploy", "call"}

func checkEntryPoints(m *Module) *Error {
	var seen [len(entryPoints)]bool
	for i := range m.Exports {
		e := &m.Exports[i]
		known := -1
		for k, name := range entryPoints {
			if e.Name == name {
				known = k
			}
		}
		if known < 0 {
			return fail(ExportName, e.Offset, "the %s %s is exported", e.Kind, quote(e.Name))
		}
		if e.Kind != KindFunction {
			return fail(ExportType, e.Offset, "the export %s is a %s", quote(e.Name), e.Kind)
		}
		if int(e.Index) < len(m.Imports) {
			return fail(ExportType, e.Offset, "the export %s is an imported function", quote(e.Name))
		}
		index, ok := m.FuncTypeIndex(e.Index)
		if !ok {
			return fail(BadIndex, e.Offset, "the export %s names function %d, which does not exist", quote(e.Name), e.Index)
		}
		if t := m.Types[index]; len(t.Params) != 0 || t.Result() == I64 {
			return fail(ExportType, e.Offset, "the export %s has type %s", quote(e.Name), t)
		}
		seen[known] = true
	}
	for k, name := range entryPoints {
		if !seen[k] {
			return fail(ExportMissing, NoOffset, "the export %q is missing", name)
		}
	}
	return nil
}

func checkStart(m *Module, p *Policy, report *Report) *Error {
	if !m.HasStart {
		return nil
	}
	if p.tier != tierContract {
		return fail(StartSection, m.StartAt, "the module has a start function")
	}
	index, ok := m.FuncTypeIndex(m.Start)
	if !ok {
		return fail(BadIndex, m.StartAt, "the start section names function %d, which does not exist", m.Start)
	}
	if t := m.Types[index]; len(t.Params)+len(t.Results) != 0 {
		return fail(TypeMismatch, m.StartAt, "the start function has type %s, it must be () -> ()", t)
	}
	report.Flags |= FlagStart
	return nil
}

func checkElements(m *Module, p *Policy, _ *Report) *Error {
	if n := uint64(len(m.Elements)); exceeds(n, p.Limits.Elements) {
		return fail(LimitElements, NoOffset, "%d element segments, the limit is %d", n, p.Limits.Elements)
	}
	for i := range m.Elements {
		e := &m.Elements[i]
		if m.Table == nil {
			return fail(BadIndex, e.Offset, "an element segment has no table")
		}
		if end := uint64(e.At) + uint64(len(e.Funcs)); end > uint64(m.Table.Min) {
			return fail(SegmentBounds, e.Offset, "an element segment ends at %d, the table at %d", end, m.Table.Min)
		}
		for _, f := range e.Funcs {
			if f >= m.FuncCount() {
				return fail(BadIndex, e.indexAt, "an element segment names function %d, there are %d", f, m.FuncCount())
			}
		}
	}
	return nil
}

func checkData(m *Module, p *Policy, _ *Report) *Error {
	if n := uint64(len(m.Data)); exceeds(n, p.Limits.DataSegments) {
		return fail(LimitData, NoOffset, "%d data segments, the limit is %d", n, p.Limits.DataSegments)
	}
	for i := range m.Data {
		d := &m.Data[i]
		if end := uint64(d.At) + uint64(len(d.Bytes)); end > uint64(m.Memory.Min)*PageSize {
			return fail(SegmentBounds, d.Offset, "a data segment ends at byte %d, the initial memory has %d", end, uint64(m.Memory.Min)*PageSize)
		}
	}
	return nil
}

// inBody adds the index of a defined function to an error.
func (m *Module) inBody(err *Error, defined int) *Error {
	err.Function = uint32(len(m.Imports) + defined)
	return err
}

func checkBodies(m *Module, p *Policy, report *Report) *Error {
	c := checker{m: m, limits: &p.Limits}
	var blocks, locals, score uint64
	for i := range m.Bodies {
		body := &m.Bodies[i]
		if n := uint64(body.Size); exceeds(n, p.Limits.BodyBytes) {
			return m.inBody(fail(LimitBody, body.Offset, "the body has %d bytes, the limit is %d", n, p.Limits.BodyBytes), i)
		}
		if err := c.body(body); err != nil {
			return m.inBody(err, i)
		}
		blocks += uint64(body.Facts.Blocks)
		locals += uint64(body.Facts.LocalCount)
		score += body.score(len(m.Types[body.Type].Params))
		switch {
		case exceeds(blocks, p.Limits.ModuleBlocks):
			return m.inBody(fail(LimitModuleBlocks, body.Offset, "the module has more than %d blocks", p.Limits.ModuleBlocks), i)
		case exceeds(locals, p.Limits.ModuleLocals):
			return m.inBody(fail(LimitModuleLocals, body.Offset, "the module declares more than %d locals", p.Limits.ModuleLocals), i)
		case exceeds(inMicroseconds(score), p.Limits.Score):
			return m.inBody(fail(LimitScore, body.Offset, "the module's compile cost is above %d us", p.Limits.Score), i)
		}
	}
	report.Score = inMicroseconds(score)
	return nil
}
