package meter_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/sepia-chain/sepia/runtime/meter"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

const blobPages = 1024

// releasedBlobs are the chain's own runtimes: the largest real modules at hand. The genesis blob is not among them: it runs
// off chain and contains floats.
func releasedBlobs(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("../blob/released/sepia-runtime*.wasm")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no released blob: %v", err)
	}
	blobs := map[string][]byte{}
	for _, path := range paths {
		if blobs[filepath.Base(path)], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return blobs
}

func blobOptions(m *wasm.Module) meter.Options {
	return meter.Options{Weights: meter.BlobWeights(), ImportPrices: make([]uint64, len(m.Imports)), MemoryMaxPages: blobPages, StackLimit: meter.BlobStackLimit}
}

func TestGenesisBlob_IsRefusedForItsFloats(t *testing.T) {
	code, err := os.ReadFile("../blob/released/sepia-genesis.wasm")
	if err != nil {
		t.Fatal(err)
	}
	if _, report, err := wasm.Validate(code, wasm.BlobPolicy(blobPages, nil)); report.Reason != wasm.Float {
		t.Errorf("%v, want a refusal for floats", err)
	}
}

func TestReleasedBlobs_AreAcceptedMeteredAndCompile(t *testing.T) {
	for name, code := range releasedBlobs(t) {
		t.Run(name, func(t *testing.T) {
			m, report, err := wasm.Validate(code, wasm.BlobPolicy(blobPages, nil))
			if err != nil {
				t.Fatal(err)
			}
			out, err := meter.Instrument(m, blobOptions(m))
			if err != nil {
				t.Fatal(err)
			}
			metered, _, err := wasm.Validate(out, wasm.MeteredPolicy())
			if err != nil {
				t.Fatal(err)
			}
			runtime := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigInterpreter())
			defer func() { _ = runtime.Close(t.Context()) }()
			if _, err := runtime.CompileModule(t.Context(), out); err != nil {
				t.Fatal(err)
			}
			again, err := meter.Instrument(m, blobOptions(m))
			if err != nil || !bytes.Equal(out, again) {
				t.Fatalf("metering twice gives two results: %v", err)
			}
			checkExports(t, m, metered)
			var widest wasm.Facts
			for i := range m.Bodies {
				f := m.Bodies[i].Facts
				widest.MaxHeight = max(widest.MaxHeight, f.MaxHeight)
				widest.LocalCount = max(widest.LocalCount, f.LocalCount)
				widest.MaxNesting = max(widest.MaxNesting, f.MaxNesting)
				widest.MaxLoops = max(widest.MaxLoops, f.MaxLoops)
				widest.Blocks = max(widest.Blocks, f.Blocks)
			}
			t.Logf("%d bytes, code %d -> %d, %d functions, highest of each: %+v, report %+v",
				len(code), m.CodeLen, metered.CodeLen, len(m.Bodies), widest, report)
		})
	}
}

// checkExports says that functions and constants keep their names and the rest is gone.
func checkExports(t *testing.T, m, metered *wasm.Module) {
	t.Helper()
	var want, got []string
	for _, e := range m.Exports {
		if e.Kind == wasm.KindFunction || e.Kind == wasm.KindGlobal {
			want = append(want, e.Name)
		}
	}
	want = append(want, meter.MemoryExport, meter.GasExport, meter.StackExport)
	for _, e := range metered.Exports {
		got = append(got, e.Name)
	}
	if !slices.Equal(got, want) || !slices.Contains(got, "__heap_base") {
		t.Errorf("exports %v, want %v", got, want)
	}
}
