package host

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/meter"
	"github.com/sepia-chain/sepia/runtime/vm"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// abi is the part of abi.json that this host must agree with.
type abi struct {
	ImportModule string `json:"import_module"`
	Functions    []struct {
		Import string
		Wasm   struct{ Params, Results []string }
		Codes  map[string]int64
		Cost   map[string]any
	}
	Entries []struct {
		Number int
		Name   string
	}
	Constants map[string]uint64
	Structs   []struct {
		Name string
		Size int
	}
	TrapClasses []struct{ Number uint32 } `json:"trap_classes"`
	Reasons     []struct {
		Code wasm.Code
		Name string
	}
	Section struct {
		Name        string
		OpClasses   []string          `json:"op_classes"`
		ImportFlags map[string]uint32 `json:"import_flags"`
	}
}

func readABI(t *testing.T) abi {
	t.Helper()
	b, err := os.ReadFile("../vm/abi.json")
	if err != nil {
		t.Fatal(err)
	}
	var a abi
	if err := json.Unmarshal(b, &a); err != nil || len(a.Functions) == 0 {
		t.Fatalf("%d functions, %v", len(a.Functions), err)
	}
	return a
}

func TestGuestABI_TableHasItsFunctions(t *testing.T) {
	a := readABI(t)
	described := map[string]bool{}
	for _, f := range a.Functions {
		described[f.Import] = true
		r := rowNamed(f.Import)
		if r == nil {
			t.Errorf("abi.json describes %s, which the table does not have", f.Import)
			continue
		}
		var got wasm.FuncType
		for _, name := range f.Wasm.Params {
			got.Params = append(got.Params, valType(name))
		}
		for _, name := range f.Wasm.Results {
			got.Results = append(got.Results, valType(name))
		}
		if !got.Equal(r.funcType()) {
			t.Errorf("%s is %s in abi.json and %s in the table", f.Import, got, r.funcType())
		}
		if _, perByte := f.Cost["per_byte"]; perByte != (r.price.PerByte > 0) {
			t.Errorf("%s charges %d ps a byte, abi.json says %v", f.Import, r.price.PerByte, f.Cost)
		}
	}
	for i := range table {
		if name := table[i].name; strings.HasPrefix(name, guestPrefix) && !described[name] {
			t.Errorf("the table has %s, which abi.json does not describe", name)
		}
	}
	if a.ImportModule != ImportModule {
		t.Errorf("import module %q", a.ImportModule)
	}
}

func valType(name string) wasm.ValType {
	if name == "i64" {
		return wasm.I64
	}
	return wasm.I32
}

func TestGuestABI_NumbersAgree(t *testing.T) {
	a := readABI(t)
	codes := map[string]int64{
		"VALIDATE_OK": vm.ValidateOK, "VALIDATE_REJECTED": vm.ValidateRejected,
		"LOAD_NOT_FOUND": vm.LoadNotFound, "LOAD_INVALID": vm.LoadInvalid,
		"INSTANTIATE_TOO_MANY": vm.InstantiateTooMany,
		"RUN_FINISHED":         int64(engine.StepFinished), "RUN_SYSCALL": int64(engine.StepSyscall),
		"RUN_OUT_OF_GAS": int64(engine.StepOutOfGas), "RUN_TRAPPED": int64(engine.StepTrapped),
		"ACCESS_OK": vm.AccessOK, "ACCESS_OUT_OF_BOUNDS": vm.AccessOutOfBounds,
	}
	for _, f := range a.Functions {
		for name, code := range f.Codes {
			if own, ok := codes[name]; !ok || own != code {
				t.Errorf("%s is %d in abi.json and %d (%v) here", name, code, own, ok)
			}
		}
	}
	constants := map[string]uint64{
		"MAX_LIVE_EXECUTIONS": vm.MaxLive, "MAX_GAS": engine.MaxGas, "MAX_ARGUMENTS": engine.MaxSyscallArgs,
		"MAX_IMPORT_IDS": wasm.MaxImportID, "NO_PLACE": uint64(wasm.NoFunction), "REPORT_IMPORTS_DEPRECATED": vm.FlagDeprecated,
		"EXPLAIN_REFUSAL": uint64(vm.ExplainRefusal),
	}
	for name, value := range a.Constants {
		if own, ok := constants[name]; !ok || own != value {
			t.Errorf("%s is %d in abi.json and %d (%v) here", name, value, own, ok)
		}
	}
	sizes := map[string]int{"Report": vm.ReportBytes, "Step": vm.StepBytes}
	for _, s := range a.Structs {
		if s.Size != sizes[s.Name] {
			t.Errorf("%s has %d bytes in abi.json and %d here", s.Name, s.Size, sizes[s.Name])
		}
	}
	if n := len(a.TrapClasses); n != int(engine.TrapStackOverflow) || a.TrapClasses[n-1].Number != uint32(engine.TrapStackOverflow) {
		t.Errorf("%d trap classes", n)
	}
	for _, reason := range a.Reasons {
		if reason.Code.String() != reason.Name {
			t.Errorf("reason %d is %s in abi.json and %s here", reason.Code, reason.Name, reason.Code)
		}
	}
}

func TestGuestABI_SectionAgrees(t *testing.T) {
	a := readABI(t)
	if a.Section.Name != vm.SectionName {
		t.Errorf("section %q", a.Section.Name)
	}
	var classes []string
	for class := range meter.ClassCount {
		classes = append(classes, class.String())
	}
	if !slices.Equal(a.Section.OpClasses, classes) {
		t.Errorf("classes %q in abi.json, %q here", a.Section.OpClasses, classes)
	}
	if f := a.Section.ImportFlags; f["FLAG_DEPRECATED"] != vm.FlagDeprecated || f["FLAG_MUTATES"] != vm.FlagMutates {
		t.Errorf("flags %v", f)
	}
}
