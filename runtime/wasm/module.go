package wasm

import (
	"slices"
	"strings"
)

// ValType is the binary code of a value type.
type ValType byte

// The number types of the binary format. Float types are decoded so that a module using them gets a precise refusal.
const (
	I32 ValType = 0x7f
	I64 ValType = 0x7e
	F32 ValType = 0x7d
	F64 ValType = 0x7c
)

// None is the result of a block or function without result. It is no type of the format.
const None ValType = 0

// String returns the type's name in the text format.
func (t ValType) String() string {
	switch t {
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F32:
		return "f32"
	case F64:
		return "f64"
	case None:
		return "nothing"
	}
	return "any"
}

// isFloat says whether t is a floating-point type.
func (t ValType) isFloat() bool { return t == F32 || t == F64 }

// FuncType is the type of a function.
type FuncType struct {
	Params, Results []ValType
}

// Equal says whether both types have the same parameters and results.
func (t FuncType) Equal(u FuncType) bool {
	return slices.Equal(t.Params, u.Params) && slices.Equal(t.Results, u.Results)
}

// Result returns the only result, or None.
func (t FuncType) Result() ValType {
	if len(t.Results) == 0 {
		return None
	}
	return t.Results[0]
}

// String writes the type as (i32, i64) -> (i32).
func (t FuncType) String() string {
	return "(" + joinTypes(t.Params) + ") -> (" + joinTypes(t.Results) + ")"
}

func joinTypes(types []ValType) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.String()
	}
	return strings.Join(names, ", ")
}

// Import is one imported function.
type Import struct {
	Module, Name string
	Type         uint32 // index into Module.Types
	Offset       int    // of the entry in the file
}

// Range is the size of a memory (in pages) or table (in elements).
type Range struct {
	Min, Max uint32
	HasMax   bool
}

// Memory is memory 0.
type Memory struct {
	Range
	Imported     bool
	Module, Name string // of the import
	Offset       int
}

// Table is table 0.
type Table struct {
	Range
	Offset int
}

// Global is one defined global with its constant initial value.
type Global struct {
	Type    ValType
	Mutable bool
	Value   int64 // sign-extended for an i32
	Offset  int
}

// ExternKind is the kind of an import or export.
type ExternKind byte

// The kinds of the binary format.
const (
	KindFunction ExternKind = 0
	KindTable    ExternKind = 1
	KindMemory   ExternKind = 2
	KindGlobal   ExternKind = 3
)

// String returns the kind's name.
func (k ExternKind) String() string {
	names := [...]string{"function", "table", "memory", "global"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown kind"
}

// Export is one exported item.
type Export struct {
	Name   string
	Kind   ExternKind
	Index  uint32
	Offset int
}

// Element is one active segment of table 0.
type Element struct {
	At      uint32
	Funcs   []uint32
	Offset  int
	indexAt int // file offset of the first function index
}

// Data is one active segment of memory 0.
type Data struct {
	At     uint32
	Bytes  []byte
	Offset int
}

// LocalRun is a run of locals of one type.
type LocalRun struct {
	Count uint32
	Type  ValType
}

// Body is one defined function. The last group of fields is filled by Validate.
type Body struct {
	Type   uint32 // index into Module.Types
	Locals []LocalRun
	Code   []byte // instructions, including the final end
	Offset int    // of Code in the file
	Size   int    // of the whole entry: local declarations and code

	Facts Facts
}

// Facts are what checking a body found out.
type Facts struct {
	LocalCount   uint32 // declared locals, parameters not counted
	MaxHeight    uint32 // largest number of values on the operand stack
	Producers    uint32 // instructions that compute a new value: loads, arithmetic, compares, conversions, select, calls with a result, grow
	Blocks       uint32 // block, loop and if
	MaxNesting   uint32
	MaxLoops     uint32 // deepest nesting of loops
	BranchEdges  uint32 // if, else, br, br_if, each br_table target, each loop entry
	Calls        uint32
	IndirectCall uint32
	Score        uint64 // compile cost of the instructions dear by themselves, in the unit of score.go
}

// Module is a decoded module. Its slices alias the decoded bytes, which must not change afterwards.
type Module struct {
	Types     []FuncType
	Imports   []Import // functions only: other imports than one memory are refused
	Bodies    []Body
	Table     *Table
	Memory    *Memory
	Globals   []Global
	Exports   []Export
	Start     uint32
	HasStart  bool
	StartAt   int // file offset of the start section's content
	Elements  []Element
	Data      []Data
	CodeLen   int      // bytes of the code section's content
	declared  []uint32 // type indices of the function section
	dataCount int      // of the data count section, -1 without one
	validated bool
}

// Validated says whether the module passed Validate; only such a module may be re-encoded.
func (m *Module) Validated() bool { return m.validated }

// FuncCount is the number of imported and defined functions.
func (m *Module) FuncCount() uint32 { return uint32(len(m.Imports) + len(m.Bodies)) }

// FuncTypeIndex returns the type index of a function of the module's index space; ok is false outside it.
func (m *Module) FuncTypeIndex(function uint32) (index uint32, ok bool) {
	if int(function) < len(m.Imports) {
		return m.Imports[function].Type, true
	}
	if defined := int(function) - len(m.Imports); defined < len(m.Bodies) {
		return m.Bodies[defined].Type, true
	}
	return 0, false
}
