package host_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/sepia-chain/sepia/runtime/blob"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// functionNamed finds a function of a blob by its name section and returns its body as it stands in the code section.
func functionNamed(t *testing.T, code []byte, want string) []byte {
	t.Helper()
	names, ok := wasm.CustomSection(code, "name")
	if !ok {
		t.Fatal("the blob has no names")
	}
	number := func() uint32 {
		v, n := binary.Uvarint(names)
		names = names[n:]
		return uint32(v)
	}
	const functionNames = 1
	for section := uint32(0); section != functionNames; {
		section = number()
		if size := number(); section != functionNames {
			names = names[size:]
		}
	}
	m, err := wasm.Decode(code)
	if err != nil {
		t.Fatal(err)
	}
	for left := number(); left > 0; left-- {
		index, length := number(), number()
		name := string(names[:length])
		names = names[length:]
		if name == want {
			b := m.Bodies[index-uint32(len(m.Imports))]
			end := b.Offset + len(b.Code)
			return code[end-b.Size : end]
		}
	}
	t.Fatalf("the blob has no function %s", want)
	return nil
}

// copyModule exports a function of memcpy's type, alone with a page of memory.
func copyModule(body []byte) []byte {
	const i32, memoryKind, functionKind = 0x7f, 2, 0
	m := wasm.AppendHeader(nil)
	m = wasm.AppendSection(m, wasm.SectionType, []byte{1, 0x60, 3, i32, i32, i32, 1, i32})
	m = wasm.AppendSection(m, wasm.SectionFunction, []byte{1, 0})
	m = wasm.AppendSection(m, wasm.SectionMemory, []byte{1, 0, 1})
	exports := append(wasm.AppendName([]byte{2}, "memory"), memoryKind, 0)
	exports = append(wasm.AppendName(exports, "copy"), functionKind, 0)
	m = wasm.AppendSection(m, wasm.SectionExport, exports)
	return wasm.AppendSection(m, wasm.SectionCode, append(wasm.AppendU32([]byte{1}, uint32(len(body))), body...))
}

// The runtime's memcpy is written in assembly: it copies what it is told to, at every alignment and length around its steps of
// 4, 8, 16 and 32 bytes, and nothing beside it.
func TestReleasedBlob_MemcpyCopies(t *testing.T) {
	ctx := context.Background()
	vm := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer vm.Close(ctx)
	module, err := vm.Instantiate(ctx, copyModule(functionNamed(t, blob.Runtime(), "memcpy")))
	if err != nil {
		t.Fatal(err)
	}
	const from, to, most, room = 1_000, 3_000, 200, 16
	source := make([]byte, most+2*room)
	for i := range source {
		source[i] = byte(i%251 + 1)
	}
	memory, run := module.Memory(), module.ExportedFunction("copy")
	for length := range uint32(most) {
		for shift := range uint32(64) {
			src, dst := from+room+shift%8, to+room+shift/8
			memory.Write(from, source)
			memory.Write(to, make([]byte, most+2*room))
			result, err := run.Call(ctx, uint64(dst), uint64(src), uint64(length))
			if err != nil || uint32(result[0]) != dst {
				t.Fatalf("%d bytes from %d to %d: %v, %v", length, src, dst, result, err)
			}
			want := make([]byte, most+2*room)
			copy(want[dst-to:], source[src-from:][:length])
			if got, _ := memory.Read(to, most+2*room); !bytes.Equal(got, want) {
				t.Fatalf("%d bytes from %d to %d: got\n%x\nwant\n%x", length, src, dst, got, want)
			}
		}
	}
}
