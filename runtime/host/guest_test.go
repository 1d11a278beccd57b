package host_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/host"
	"github.com/sepia-chain/sepia/runtime/host/hosttest"
	"github.com/sepia-chain/sepia/runtime/meter"
	"github.com/sepia-chain/sepia/runtime/vm"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// The binaries of testdata are what wat2wasm makes of the sources beside them.
func TestTestdata_BinariesBelongToTheirSources(t *testing.T) {
	tool, err := exec.LookPath("wat2wasm")
	if err != nil {
		t.Log("NOT COMPARED: wat2wasm is missing, scripts/setup installs it")
		return
	}
	for _, name := range []string{"driver", "guest", "storage"} {
		out := filepath.Join(t.TempDir(), name)
		if text, err := exec.Command(tool, "testdata/"+name+".wat", "-o", out).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", name, err, text)
		}
		made, err := os.ReadFile(out)
		if err != nil || !bytes.Equal(made, testdata(t, name)) {
			t.Errorf("testdata/%s.wasm is not what its source says (%v)", name, err)
		}
	}
}

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".wasm")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Ids of the guest's imports, prices and parameters, as the test blob declares them.
const (
	askID, manyID = 3, 200
	askPrice      = 1_000_000
)

// vmSection encodes rules for guests: the node's own weights and limits, and two imports.
func vmSection() []byte {
	weights := meter.ContractWeights()
	b := scale.AppendU32(nil, meter.Version)
	b = scale.AppendCompact(b, uint64(meter.ClassCount))
	for class, cost := range weights.Cost {
		b = scale.AppendU32(append(b, byte(class)), cost)
	}
	l := wasm.ContractLimits()
	for _, limit := range []uint32{
		l.ModuleBytes, l.Types, l.Imports, l.Functions, l.BodyBytes, l.Blocks, l.ModuleBlocks, l.Locals, l.ModuleLocals,
		l.Params, l.Globals, l.TableSize, l.BranchTable, l.Nesting, l.Loops, l.Operands, l.MemoryPages, l.DataSegments,
		l.Elements, l.Exports, l.Score, engine.GuestStackUnits,
	} {
		b = scale.AppendU32(b, limit)
	}
	i32, i64 := byte(wasm.I32), byte(wasm.I64)
	b = scale.AppendCompact(b, 2)
	b = appendImport(b, askID, "ask", []byte{i32, i64}, i64, vm.FlagDeprecated|vm.FlagMutates, askPrice)
	return appendImport(b, manyID, "many", bytes.Repeat([]byte{i32, i64}, 7), i32, 0, 0)
}

func appendImport(b []byte, id uint32, name string, params []byte, result, flags byte, price uint64) []byte {
	b = scale.AppendU32(b, id)
	b = scale.AppendBytes(b, []byte("test"))
	b = scale.AppendBytes(b, []byte(name))
	b = scale.AppendBytes(b, params)
	return scale.AppendU64(append(b, 1, result, flags), price)
}

// driverBlob is testdata/driver with the sections that a blob carries.
func driverBlob(t testing.TB) []byte {
	version := host.Version{SpecName: "driver", ImplName: "driver", SpecVersion: 1}
	blob := testdata(t, "driver")
	for name, content := range map[string][]byte{"runtime_version": version.Encode(), vm.SectionName: vmSection()} {
		blob = wasm.AppendSection(blob, wasm.SectionCustom, append(wasm.AppendName(nil, name), content...))
	}
	return blob
}

// Operations of the driver.
const (
	opValidate = iota
	opLoad
	opInstantiate
	opRun
	opRead
	opWrite
	opDrop
	opExplain
	opSet
	opHash
)

// script is one blob call that makes a row of guest VM calls.
type script struct {
	steps [][5]uint64
	data  []byte
}

const (
	maxSteps = 100
	dataAt   = 8 + 40*maxSteps
)

func (s *script) add(operation uint64, args ...uint64) int {
	step := [5]uint64{operation}
	copy(step[1:], args)
	s.steps = append(s.steps, step)
	return len(s.steps) - 1
}

