package wasm

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// change makes a variant of the valid contract.
func change(t testing.TB, edit func(*sketch)) []byte {
	s := validSketch()
	edit(&s)
	return s.bytes(t)
}

type refusal struct {
	name string
	code []byte
}

var update = flag.Bool("update", false, "write the texts found to testdata instead of comparing them")

// checkRefusals compares the text of each refusal with testdata/<test>.txt: one line a case, in the order of the table.
func checkRefusals(t *testing.T, policy Policy, cases []refusal) {
	t.Helper()
	path := filepath.Join("testdata", t.Name()+".txt")
	var found strings.Builder
	for _, c := range cases {
		_, _, err := Validate(c.code, policy)
		fmt.Fprintf(&found, "%s: %v\n", c.name, err)
	}
	if *update {
		if err := os.WriteFile(path, []byte(found.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(golden), "\n"), "\n")
	if len(lines) != len(cases) {
		t.Fatalf("%s has %d lines for %d cases", path, len(lines), len(cases))
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m, report, err := Validate(c.code, policy)
			if err == nil {
				t.Fatal("accepted")
			}
			if got := c.name + ": " + err.Error(); got != lines[i] {
				t.Errorf("error text\n got %s\nwant %s", got, lines[i])
			}
			var e *Error
			if !errors.As(err, &e) || m != nil {
				t.Fatalf("error %T with module %v", err, m)
			}
			if report.Reason != e.Reason || report.Function != e.Function || e.Offset != NoOffset && report.Offset != uint32(e.Offset) {
				t.Errorf("report %+v, error %+v", report, e)
			}
		})
	}
}

func TestValidate_AcceptsTheSketchAndReports(t *testing.T) {
	m, report, err := Validate(change(t, func(*sketch) {}), testPolicy(t))
	if err != nil {
		t.Fatal(err)
	}
	want := Report{Function: NoFunction, Offset: NoFunction, Flags: 2, MemMin: 1, MemMax: 16, CodeLen: 12, Score: 5}
	want.Imports[1] = 1 << (70 - 64)
	if report != want {
		t.Errorf("report %+v, want %+v", report, want)
	}
	if !m.Validated() || m.FuncCount() != 4 {
		t.Errorf("module %+v", m)
	}
}

