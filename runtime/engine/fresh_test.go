package engine

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/sepia-chain/sepia/runtime/wasm"
)

const (
	dirtyVariable  = 2 // the module's own mutable globals, after the counters
	dirtyVariable2 = 3
	dirtyData      = 2 * wasmPage
	dirtyBase      = 5*wasmPage + 100
	dirtyPages     = 100
)

// dirtyModule has "write": for each (address, value) pair of u32 in its input it stores the value, and adds it to both globals;
// "grow": memory.grow by a page; "look": the globals go to address 0, and the whole memory is the result.
func dirtyModule() []byte {
	a := &assembly{minimum: 6, maximum: dirtyPages, base: dirtyBase}
	a.globals = []assembledGlobal{{i64, true, -5}, {i32, true, 77}}
	bump := seq(
		globalGet(dirtyVariable), localGet(2), access(opI32Load, 4), op(opI64ExtendU), op(opI64Add), globalSet(dirtyVariable),
		globalGet(dirtyVariable2), localGet(2), access(opI32Load, 4), op(opI32Add), globalSet(dirtyVariable2))
	a.funcs = []assembledFunc{
		{typ: entryType, locals: []wasm.ValType{i32}, code: seq(
			localGet(0), localSet(2),
			op(opBlock, blockEmpty, opLoop, blockEmpty),
			localGet(2), localGet(0), localGet(1), op(opI32Add), op(0x4f), branchIf(1),
			localGet(2), access(opI32Load, 0), localGet(2), access(opI32Load, 4), access(opI32Store, 0),
			bump,
			localGet(2), i32Const(8), op(opI32Add), localSet(2), branch(0),
			op(opEnd, opEnd),
			i64Const(0))},
		{typ: entryType, code: seq(i32Const(1), op(opMemoryGrow, 0), op(opDrop), i64Const(0))},
		{typ: entryType, code: seq(
			i32Const(0), globalGet(dirtyVariable), access(opI64Store, 0),
			i32Const(8), globalGet(dirtyVariable2), access(opI32Store, 0),
			fat(i32Const(0), seq(op(opMemorySize, 0), i32Const(16), op(0x74))))},
	}
	a.exports = []assembledExport{{"write", a.function(0)}, {"grow", a.function(1)}, {"look", a.function(2)}}
	data := bytes.Repeat([]byte("data"), 5000)
	a.data = []assembledData{{dirtyData, data}, {3*wasmPage + 4000, []byte{1, 2, 3}}, {5*wasmPage + 50000, []byte("above the heap base")}}
	return a.bytes()
}

// randomWrites touches the stack, the data, the bss, the heap and what lies beyond, sparsely or densely.
func randomWrites(random *rand.Rand, memory uint32) []byte {
	var out []byte
	n := 1 + random.IntN(1<<random.IntN(9))
	at := random.Uint32N(memory - 4)
	for range n {
		if random.IntN(3) > 0 {
			at = random.Uint32N(memory - 4)
		} else if at+8 < memory-4 {
			at += 4
		}
		out = binary.LittleEndian.AppendUint32(out, at)
		out = binary.LittleEndian.AppendUint32(out, random.Uint32()|1)
	}
	return out
}

func TestCall_FreshMemoryEqualsANewInstance(t *testing.T) {
	e := newEngine(t)
	if !e.RestoresMemory() {
		t.Log("this system cannot tell which pages were written: each call gets a new instance")
	}
	random := rand.New(rand.NewPCG(5, 6))
	want, err := newInstance(t, e, dirtyModule(), nil).Call("look", nil, 1<<40, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Output) != (6+BlobHeapPages)*wasmPage {
		t.Fatalf("a new instance has %d bytes", len(want.Output))
	}
	in := newInstance(t, e, dirtyModule(), nil)
	for round := range 300 {
		export, input := "write", randomWrites(random, (6+BlobHeapPages)*wasmPage)
		if round%50 == 49 {
			export, input = "grow", nil
		}
		if _, err := in.Call(export, input, 1<<40, nil); err != nil {
			t.Fatal(err)
		}
		if round%7 == 3 {
			continue // two dirty calls in a row
		}
		got, err := in.Call("look", nil, 1<<40, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Output, want.Output) {
			t.Fatalf("round %d: memory after %s differs from a new instance's at %d", round, export, firstDifference(got.Output, want.Output))
		}
	}
}

// The same without restoring: what systems get that cannot tell which pages were written.
func TestCall_FreshMemoryWithoutTracking(t *testing.T) {
	e := newEngine(t)
	in := newInstance(t, e, dirtyModule(), nil)
	in.blob.c.tracker = -1
	want, err := in.Call("look", nil, 1<<40, nil)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(7, 8))
	for range 5 {
		if _, err := in.Call("write", randomWrites(random, 6*wasmPage), 1<<40, nil); err != nil {
			t.Fatal(err)
		}
		if got, err := in.Call("look", nil, 1<<40, nil); err != nil || !bytes.Equal(got.Output, want.Output) {
			t.Fatalf("memory differs from a new instance's (%v)", err)
		}
	}
}

func TestEngine_RestoresMemoryOnLinux(t *testing.T) {
	if e := newEngine(t); !e.RestoresMemory() {
		t.Fatal("the check of /proc/self/pagemap fails here: calls are correct but slow")
	}
}

func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}
