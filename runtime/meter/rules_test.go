package meter_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/sepia-chain/sepia/runtime/meter"
	"github.com/sepia-chain/sepia/runtime/meter/metertest"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// ruleWeights make sums legible: each class is a power of ten apart from the plain ones.
func ruleWeights() meter.Weights {
	w := meter.Weights{Version: 7}
	for class := range meter.ClassCount {
		w.Cost[class] = 1
	}
	w.Cost[meter.ClassStructure] = 0
	w.Cost[meter.ClassCall] = 10
	w.Cost[meter.ClassCallIndirect] = 20
	w.Cost[meter.ClassFrame] = 100
	w.Cost[meter.ClassImport] = 1_000
	w.Cost[meter.ClassGrowPage] = 50
	w.Cost[meter.ClassBulkWord] = 30
	return w
}

const dieAtOnce = byte(wasm.OpUnreachable)

// contract builds a module with HostImports, then call with the given code, deploy, and further functions.
func contract(code []byte, more ...metertest.Func) *metertest.Builder {
	b := &metertest.Builder{MemoryMin: 1, MemoryMax: 2}
	for _, imp := range metertest.HostImports() {
		b.Imports = append(b.Imports, metertest.Import{Module: imp.Module, Name: imp.Name, Type: imp.Type})
	}
	entry := metertest.Types("", "")
	b.Funcs = append(b.Funcs, metertest.Func{Type: entry, Export: "call", Code: code}, metertest.Func{Type: entry, Export: "deploy"})
	b.Funcs = append(b.Funcs, more...)
	return b
}

// firstOwn is the index of the first function behind call and deploy.
const firstOwn = uint32(metertest.ImportStop) + 3

// spent runs call with the given gas and returns how it ends and what it used.
func spent(t *testing.T, b *metertest.Builder, gas int64) (metertest.Outcome, int64) {
	t.Helper()
	e := newEngine(t)
	o := meter.Options{Weights: ruleWeights(), ImportPrices: []uint64{0, 5_000, 0, 0}, MemoryMaxPages: 2, StackLimit: meter.ContractStackLimit}
	_, code := e.metered(t, b.Bytes(), metertest.Policy(), o)
	out := e.run(t, code, "call", gas)
	return out, gas - out.GasLeft
}

func expect(t *testing.T, b *metertest.Builder, class metertest.Class, used int64) metertest.Outcome {
	t.Helper()
	out, got := spent(t, b, 1_000_000)
	if out.Class != class || got != used {
		t.Fatalf("ends with %q after %d gas, want %q after %d", out.Class, got, class, used)
	}
	return out
}

// zero is an i32 0 that no compile-time look can tell from another value: the size of memory less one page.
var zero = metertest.Asm(wasm.OpMemorySize, byte(0), wasm.OpI32Const, 1, wasm.OpI32Sub)

const zeroCost = 3

func TestRule_EmptyCallCostsItsFrame(t *testing.T) {
	expect(t, contract(nil), metertest.Finished, 100)
}

func TestRule_BranchesPayForWhatTheyRun(t *testing.T) {
	code := func(condition int) []byte {
		return metertest.Asm(wasm.OpI32Const, condition, wasm.OpIf, byte(0x40), zero, wasm.OpDrop,
			wasm.OpElse, wasm.OpNop, wasm.OpEnd, zero, wasm.OpDrop)
	}
	expect(t, contract(code(0)), metertest.Finished, 100+2+zeroCost+1)
	expect(t, contract(code(1)), metertest.Finished, 100+2+2*(zeroCost+1))
}

func TestRule_ArmsThatEndEarlyLeaveTheOtherArmAlone(t *testing.T) {
	code := func(condition int) []byte {
		return metertest.Asm(wasm.OpI32Const, condition, wasm.OpIf, byte(0x40), wasm.OpBr, uint32(0), dieAtOnce,
			wasm.OpElse, zero, wasm.OpDrop, wasm.OpEnd, zero, wasm.OpDrop)
	}
	expect(t, contract(code(1)), metertest.Finished, 100+2+1+zeroCost+1)
	expect(t, contract(code(0)), metertest.Finished, 100+2+2*(zeroCost+1))
}

