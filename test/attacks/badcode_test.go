package attacks

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sepia-chain/sepia/runtime/meter/metertest"
	"github.com/sepia-chain/sepia/runtime/wasm"
	"github.com/sepia-chain/sepia/test/attacks/chaintest"
)

// badCode is code that no contract may have, and what a dry run says of it.
type badCode struct {
	name string
	code []byte
	text string // the reason, its place, what was found; what to do about it
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
		{"no bytes", nil,
			`bad-header, byte 0x0: the file does not begin with the WebAssembly magic number and version 1; give the .wasm file itself, not a bundle, text or compressed file`},
		{"Wasm as text", []byte("(module)"),
			`bad-header, byte 0x0: the file does not begin with the WebAssembly magic number and version 1; give the .wasm file itself, not a bundle, text or compressed file`},
		{"half of the header", good[:4],
			`bad-header, byte 0x0: the file does not begin with the WebAssembly magic number and version 1; give the .wasm file itself, not a bundle, text or compressed file`},
		{"header only", good[:8],
			`memory-import: the module has no memory; link with --import-memory, so that the module imports exactly env.memory`},
		{"version 2", append([]byte{0, 'a', 's', 'm', 2, 0, 0, 0}, good[8:]...),
			`bad-header, byte 0x0: the file does not begin with the WebAssembly magic number and version 1; give the .wasm file itself, not a bundle, text or compressed file`},
		{"one byte too many", append(bytes.Clone(good), 1),
			`truncated, byte 0x737: the input ends inside an item; the file is damaged or not a WebAssembly 1.0 binary: build it again`},
		{"no deploy", module(func(b *metertest.Builder) { b.Funcs = b.Funcs[:1] }),
			`export-missing: the export "deploy" is missing; export both deploy and call`},
		{"another export", exports("other"),
			`export-name, byte 0x3b: the function "other" is exported; export deploy and call only (strip other exports with the contract build tool)`},
		{"an export of the meter's", exports("sepia:gas"),
			`export-name, byte 0x3b: the function "sepia:gas" is exported; export deploy and call only (strip other exports with the contract build tool)`},
		{"an entry with a parameter", module(func(b *metertest.Builder) { b.Funcs[0].Type = metertest.Types("i", "") }),
			`export-type, byte 0x2e: the export "call" has type (i32) -> (); an entry point takes nothing and returns nothing or an i32`},
		{"an import that is none", imports("seal0", "nope", none),
			`import-unknown, byte 0x11: the function "seal0"."nope" is imported, but this chain does not offer it; use functions that this chain offers; check the library's version`},
		{"an import with another type", imports("seal0", "input", none),
			`import-type, byte 0x11: "seal0"."input" is imported as () -> (), it is (i32, i32) -> (); the library declares another version of this function; use a matching release`},
		{"an import of the meter's", imports("sepia", "gas", metertest.Types("", "I")),
			`import-unknown, byte 0x15: the function "sepia"."gas" is imported, but this chain does not offer it; use functions that this chain offers; check the library's version`},
		{"17 pages", memory(1, 17),
			`memory-size, byte 0x11: the memory's maximum is 17 pages, the limit is 16; link with a smaller stack and static data, or a smaller --max-memory`},
		{"more pages than at most", memory(3, 2),
			`memory-size, byte 0x11: the memory begins with 3 pages, the maximum is 2; link with a smaller stack and static data, or a smaller --max-memory`},
		{"f32", body(wasm.Op(0x43), make([]byte, 4), wasm.OpDrop),
			`float, function 0, byte 0x42: floating-point constant 0x43; floating point is not available on chain: use integers or fixed point (dependencies too)`},
		{"f64", body(wasm.Op(0x44), make([]byte, 8), wasm.OpDrop),
			`float, function 0, byte 0x42: floating-point constant 0x44; floating point is not available on chain: use integers or fixed point (dependencies too)`},
		{"a vector", body([]byte{0xfd, 0x0c}, make([]byte, 16), wasm.OpDrop),
			`vector, function 0, byte 0x42: vector instruction 0xfd; build for the integer subset: for Rust, -C target-cpu=mvp and a standard library built the same way`},
		{"a fence", body([]byte{0xfe, 0x03, 0x00}),
			`threads, function 0, byte 0x42: atomic instruction 0xfe; build for the integer subset: for Rust, -C target-cpu=mvp and a standard library built the same way`},
		{"a tail call", body([]byte{0x12, 0}),
			`tail-call, function 0, byte 0x42: tail call 0x12; build for the integer subset: for Rust, -C target-cpu=mvp and a standard library built the same way`},
		{"memory.init", body(append(append(append([]any{}, zero...), zero...), wasm.OpI32Const, 0, []byte{0xfc, 8, 0, 0})...),
			`bulk-memory, function 0, byte 0x48: memory.init or data.drop 0xfc 8; only memory.copy and memory.fill are available; build for the integer subset: for Rust, -C target-cpu=mvp and a standard library built the same way`},
		{"i64 where i32 is due", body(wasm.OpI64Const, 1, wasm.OpI32Eqz, wasm.OpDrop),
			`type-mismatch, function 0, byte 0x44: i32.eqz found i64 where i32 is needed; the code does not type-check: build it again with an unmodified compiler`},
		{"nothing to drop", body(wasm.OpDrop),
			`underflow, function 0, byte 0x42: drop needs an operand (any), none is left in its block; the code does not type-check: build it again with an unmodified compiler`},
		{"a value left over", body(wasm.OpI32Const, 1),
			`type-mismatch, function 0, byte 0x44: 1 operands are left over at the end of a block; the code does not type-check: build it again with an unmodified compiler`},
		{"an opcode that is none", body([]byte{0x27}),
			`unknown-opcode, function 0, byte 0x42: opcode 0x27 is unknown; build for the integer subset: for Rust, -C target-cpu=mvp and a standard library built the same way`},
		{"a local that is none", body(wasm.OpLocalGet, uint32(7), wasm.OpDrop),
			`bad-index, function 0, byte 0x42: local.get names local 7, there are 0; the code does not type-check: build it again with an unmodified compiler`},
		{"a function that is none", body(wasm.OpCall, uint32(70)),
			`bad-index, function 0, byte 0x42: call names function 70, there are 2; the code does not type-check: build it again with an unmodified compiler`},
		{"a label that is none", body(wasm.OpBr, uint32(7)),
			`bad-index, function 0, byte 0x42: br names label 7, only 1 are open; the code does not type-check: build it again with an unmodified compiler`},
		{"data outside of memory", module(func(b *metertest.Builder) { b.Data = []metertest.Segment{{At: 1 << 20, Bytes: []byte{1}}} }),
			`segment-bounds, byte 0x49: a data segment ends at byte 1048577, the initial memory has 65536; the initial memory or table is smaller than its initial content: raise it`},
		{"256 KiB and more", append(bytes.Clone(good), make([]byte, 256<<10)...),
			`it has 263990 bytes, and code may have 262144`},
	}
}