func TestDecode_Refuses(t *testing.T) {
	valid := change(t, func(*sketch) {})
	checkRefusals(t, testPolicy(t), []refusal{
		{"nothing", nil},
		{"text", []byte("(module)")},
		{"version 2", append([]byte("\x00asm\x02\x00\x00\x00"), valid[8:]...)},
		{"cut", valid[:len(valid)-1]},
		{"unknown section", change(t, func(s *sketch) { s.tail = "2a 00" })},
		{"tag section", change(t, func(s *sketch) { s.tail = "0d 00" })},
		{"section twice", change(t, func(s *sketch) { s.tail = "0b 01 00" })},
		{"section out of order", change(t, func(s *sketch) { s.tail = "01 01 00" })},
		{"section longer than its content", change(t, func(s *sketch) { s.types += "00" })},
		{"count above what is left", change(t, func(s *sketch) { s.types = "ff ff ff ff 0f 60 00 00" })},
		{"number of six bytes", change(t, func(s *sketch) { s.functions = "83 80 80 80 80 00 00 00 01" })},
		{"number above 32 bits", change(t, func(s *sketch) { s.functions = "83 80 80 80 10 00 00 01" })},
		{"name not UTF-8", change(t, func(s *sketch) { s.exports = "02 06 ff65706c6f79 00 01  04 63616c6c 00 02" })},
		{"type form", change(t, func(s *sketch) { s.types = "03 5f0000 60017f017f 60027e7f00" })},
		{"value type", change(t, func(s *sketch) { s.types = "03 600000 600122017f 60027e7f00" })},
		{"vector type", change(t, func(s *sketch) { s.types = "03 600000 60017b017f 60027e7f00" })},
		{"reference type", change(t, func(s *sketch) { s.types = "03 600000 60016f017f 60027e7f00" })},
		{"import kind", change(t, func(s *sketch) { s.imports = "02 05 7365616c30 01 66 04 01  03 656e76 06 6d656d6f7279 02 01 01 10" })},
		{"imported global", change(t, func(s *sketch) { s.imports = "02 05 7365616c30 01 66 03 7f 00  03 656e76 06 6d656d6f7279 02 01 01 10" })},
		{"two memories", change(t, func(s *sketch) { s.memory = "01 00 01" })},
		{"shared memory", change(t, func(s *sketch) { s.imports = "01 03 656e76 06 6d656d6f7279 02 03 01 10" })},
		{"64-bit memory", change(t, func(s *sketch) { s.imports = "01 03 656e76 06 6d656d6f7279 02 04 01" })},
		{"two tables", change(t, func(s *sketch) { s.table = "02 70 00 02 70 00 02" })},
		{"table of references", change(t, func(s *sketch) { s.table = "01 6f 00 02" })},
		{"table flags", change(t, func(s *sketch) { s.table = "01 70 05 02" })},
		{"mutability", change(t, func(s *sketch) { s.globals = "01 7f 02 41 05 0b" })},
		{"global of another type", change(t, func(s *sketch) { s.globals = "01 7f 00 42 05 0b" })},
		{"float global", change(t, func(s *sketch) { s.globals = "01 7d 00 43 00 00 00 00 0b" })},
		{"global.get as initial value", change(t, func(s *sketch) { s.globals = "02 7f 00 41 05 0b 7f 00 23 00 0b" })},
		{"extended constant", change(t, func(s *sketch) { s.globals = "01 7f 00 41 05 41 01 6a 0b" })},
		{"export twice", change(t, func(s *sketch) { s.exports = "02 04 63616c6c 00 01  04 63616c6c 00 02" })},
		{"export kind", change(t, func(s *sketch) { s.exports = "01 04 63616c6c 04 01" })},
		{"passive element segment", change(t, func(s *sketch) { s.elements = "01 01 00 01 03" })},
		{"element segment of table 1", change(t, func(s *sketch) { s.elements = "01 02 01 41 00 0b 00 01 03" })},
		{"passive data", change(t, func(s *sketch) { s.data = "01 01 00" })},
		{"data of memory 1", change(t, func(s *sketch) { s.data = "01 02 01 41 08 0b 00" })},
		{"data form", change(t, func(s *sketch) { s.data = "01 03 41 08 0b 00" })},
		{"data at an i64", change(t, func(s *sketch) { s.data = "01 00 42 08 0b 00" })},
		{"data count differs", change(t, func(s *sketch) { s.dataCount = "02" })},
		{"functions without body", change(t, func(s *sketch) { s.code = "" })},
		{"body cut", change(t, func(s *sketch) { s.code = "03 02 00 0b  02 00 0b  05 00 20 00 0b" })},
	})
}