func TestRule_LoopsPayForEachTurn(t *testing.T) {
	f := metertest.Func{Type: metertest.Types("i", ""), Code: metertest.Asm(wasm.OpLoop, byte(0x40),
		wasm.OpLocalGet, uint32(0), wasm.OpI32Const, 1, wasm.OpI32Sub, wasm.OpLocalTee, uint32(0), wasm.OpBrIf, uint32(0), wasm.OpEnd)}
	b := contract(metertest.Asm(wasm.OpI32Const, 9, wasm.OpCall, firstOwn), f)
	expect(t, b, metertest.Finished, 100+1+10+100+9*5)
}

func TestRule_UnreachableChargesNothingBehindIt(t *testing.T) {
	code := metertest.Asm(zero, wasm.OpI32Eqz, wasm.OpIf, byte(0x40), dieAtOnce, wasm.OpEnd,
		bytes.Repeat(metertest.Asm(zero, wasm.OpDrop), 50))
	expect(t, contract(code), metertest.Unreachable, 100+zeroCost+2)
}

func TestRule_DivisionTrapsChargeNothingBehindThem(t *testing.T) {
	rest := metertest.Asm(wasm.OpDrop, bytes.Repeat(metertest.Asm(zero, wasm.OpDrop), 50))
	wide := metertest.Asm(zero, wasm.OpI64ExtendU32)
	for op := wasm.OpI32DivS; op <= wasm.OpI32RemU; op++ {
		code := metertest.Asm(wasm.OpI32Const, 7, zero, op, rest)
		expect(t, contract(code), metertest.DivideByZero, 100+1+zeroCost+1)
		code = metertest.Asm(wasm.OpI64Const, 7, wide, op+wasm.OpI64DivS-wasm.OpI32DivS, rest)
		expect(t, contract(code), metertest.DivideByZero, 100+1+zeroCost+1+1)
	}
	constant := metertest.Asm(wasm.OpI32Const, 7, wasm.OpI32Const, 0, wasm.OpI32RemU, rest)
	expect(t, contract(constant), metertest.DivideByZero, 100+3)
	lowest := metertest.Asm(wasm.OpI32Const, -1<<31, wasm.OpI32Const, -1, wasm.OpI32DivS, rest)
	expect(t, contract(lowest), metertest.IntegerOverflow, 100+3)
	lowest = metertest.Asm(wasm.OpI64Const, int64(-1<<63), wasm.OpI64Const, -1, wasm.OpI64DivS, rest)
	expect(t, contract(lowest), metertest.IntegerOverflow, 100+3)
	remainder := metertest.Asm(wasm.OpI64Const, int64(-1<<63), wasm.OpI64Const, -1, wasm.OpI64RemS, wasm.OpDrop)
	expect(t, contract(remainder), metertest.Finished, 100+4)
}

func TestRule_ConstantDivisorsAreNotWrittenBackFor(t *testing.T) {
	size := func(divisor int) int {
		m, _, err := wasm.Validate(contract(metertest.Asm(zero, wasm.OpI32Const, divisor, wasm.OpI32DivS, wasm.OpDrop)).Bytes(), metertest.Policy())
		if err != nil {
			t.Fatal(err)
		}
		out, err := meter.Instrument(m, options(m, ruleWeights()))
		if err != nil {
			t.Fatal(err)
		}
		return len(out)
	}
	if harmless, zero, minusOne := size(3), size(0), size(-1); harmless >= zero || zero != minusOne {
		t.Errorf("divisor 3: %d bytes, 0: %d, -1: %d", harmless, zero, minusOne)
	}
}

