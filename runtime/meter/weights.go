package meter

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sepia-chain/sepia/runtime/wasm"
)

// Class groups instructions of equal cost.
type Class uint8

// The classes, in the order of the encoding. New ones are appended with a new meter Version.
const (
	ClassStructure    Class = iota // block, loop, else, end, nop, unreachable: compile to nothing
	ClassPlain                     // constants, locals, drop, select, compares, conversions, arithmetic not named below
	ClassGlobal                    // global.get, global.set, memory.size
	ClassLoad                      // all loads
	ClassStore                     // all stores
	ClassMul                       // i32.mul, i64.mul
	ClassDiv                       // div and rem
	ClassBranch                    // if, br, br_if, return
	ClassBrTable                   // br_table
	ClassCall                      // call of a defined function
	ClassCallIndirect              // call_indirect
	ClassImport                    // call of an imported function, on top of its own price
	ClassFrame                     // entry into a function
	ClassGrow                      // memory.grow
	ClassGrowPage                  // each page asked of memory.grow, whether it succeeds or not
	ClassBulk                      // memory.copy, memory.fill
	ClassBulkWord                  // each 8 bytes, or part of them, of memory.copy and memory.fill
	ClassCount
)

var classNames = [ClassCount]string{
	"structure", "plain", "global", "load", "store", "mul", "div", "branch", "br_table", "call", "call_indirect", "import",
	"frame", "grow", "grow_page", "bulk", "bulk_word",
}

// String returns the class's name in tables and settings.
func (c Class) String() string {
	if c < ClassCount {
		return classNames[c]
	}
	return fmt.Sprintf("class-%d", uint8(c))
}

// Weights are the costs of the classes in ps, and the version of the table.
type Weights struct {
	Version uint32
	Cost    [ClassCount]uint32
}

// BlobWeightsVersion is the version of BlobWeights: the chain's host_version.
const BlobWeightsVersion = 1

// BlobWeights is the table for a chain's own runtime. Figures in ps, from the speed of metered code on a 2.6 GHz x86-64 core
// (about 0.3 ns for an average instruction); `make calibrate` compares them. An import costs what the switch to the
// host and back takes; what the function does is priced by the host's own table.
func BlobWeights() Weights {
	w := baseWeights(BlobWeightsVersion)
	w.Cost[ClassImport] = 12_000 // 9 ns into C, rounded up
	return w
}

// ContractWeights is the default table for contracts, for chains whose runtime declares none. Every import suspends the
// contract and resumes it: 0.27 us.
func ContractWeights() Weights {
	w := baseWeights(1)
	w.Cost[ClassImport] = 400_000
	return w
}

func baseWeights(version uint32) Weights {
	return Weights{Version: version, Cost: [ClassCount]uint32{
		ClassStructure:    0,
		ClassPlain:        300,
		ClassGlobal:       500,
		ClassLoad:         900, // one that the next waits for takes 1.1 ns
		ClassStore:        600,
		ClassMul:          900,
		ClassDiv:          6_000, // 64-bit division, 20 cycles
		ClassBranch:       500,
		ClassBrTable:      1_500,
		ClassCall:         4_000, // a call with its frame takes 6 ns
		ClassCallIndirect: 4_000,
		ClassFrame:        4_000,
		ClassGrow:         4_000_000,
		ClassGrowPage:     50_000_000, // 16 page faults of 2 us
		ClassBulk:         15_000,     // a short copy takes 10 to 15 ns
		ClassBulkWord:     200,        // 64 KiB in 1.4 us
	}}
}

// Bounds on weights. Gas is an i64 kept above -2^62, so no single charge may come near that: a body has at most 2^18 bytes,
// hence fewer than 2^18 instructions of a cost below 2^32 each.
const (
	maxBulkWord = 1 << 30 // times 2^29 words of a 4 GiB memory: 2^59
	maxGrowPage = 1 << 28 // times 2^32 pages: 2^60
	maxImport   = 1 << 40 // times 2^17 calls in one body: 2^57
)