// What is no contract is refused by a dry run in words, and by a transaction with the same error; it takes no deposit.
func TestBadCode_IsRefusedInWords(t *testing.T) {
	n := startNode(t)
	alice := n.account("//Alice")
	for _, c := range badCodes(chaintest.Load(t, "flipper").Code) {
		dry := n.dry("ContractsApi_instantiate", chaintest.DryInstantiate(alice, c.code, nil, nil))
		want, text := "CodeRejected", "code rejected: "+c.text+"\n"
		if len(c.code) > 256<<10 {
			want = "CodeTooLarge"
		}
		if dry.Error.String() != want || dry.Debug != text {
			t.Errorf("%s: a dry run ends with %v and the words %q, want %s and %q", c.name, dry.Error, dry.Debug, want, text)
		}
		if l := n.send("//Alice", chaintest.UploadCode(c.code)); l.failure.String() != want {
			t.Errorf("%s: the transaction ends with %v, want %s", c.name, l.failure, want)
		}
	}
	n.alive()
}

// The answer to a dry upload has an error and no room for words: they stand in the node's log.
func TestDryUpload_IsRefusedInTheNodesLog(t *testing.T) {
	n := startNode(t, "--log-level", "debug")
	code := imports("seal0", "nope", metertest.Types("", ""))
	var answer string
	n.ask(&answer, "state_call", "ContractsApi_upload_code", toHex(chaintest.DryUpload(n.account("//Alice"), code)))
	failure, err := chaintest.DecodeDryUpload(n.fromHex(answer))
	if err != nil || failure.String() != "CodeRejected" {
		t.Errorf("a dry upload ends with %v (%v)", failure, err)
	}
	n.node.Stop() // all that it wrote is read then
	const words = "code rejected: import-unknown, byte 0x11: the function"
	if log := n.node.Log(); !strings.Contains(log, words) {
		t.Errorf("the log does not say %q:\n%s", words, log)
	}
}
