package vm

import (
	"bytes"
	"errors"
	"testing"

	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/meter"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// section is a section sepia_vm in parts, so that tests can spoil one.
type section struct {
	version uint32
	classes []uint32
	limits  limitFields
	imports []testImport
	tail    []byte
}

type testImport struct {
	id           uint32
	module, name string
	params       []byte
	result       []byte // the encoded option
	flags        byte
	price        uint64
}

func goodSection() section {
	weights := meter.ContractWeights()
	s := section{version: meter.Version, classes: weights.Cost[:], limits: limitFields{Limits: wasm.ContractLimits(), stack: engine.GuestStackUnits}}
	s.imports = []testImport{
		{1, "seal0", "one", []byte{0x7f, 0x7e}, []byte{1, 0x7f}, FlagDeprecated, 5},
		{2, "seal1", "one", nil, []byte{0}, FlagMutates, 6},
	}
	return s
}

func (s section) encode() []byte {
	b := scale.AppendU32(nil, s.version)
	b = scale.AppendCompact(b, uint64(len(s.classes)))
	for class, cost := range s.classes {
		b = scale.AppendU32(append(b, byte(class)), cost)
	}
	for _, field := range s.limits.inOrder() {
		b = scale.AppendU32(b, *field)
	}
	b = scale.AppendCompact(b, uint64(len(s.imports)))
	for _, i := range s.imports {
		b = scale.AppendU32(b, i.id)
		b = scale.AppendBytes(b, []byte(i.module))
		b = scale.AppendBytes(b, []byte(i.name))
		b = scale.AppendBytes(b, i.params)
		b = append(append(b, i.result...), i.flags)
		b = scale.AppendU64(b, i.price)
	}
	return append(b, s.tail...)
}

func TestReadRules_ReadsEveryPart(t *testing.T) {
	s := goodSection()
	s.classes[meter.ClassDiv] = 77
	s.limits.Functions, s.limits.stack, s.limits.MemoryPages = 9, 1_000, 3
	r, err := ReadRules(s.encode())
	if err != nil {
		t.Fatal(err)
	}
	entry, ok := r.policy.Imports.Lookup("seal0", "one")
	want := wasm.FuncType{Params: []wasm.ValType{wasm.I32, wasm.I64}, Results: []wasm.ValType{wasm.I32}}
	if !ok || entry.ID != 1 || entry.Flags != FlagDeprecated || !entry.Type.Equal(want) {
		t.Errorf("import %+v", entry)
	}
	if entry, _ := r.policy.Imports.Lookup("seal1", "one"); entry.Flags != 0 {
		t.Errorf("the flag of mutation is shown: %+v", entry)
	}
	if r.policy.Limits.Functions != 9 || r.stack != 1_000 || r.pages != 3 || r.weights.Cost[meter.ClassDiv] != 77 {
		t.Errorf("rules %+v", r)
	}
	if r.prices[importName{"seal1", "one"}] != 6 || r.ids[importName{"seal1", "one"}] != 2 {
		t.Errorf("prices %v, ids %v", r.prices, r.ids)
	}
}

func TestReadRules_Refuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(s *section)
		text  string
	}{
		{"another meter", func(s *section) { s.version = 2 }, "section sepia_vm: it wants version 2 of the meter, this node has version 1"},
		{"a class less", func(s *section) { s.classes = s.classes[1:] }, "section sepia_vm: it prices 16 classes of instructions, version 1 of the meter has 17"},
		{"a class more", func(s *section) { s.classes = append(s.classes, 1) }, "section sepia_vm: it prices 18 classes of instructions, version 1 of the meter has 17"},
		{"a free branch", func(s *section) { s.classes[meter.ClassBranch] = 0 }, "section sepia_vm: weights: a branch costs nothing, so a loop could run for ever"},
		{"too much memory", func(s *section) { s.limits.MemoryPages = 17 }, "section sepia_vm: limit 16 is 17, this node allows at most 16"},
		{"too much stack", func(s *section) { s.limits.stack = 32_769 }, "section sepia_vm: limit 21 is 32769, this node allows at most 32768"},
		{"too high a score", func(s *section) { s.limits.Score++ }, "section sepia_vm: limit 20 is 1000001, this node allows at most 1000000"},
		{"ids do not ascend", func(s *section) { s.imports[1].id = 1 }, "section sepia_vm: import seal1.one has id 1, which does not ascend"},
		{"id too large", func(s *section) { s.imports[1].id = 512 }, "section sepia_vm: import table: seal1.one has id 512, ids are below 512"},
		{"one name twice", func(s *section) { s.imports[1].module = "seal0" }, "section sepia_vm: import table: seal0.one is given twice"},
		{"a float parameter", func(s *section) { s.imports[0].params[0] = 0x7d }, "section sepia_vm: 0x7d is no type of an integer"},
		{"a float result", func(s *section) { s.imports[0].result[1] = 0x7c }, "section sepia_vm: 0x7c is no type of an integer"},
		{"many parameters", func(s *section) { s.imports[0].params = make([]byte, 15) }, "section sepia_vm: 0x00 is no type of an integer"},
		{"a high price", func(s *section) { s.imports[0].price = 1<<40 + 1 }, "section sepia_vm: import seal0.one costs 1099511627777, the limit is 1099511627776"},
		{"trailing bytes", func(s *section) { s.tail = []byte{0} }, "section sepia_vm: trailing bytes after the value: 1 left"},
	} {
		s := goodSection()
		s.classes = append([]uint32(nil), s.classes...)
		c.spoil(&s)
		_, err := ReadRules(s.encode())
		if !errors.Is(err, ErrRules) || err.Error() != c.text {
			t.Errorf("%s: error %v, want %q", c.name, err, c.text)
		}
	}
	whole := goodSection().encode()
	for n := range whole {
		if _, err := ReadRules(whole[:n]); !errors.Is(err, ErrRules) {
			t.Fatalf("cut to %d bytes: error %v", n, err)
		}
	}
}

