package wasm

import (
	"fmt"
	"math"
)

// Unlimited is a limit that bounds nothing beyond the module's size.
const Unlimited = math.MaxUint32

// Limits bound the size and shape of a module.
type Limits struct {
	ModuleBytes  uint32 // of the raw file, custom sections included
	Types        uint32
	Imports      uint32
	Functions    uint32 // defined ones
	BodyBytes    uint32 // of one entry of the code section
	Blocks       uint32 // block, loop and if of one function
	ModuleBlocks uint32
	Locals       uint32 // declared by one function, parameters not counted
	ModuleLocals uint32
	Params       uint32
	Globals      uint32
	TableSize    uint32 // elements of the only table
	BranchTable  uint32 // targets of one br_table, the default not counted
	Nesting      uint32
	Loops        uint32 // loop nesting
	Operands     uint32 // height of the operand stack
	MemoryPages  uint32
	DataSegments uint32
	Elements     uint32 // element segments
	Exports      uint32
	Score        uint32 // compile time in us, see score.go
}

// PageSize is the size of one page of memory in bytes.
const PageSize = 1 << 16

// ContractLimits are the limits of contract code. They follow what compilers emit for contracts with room to spare, and
// what an engine compiles in bounded time: see score.go.
func ContractLimits() Limits {
	return Limits{
		ModuleBytes:  256 << 10,
		Types:        256,
		Imports:      512, // more than the host offers: importing one function twice is legal but useless
		Functions:    2_000,
		BodyBytes:    48 << 10,
		Blocks:       2_000,
		ModuleBlocks: 20_000,
		Locals:       128,
		ModuleLocals: 10_000,
		Params:       16, // the widest contract host function has 13
		Globals:      64,
		TableSize:    1_024,
		BranchTable:  256,
		Nesting:      128,
		Loops:        8, // real code: at most 4
		Operands:     512,
		MemoryPages:  16, // 1 MiB
		DataSegments: 256,
		Elements:     256,
		Exports:      2,
		Score:        1_000_000, // 1 s of compile time
	}
}

// BlobLimits are the limits of a chain's own runtime, which governance accepts: they bound memory and recursion, not
// compile time. memoryPages comes from the chain spec.
func BlobLimits(memoryPages uint32) Limits {
	return Limits{
		ModuleBytes:  8 << 20,
		Types:        4_096,
		Imports:      1_024,
		Functions:    30_000,
		BodyBytes:    256 << 10,
		Blocks:       20_000,
		ModuleBlocks: Unlimited,
		Locals:       4_096,
		ModuleLocals: Unlimited,
		Params:       64,
		Globals:      1_024,
		TableSize:    16_384,
		BranchTable:  4_096,
		Nesting:      4_096,
		Loops:        Unlimited,
		Operands:     16_384,
		MemoryPages:  memoryPages,
		DataSegments: 65_536,
		Elements:     1_024,
		Exports:      1_024,
		Score:        Unlimited,
	}
}

// meteredLimits bound nothing: the input was within limits, and the meter adds a bounded amount to each part.
func meteredLimits() Limits {
	return Limits{
		ModuleBytes: Unlimited, Types: Unlimited, Imports: Unlimited, Functions: Unlimited, BodyBytes: Unlimited, Blocks: Unlimited,
		ModuleBlocks: Unlimited, Locals: Unlimited, ModuleLocals: Unlimited, Params: Unlimited, Globals: Unlimited, TableSize: Unlimited,
		BranchTable: Unlimited, Nesting: Unlimited, Loops: Unlimited, Operands: Unlimited, MemoryPages: Unlimited,
		DataSegments: Unlimited, Elements: Unlimited, Exports: Unlimited, Score: Unlimited,
	}
}

// HostImport is one function that a host offers to modules.
type HostImport struct {
	Module, Name string
	Type         FuncType
	ID           uint32 // below MaxImportID; aliases may share one
	Flags        uint32 // or-ed into Report.Flags of modules that import it
}

// MaxImportID bounds ids, because a Report has one bit for each.
const MaxImportID = 512

// ImportTable resolves imports by module and name.
type ImportTable struct {
	entries []HostImport
	byName  map[string]map[string]int
}

// NewImportTable builds a table; a name given twice or an id out of range is an error.
func NewImportTable(entries []HostImport) (*ImportTable, error) {
	t := &ImportTable{entries: entries, byName: map[string]map[string]int{}}
	for i, e := range entries {
		if e.ID >= MaxImportID {
			return nil, fmt.Errorf("import table: %s.%s has id %d, ids are below %d", e.Module, e.Name, e.ID, MaxImportID)
		}
		if _, dup := t.Lookup(e.Module, e.Name); dup {
			return nil, fmt.Errorf("import table: %s.%s is given twice", e.Module, e.Name)
		}
		if t.byName[e.Module] == nil {
			t.byName[e.Module] = map[string]int{}
		}
		t.byName[e.Module][e.Name] = i
	}
	return t, nil
}

// Lookup finds an entry.
func (t *ImportTable) Lookup(module, name string) (HostImport, bool) {
	i, ok := t.byName[module][name]
	if !ok {
		return HostImport{}, false
	}
	return t.entries[i], true
}

// Policy is what one tier accepts: limits, imports and exports. The rules on types and instructions are the same for all.
type Policy struct {
	Limits  Limits
	Imports *ImportTable // nil: any function, its presence is the caller's business
	tier    tier
}

type tier uint8

const (
	tierContract tier = iota
	tierBlob
	tierMetered
)

// ContractPolicy accepts contract code: exports deploy and call and nothing else, imports from the table, a start section
// is allowed.
func ContractPolicy(limits Limits, imports *ImportTable) Policy {
	return Policy{Limits: limits, Imports: imports, tier: tierContract}
}

// BlobPolicy accepts a chain's runtime: it exports functions and immutable globals, has no start section, and imports from
// the table, or any function if the table is nil.
func BlobPolicy(memoryPages uint32, imports *ImportTable) Policy {
	return Policy{Limits: BlobLimits(memoryPages), Imports: imports, tier: tierBlob}
}

// MeteredPolicy accepts what package meter makes of an accepted module: memory 0 is its own, with a maximum, and it exports
// reserved names and its counters. It is a check on the meter, not on the author.
func MeteredPolicy() Policy { return Policy{Limits: meteredLimits(), tier: tierMetered} }

// ReservedPrefix begins the names of exports that the meter adds.
const ReservedPrefix = "sepia:"
