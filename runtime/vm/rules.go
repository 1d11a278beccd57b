package vm

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/meter"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// SectionName is the custom section of a blob that holds its rules for guests.
const SectionName = "sepia_vm"

// Flags of an import in the section.
const (
	// FlagDeprecated says that old code may go on calling the import, and that new code must not.
	FlagDeprecated = 1
	// FlagMutates says that the import changes state. It is the blob's own note and not shown in a Report.
	FlagMutates = 2
)

// ErrRules says that a section sepia_vm cannot be used.
var ErrRules = errors.New("section " + SectionName)

// Rules are what a blob says about its guests.
type Rules struct {
	hash    primitives.Hash // of the section: modules are cached under it
	policy  wasm.Policy
	weights meter.Weights
	prices  map[importName]uint64
	ids     map[importName]uint32
	pages   uint32
	stack   uint32
}

type importName struct{ module, name string }

// limitFields are the numbers of the section's part "limits", in order.
type limitFields struct {
	wasm.Limits
	stack uint32
}

func (l *limitFields) inOrder() []*uint32 {
	return []*uint32{
		&l.ModuleBytes, &l.Types, &l.Imports, &l.Functions, &l.BodyBytes, &l.Blocks, &l.ModuleBlocks, &l.Locals,
		&l.ModuleLocals, &l.Params, &l.Globals, &l.TableSize, &l.BranchTable, &l.Nesting, &l.Loops, &l.Operands,
		&l.MemoryPages, &l.DataSegments, &l.Elements, &l.Exports, &l.Score, &l.stack,
	}
}

// ReadRules reads the content of the section. Bytes after it are an error.
func ReadRules(section []byte) (*Rules, error) {
	d := scale.NewDecoder(section)
	r := &Rules{hash: primitives.Blake2_256(section), prices: map[importName]uint64{}, ids: map[importName]uint32{}}
	r.readWeights(d)
	limits := r.readLimits(d)
	imports := r.readImports(d)
	if err := d.Finish(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRules, err)
	}
	if err := r.weights.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRules, err)
	}
	table, err := wasm.NewImportTable(imports)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRules, err)
	}
	r.policy = wasm.ContractPolicy(limits, table)
	return r, nil
}

func (r *Rules) readWeights(d *scale.Decoder) {
	version := d.U32()
	if d.Err() == nil && version != meter.Version {
		d.Fail(fmt.Errorf("it wants version %d of the meter, this node has version %d", version, meter.Version))
	}
	r.weights.Version = version
	count := d.Length(5)
	if d.Err() == nil && count != int(meter.ClassCount) {
		d.Fail(fmt.Errorf("it prices %d classes of instructions, version %d of the meter has %d", count, version, meter.ClassCount))
		return
	}
	for i := range meter.Class(count) {
		if class := meter.Class(d.U8()); d.Err() == nil && class != i {
			d.Fail(fmt.Errorf("class %s stands where %s is due", class, i))
			return
		}
		r.weights.Cost[i] = d.U32()
	}
}

func (r *Rules) readLimits(d *scale.Decoder) wasm.Limits {
	var l limitFields
	for _, field := range l.inOrder() {
		*field = d.U32()
	}
	r.pages, r.stack = l.MemoryPages, l.stack
	if err := mandatory(&l); err != nil {
		d.Fail(err)
	}
	return l.Limits
}

// mandatory refuses limits above those for which compiling in bounded time and running in bounded stack were measured.
func mandatory(l *limitFields) error {
	largest := limitFields{Limits: wasm.ContractLimits(), stack: engine.GuestStackUnits}
	for i, field := range largest.inOrder() {
		if got := *l.inOrder()[i]; got > *field {
			return fmt.Errorf("limit %d is %d, this node allows at most %d", i, got, *field)
		}
	}
	return nil
}

func (r *Rules) readImports(d *scale.Decoder) []wasm.HostImport {
	const shortest = 4 + 1 + 1 + 1 + 1 + 1 + 8 // id, empty names, no parameters, no result, flags, price
	var imports []wasm.HostImport
	for range d.Length(shortest) {
		i := wasm.HostImport{ID: d.U32(), Module: d.String(), Name: d.String()}
		i.Type.Params = valTypes(d, bytes.Clone(d.Bytes()))
		if d.Bool() {
			i.Type.Results = valTypes(d, []byte{d.U8()})
		}
		i.Flags = uint32(d.U8()) & FlagDeprecated
		price := d.U64()
		switch {
		case len(i.Type.Params) > engine.MaxSyscallArgs:
			d.Fail(fmt.Errorf("import %s.%s has %d parameters, at most %d are possible", i.Module, i.Name, len(i.Type.Params), engine.MaxSyscallArgs))
		case len(imports) > 0 && imports[len(imports)-1].ID >= i.ID:
			d.Fail(fmt.Errorf("import %s.%s has id %d, which does not ascend", i.Module, i.Name, i.ID))
		case price > maxImportPrice:
			d.Fail(fmt.Errorf("import %s.%s costs %d, the limit is %d", i.Module, i.Name, price, uint64(maxImportPrice)))
		}
		name := importName{i.Module, i.Name}
		r.prices[name], r.ids[name] = price, i.ID
		imports = append(imports, i)
	}
	return imports
}

// maxImportPrice is the largest price that the meter accepts: 1.1 s.
const maxImportPrice = 1 << 40

func valTypes(d *scale.Decoder, codes []byte) []wasm.ValType {
	types := make([]wasm.ValType, len(codes))
	for i, code := range codes {
		types[i] = wasm.ValType(code)
		if types[i] != wasm.I32 && types[i] != wasm.I64 {
			d.Fail(fmt.Errorf("%#02x is no type of an integer", code))
		}
	}
	return types
}

// instrument meters a validated module under the rules and names its imports.
func (r *Rules) instrument(m *wasm.Module) (metered []byte, imports []engine.GuestImport, err error) {
	o := meter.Options{Weights: r.weights, MemoryMaxPages: r.pages, StackLimit: r.stack}
	for i := range m.Imports {
		name := importName{m.Imports[i].Module, m.Imports[i].Name}
		o.ImportPrices = append(o.ImportPrices, r.prices[name])
		imports = append(imports, engine.GuestImport{ID: r.ids[name]})
	}
	metered, err = meter.Instrument(m, o)
	return metered, imports, err
}
