package meter_test

import (
	"os"
	"testing"

	"github.com/sepia-chain/sepia/runtime/meter"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

func runtimeBlob(b *testing.B) []byte {
	code, err := os.ReadFile("../blob/released/sepia-runtime.wasm")
	if err != nil {
		b.Fatal(err)
	}
	return code
}

func BenchmarkValidate_Runtime(b *testing.B) {
	code := runtimeBlob(b)
	b.SetBytes(int64(len(code)))
	for b.Loop() {
		if _, _, err := wasm.Validate(code, wasm.BlobPolicy(blobPages, nil)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkInstrument_Runtime(b *testing.B) {
	code := runtimeBlob(b)
	m, _, err := wasm.Validate(code, wasm.BlobPolicy(blobPages, nil))
	if err != nil {
		b.Fatal(err)
	}
	o := blobOptions(m)
	b.SetBytes(int64(len(code)))
	for b.Loop() {
		if _, err := meter.Instrument(m, o); err != nil {
			b.Fatal(err)
		}
	}
}