// put places bytes in the input and returns their relative address.
func (s *script) put(b []byte) uint64 {
	at := dataAt + len(s.data)
	s.data = append(s.data, b...)
	s.data = append(s.data, make([]byte, (8-len(s.data)%8)%8)...)
	return uint64(at)
}

func (s *script) fat(b []byte) uint64 { return uint64(len(b))<<32 | s.put(b) }

// step is what run filled, and its code.
type step struct {
	code                       int64
	gasLeft                    int64
	id, nargs, class, memBytes uint32
	args                       [14]uint64
}

func (s *script) encode() []byte {
	input := scale.AppendU64(nil, uint64(len(s.steps)))
	for _, step := range s.steps {
		for _, word := range step {
			input = scale.AppendU64(input, word)
		}
	}
	input = append(input, make([]byte, dataAt-len(input))...)
	return append(input, s.data...)
}

// ended is the output of a script.
type ended struct {
	t      testing.TB
	output []byte
	gas    int64
}

func (e ended) result(stepNumber int) int64 {
	return int64(binary.LittleEndian.Uint64(e.output[8+40*stepNumber:]))
}

func (e ended) step(code int, at uint64) step {
	b := e.output[at:]
	le := binary.LittleEndian
	s := step{code: e.result(code), gasLeft: int64(le.Uint64(b)), id: le.Uint32(b[8:]), nargs: le.Uint32(b[12:]), class: le.Uint32(b[16:]), memBytes: le.Uint32(b[20:])}
	for i := range s.args {
		s.args[i] = le.Uint64(b[24+8*i:])
	}
	return s
}

// driver runs scripts.
type driver struct {
	t       testing.TB
	runtime *host.Runtime
	storage *hosttest.Storage
}

var codeKey = []byte("code of the guest")

func newDriver(t testing.TB) *driver {
	e := newEngine(t)
	guests := vm.NewProvider(e, vm.Options{})
	t.Cleanup(guests.Close)
	d := &driver{t: t, runtime: newRuntime(t, e, driverBlob(t), host.Options{Guests: guests})}
	d.storage = hosttest.New(map[string][]byte{string(codeKey): scale.AppendBytes(nil, testdata(t, "guest"))})
	return d
}

func (d *driver) run(s *script, gas int64, dryRun bool) (ended, error) {
	result, err := d.runtime.Call(context.Background(), "drive", s.encode(), host.CallOptions{Storage: d.storage, GasLimit: gas, DryRun: dryRun})
	return ended{d.t, result.Output, result.GasUsed}, err
}

func (d *driver) must(s *script) ended {
	d.t.Helper()
	e, err := d.run(s, ampleGas, false)
	if err != nil {
		d.t.Fatal(err)
	}
	return e
}

// load adds loading and instantiating; the handles are 0 in a fresh script.
func (s *script) load(entryPoint uint64) (loaded, instantiated int) {
	report := s.put(make([]byte, vm.ReportBytes))
	return s.add(opLoad, s.fat(codeKey), report), s.add(opInstantiate, 0, entryPoint)
}

const (
	deploy = 0
	call   = 1
)

