package wasm_test

import (
	"errors"
	"testing"

	"github.com/sepia-chain/sepia/runtime/meter/metertest"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// contract is a module with deploy and call and one more function, () -> (), of the given code and i32 locals.
func contract(locals int, code []byte) *metertest.Builder {
	entry := metertest.Types("", "")
	f := metertest.Func{Type: entry, Code: code}
	for range locals {
		f.Locals = append(f.Locals, wasm.I32)
	}
	return &metertest.Builder{MemoryMin: 1, Funcs: []metertest.Func{{Type: entry, Export: "call"}, {Type: entry, Export: "deploy"}, f}}
}

func times(n int, parts ...any) []byte {
	var code []byte
	for range n {
		code = append(code, metertest.Asm(parts...)...)
	}
	return code
}

func nest(n int, op wasm.Op) []byte {
	return append(times(n, op, byte(0x40)), times(n, wasm.OpEnd)...)
}

func functions(n, locals int) *metertest.Builder {
	b := contract(locals, nil)
	for len(b.Funcs) < n {
		b.Funcs = append(b.Funcs, b.Funcs[2])
	}
	return b
}

func blockFunctions(blocks int) *metertest.Builder {
	b := contract(0, nil)
	for blocks > 0 {
		n := min(blocks, 1_000)
		blocks -= n
		b.Funcs = append(b.Funcs, metertest.Func{Type: metertest.Types("", ""), Code: times(n, wasm.OpBlock, byte(0x40), wasm.OpEnd)})
	}
	return b
}

func addTypes(n int) *metertest.Builder {
	b := contract(0, nil)
	for i := range n - 1 { // () -> () is there
		var t wasm.FuncType
		for bit := range 9 {
			t.Params = append(t.Params, []wasm.ValType{wasm.I32, wasm.I64}[i>>bit&1])
		}
		b.TypeIndex(t)
	}
	return b
}

func withTarget(n int) []byte {
	table := wasm.AppendU32([]byte{byte(wasm.OpBrTable)}, uint32(n))
	return metertest.Asm(wasm.OpI32Const, 0, append(table, make([]byte, n+1)...))
}

// Each limit of the contract tier accepts its value and refuses one more.
func TestContractLimits_AcceptTheLimitAndRefuseOneMore(t *testing.T) {
	l := wasm.ContractLimits()
	policy := wasm.ContractPolicy(l, nil)
	policy.Limits.Score = wasm.Unlimited // has tests of its own
	params := func(n int) *metertest.Builder {
		b := contract(0, nil)
		for range n {
			b.Funcs[2].Type.Params = append(b.Funcs[2].Type.Params, wasm.I64)
		}
		return b
	}
	for _, c := range []struct {
		reason wasm.Code
		limit  uint32
		build  func(n int) *metertest.Builder
	}{
		{wasm.LimitTypes, l.Types, addTypes},
		{wasm.LimitFunctions, l.Functions, func(n int) *metertest.Builder { return functions(n, 0) }},
		{wasm.LimitBody, l.BodyBytes, func(n int) *metertest.Builder { return contract(0, times(n-2, wasm.OpNop)) }},
		{wasm.LimitBlocks, l.Blocks, func(n int) *metertest.Builder { return contract(0, times(n, wasm.OpBlock, byte(0x40), wasm.OpEnd)) }},
		{wasm.LimitModuleBlocks, l.ModuleBlocks, blockFunctions},
		{wasm.LimitLocals, l.Locals, func(n int) *metertest.Builder { return contract(n, nil) }},
		{wasm.LimitModuleLocals, l.ModuleLocals, func(n int) *metertest.Builder {
			b := functions(2+100, 100)
			for range n - 10_000 {
				b.Funcs[0].Locals = append(b.Funcs[0].Locals, wasm.I64)
			}
			return b
		}},
		{wasm.LimitParams, l.Params, params},
		{wasm.LimitBranchTable, l.BranchTable, func(n int) *metertest.Builder { return contract(0, withTarget(n)) }},
		{wasm.LimitNesting, l.Nesting, func(n int) *metertest.Builder { return contract(0, nest(n, wasm.OpBlock)) }},
		{wasm.LimitLoops, l.Loops, func(n int) *metertest.Builder { return contract(0, nest(n, wasm.OpLoop)) }},
		{wasm.LimitOperands, l.Operands, func(n int) *metertest.Builder {
			return contract(0, append(times(n, wasm.OpI32Const, 0), times(n, wasm.OpDrop)...))
		}},
		{wasm.LimitGlobals, l.Globals, func(n int) *metertest.Builder {
			b := contract(0, nil)
			b.Globals = make([]metertest.Global, n)
			for i := range b.Globals {
				b.Globals[i].Type = wasm.I32
			}
			return b
		}},
		{wasm.TableSize, l.TableSize, func(n int) *metertest.Builder {
			b := contract(0, nil)
			b.TableSize = n
			return b
		}},
		{wasm.MemorySize, l.MemoryPages, func(n int) *metertest.Builder {
			b := contract(0, nil)
			b.MemoryMin = uint32(n)
			return b
		}},
		{wasm.LimitData, l.DataSegments, func(n int) *metertest.Builder {
			b := contract(0, nil)
			b.Data = make([]metertest.Segment, n)
			return b
		}},
		{wasm.LimitElements, l.Elements, func(n int) *metertest.Builder {
			b := contract(0, nil)
			b.TableSize, b.Elements = 1, make([]metertest.Segment, n)
			return b
		}},
		{wasm.LimitImports, l.Imports, func(n int) *metertest.Builder {
			b := contract(0, nil)
			for range n {
				b.Imports = append(b.Imports, metertest.Import{Module: "seal0", Name: "f"})
			}
			return b
		}},
	} {
		t.Run(c.reason.String(), func(t *testing.T) {
			if _, _, err := wasm.Validate(c.build(int(c.limit)).Bytes(), policy); err != nil {
				t.Errorf("%d: %v", c.limit, err)
			}
			_, report, err := wasm.Validate(c.build(int(c.limit)+1).Bytes(), policy)
			if report.Reason != c.reason {
				t.Errorf("%d: %v, want %s", c.limit+1, err, c.reason)
			}
		})
	}
}

func TestContractLimits_ModuleBytesCountTheWholeFile(t *testing.T) {
	policy := wasm.ContractPolicy(wasm.ContractLimits(), nil)
	code := contract(0, nil).Bytes()
	pad := 256<<10 - len(code) - 1 - 3 // id and size of the custom section
	code = wasm.AppendSection(code, wasm.SectionCustom, append([]byte{1, 'x'}, make([]byte, pad-2)...))
	if _, _, err := wasm.Validate(code, policy); err != nil || len(code) != 256<<10 {
		t.Fatalf("%d bytes: %v", len(code), err)
	}
	want := "module: the file has 262145 bytes, the limit is 262144 (too-large: make the program smaller: build with -C opt-level=z, lto and wasm-opt)"
	if _, _, err := wasm.Validate(append(code, 0), policy); err == nil || err.Error() != want {
		t.Error(err)
	}
}

// A limit of zero allows nothing: a table of limits that comes from a chain's runtime cannot switch a limit off by leaving
// it out.
func TestLimits_ZeroAllowsNothing(t *testing.T) {
	limits := wasm.ContractLimits()
	limits.Blocks = 0
	code := contract(0, nest(1, wasm.OpBlock)).Bytes()
	if _, report, err := wasm.Validate(code, wasm.ContractPolicy(limits, nil)); report.Reason != wasm.LimitBlocks {
		t.Error(err)
	}
}

func TestBlobLimits_LargerThanThoseOfContracts(t *testing.T) {
	for name, code := range map[string][]byte{
		"nesting": nest(4_096, wasm.OpBlock), "loops": nest(100, wasm.OpLoop), "br_table": withTarget(4_096),
		"blocks": times(20_000, wasm.OpBlock, byte(0x40), wasm.OpEnd),
	} {
		b := contract(0, code)
		if _, _, err := wasm.Validate(b.Bytes(), wasm.BlobPolicy(16, nil)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		code   []byte
		reason wasm.Code
	}{
		"nesting":  {nest(4_097, wasm.OpBlock), wasm.LimitNesting},
		"br_table": {withTarget(4_097), wasm.LimitBranchTable},
		"blocks":   {times(20_001, wasm.OpBlock, byte(0x40), wasm.OpEnd), wasm.LimitBlocks},
		"body":     {times(256<<10, wasm.OpNop), wasm.LimitBody},
	} {
		_, _, err := wasm.Validate(contract(0, c.code).Bytes(), wasm.BlobPolicy(16, nil))
		var e *wasm.Error
		if !errors.As(err, &e) || e.Reason != c.reason {
			t.Errorf("%s: %v, want %s", name, err, c.reason)
		}
	}
}

func TestBlobPolicy_RefusesAStartFunction(t *testing.T) {
	b := contract(0, nil)
	b.HasStart, b.Start = true, 2
	_, _, err := wasm.Validate(b.Bytes(), wasm.BlobPolicy(16, nil))
	if want := "module, byte 0x3d: the module has a start function (start-section: remove the start function)"; err == nil || err.Error() != want {
		t.Error(err)
	}
}

// The score is a sum that anyone can check by hand, in tenths of a microsecond.
func TestScore_IsTheSumOfItsTerms(t *testing.T) {
	score := func(locals int, code []byte) uint64 {
		_, report, err := wasm.Validate(contract(locals, code).Bytes(), wasm.ContractPolicy(wasm.ContractLimits(), nil))
		if err != nil {
			t.Fatal(err)
		}
		return report.Score
	}
	const others = 2 * 2 * 6 // two empty bodies of two bytes
	for _, c := range []struct {
		name   string
		locals int
		code   []byte
		tenths uint64
	}{
		{"nothing", 0, nil, 2 * 6},
		{"call", 0, metertest.Asm(wasm.OpCall, uint32(0)), 4*6 + 300},
		{"block", 0, nest(1, wasm.OpBlock), 5*6 + 400 + 1},
		{"loop with 3 locals", 3, nest(1, wasm.OpLoop), 11*6 + 400 + 1 + 13*(3+1)},
		{"100 blocks", 0, times(100, wasm.OpBlock, byte(0x40), wasm.OpEnd), 302*6 + 100*400 + 100*101/2},
		{"if and else", 0, metertest.Asm(wasm.OpI32Const, 1, wasm.OpIf, byte(0x40), wasm.OpElse, wasm.OpEnd), 8*6 + 400 + 1 + 2*13},
		{"br", 1, metertest.Asm(wasm.OpBr, uint32(0)), 6*6 + 13*2},
		{"br_table with 9 targets and a default", 0, withTarget(9), 16*6 + 10*13},
		{"division", 0, metertest.Asm(wasm.OpI64Const, 1, wasm.OpI64Const, 1, wasm.OpI64RemU, wasm.OpDrop), 8*6 + 300},
		{"load", 0, metertest.Asm(wasm.OpI32Const, 1, wasm.OpI32Load, byte(0), uint32(0), wasm.OpDrop), 8*6 + 70},
		{"grow", 0, metertest.Asm(wasm.OpI32Const, 1, wasm.OpMemoryGrow, byte(0), wasm.OpDrop), 7*6 + 1000},
		{"fill", 0, metertest.Asm(times(3, wasm.OpI32Const, 1), wasm.OpMemoryFill, byte(0)), 11*6 + 1000},
	} {
		if got, want := score(c.locals, c.code), (others+c.tenths+9)/10; got != want {
			t.Errorf("%s: %d us, want %d", c.name, got, want)
		}
	}
}

func TestImportTable_Refuses(t *testing.T) {
	f := wasm.HostImport{Module: "m", Name: "f"}
	if _, err := wasm.NewImportTable([]wasm.HostImport{f, f}); err == nil || err.Error() != "import table: m.f is given twice" {
		t.Error(err)
	}
	f.ID = 512
	if _, err := wasm.NewImportTable([]wasm.HostImport{f}); err == nil || err.Error() != "import table: m.f has id 512, ids are below 512" {
		t.Error(err)
	}
}

func TestCustomSection_FindsTheFirstOfAName(t *testing.T) {
	code := contract(0, nil).Bytes()
	for _, s := range []string{"\x01ano", "\x02abfirst", "\x02absecond"} {
		code = wasm.AppendSection(code, wasm.SectionCustom, []byte(s))
	}
	if got, ok := wasm.CustomSection(code, "ab"); !ok || string(got) != "first" {
		t.Errorf("%q, %v", got, ok)
	}
	if _, ok := wasm.CustomSection(code, "b"); ok {
		t.Error("found a section that is not there")
	}
	if _, ok := wasm.CustomSection(code[:len(code)-1], "ab"); ok {
		t.Error("found a section in a damaged file")
	}
}