func TestValidate_RefusesModuleRules(t *testing.T) {
	memory := "03 656e76 06 6d656d6f7279 02 01 01 10"
	checkRefusals(t, testPolicy(t), []refusal{
		{"two results", change(t, func(s *sketch) { s.types = "03 600000 60017f017f 60027e7f027f7f" })},
		{"float in a type", change(t, func(s *sketch) { s.types = "03 600000 60017f017f 60017c00" })},
		{"17 parameters", change(t, func(s *sketch) { s.types = "03 600000 60017f017f 6011 7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f 00" })},
		{"import of no type", change(t, func(s *sketch) { s.imports = "02 05 7365616c30 01 66 00 09 " + memory })},
		{"unknown import", change(t, func(s *sketch) { s.imports = "02 05 7365616c30 01 68 00 01 " + memory })},
		{"import of another type", change(t, func(s *sketch) { s.imports = "02 05 7365616c30 01 66 00 00 " + memory })},
		{"function of no type", change(t, func(s *sketch) { s.functions = "03 00 00 03" })},
		{"no memory", change(t, func(s *sketch) { s.imports = "01 05 7365616c30 01 66 00 01" })},
		{"own memory", change(t, func(s *sketch) { s.imports, s.memory = "01 05 7365616c30 01 66 00 01", "01 00 01" })},
		{"memory of another name", change(t, func(s *sketch) { s.imports = "02 05 7365616c30 01 66 00 01 03 656e76 06 4d656d6f7279 02 01 01 10" })},
		{"memory maximum", change(t, func(s *sketch) { s.imports = "02 05 7365616c30 01 66 00 01 03 656e76 06 6d656d6f7279 02 01 01 11" })},
		{"memory minimum above maximum", change(t, func(s *sketch) { s.imports = "02 05 7365616c30 01 66 00 01 03 656e76 06 6d656d6f7279 02 01 03 02" })},
		{"memory minimum above limit", change(t, func(s *sketch) { s.imports = "02 05 7365616c30 01 66 00 01 03 656e76 06 6d656d6f7279 02 00 11" })},
		{"table minimum above maximum", change(t, func(s *sketch) { s.table = "01 70 01 03 02" })},
		{"table too large", change(t, func(s *sketch) { s.table = "01 70 00 81 08" })},
		{"third export", change(t, func(s *sketch) {
			s.exports = "03 06 6465706c6f79 00 01  04 63616c6c 00 02  01 78 00 03"
		})},
		{"export of a global as call", change(t, func(s *sketch) { s.exports = "02 06 6465706c6f79 00 01  04 63616c6c 03 00" })},
		{"export of an import", change(t, func(s *sketch) { s.exports = "02 06 6465706c6f79 00 01  04 63616c6c 00 00" })},
		{"export of no function", change(t, func(s *sketch) { s.exports = "02 06 6465706c6f79 00 01  04 63616c6c 00 04" })},
		{"entry point with a parameter", change(t, func(s *sketch) { s.exports = "02 06 6465706c6f79 00 01  04 63616c6c 00 03" })},
		{"no deploy", change(t, func(s *sketch) { s.exports = "01 04 63616c6c 00 02" })},
		{"start of no function", change(t, func(s *sketch) { s.start = "04" })},
		{"start with a parameter", change(t, func(s *sketch) { s.start = "03" })},
		{"elements without table", change(t, func(s *sketch) { s.table = "" })},
		{"elements beyond the table", change(t, func(s *sketch) { s.elements = "01 00 41 01 0b 02 00 03" })},
		{"element of no function", change(t, func(s *sketch) { s.elements = "01 00 41 00 0b 02 00 04" })},
		{"data beyond the memory", change(t, func(s *sketch) { s.data = "01 00 41 ff ff 03 0b 02 aa bb" })},
		{"data at minus one", change(t, func(s *sketch) { s.data = "01 00 41 7f 0b 00" })},
	})
}

func TestValidate_RefusesCode(t *testing.T) {
	body := func(code string) []byte { return withBody(t, "00", code) }
	checkRefusals(t, testPolicy(t), []refusal{
		{"no result", body("")},
		{"result of another type", body("42 00")},
		{"value left over", body("20 00 20 00")},
		{"operand missing", body("20 00 6a")},
		{"operand of another type", body("20 00 42 01 6a")},
		{"operand outside the block", body("20 00 02 40 45 0b")},
		{"code behind the end", body("20 00 0b 01")},
		{"block not closed", withBody(t, "00", "20 00 02 40 01")},
		{"else without if", body("02 40 05 0b 20 00")},
		{"if with result without else", body("20 00 04 7f 20 00 0b")},
		{"unknown label", body("0c 01")},
		{"branch without value", body("0c 00")},
		{"br_if value of another type", body("42 00 20 00 0d 00")},
		{"br_table targets differ", body("02 40 20 00 20 00 0e 01 00 01 0b 20 00")},
		{"br_table without end", body("20 00 0e 01 00")},
		{"return of another type", body("42 00 0f")},
		{"unknown local", body("20 01")},
		{"local of another type", withBody(t, "01 01 7e", "20 01")},
		{"unknown global", body("23 02")},
		{"write to a constant", body("20 00 24 00 20 00")},
		{"unknown function", body("20 00 10 04")},
		{"argument of another type", body("42 00 10 03")},
		{"unknown indirect type", body("20 00 20 00 11 03 00")},
		{"table 1", body("20 00 20 00 11 01 01")},
		{"select of two types", body("20 00 42 00 20 00 1b")},
		{"alignment", body("20 00 28 03 00")},
		{"memory index in an access", body("20 00 28 42 00 00")},
		{"memory index in memory.size", body("3f 01")},
		{"float local", withBody(t, "01 01 7d", "20 00")},
		{"float constant", body("43 00 00 00 00 1a 20 00")},
		{"float load", body("20 00 2a 02 00 1a 20 00")},
		{"float add", body("92 1a 20 00")},
		{"float conversion", body("20 00 b2 1a 20 00")},
		{"saturating conversion", body("fc 00 1a 20 00")},
		{"float block", body("02 7c 0b 1a 20 00")},
		{"block with a type index", body("02 01 0b")},
		{"vector", body("fd 0c")},
		{"atomic", body("fe 03 00")},
		{"tail call", body("20 00 12 03")},
		{"exception", body("08 00")},
		{"typed select", body("20 00 20 00 20 00 1c 01 7f")},
		{"table.get", body("20 00 25 00 1a 20 00")},
		{"ref.null", body("d0 70 1a 20 00")},
		{"memory.init", body("fc 08 00 00")},
		{"data.drop", body("fc 09 00")},
		{"table.grow", body("fc 0f 00")},
		{"wide arithmetic", body("fc 13")},
		{"unknown opcode", body("27")},
		{"constant above 32 bits", body("41 80 80 80 80 08")},
		{"constant above 64 bits", body("42 80 80 80 80 80 80 80 80 80 01")},
	})
}

