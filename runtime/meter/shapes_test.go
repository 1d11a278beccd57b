package meter_test

import (
	"strings"
	"testing"

	"github.com/sepia-chain/sepia/runtime/meter"
	"github.com/sepia-chain/sepia/runtime/meter/metertest"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

func shapePolicy(t testing.TB) wasm.Policy {
	table, err := wasm.NewImportTable(nil)
	if err != nil {
		t.Fatal(err)
	}
	return wasm.ContractPolicy(wasm.ContractLimits(), table)
}

func noImports() meter.Options {
	return meter.Options{Weights: meter.ContractWeights(), MemoryMaxPages: 16, StackLimit: meter.ContractStackLimit}
}

func TestFrameCost_IsTheSumOfItsParts(t *testing.T) {
	for _, c := range []struct {
		params int
		facts  wasm.Facts
		want   uint32
	}{
		{0, wasm.Facts{}, 32},
		{3, wasm.Facts{LocalCount: 10, MaxHeight: 11}, 32},
		{3, wasm.Facts{LocalCount: 10, MaxHeight: 11, Producers: 1}, 33},
		{3, wasm.Facts{LocalCount: 10, MaxHeight: 11, Producers: 4}, 33},
		{3, wasm.Facts{LocalCount: 10, MaxHeight: 11, Producers: 5}, 34},
		{16, wasm.Facts{LocalCount: 128, MaxHeight: 512, Producers: 10_000}, 16 + 128 + 512 + 2_500 + 8},
	} {
		if got := meter.FrameCost(c.params, &c.facts); got != c.want {
			t.Errorf("FrameCost(%d, %+v) = %d, want %d", c.params, c.facts, got, c.want)
		}
	}
}

// Every shape ends by the stack counter, after as many frames as its cost allows, with the gas that the model counts.
func TestFrameShapes_EndByTheStackCounter(t *testing.T) {
	e := newEngine(t)
	for _, shape := range metertest.FrameShapes() {
		t.Run(shape.Name, func(t *testing.T) {
			m, code := e.metered(t, shape.Code, shapePolicy(t), noImports())
			o := modelOptions(meter.ContractWeights(), 1<<60)
			o.MaxPages = 16
			model := metertest.Interpret(m, "call", o)
			if model.Class != metertest.StackOverflow {
				t.Fatalf("the model ends with %q", model.Class)
			}
			if diff := difference(model, e.run(t, code, "call", 1<<60)); diff != "" {
				t.Error(diff)
			}
			body := &m.Bodies[1]
			cost := meter.FrameCost(len(m.Types[body.Type].Params), &body.Facts)
			t.Logf("%d units a frame, %d frames, %d bytes of code", cost, (meter.ContractStackLimit-32)/cost, body.Size)
		})
	}
}

// compileBudget is the score above which nothing is accepted, in us.
const compileBudget = 1_000_000

func TestBombs_AreRefusedOrScored(t *testing.T) {
	want := map[string]string{
		"20,000 locals":                                        "limit-locals",
		"128 locals in 70 functions":                           "limit-module-locals",
		"1,000 parameters":                                     "limit-params",
		"br_if diamonds with 126 locals":                       "limit-blocks",
		"loops nested 9 deep":                                  "limit-loops",
		"blocks nested 200 deep":                               "limit-nesting",
		"call_indirect chain":                                  "limit-score",
		"br_table with 1,000 targets":                          "limit-branch-table",
		"br_table with 256 targets repeated, 126 locals":       "limit-score",
		"600 values on the operand stack":                      "limit-operands",
		"memory.grow chain":                                    "limit-score",
		"functions of 6 bytes":                                 "limit-functions",
		"blocks with 1,000 results":                            "multi-value",
		"loops nested 8 deep with 126 locals, again and again": "",
	}
	for _, bomb := range metertest.Bombs() {
		t.Run(bomb.Name, func(t *testing.T) {
			m, report, err := wasm.Validate(bomb.Code, shapePolicy(t))
			if reason := want[bomb.Name]; reason != "" {
				if err == nil || report.Reason.String() != reason {
					t.Fatalf("%v, want %s", err, reason)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			out, err := meter.Instrument(m, noImports())
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d bytes, score %d us, metered %d bytes", len(bomb.Code), report.Score, len(out))
			if least := uint64(len(bomb.Code)) * 6 / 10 * 9 / 10; report.Score < least || report.Score > compileBudget {
				t.Errorf("score %d, want %d to %d", report.Score, least, compileBudget)
			}
		})
	}
}

func TestInstrument_RefusesBadOptions(t *testing.T) {
	code := metertest.Random(1)
	m, _, err := wasm.Validate(code, metertest.Policy())
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := wasm.Decode(code)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		m    *wasm.Module
		edit func(*meter.Options)
		want string
	}{
		{"not validated", decoded, func(*meter.Options) {}, "the module was not validated"},
		{"prices missing", m, func(o *meter.Options) { o.ImportPrices = nil }, "0 prices for 4 imported functions"},
		{"price too high", m, func(o *meter.Options) { o.ImportPrices = []uint64{0, 1<<40 + 1, 0, 0} }, "import seal0.test_b costs 1099511627777, the limit is 1099511627776"},
		{"fixed prices missing", m, func(o *meter.Options) { o.FixedImports = []bool{true} }, "1 fixed prices for 4 imported functions"},
		{"memory too small", m, func(o *meter.Options) { o.MemoryMaxPages = 0 }, "memory of 2 to 0 pages"},
		{"memory too large", m, func(o *meter.Options) { o.MemoryMaxPages = 65_537 }, "memory of 2 to 65537 pages"},
		{"stack too large", m, func(o *meter.Options) { o.StackLimit = 1_048_577 }, "stack limit 1048577, the highest is 1048576"},
		{"free branches", m, func(o *meter.Options) { o.Weights.Cost[meter.ClassBranch] = 0 }, "weights: a branch costs nothing, so a loop could run for ever"},
		{"free calls", m, func(o *meter.Options) { o.Weights.Cost[meter.ClassCall] = 0 }, "weights: a call costs nothing, so a recursion could run for ever"},
		{"dear pages", m, func(o *meter.Options) { o.Weights.Cost[meter.ClassGrowPage] = 1<<28 + 1 }, "weights: grow_page is 268435457, the limit is 268435456"},
		{"dear copies", m, func(o *meter.Options) { o.Weights.Cost[meter.ClassBulkWord] = 1<<30 + 1 }, "weights: bulk_word is 1073741825, the limit is 1073741824"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options(m, testWeights())
			c.edit(&o)
			_, err := meter.Instrument(c.m, o)
			if err == nil || !strings.HasSuffix(err.Error(), "metering: "+c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}
