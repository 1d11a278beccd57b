package meter_test

import (
	"context"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/sepia-chain/sepia/runtime/meter"
	"github.com/sepia-chain/sepia/runtime/meter/metertest"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// mutate changes bytes of code under the direction of edits: pairs of a place and a value.
func mutate(code, edits []byte) []byte {
	code = append([]byte(nil), code...)
	for ; len(edits) >= 3 && len(code) > 0; edits = edits[3:] {
		code[(int(edits[0])<<8|int(edits[1]))%len(code)] = edits[2]
	}
	return code
}

// What the validator accepts, mutated or not, must be metered, pass the check on metered modules, and compile on wazero.
func FuzzInstrument(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed, []byte{0, byte(seed), 0x41, 1, 2, byte(seed)})
	}
	runtime := wazero.NewRuntimeWithConfig(context.Background(), wazero.NewRuntimeConfigInterpreter())
	f.Fuzz(func(t *testing.T, seed uint64, edits []byte) {
		m, report, err := wasm.Validate(mutate(metertest.Random(seed%1_000), edits), metertest.Policy())
		if err != nil {
			if report.Reason == wasm.OK {
				t.Fatalf("refused without a reason: %v", err)
			}
			return
		}
		out, err := meter.Instrument(m, meter.Options{
			Weights: testWeights(), ImportPrices: make([]uint64, len(m.Imports)), MemoryMaxPages: 16, StackLimit: meter.ContractStackLimit,
		})
		if err != nil {
			t.Fatalf("accepted but not metered: %v", err)
		}
		if _, _, err := wasm.Validate(out, wasm.MeteredPolicy()); err != nil {
			t.Fatalf("the metered module is refused: %v", err)
		}
		compiled, err := runtime.CompileModule(context.Background(), out)
		if err != nil {
			t.Fatalf("wazero refuses the metered module: %v", err)
		}
		if err := compiled.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzDecodeWeights(f *testing.F) {
	w := meter.BlobWeights()
	f.Add(w.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		w, err := meter.DecodeWeights(b)
		if err == nil && string(w.Encode()) != string(b) {
			t.Fatalf("%x decodes to what encodes as %x", b, w.Encode())
		}
	})
}