func TestValidate_AcceptsCode(t *testing.T) {
	for name, code := range map[string]string{
		"sign extension":                  "20 00 c0",
		"memory.copy and fill":            "20 00 20 00 20 00 fc 0a 00 00 20 00 20 00 20 00 fc 0b 00 20 00",
		"padded call_indirect":            "20 00 20 00 11 81 80 80 80 00 80 80 80 80 00",
		"padded constant":                 "41 ff ff ff ff 7f",
		"unreachable then anything":       "00 6a 1a 0c 00",
		"select behind a branch":          "20 00 0f 1b",
		"br_table with results":           "20 00 20 00 0e 00 00",
		"br_if keeps its value":           "20 00 20 00 0d 00",
		"if with both arms":               "20 00 04 7f 41 01 05 41 02 0b",
		"loop with result":                "03 7f 20 00 0b",
		"natural alignment of every load": "20 00 29 03 00 a7",
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := Validate(withBody(t, "00", code), testPolicy(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

// A runtime's exports: functions of its own and constants. The sketch exports deploy and call, a table and a memory may come
// along.
func TestBlobPolicy_RefusesExports(t *testing.T) {
	policy := BlobPolicy(64, nil)
	exports := func(hex string) []byte { return change(t, func(s *sketch) { s.exports = hex }) }
	checkRefusals(t, policy, []refusal{
		{"reserved name", exports("01 08 7365706961 3a6761 00 01")},
		{"imported function", exports("01 01 61 00 00")},
		{"no such function", exports("01 01 61 00 04")},
		{"no such global", exports("01 01 61 03 02")},
		{"mutable global", exports("01 01 61 03 01")},
		{"no such memory", exports("01 01 61 02 01")},
		{"no such table", exports("01 01 61 01 01")},
		{"memory above the address space", change(t, func(s *sketch) { s.imports = "01 03 656e76 06 6d656d6f7279 02 01 01 81 80 04" })},
	})
	if _, _, err := Validate(exports("04 01 61 03 00  01 62 01 00  01 63 02 00  01 64 00 03"), policy); err != nil {
		t.Error(err)
	}
}

func TestMeteredPolicy_RefusesWhatIsNotMetered(t *testing.T) {
	checkRefusals(t, MeteredPolicy(), []refusal{
		{"imported memory", change(t, func(*sketch) {})},
		{"memory without maximum", change(t, func(s *sketch) {
			s.imports, s.memory = "01 05 7365616c30 01 66 00 01", "01 00 01"
		})},
		{"start function", change(t, func(s *sketch) {
			s.imports, s.memory, s.start = "01 05 7365616c30 01 66 00 01", "01 01 01 02", "01"
		})},
	})
}
