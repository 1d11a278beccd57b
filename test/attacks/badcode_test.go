package attacks

import (
	"bytes"
	"testing"

	"github.com/sepia-chain/sepia/runtime/meter/metertest"
	"github.com/sepia-chain/sepia/runtime/wasm"
	"github.com/sepia-chain/sepia/test/attacks/chaintest"
)

// badCode is code that no contract may have, and what a dry run says of it.
type badCode struct {
	name string
	code []byte
	text string // empty: the error is CodeTooLarge and says it all
}

// module is a contract that does nothing, changed.
func module(change func(*metertest.Builder)) []byte {
	entry := metertest.Types("", "")
	b := metertest.Builder{MemoryMin: 1, Funcs: []metertest.Func{{Type: entry, Export: "call"}, {Type: entry, Export: "deploy"}}}
	change(&b)
	return b.Bytes()
}

// body is a contract whose call is these instructions.
func body(parts ...any) []byte {
	return module(func(b *metertest.Builder) { b.Funcs[0].Code = metertest.Asm(parts...) })
}

func imports(module_, name string, t wasm.FuncType) []byte {
	return module(func(b *metertest.Builder) { b.Imports = []metertest.Import{{Module: module_, Name: name, Type: t}} })
}

func exports(name string) []byte {
	return module(func(b *metertest.Builder) {
		b.Funcs = append(b.Funcs, metertest.Func{Type: metertest.Types("", ""), Export: name})
	})
}

func memory(least, most uint32) []byte {
	return module(func(b *metertest.Builder) { b.MemoryMin, b.MemoryMax = least, most })
}

func badCodes(good []byte) []badCode {
	zero := []any{wasm.OpI32Const, 0}
	none := metertest.Types("", "")
	return []badCode{
		{"no bytes", nil, "bad-header, byte 0x0"},
		{"Wasm as text", []byte("(module)"), "bad-header, byte 0x0"},
		{"half of the header", good[:4], "bad-header, byte 0x0"},
		{"header only", good[:8], "memory-import"},
		{"version 2", append([]byte{0, 'a', 's', 'm', 2, 0, 0, 0}, good[8:]...), "bad-header, byte 0x0"},
		{"one byte too many", append(bytes.Clone(good), 1), "truncated, byte 0x737"},
		{"no deploy", module(func(b *metertest.Builder) { b.Funcs = b.Funcs[:1] }), "export-missing"},
		{"another export", exports("other"), "export-name, byte 0x3b"},
		{"an export of the meter's", exports("sepia:gas"), "export-name, byte 0x3b"},
		{"an entry with a parameter", module(func(b *metertest.Builder) { b.Funcs[0].Type = metertest.Types("i", "") }), "export-type, byte 0x2e"},
		{"an import that is none", imports("seal0", "nope", none), "import-unknown, byte 0x11"},
		{"an import with another type", imports("seal0", "input", none), "import-type, byte 0x11"},
		{"an import of the meter's", imports("sepia", "gas", metertest.Types("", "I")), "import-unknown, byte 0x15"},
		{"17 pages", memory(1, 17), "memory-size, byte 0x11"},
		{"more pages than at most", memory(3, 2), "memory-size, byte 0x11"},
		{"f32", body(wasm.Op(0x43), make([]byte, 4), wasm.OpDrop), "float, function 0, byte 0x42"},
		{"f64", body(wasm.Op(0x44), make([]byte, 8), wasm.OpDrop), "float, function 0, byte 0x42"},
		{"a vector", body([]byte{0xfd, 0x0c}, make([]byte, 16), wasm.OpDrop), "vector, function 0, byte 0x42"},
		{"a fence", body([]byte{0xfe, 0x03, 0x00}), "threads, function 0, byte 0x42"},
		{"a tail call", body([]byte{0x12, 0}), "tail-call, function 0, byte 0x42"},
		{"memory.init", body(append(append(append([]any{}, zero...), zero...), wasm.OpI32Const, 0, []byte{0xfc, 8, 0, 0})...), "bulk-memory, function 0, byte 0x48"},
		{"i64 where i32 is due", body(wasm.OpI64Const, 1, wasm.OpI32Eqz, wasm.OpDrop), "type-mismatch, function 0, byte 0x44"},
		{"nothing to drop", body(wasm.OpDrop), "underflow, function 0, byte 0x42"},
		{"a value left over", body(wasm.OpI32Const, 1), "type-mismatch, function 0, byte 0x44"},
		{"an opcode that is none", body([]byte{0x27}), "unknown-opcode, function 0, byte 0x42"},
		{"a local that is none", body(wasm.OpLocalGet, uint32(7), wasm.OpDrop), "bad-index, function 0, byte 0x42"},
		{"a function that is none", body(wasm.OpCall, uint32(70)), "bad-index, function 0, byte 0x42"},
		{"a label that is none", body(wasm.OpBr, uint32(7)), "bad-index, function 0, byte 0x42"},
		{"data outside of memory", module(func(b *metertest.Builder) { b.Data = []metertest.Segment{{At: 1 << 20, Bytes: []byte{1}}} }), "segment-bounds, byte 0x49"},
		{"256 KiB and more", append(bytes.Clone(good), make([]byte, 256<<10)...), ""},
	}
}

// What is no contract is refused by a dry run in words, and by a transaction with the same error; it takes no deposit.
func TestBadCode_IsRefusedInWords(t *testing.T) {
	n := startNode(t)
	alice := n.account("//Alice")
	for _, c := range badCodes(chaintest.Load(t, "flipper").Code) {
		dry := n.dry("ContractsApi_instantiate", chaintest.DryInstantiate(alice, c.code, nil, nil))
		want, text := "CodeRejected", "code rejected: "+c.text+"\n"
		if c.text == "" {
			want, text = "CodeTooLarge", ""
		}
		if dry.Error.String() != want || dry.Debug != text {
			t.Errorf("%s: a dry run ends with %v and the words %q, want %s and %q", c.name, dry.Error, dry.Debug, want, text)
		}
		if want == "CodeTooLarge" { // the pool refuses what does not decode
			continue
		}
		if l := n.send("//Alice", chaintest.UploadCode(c.code)); l.failure.String() != want {
			t.Errorf("%s: the transaction ends with %v, want %s", c.name, l.failure, want)
		}
	}
	n.alive()
}
