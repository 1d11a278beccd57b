package wasm

import (
	"fmt"
	"strconv"
	"strings"
)

// Code is the reason of a refusal. Codes are stable: they reach consensus through the Report of the guest interface.
type Code uint32

// The reasons. A number is never reused.
const (
	OK Code = 0

	TooLarge     Code = 1
	Truncated    Code = 2
	BadHeader    Code = 3
	BadNumber    Code = 4
	BadText      Code = 5
	SectionOrder Code = 6
	SectionSize  Code = 7
	BadForm      Code = 8
	BadIndex     Code = 9
	TypeMismatch Code = 10
	Underflow    Code = 11
	Structure    Code = 12
	Alignment    Code = 13
	ConstantExpr Code = 14
	CountsDiffer Code = 15
	DoubleExport Code = 16

	Float          Code = 20
	Vector         Code = 21
	Threads        Code = 22
	MultiValue     Code = 23
	ReferenceTypes Code = 24
	TailCall       Code = 25
	Memory64       Code = 26
	BulkMemory     Code = 27
	MultiMemory    Code = 28
	Exceptions     Code = 29
	UnknownOpcode  Code = 30
	MutableGlobal  Code = 31

	ImportUnknown Code = 40
	ImportType    Code = 41
	ImportKind    Code = 42
	MemoryImport  Code = 43
	ExportName    Code = 44
	ExportMissing Code = 45
	ExportType    Code = 46
	ReservedName  Code = 47
	StartSection  Code = 48
	MemorySize    Code = 49
	TableSize     Code = 50
	SegmentBounds Code = 51

	LimitFunctions    Code = 60
	LimitBody         Code = 61
	LimitBlocks       Code = 62
	LimitModuleBlocks Code = 63
	LimitLocals       Code = 64
	LimitModuleLocals Code = 65
	LimitParams       Code = 66
	LimitTypes        Code = 67
	LimitGlobals      Code = 68
	LimitBranchTable  Code = 69
	LimitNesting      Code = 70
	LimitLoops        Code = 71
	LimitOperands     Code = 72
	LimitData         Code = 73
	LimitElements     Code = 74
	LimitExports      Code = 75
	LimitImports      Code = 76
	LimitScore        Code = 77
)

type codeInfo struct{ name, remedy string }

const (
	remedyCorrupt = "the file is damaged or not a WebAssembly 1.0 binary: build it again"
	remedyChecker = "the code does not type-check: build it again with an unmodified compiler"
	remedyTarget  = "build for the integer subset: for Rust, -C target-cpu=mvp and a standard library built the same way"
	remedySplit   = "split the function or build for size"
	remedyShrink  = "make the program smaller: build with -C opt-level=z, lto and wasm-opt"
)

