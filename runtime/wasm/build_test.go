package wasm

import (
	"encoding/hex"
	"strings"
	"testing"
)

// raw turns hex with spaces into bytes.
func raw(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return b
}

// sketch is a contract as hex, section by section. Empty sections are left out.
type sketch struct {
	types, imports, functions, table, memory, globals, exports, start, elements, dataCount, code, data string
	tail                                                                                               string // behind the last section
}

// validSketch is a small contract that has one of everything.
// Types: 0 () -> (), 1 (i32) -> (i32), 2 (i64, i32) -> (). Functions: 0 imported seal0.f of type 1, 1 and 2 () -> (), 3 of type 1.
func validSketch() sketch {
	return sketch{
		types:     "03 600000 60017f017f 60027e7f00",
		imports:   "02 05 7365616c30 01 66 00 01  03 656e76 06 6d656d6f7279 02 01 01 10",
		functions: "03 00 00 01",
		table:     "01 70 00 02",
		globals:   "02 7f 00 41 05 0b  7e 01 42 7f 0b",
		exports:   "02 06 6465706c6f79 00 01  04 63616c6c 00 02",
		elements:  "01 00 41 00 0b 02 00 03",
		code:      "03 02 00 0b  02 00 0b  04 00 20 00 0b",
		data:      "01 00 41 08 0b 02 aa bb",
	}
}

func (s sketch) bytes(t testing.TB) []byte {
	out := AppendHeader(nil)
	for _, part := range []struct {
		id      SectionID
		content string
	}{
		{SectionType, s.types}, {SectionImport, s.imports}, {SectionFunction, s.functions}, {SectionTable, s.table},
		{SectionMemory, s.memory}, {SectionGlobal, s.globals}, {SectionExport, s.exports}, {SectionStart, s.start},
		{SectionElement, s.elements}, {SectionDataCount, s.dataCount}, {SectionCode, s.code}, {SectionData, s.data},
	} {
		if part.content != "" {
			out = AppendSection(out, part.id, raw(t, part.content))
		}
	}
	return append(out, raw(t, s.tail)...)
}

// withBody gives function 3, (i32) -> (i32), another body: locals declaration and code without the final end.
func withBody(t testing.TB, locals, code string) []byte {
	s := validSketch()
	body := raw(t, locals+code+"0b")
	s.code = "03 02 00 0b  02 00 0b " + hex.EncodeToString(append(AppendU32(nil, uint32(len(body))), body...))
	return s.bytes(t)
}

func testPolicy(t testing.TB) Policy {
	table, err := NewImportTable([]HostImport{
		{Module: "seal0", Name: "f", Type: FuncType{Params: []ValType{I32}, Results: []ValType{I32}}, ID: 70, Flags: 2},
		{Module: "seal0", Name: "g", Type: FuncType{}, ID: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	return ContractPolicy(ContractLimits(), table)
}
