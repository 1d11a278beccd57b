package meter

import (
	"errors"
	"fmt"

	"github.com/sepia-chain/sepia/runtime/wasm"
)

// Version is the version of the rewriting rules. It changes whenever the same input and options give another output.
const Version = 1

// Names that the metered module exports and imports on top of the input's.
const (
	MemoryExport = wasm.ReservedPrefix + "memory"
	GasExport    = wasm.ReservedPrefix + "gas"
	StackExport  = wasm.ReservedPrefix + "stack"

	GasImportModule = "sepia"
	GasImportName   = "gas"
)

// Units of stack that one execution may use.
const (
	ContractStackLimit = 32_768    // 1 MiB of native stack at 32 bytes a unit
	BlobStackLimit     = 1_048_576 // 32 MiB
)

// Options are what the output depends on, next to the module.
type Options struct {
	Weights        Weights
	ImportPrices   []uint64 // ps, for each imported function in input order: charged before the call, on top of ClassImport
	FixedImports   []bool   // likewise: the price is all there is, so the gas left is not asked for after the call; nil is none
	MemoryMaxPages uint32   // the memory's maximum, unless the module asks for less
	StackLimit     uint32   // initial value of the stack counter
}

// ErrNotValidated says that the module did not come from wasm.Validate.
var ErrNotValidated = errors.New("metering: the module was not validated")

func (o *Options) check(m *wasm.Module) error {
	if !m.Validated() {
		return ErrNotValidated
	}
	if m.Memory == nil || !m.Memory.Imported {
		return errors.New("metering: the module does not import its memory")
	}
	if err := o.Weights.Check(); err != nil {
		return fmt.Errorf("metering: %w", err)
	}
	if len(o.ImportPrices) != len(m.Imports) {
		return fmt.Errorf("metering: %d prices for %d imported functions", len(o.ImportPrices), len(m.Imports))
	}
	if o.FixedImports != nil && len(o.FixedImports) != len(m.Imports) {
		return fmt.Errorf("metering: %d fixed prices for %d imported functions", len(o.FixedImports), len(m.Imports))
	}
	for i, price := range o.ImportPrices {
		if price > maxImport {
			return fmt.Errorf("metering: import %s.%s costs %d, the limit is %d", m.Imports[i].Module, m.Imports[i].Name, price, uint64(maxImport))
		}
	}
	if o.StackLimit > BlobStackLimit {
		return fmt.Errorf("metering: stack limit %d, the highest is %d", o.StackLimit, BlobStackLimit)
	}
	if m.Memory.Min > o.MemoryMaxPages || o.MemoryMaxPages > maxPages {
		return fmt.Errorf("metering: memory of %d to %d pages", m.Memory.Min, o.MemoryMaxPages)
	}
	return nil
}

// maxPages is the size of a 32-bit address space.
const maxPages = 1 << 16

// Instrument returns the metered form of a validated module. The output depends on the arguments only, and is linear in the
// size of the input in time and space.
func Instrument(m *wasm.Module, o Options) ([]byte, error) {
	if err := o.check(m); err != nil {
		return nil, err
	}
	p := newPlan(m)
	code, err := p.codeSection(&o)
	if err != nil {
		return nil, err
	}
	out := wasm.AppendHeader(make([]byte, 0, len(code)+len(code)/8+1024))
	out = wasm.AppendSection(out, wasm.SectionType, p.typeSection())
	out = wasm.AppendSection(out, wasm.SectionImport, p.importSection())
	out = wasm.AppendSection(out, wasm.SectionFunction, p.functionSection())
	if m.Table != nil {
		out = wasm.AppendSection(out, wasm.SectionTable, p.tableSection())
	}
	out = wasm.AppendSection(out, wasm.SectionMemory, p.memorySection(&o))
	out = wasm.AppendSection(out, wasm.SectionGlobal, p.globalSection(&o))
	out = wasm.AppendSection(out, wasm.SectionExport, p.exportSection())
	if len(m.Elements) > 0 {
		out = wasm.AppendSection(out, wasm.SectionElement, p.elementSection())
	}
	out = wasm.AppendSection(out, wasm.SectionCode, code)
	if len(m.Data) > 0 {
		out = wasm.AppendSection(out, wasm.SectionData, p.dataSection())
	}
	return out, nil
}