// Arguments, answers, memory and gas cross exactly, in both directions.
func TestGuest_HandOver(t *testing.T) {
	d := newDriver(t)
	var s script
	s.load(call)
	const gas = 1_000_000_000
	out := [3]uint64{s.put(make([]byte, vm.StepBytes)), s.put(make([]byte, vm.StepBytes)), s.put(make([]byte, vm.StepBytes))}
	first := s.add(opRun, 0, gas, 0, out[0])
	s.add(opWrite, 0, 104, s.fat([]byte("T!")))
	second := s.add(opRun, 0, gas, 41, out[1])
	before := s.fat(make([]byte, 8))
	s.add(opRead, 0, 8, before)
	third := s.add(opRun, 0, gas, 0xffff_ffff_0000_0009, out[2])
	after := s.fat(make([]byte, 8))
	text := s.fat(make([]byte, 6))
	reads := []int{s.add(opRead, 0, 16, after), s.add(opRead, 0, 100, text)}
	s.add(opDrop, 0)
	e := d.must(&s)

	ask := e.step(first, out[0])
	if ask.code != 1 || ask.id != askID || ask.nargs != 2 || ask.args[0] != 0xffff_fff9 || ask.args[1] != 0x1122334455667788 || ask.memBytes != 65536 {
		t.Errorf("first step %+v", ask)
	}
	if used := gas - ask.gasLeft; used < askPrice || used > askPrice+10_000_000 {
		t.Errorf("the first step used %d ps, the import alone costs %d", used, askPrice)
	}
	many := e.step(second, out[1])
	if many.code != 1 || many.id != manyID || many.nargs != 14 {
		t.Errorf("second step %+v", many)
	}
	for i, argument := range many.args {
		if argument != uint64(i+1) {
			t.Errorf("argument %d of the widest import is %d", i, argument)
		}
	}
	if got := binary.LittleEndian.Uint64(e.output[uint32(before):]); got != 42 {
		t.Errorf("the guest stored %d, want the answer 41 and one", got)
	}
	if finished := e.step(third, out[2]); finished.code != 0 || finished.gasLeft <= 0 || finished.gasLeft >= gas {
		t.Errorf("third step %+v", finished)
	}
	if got := binary.LittleEndian.Uint64(e.output[uint32(after):]); got != 9 {
		t.Errorf("an i32 answer arrived as %#x, want 9: its upper half is cut", got)
	}
	if got := string(e.output[uint32(text) : uint32(text)+6]); got != "guesT!" {
		t.Errorf("memory after the write holds %q", got)
	}
	for _, read := range reads {
		if e.result(read) != vm.AccessOK {
			t.Errorf("read %d answers %d", read, e.result(read))
		}
	}
}

// Each way to fail has its class, and only an access outside the memory takes gas that the guest did not use.
func TestGuest_TrapClasses(t *testing.T) {
	d := newDriver(t)
	const gas = 50_000_000_000
	for what, want := range map[uint64]struct {
		code  int64
		class engine.TrapClass
		gone  bool // all gas
	}{
		0: {0, 0, false},
		1: {3, engine.TrapUnreachable, false},
		2: {3, engine.TrapMemory, true},
		3: {3, engine.TrapTable, false},
		4: {3, engine.TrapSignature, false},
		5: {3, engine.TrapDivideByZero, false},
		6: {3, engine.TrapIntegerOverflow, false},
		7: {3, engine.TrapStackOverflow, false},
		8: {2, 0, true},
		9: {0, 0, false},
	} {
		var s script
		s.load(deploy)
		asked, out := s.put(make([]byte, vm.StepBytes)), s.put(make([]byte, vm.StepBytes))
		s.add(opRun, 0, gas, 0, asked)
		last := s.add(opRun, 0, gas, what, out)
		words := s.fat(make([]byte, 100))
		explained := s.add(opExplain, 0, words)
		quiet, err := d.run(&s, ampleGas, false)
		if err != nil {
			t.Fatal(err)
		}
		got := quiet.step(last, out)
		if got.code != want.code || got.class != uint32(want.class) || (got.gasLeft == 0) != want.gone {
			t.Errorf("%d: %+v, want %+v", what, got, want)
		}
		if n := quiet.result(explained); n != 0 {
			t.Errorf("%d: %d bytes of words in a call whose result counts", what, n)
		}
		loud, err := d.run(&s, ampleGas, true)
		if err != nil {
			t.Fatal(err)
		}
		n := loud.result(explained)
		text := string(loud.output[uint32(words) : int64(uint32(words))+n])
		if (n > 0) != (want.code >= 2) || n > 0 && !strings.HasPrefix(text, "the contract ") {
			t.Errorf("%d: a dry run says %q", what, text)
		}
		if loud.gas != quiet.gas {
			t.Errorf("%d: explaining costs %d ps more", what, loud.gas-quiet.gas)
		}
	}
}