func TestRule_IndirectCallTrapsKeepTheGas(t *testing.T) {
	f := metertest.Func{Type: metertest.Types("i", ""), Code: nil}
	call := func(index int, typ wasm.FuncType) *metertest.Builder {
		b := contract(nil, f)
		b.TableSize = 2
		b.Elements = []metertest.Segment{{Funcs: []uint32{firstOwn}}}
		b.Funcs[0].Code = metertest.Asm(wasm.OpI32Const, 5, wasm.OpI32Const, index, wasm.OpCallIndirect, b.TypeIndex(typ), byte(0),
			bytes.Repeat(metertest.Asm(zero, wasm.OpDrop), 50))
		return b
	}
	const paid = 100 + 2 + 20
	expect(t, call(0, f.Type), metertest.Finished, paid+100+50*(zeroCost+1))
	expect(t, call(1, f.Type), metertest.TableBounds, paid)
	expect(t, call(2, f.Type), metertest.TableBounds, paid)
	b := call(0, metertest.Types("i", "i"))
	b.Funcs[0].Code = append(b.Funcs[0].Code, byte(wasm.OpDrop))
	expect(t, b, metertest.SignatureClass, paid)
}

func TestRule_ImportSeesTheGasWithoutTheCodeBehindIt(t *testing.T) {
	rest := bytes.Repeat(metertest.Asm(zero, wasm.OpDrop), 50)
	inner := metertest.Func{Type: metertest.Types("", ""), Code: metertest.Asm(wasm.OpI32Const, 1, wasm.OpCall, uint32(metertest.ImportStop), rest)}
	b := contract(metertest.Asm(wasm.OpBlock, byte(0x40), wasm.OpCall, firstOwn, wasm.OpEnd, rest), inner)
	const used = 100 + 10 + 100 + 1 + 1_000
	out := expect(t, b, metertest.Stopped, used)
	if out.Calls[0].GasLeft != 1_000_000-used {
		t.Errorf("the import sees %d", out.Calls[0].GasLeft)
	}
	// With exactly that much the call is made; with one unit less it is not.
	if out, _ := spent(t, b, used); out.Class != metertest.Stopped {
		t.Errorf("with %d: %q", used, out.Class)
	}
	if out, _ := spent(t, b, used-1); out.Class != metertest.OutOfGas || len(out.Calls) != 0 {
		t.Errorf("with %d: %q after %d host calls", used-1, out.Class, len(out.Calls))
	}
}

func TestRule_ImportPriceIsPaidBeforeTheCall(t *testing.T) {
	b := contract(metertest.Asm(wasm.OpI64Const, 1, wasm.OpCall, uint32(metertest.ImportB), wasm.OpDrop))
	out := expect(t, b, metertest.Finished, 100+1+1_000+5_000+1)
	if want := int64(1_000_000 - 100 - 1 - 1_000 - 5_000); out.Calls[0].GasLeft != want {
		t.Errorf("the import sees %d, want %d", out.Calls[0].GasLeft, want)
	}
}

func TestRule_HostChargesOnReturn(t *testing.T) {
	code := metertest.Asm(wasm.OpI32Const, 400, wasm.OpI32Const, 0, wasm.OpCall, uint32(metertest.ImportA), wasm.OpDrop)
	expect(t, contract(code), metertest.Finished, 100+2+1_000+400+1)
	if out, _ := spent(t, contract(code), 100+2+1_000+399); out.Class != metertest.OutOfGas || len(out.Calls) != 1 || out.GasLeft != -1 {
		t.Errorf("%q with %d left after %d calls", out.Class, out.GasLeft, len(out.Calls))
	}
}

func TestRule_ExitNeedsTheWholePrice(t *testing.T) {
	b := contract(bytes.Repeat(metertest.Asm(zero, wasm.OpDrop), 50))
	const used = 100 + 50*(zeroCost+1)
	if out, _ := spent(t, b, used); out.Class != metertest.Finished || out.GasLeft != 0 {
		t.Errorf("%q with %d left", out.Class, out.GasLeft)
	}
	if out, _ := spent(t, b, used-1); out.Class != metertest.OutOfGas {
		t.Errorf("%q with one unit less", out.Class)
	}
}