// Check says whether the table can be used: a loop must cost something, and no charge may overflow.
func (w *Weights) Check() error {
	switch {
	case w.Cost[ClassBranch] == 0 || w.Cost[ClassBrTable] == 0:
		return errors.New("weights: a branch costs nothing, so a loop could run for ever")
	case w.Cost[ClassCall] == 0 || w.Cost[ClassCallIndirect] == 0:
		return errors.New("weights: a call costs nothing, so a recursion could run for ever")
	case w.Cost[ClassBulkWord] > maxBulkWord:
		return fmt.Errorf("weights: bulk_word is %d, the limit is %d", w.Cost[ClassBulkWord], maxBulkWord)
	case w.Cost[ClassGrowPage] > maxGrowPage:
		return fmt.Errorf("weights: grow_page is %d, the limit is %d", w.Cost[ClassGrowPage], maxGrowPage)
	}
	return nil
}

// encodedSize is that of a Weights: version, number of classes, costs, each a little-endian u32.
const encodedSize = 4 + 4 + 4*int(ClassCount)

// Encode writes the table canonically: version, number of classes, then a cost for each class, all little-endian u32.
func (w *Weights) Encode() []byte {
	b := make([]byte, 0, encodedSize)
	b = binary.LittleEndian.AppendUint32(b, w.Version)
	b = binary.LittleEndian.AppendUint32(b, uint32(ClassCount))
	for _, cost := range w.Cost {
		b = binary.LittleEndian.AppendUint32(b, cost)
	}
	return b
}

// DecodeWeights reads what Encode wrote and checks the table.
func DecodeWeights(b []byte) (Weights, error) {
	var w Weights
	if len(b) != encodedSize {
		return w, fmt.Errorf("weights: %d bytes, want %d", len(b), encodedSize)
	}
	if n := binary.LittleEndian.Uint32(b[4:]); n != uint32(ClassCount) {
		return w, fmt.Errorf("weights: %d classes, meter version %d has %d", n, Version, ClassCount)
	}
	w.Version = binary.LittleEndian.Uint32(b)
	for i := range w.Cost {
		w.Cost[i] = binary.LittleEndian.Uint32(b[8+4*i:])
	}
	return w, w.Check()
}

// Hash identifies the table, together with the meter's own version, in the keys of compiled code.
func (w *Weights) Hash() [32]byte {
	return sha256.Sum256(append(binary.LittleEndian.AppendUint32(nil, Version), w.Encode()...))
}

// classes is the class of each one-byte opcode.
var classes = buildClasses()

func buildClasses() (t [256]Class) {
	for i := range t {
		t[i] = ClassPlain
	}
	set := func(class Class, ops ...wasm.Op) {
		for _, op := range ops {
			t[op] = class
		}
	}
	set(ClassStructure, wasm.OpUnreachable, wasm.OpNop, wasm.OpBlock, wasm.OpLoop, wasm.OpElse, wasm.OpEnd)
	set(ClassGlobal, wasm.OpGlobalGet, wasm.OpGlobalSet, wasm.OpMemorySize)
	for op := wasm.OpI32Load; op <= wasm.OpI64Load32U; op++ {
		t[op] = ClassLoad
	}
	for op := wasm.OpI32Store; op <= wasm.OpI64Store32; op++ {
		t[op] = ClassStore
	}
	set(ClassMul, wasm.OpI32Mul, wasm.OpI64Mul)
	set(ClassDiv, wasm.OpI32DivS, wasm.OpI32DivU, wasm.OpI32RemS, wasm.OpI32RemU)
	set(ClassDiv, wasm.OpI64DivS, wasm.OpI64DivU, wasm.OpI64RemS, wasm.OpI64RemU)
	set(ClassBranch, wasm.OpIf, wasm.OpBr, wasm.OpBrIf, wasm.OpReturn)
	set(ClassBrTable, wasm.OpBrTable)
	set(ClassCall, wasm.OpCall)
	set(ClassCallIndirect, wasm.OpCallIndirect)
	set(ClassGrow, wasm.OpMemoryGrow)
	return t
}

// ClassOf returns the class of an instruction. A call of an imported function is ClassImport instead, see Weights.
func ClassOf(op wasm.Op) Class {
	if op < 0x100 {
		return classes[op]
	}
	return ClassBulk
}