func FuzzReadRules(f *testing.F) {
	f.Add(goodSection().encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ReadRules(b)
		if err == nil && r.policy.Imports == nil {
			t.Fatal("rules without a table of imports accept every import")
		}
	})
}

// Whatever a contract's code is, the report of it says to the blob what the validator said.
func FuzzReport(f *testing.F) {
	f.Add([]byte("\x00asm\x01\x00\x00\x00"))
	for _, to := range []int{1, 100, 1 << 20} {
		f.Add(counting(to))
	}
	f.Add(bytes.Replace(counting(7), []byte("memory\x02\x01\x01\x01"), []byte("memory\x02\x01\x01\x02"), 1)) // one page that may become two
	rules, provider := testRules(f), newTestProvider(f, Options{CacheBytes: 1})
	f.Fuzz(func(t *testing.T, code []byte) {
		session := provider.NewSession(rules, pairs{}, false)
		defer session.Close()
		var report [ReportBytes]byte
		answer, err := session.Validate(code, &report)
		if err != nil {
			t.Fatalf("error %v is the node's fault", err)
		}
		_, want, refusal := wasm.Validate(code, rules.policy)
		got := decodeReport(&report)
		if got.codeLen != uint32(len(code)) || got.reason != uint32(want.Reason) || got.function != want.Function || got.offset != want.Offset {
			t.Fatalf("report %+v of %d bytes, the validator says %+v", got, len(code), want)
		}
		if (answer == ValidateOK) != (refusal == nil) || (answer == ValidateOK) != (got.reason == 0) {
			t.Fatalf("answer %d with reason %d, the validator says %v", answer, got.reason, refusal)
		}
		if got.score != want.Score || got.imports != want.Imports || got.memMin != want.MemMin || got.memMax != want.MemMax || got.flags&^FlagDeprecated != 0 {
			t.Fatalf("report %+v, the validator says %+v", got, want)
		}
	})
}

// readReport is a Report as the blob reads it, field by field in the order of abi.json.
type readReport struct {
	reason, function, offset, flags, memMin, memMax, codeLen uint32
	score                                                    uint64
	imports                                                  [wasm.MaxImportID / 64]uint64
}

func decodeReport(b *[ReportBytes]byte) (r readReport) {
	d := scale.NewDecoder(b[:])
	for _, field := range []*uint32{&r.reason, &r.function, &r.offset, &r.flags, &r.memMin, &r.memMax, &r.codeLen} {
		*field = d.U32()
	}
	d.U32() // reserved
	r.score = d.U64()
	for i := range r.imports {
		r.imports[i] = d.U64()
	}
	return r
}