var codes = map[Code]codeInfo{
	OK:           {"ok", ""},
	TooLarge:     {"too-large", remedyShrink},
	Truncated:    {"truncated", remedyCorrupt},
	BadHeader:    {"bad-header", "give the .wasm file itself, not a bundle, text or compressed file"},
	BadNumber:    {"bad-number", remedyCorrupt},
	BadText:      {"bad-text", remedyCorrupt},
	SectionOrder: {"section-order", remedyCorrupt},
	SectionSize:  {"section-size", remedyCorrupt},
	BadForm:      {"bad-form", remedyCorrupt},
	BadIndex:     {"bad-index", remedyChecker},
	TypeMismatch: {"type-mismatch", remedyChecker},
	Underflow:    {"underflow", remedyChecker},
	Structure:    {"structure", remedyChecker},
	Alignment:    {"alignment", remedyChecker},
	ConstantExpr: {"constant-expression", "initial values and segment offsets must be one i32.const or i64.const"},
	CountsDiffer: {"counts-differ", remedyCorrupt},
	DoubleExport: {"double-export", "give each export a name of its own"},

	Float:          {"float", "floating point is not available on chain: use integers or fixed point (dependencies too)"},
	Vector:         {"vector", remedyTarget},
	Threads:        {"threads", remedyTarget},
	MultiValue:     {"multi-value", remedyTarget},
	ReferenceTypes: {"reference-types", remedyTarget},
	TailCall:       {"tail-call", remedyTarget},
	Memory64:       {"memory64", "build for wasm32"},
	BulkMemory:     {"bulk-memory", "only memory.copy and memory.fill are available; " + remedyTarget},
	MultiMemory:    {"multi-memory", remedyTarget},
	Exceptions:     {"exceptions", "build with panic = \"abort\""},
	UnknownOpcode:  {"unknown-opcode", remedyTarget},
	MutableGlobal:  {"mutable-global", "export functions that read or write the value instead"},

	ImportUnknown: {"import-unknown", "use functions that this chain offers; check the library's version"},
	ImportType:    {"import-type", "the library declares another version of this function; use a matching release"},
	ImportKind:    {"import-kind", "import functions and the memory env.memory only"},
	MemoryImport:  {"memory-import", "link with --import-memory, so that the module imports exactly env.memory"},
	ExportName:    {"export-name", "export deploy and call only (strip other exports with the contract build tool)"},
	ExportMissing: {"export-missing", "export both deploy and call"},
	ExportType:    {"export-type", "an entry point takes nothing and returns nothing or an i32"},
	ReservedName:  {"reserved-name", "names that begin with \"sepia:\" belong to the node: rename the export"},
	StartSection:  {"start-section", "remove the start function"},
	MemorySize:    {"memory-size", "link with a smaller stack and static data, or a smaller --max-memory"},
	TableSize:     {"table-size", "use fewer function pointers"},
	SegmentBounds: {"segment-bounds", "the initial memory or table is smaller than its initial content: raise it"},

	LimitFunctions:    {"limit-functions", remedyShrink},
	LimitBody:         {"limit-body", remedySplit},
	LimitBlocks:       {"limit-blocks", remedySplit},
	LimitModuleBlocks: {"limit-module-blocks", remedyShrink},
	LimitLocals:       {"limit-locals", remedySplit},
	LimitModuleLocals: {"limit-module-locals", remedyShrink},
	LimitParams:       {"limit-params", "pass a pointer to a structure instead"},
	LimitTypes:        {"limit-types", remedyShrink},
	LimitGlobals:      {"limit-globals", "keep values in memory instead"},
	LimitBranchTable:  {"limit-branch-table", "use fewer cases, or a look-up table"},
	LimitNesting:      {"limit-nesting", remedySplit},
	LimitLoops:        {"limit-loops", remedySplit},
	LimitOperands:     {"limit-operands", "build with optimisation, so that values are kept in locals"},
	LimitData:         {"limit-data", "merge data segments (the linker does by default)"},
	LimitElements:     {"limit-elements", "merge element segments (the linker does by default)"},
	LimitExports:      {"limit-exports", "export fewer items"},
	LimitImports:      {"limit-imports", "import each function once"},
	LimitScore:        {"limit-score", "the code would take too long to compile: fewer branches per function, fewer locals, fewer indirect calls"},
}

// String returns the code's stable name.
func (c Code) String() string {
	if info, ok := codes[c]; ok {
		return info.name
	}
	return fmt.Sprintf("code-%d", uint32(c))
}

// NoFunction is the value of Error.Function and Report.Function when a refusal concerns no function body.
const NoFunction = ^uint32(0)

// NoOffset is the value of Error.Offset when a refusal has no place in the file.
const NoOffset = -1

// Error says why a module is refused.
type Error struct {
	Reason   Code
	Function uint32 // index in the module's function index space, or NoFunction
	Offset   int    // byte offset in the file, or NoOffset
	Text     string // what was found
}

// Error returns what was found, where, and what to do about it.
func (e *Error) Error() string {
	where := "module"
	if e.Function != NoFunction {
		where = fmt.Sprintf("function %d", e.Function)
	}
	if e.Offset != NoOffset {
		where += fmt.Sprintf(", byte 0x%x", e.Offset)
	}
	return fmt.Sprintf("%s: %s (%s: %s)", where, e.Text, e.Reason, codes[e.Reason].remedy)
}

// Words are what was found and what to do about it, without the reason's name and the place.
func (e *Error) Words() string {
	if remedy := codes[e.Reason].remedy; remedy != "" {
		return e.Text + "; " + remedy
	}
	return e.Text
}

// quotedName is how much of a name from the module an error shows, in bytes: names may be as long as the module.
const quotedName = 64

// quote joins names from the module with dots, quoted and cut, for use in a text.
func quote(names ...string) string {
	parts := make([]string, len(names))
	for i, name := range names {
		if len(name) > quotedName {
			name = name[:quotedName] + "..."
		}
		parts[i] = strconv.Quote(name)
	}
	return strings.Join(parts, ".")
}

func fail(reason Code, offset int, format string, args ...any) *Error {
	return &Error{Reason: reason, Function: NoFunction, Offset: offset, Text: fmt.Sprintf(format, args...)}
}