// What a guest uses is charged to the blob call; running out there ends the blob call, not the guest.
func TestGuest_GasIsTheBlobsToo(t *testing.T) {
	d := newDriver(t)
	spin := func(gas uint64) *script {
		var s script
		s.load(deploy)
		s.add(opRun, 0, gas, 0, s.put(make([]byte, vm.StepBytes)))
		s.add(opRun, 0, gas, 8, s.put(make([]byte, vm.StepBytes)))
		return &s
	}
	little, err := d.run(spin(1_000_000_000), ampleGas, false)
	if err != nil {
		t.Fatal(err)
	}
	much, err := d.run(spin(3_000_000_000), ampleGas, false)
	if err != nil {
		t.Fatal(err)
	}
	if more := much.gas - little.gas; more != 2_000_000_000 {
		t.Errorf("2e9 ps more for the guest cost the blob call %d ps more", more)
	}
	_, err = d.run(spin(1_000_000_000_000), 2_000_000_000, false)
	var failed *host.CallError
	if !errors.As(err, &failed) || failed.Class != engine.TrapOutOfGas || failed.GasUsed != 2_000_000_000 {
		t.Errorf("a guest with more gas than the blob call: error %v", err)
	}
}

// Load looks into the state each time, strips the length, and gas is the same whether or not the module is cached.
func TestGuest_LoadLooksIntoStateEachTime(t *testing.T) {
	d := newDriver(t)
	var s script
	report := s.put(make([]byte, vm.ReportBytes))
	absent := s.add(opLoad, s.fat([]byte("no such key")), report)
	found := s.add(opLoad, s.fat(codeKey), report)
	s.add(opSet, s.fat(codeKey), s.fat([]byte{8, 1, 2}))
	invalid := s.add(opLoad, s.fat(codeKey), s.put(make([]byte, vm.ReportBytes)))
	s.add(opSet, s.fat(codeKey), s.fat([]byte{8, 1}))
	cut := s.add(opLoad, s.fat(codeKey), s.put(make([]byte, vm.ReportBytes)))
	s.add(opSet, s.fat(codeKey), s.fat(scale.AppendBytes(nil, testdata(t, "guest"))))
	again := s.add(opLoad, s.fat(codeKey), s.put(make([]byte, vm.ReportBytes)))
	cold := d.must(&s)
	for name, c := range map[string]struct {
		step int
		want int64
	}{
		"absent": {absent, vm.LoadNotFound}, "found": {found, 0}, "invalid": {invalid, vm.LoadInvalid},
		"cut": {cut, vm.LoadInvalid}, "again": {again, 1},
	} {
		if got := cold.result(c.step); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	if warm := d.must(&s); warm.gas != cold.gas {
		t.Errorf("%d ps when cached, %d ps before", warm.gas, cold.gas)
	}
}

func TestGuest_ReportIsFilled(t *testing.T) {
	d := newDriver(t)
	code := testdata(t, "guest")
	var s script
	good, bad := s.put(make([]byte, vm.ReportBytes)), s.put(make([]byte, vm.ReportBytes))
	accepted := s.add(opValidate, s.fat(code), good)
	refused := s.add(opValidate, s.fat(readBlob(t, runtimeBlob)[:1000]), bad)
	e := d.must(&s)
	if e.result(accepted) != vm.ValidateOK || e.result(refused) != vm.ValidateRejected {
		t.Fatalf("answers %d and %d", e.result(accepted), e.result(refused))
	}
	word := func(report uint64, field int) uint32 {
		return binary.LittleEndian.Uint32(e.output[report+4*uint64(field):])
	}
	for field, want := range []uint32{0, wasm.NoFunction, wasm.NoFunction, 1, 1, 2, uint32(len(code)), 0} {
		if got := word(good, field); got != want {
			t.Errorf("field %d of the report is %d, want %d", field, got, want)
		}
	}
	if score := word(good, 8); score == 0 {
		t.Error("the score is 0")
	}
	if used := binary.LittleEndian.Uint64(e.output[good+40:]); used != 1<<askID {
		t.Errorf("first word of used imports is %#x", used)
	}
	if used := binary.LittleEndian.Uint64(e.output[good+40+8*(manyID/64):]); used != 1<<(manyID%64) {
		t.Errorf("word %d of used imports is %#x", manyID/64, used)
	}
	if word(bad, 0) == 0 {
		t.Error("the refused code has no reason")
	}
}

// Refused code is explained in words like a trap: in dry runs only, at the same price, and the last refusal counts.
func TestGuest_RefusalsAreExplained(t *testing.T) {
	d := newDriver(t)
	good := testdata(t, "guest")
	unknown := bytes.Replace(good, []byte("\x04test\x03ask"), []byte("\x04test\x03nay"), 1)
	d.storage = hosttest.New(map[string][]byte{string(codeKey): scale.AppendBytes(nil, unknown), "no code": {1}})
	const asked = `the function "test"."nay" is imported, but this chain does not offer it; ` +
		"use functions that this chain offers; check the library's version"
	validate := func(s *script, code []byte) { s.add(opValidate, s.fat(code), s.put(make([]byte, vm.ReportBytes))) }
	load := func(s *script, key []byte) { s.add(opLoad, s.fat(key), s.put(make([]byte, vm.ReportBytes))) }
	for _, c := range []struct {
		name  string
		build func(*script)
		want  string
	}{
		{"nothing refused", func(s *script) { validate(s, good) }, ""},
		{"an import that is none", func(s *script) { validate(s, unknown) }, asked},
		{"stored before the import went", func(s *script) { load(s, codeKey) }, asked},
		{"stored without its length", func(s *script) { load(s, []byte("no code")) }, "what is stored is not code with its length: "},
		{"accepted after a refusal", func(s *script) { validate(s, unknown); validate(s, good) }, asked},
		{"another refused after it", func(s *script) { validate(s, unknown); validate(s, good[:7]) }, "the file does not begin with "},
	} {
		var s script
		c.build(&s)
		words := s.fat(make([]byte, 200))
		explained := s.add(opExplain, uint64(vm.ExplainRefusal), words)
		quiet, err := d.run(&s, ampleGas, false)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if n := quiet.result(explained); n != 0 {
			t.Errorf("%s: %d bytes of words in a call whose result counts", c.name, n)
		}
		loud, err := d.run(&s, ampleGas, true)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		n := loud.result(explained)
		if text := string(loud.output[uint32(words) : int64(uint32(words))+n]); !strings.HasPrefix(text, c.want) || (n > 0) != (c.want != "") {
			t.Errorf("%s: a dry run says %q, want %q", c.name, text, c.want)
		}
		if loud.gas != quiet.gas {
			t.Errorf("%s: explaining costs %d ps more", c.name, loud.gas-quiet.gas)
		}
	}
}

// Handles count from 0, are never reused, and using one that was not given out ends the blob call.
func TestGuest_Handles(t *testing.T) {
	d := newDriver(t)
	var s script
	s.load(call)
	var handles []int
	for range vm.MaxLive {
		handles = append(handles, s.add(opInstantiate, 0, call))
	}
	s.add(opDrop, 5)
	freed := s.add(opInstantiate, 0, call)
	outside := s.add(opRead, 0, 65_530, s.fat(make([]byte, 8)))
	s.add(opWrite, 0, 0xffff_ffff, s.fat([]byte{1}))
	e := d.must(&s)
	for i, handle := range handles {
		want := int64(i + 1)
		if i == vm.MaxLive-1 {
			want = vm.InstantiateTooMany
		}
		if got := e.result(handle); got != want {
			t.Errorf("execution %d has handle %d", i+1, got)
		}
	}
	if got := e.result(freed); got != vm.MaxLive {
		t.Errorf("the execution after a drop has handle %d", got)
	}
	if e.result(outside) != vm.AccessOutOfBounds || e.result(outside+1) != vm.AccessOutOfBounds {
		t.Error("an access outside the memory is not refused")
	}
	run := func(exec uint64) func(*script) {
		return func(s *script) { s.add(opRun, exec, 1e9, 0, s.put(make([]byte, vm.StepBytes))) }
	}
	for text, misuse := range map[string]func(*script){
		"ext_guest_vm_instantiate_version_1: there is no module 1":      func(s *script) { s.add(opInstantiate, 1, call) },
		"ext_guest_vm_instantiate_version_1: there is no entry point 2": func(s *script) { s.add(opInstantiate, 0, 2) },
		"ext_guest_vm_run_version_1: there is no execution 1":           run(1),
		"ext_guest_vm_drop_version_1: there is no execution 0":          func(s *script) { s.add(opDrop, 0); s.add(opDrop, 0) },
		"ext_guest_vm_read_version_1: there is no execution 9":          func(s *script) { s.add(opRead, 9, 0, s.fat([]byte{0})) },
		"ext_guest_vm_run_version_1: execution 0 is over": func(s *script) {
			for range 4 {
				run(0)(s)
			}
		},
		"ext_guest_vm_run_version_1: an argument points outside the memory": func(s *script) { s.add(opRun, 0, 1e9, 0, 1<<30) },
	} {
		var s script
		s.load(call)
		misuse(&s)
		_, err := d.run(&s, ampleGas, false)
		var failed *host.CallError
		if !errors.As(err, &failed) || failed.Class != engine.TrapHost || failed.Text != text {
			t.Errorf("error %v, want %q", err, text)
		}
	}
}

// A blob that imports the guest VM and says nothing about guests is refused, and so are rules that do not decode.
func TestGuest_BlobNeedsRules(t *testing.T) {
	version := host.Version{SpecName: "driver"}
	blob := wasm.AppendSection(testdata(t, "driver"), wasm.SectionCustom, append(wasm.AppendName(nil, "runtime_version"), version.Encode()...))
	if _, err := host.Check(blob, 0); !errors.Is(err, host.ErrCode) || !strings.Contains(err.Error(), "section sepia_vm is missing") {
		t.Errorf("without rules: error %v", err)
	}
	bad := wasm.AppendSection(blob, wasm.SectionCustom, append(wasm.AppendName(nil, vm.SectionName), 9, 0, 0, 0))
	if _, err := host.Check(bad, 0); !errors.Is(err, vm.ErrRules) || !strings.Contains(err.Error(), "it wants version 9 of the meter") {
		t.Errorf("with bad rules: error %v", err)
	}
	if _, err := host.Check(driverBlob(t), 0); err != nil {
		t.Error(err)
	}
}

// A call without a stock of guests says so.
func TestGuest_WithoutProvider(t *testing.T) {
	r := newRuntime(t, newEngine(t), driverBlob(t), host.Options{})
	var s script
	s.load(call)
	_, err := r.Call(context.Background(), "drive", s.encode(), host.CallOptions{Storage: hosttest.New(nil), GasLimit: ampleGas})
	var failed *host.CallError
	if !errors.As(err, &failed) || failed.Text != "ext_guest_vm_load_version_1: this call has no guest VM" {
		t.Errorf("error %v", err)
	}
}

// A function in C answers what its model answers, and charges exactly its price for each byte.
func TestNative_HashChargesForItsBytes(t *testing.T) {
	d := newDriver(t)
	hash := func(length uint64) (int64, int64) {
		var s script
		data := s.put(bytes.Repeat([]byte{7}, 1_000))
		step := s.add(opHash, length<<32|data)
		e := d.must(&s)
		return e.result(step), e.gas
	}
	none, short := hash(0)
	all, long := hash(1_000)
	want := primitives.Blake2_256(bytes.Repeat([]byte{7}, 1_000))
	if uint64(all) != binary.LittleEndian.Uint64(want[:]) || none == all {
		t.Errorf("the hash begins with %#x, want %x", uint64(all), want[:8])
	}
	if perByte := (long - short) / 1_000; perByte != 1_900 || (long-short)%1_000 != 0 {
		t.Errorf("1,000 bytes cost %d ps more than none", long-short)
	}
}

func BenchmarkGuest_RoundTrip(b *testing.B) {
	d := newDriver(b)
	var s script
	s.load(call)
	for range 2 {
		s.add(opRun, 0, 1e9, 0, s.put(make([]byte, vm.StepBytes)))
	}
	for b.Loop() {
		if _, err := d.run(&s, ampleGas, false); err != nil {
			b.Fatal(err)
		}
	}
}