func TestRule_GrowIsPaidByThePageEvenIfItFails(t *testing.T) {
	code := metertest.Asm(wasm.OpI32Const, 1, wasm.OpMemoryGrow, byte(0), wasm.OpDrop)
	expect(t, contract(code), metertest.Finished, 100+2+50+1)
	code = metertest.Asm(wasm.OpI32Const, 100, wasm.OpMemoryGrow, byte(0), wasm.OpDrop)
	expect(t, contract(code), metertest.Finished, 100+2+100*50+1)
	code = metertest.Asm(wasm.OpI32Const, -1, wasm.OpMemoryGrow, byte(0), wasm.OpDrop)
	if out, _ := spent(t, contract(code), 1<<37); out.Class != metertest.OutOfGas {
		t.Errorf("2^32 - 1 pages end with %q", out.Class)
	}
}

func TestRule_BulkIsPaidByTheWordBeforeIt(t *testing.T) {
	fill := func(n int) []byte {
		return metertest.Asm(wasm.OpI32Const, 0, wasm.OpI32Const, 0xaa, wasm.OpI32Const, n, wasm.OpMemoryFill, byte(0))
	}
	copyBytes := func(n int) []byte {
		return metertest.Asm(wasm.OpI32Const, 0, wasm.OpI32Const, 1, wasm.OpI32Const, n, wasm.OpMemoryCopy, byte(0), byte(0))
	}
	for n, words := range map[int]int64{0: 0, 1: 1, 8: 1, 9: 2, 4_096: 512} {
		expect(t, contract(fill(n)), metertest.Finished, 100+4+30*words)
		expect(t, contract(copyBytes(n)), metertest.Finished, 100+4+30*words)
	}
	out, _ := spent(t, contract(fill(4_096)), 100+4+30*512-1)
	if out.Class != metertest.OutOfGas || slices.Max(out.Memory) != 0 {
		t.Errorf("%q, memory written: %v", out.Class, slices.Max(out.Memory) != 0)
	}
}

func TestRule_StackOverflowKeepsTheGas(t *testing.T) {
	f := metertest.Func{Type: metertest.Types("", ""), Code: metertest.Asm(wasm.OpCall, firstOwn)}
	b := contract(metertest.Asm(wasm.OpCall, firstOwn), f)
	// 32,768 units hold call itself and 1,023 frames of 32 units; the last call is paid, its frame is not.
	expect(t, b, metertest.StackOverflow, 100+1_023*100+1_024*10)
}

func TestRule_MemoryTrapsLeaveTheCounterBehind(t *testing.T) {
	out, used := spent(t, contract(metertest.Asm(wasm.OpI32Const, -1, wasm.OpI32Load, byte(0), uint32(0), wasm.OpDrop)), 1_000_000)
	if out.Class != metertest.MemoryBounds || used != 0 {
		t.Errorf("%q with %d used: the runner takes it all", out.Class, used)
	}
}

func TestRule_StartFunctionRunsBeforeEachEntryPoint(t *testing.T) {
	start := metertest.Func{Type: metertest.Types("", ""), Code: metertest.Asm(wasm.OpI32Const, 3, wasm.OpI32Const, 4, wasm.OpCall, uint32(metertest.ImportA), wasm.OpDrop)}
	b := contract(nil, start)
	b.HasStart, b.Start = true, int(firstOwn)
	e := newEngine(t)
	o := meter.Options{Weights: ruleWeights(), ImportPrices: make([]uint64, 4), MemoryMaxPages: 2, StackLimit: meter.ContractStackLimit}
	_, code := e.metered(t, b.Bytes(), metertest.Policy(), o)
	for _, entry := range []string{"deploy", "call"} {
		out := e.run(t, code, entry, 1_000_000)
		if len(out.Calls) != 1 || out.Class != metertest.Finished {
			t.Errorf("%s: %q after %d host calls", entry, out.Class, len(out.Calls))
		}
		if used := 1_000_000 - out.GasLeft; used != 100+2*10+100+2+1_000+3+1+100 {
			t.Errorf("%s uses %d", entry, used)
		}
	}
}

