package meter_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/sepia-chain/sepia/runtime/meter"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

func TestWeights_EncodingIsCanonical(t *testing.T) {
	w := meter.Weights{Version: 3}
	for class := range meter.ClassCount {
		w.Cost[class] = uint32(class) + 1
	}
	const want = "03000000" + "11000000" +
		"01000000" + "02000000" + "03000000" + "04000000" + "05000000" + "06000000" + "07000000" + "08000000" + "09000000" +
		"0a000000" + "0b000000" + "0c000000" + "0d000000" + "0e000000" + "0f000000" + "10000000" + "11000000"
	if got := hex.EncodeToString(w.Encode()); got != want {
		t.Fatalf("encoding\n got %s\nwant %s", got, want)
	}
	back, err := meter.DecodeWeights(w.Encode())
	if err != nil || back != w {
		t.Fatalf("%+v, %v", back, err)
	}
	other := w
	other.Cost[meter.ClassLoad]++
	if w.Hash() == other.Hash() {
		t.Error("two tables have one hash")
	}
}

func TestDecodeWeights_Refuses(t *testing.T) {
	w := meter.ContractWeights()
	valid := w.Encode()
	more := append([]byte(nil), valid...)
	more[4]++
	free := meter.ContractWeights()
	free.Cost[meter.ClassBrTable] = 0
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{
		{"nothing", nil, "weights: 0 bytes, want 76"},
		{"cut", valid[:75], "weights: 75 bytes, want 76"},
		{"trailing byte", append(append([]byte(nil), valid...), 0), "weights: 77 bytes, want 76"},
		{"another number of classes", more, "weights: 18 classes, meter version 1 has 17"},
		{"free branches", free.Encode(), "weights: a branch costs nothing, so a loop could run for ever"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := meter.DecodeWeights(c.b); err == nil || err.Error() != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

// Every known instruction is listed under its class, by name: a changed class is a changed meter version.
func TestClassOf_EachInstruction(t *testing.T) {
	want := map[meter.Class]string{
		meter.ClassStructure:    "unreachable nop block loop else end",
		meter.ClassGlobal:       "global.get global.set memory.size",
		meter.ClassMul:          "i32.mul i64.mul",
		meter.ClassDiv:          "i32.div_s i32.div_u i32.rem_s i32.rem_u i64.div_s i64.div_u i64.rem_s i64.rem_u",
		meter.ClassBranch:       "if br br_if return",
		meter.ClassBrTable:      "br_table",
		meter.ClassCall:         "call",
		meter.ClassCallIndirect: "call_indirect",
		meter.ClassGrow:         "memory.grow",
		meter.ClassBulk:         "memory.copy memory.fill",
		meter.ClassLoad: "i32.load i64.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u i64.load8_s i64.load8_u i64.load16_s " +
			"i64.load16_u i64.load32_s i64.load32_u",
		meter.ClassStore: "i32.store i64.store i32.store8 i32.store16 i64.store8 i64.store16 i64.store32",
	}
	classOf := map[string]meter.Class{}
	for class, names := range want {
		for _, name := range strings.Fields(names) {
			classOf[name] = class
		}
	}
	known := 0
	for op := range wasm.Op(0xffff) {
		if !op.Known() {
			continue
		}
		known++
		class, ok := classOf[op.String()]
		if !ok {
			class = meter.ClassPlain
		}
		if got := meter.ClassOf(op); got != class {
			t.Errorf("%s is in %s, want %s", op, got, class)
		}
		delete(classOf, op.String())
	}
	if len(classOf) != 0 || known != 111 {
		t.Errorf("%d instructions, not found: %v", known, classOf)
	}
}

func TestDefaultWeights_AreUsable(t *testing.T) {
	for name, w := range map[string]meter.Weights{"blob": meter.BlobWeights(), "contract": meter.ContractWeights()} {
		if err := w.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if w := meter.BlobWeights(); w.Version != meter.BlobWeightsVersion {
		t.Errorf("version %d", w.Version)
	}
}