// plan is the shape of the output: the input's functions, those that the meter makes, and where exports and table entries
// go.
type plan struct {
	m           *wasm.Module
	types       []wasm.FuncType
	importTypes []uint32 // with the gas parameter
	queryType   uint32
	functions   []function
	thunks      []uint32          // for each import: the function that table entries name instead, or 0
	wrappers    map[string]uint32 // for each entry point: the function that runs the start function first
}

func newPlan(m *wasm.Module) *plan {
	p := &plan{m: m, types: append([]wasm.FuncType(nil), m.Types...)}
	known := make(map[string]uint32, len(p.types))
	for i := len(p.types) - 1; i >= 0; i-- {
		known[typeKey(p.types[i])] = uint32(i)
	}
	find := func(t wasm.FuncType) uint32 {
		key := typeKey(t)
		if i, ok := known[key]; ok {
			return i
		}
		known[key] = uint32(len(p.types))
		p.types = append(p.types, t)
		return known[key]
	}
	for i := range m.Imports {
		t := m.Types[m.Imports[i].Type]
		params := append(append([]wasm.ValType(nil), t.Params...), wasm.I64)
		p.importTypes = append(p.importTypes, find(wasm.FuncType{Params: params, Results: t.Results}))
	}
	p.queryType = find(wasm.FuncType{Results: []wasm.ValType{wasm.I64}})
	for i := range m.Bodies {
		p.functions = append(p.functions, function{typ: m.Bodies[i].Type, body: m.Bodies[i]})
	}
	p.addThunks()
	p.addWrappers()
	return p
}

func typeKey(t wasm.FuncType) string { return string(appendType(nil, t)) }

// add appends a function made by the meter and returns its index in the input's index space.
func (p *plan) add(typ uint32, code []byte, facts wasm.Facts) uint32 {
	index := uint32(len(p.m.Imports) + len(p.functions))
	p.functions = append(p.functions, function{typ: typ, body: wasm.Body{Type: typ, Code: code, Facts: facts}})
	return index
}

// addThunks makes a function for each import that a table holds: a call through the table knows nothing of the gas
// parameter, so it goes to a defined function of the original type which calls the import.
func (p *plan) addThunks() {
	p.thunks = make([]uint32, len(p.m.Imports))
	for i := range p.m.Elements {
		for _, f := range p.m.Elements[i].Funcs {
			if int(f) >= len(p.m.Imports) || p.thunks[f] != 0 {
				continue
			}
			typ := p.m.Imports[f].Type
			t := p.m.Types[typ]
			var code []byte
			for local := range t.Params {
				code = wasm.AppendU32(append(code, opLocalGet), uint32(local))
			}
			code = append(wasm.AppendU32(append(code, opCall), f), opEnd)
			results := uint32(len(t.Results))
			height := max(uint32(len(t.Params)), results)
			p.thunks[f] = p.add(typ, code, wasm.Facts{MaxHeight: height, Producers: results, Calls: 1})
		}
	}
}

// addWrappers makes a function for each export of a module with a start function: it runs that first.
func (p *plan) addWrappers() {
	if !p.m.HasStart {
		return
	}
	p.wrappers = make(map[string]uint32, len(p.m.Exports))
	for i := range p.m.Exports {
		e := &p.m.Exports[i]
		typ, _ := p.m.FuncTypeIndex(e.Index)
		code := wasm.AppendU32([]byte{opCall}, p.m.Start)
		code = append(wasm.AppendU32(append(code, opCall), e.Index), opEnd)
		results := uint32(len(p.m.Types[typ].Results))
		p.wrappers[e.Name] = p.add(typ, code, wasm.Facts{MaxHeight: results, Producers: results, Calls: 2})
	}
}

// place maps a function index of the input's space to the output's: defined functions move behind the appended import.
func (p *plan) place(function uint32) uint32 {
	if int(function) < len(p.m.Imports) {
		return function
	}
	return function + 1
}