func TestRule_TableEntriesThatAreImportsGetAFunction(t *testing.T) {
	b := contract(nil)
	b.TableSize = 1
	b.Elements = []metertest.Segment{{Funcs: []uint32{metertest.ImportA}}}
	b.Funcs[0].Code = metertest.Asm(wasm.OpI32Const, 3, wasm.OpI32Const, 4, wasm.OpI32Const, 0,
		wasm.OpCallIndirect, b.TypeIndex(metertest.Types("ii", "i")), byte(0), wasm.OpDrop)
	out := expect(t, b, metertest.Finished, 100+3+20+100+2+1_000+3+1)
	if len(out.Calls) != 1 || !slices.Equal(out.Calls[0].Args, []uint64{3, 4}) {
		t.Errorf("host calls %v", out.Calls)
	}
}

func TestOutput_Shape(t *testing.T) {
	b := contract(nil)
	b.TableSize = 3
	e := newEngine(t)
	code := b.Bytes()
	code = append(code, 0, 5, 4, 'n', 'a', 'm', 'e') // a custom section, to be dropped
	m, _, err := wasm.Validate(code, metertest.Policy())
	if err != nil {
		t.Fatal(err)
	}
	out, err := meter.Instrument(m, meter.Options{Weights: ruleWeights(), ImportPrices: make([]uint64, 4), MemoryMaxPages: 16, StackLimit: 77})
	if err != nil {
		t.Fatal(err)
	}
	if _, found := wasm.CustomSection(out, "name"); found {
		t.Error("a custom section is kept")
	}
	got, err := wasm.Decode(out)
	if err != nil {
		t.Fatal(err)
	}
	if got.Memory.Imported || got.Memory.Min != 1 || got.Memory.Max != 2 || got.Table.Min != 3 || got.Table.Max != 3 || !got.Table.HasMax {
		t.Errorf("memory %+v, table %+v", got.Memory, got.Table)
	}
	for i, imp := range metertest.HostImports() {
		want := wasm.FuncType{Params: append(slices.Clone(imp.Type.Params), wasm.I64), Results: imp.Type.Results}
		if got.Imports[i].Name != imp.Name || !got.Types[got.Imports[i].Type].Equal(want) {
			t.Errorf("import %d: %+v of type %s", i, got.Imports[i], got.Types[got.Imports[i].Type])
		}
	}
	if last := got.Imports[4]; last.Module != "sepia" || last.Name != "gas" || got.Types[last.Type].String() != "() -> (i64)" {
		t.Errorf("the last import is %+v", last)
	}
	var names []string
	for _, export := range got.Exports {
		names = append(names, export.Name)
	}
	if want := []string{"call", "deploy", "sepia:memory", "sepia:gas", "sepia:stack"}; !slices.Equal(names, want) {
		t.Errorf("exports %v, want %v", names, want)
	}
	if gas, stack := got.Globals[0], got.Globals[1]; gas.Type != wasm.I64 || !gas.Mutable || stack.Type != wasm.I32 || !stack.Mutable || stack.Value != 77 {
		t.Errorf("counters %+v, %+v", gas, stack)
	}
	if _, err := e.runtime.CompileModule(e.ctx, out); err != nil {
		t.Error(err)
	}
}

func TestBlob_ReservedExportNamesAreRefused(t *testing.T) {
	blob := func(name string) ([]byte, error) {
		b := metertest.Builder{MemoryMin: 1, Funcs: []metertest.Func{{Type: metertest.Types("ii", "I"), Code: metertest.Asm(wasm.OpI64Const, 0), Export: name}}}
		m, _, err := wasm.Validate(b.Bytes(), wasm.BlobPolicy(64, nil))
		if err != nil {
			return nil, err
		}
		return meter.Instrument(m, meter.Options{Weights: meter.BlobWeights(), MemoryMaxPages: 64, StackLimit: meter.BlobStackLimit})
	}
	if _, err := blob("sepia:gas"); err == nil || err.Error() != `module, byte 0x2c: the export "sepia:gas" has a reserved name (reserved-name: names that begin with "sepia:" belong to the node: rename the export)` {
		t.Error(err)
	}
	out, err := blob("Core_version")
	if err != nil {
		t.Fatal(err)
	}
	m, err := wasm.Decode(out)
	if err != nil || m.Exports[0].Name != "Core_version" || m.Memory.Max != 64 {
		t.Errorf("%+v, %v", m, err)
	}
}
