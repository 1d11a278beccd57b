package engine

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/sepia-chain/sepia/runtime/meter"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// releasedBlob meters the chain's own runtime and gives each of its imports a function: those in C, and trivial ones in Go.
func releasedBlob(t testing.TB) ([]byte, []HostFunc) {
	t.Helper()
	raw, err := os.ReadFile("../blob/released/sepia-runtime.wasm")
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := wasm.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	var table []wasm.HostImport
	var funcs []HostFunc
	seen := map[string]bool{}
	for _, i := range decoded.Imports {
		if seen[i.Name] {
			continue
		}
		seen[i.Name] = true
		typ := decoded.Types[i.Type]
		table = append(table, wasm.HostImport{Module: i.Module, Name: i.Name, Type: typ, ID: uint32(len(table))})
		funcs = append(funcs, trivialFunc(i, typ))
	}
	imports, err := wasm.NewImportTable(table)
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := wasm.Validate(raw, wasm.BlobPolicy(2048, imports))
	if err != nil {
		t.Fatal(err)
	}
	metered, err := meter.Instrument(m, meter.Options{
		Weights: meter.BlobWeights(), ImportPrices: make([]uint64, len(m.Imports)), MemoryMaxPages: 2048, StackLimit: meter.BlobStackLimit,
	})
	if err != nil {
		t.Fatal(err)
	}
	return metered, funcs
}

var nativeNames = map[string]NativeFunc{
	"ext_allocator_malloc_version_1":   NativeMalloc,
	"ext_allocator_free_version_1":     NativeFree,
	"ext_hashing_blake2_128_version_1": NativeBlake2128,
	"ext_hashing_blake2_256_version_1": NativeBlake2256,
	"ext_hashing_twox_64_version_1":    NativeTwox64,
	"ext_hashing_twox_128_version_1":   NativeTwox128,
	"ext_hashing_twox_256_version_1":   NativeTwox256,
	"ext_hashing_keccak_256_version_1": NativeKeccak256,
	"ext_hashing_keccak_512_version_1": NativeKeccak512,
	"ext_hashing_sha2_256_version_1":   NativeSha2256,
}

func trivialFunc(i wasm.Import, typ wasm.FuncType) HostFunc {
	f := HostFunc{Module: i.Module, Name: i.Name, Params: typ.Params, Results: typ.Results, Native: nativeNames[i.Name]}
	if f.Native == 0 {
		f.Go = func(in *Instance, args []uint64) (uint64, error) {
			switch {
			case strings.HasPrefix(i.Name, "ext_storage_get"):
				return in.Return([]byte{0}) // None
			case strings.HasPrefix(i.Name, "ext_logging_max_level"):
				return 0, nil
			}
			return 0, &HostTrap{Text: "not served here"}
		}
	}
	return f
}

func TestReleasedBlob_CoreVersion(t *testing.T) {
	e := newEngine(t)
	metered, funcs := releasedBlob(t)
	var used int64
	for _, level := range levels {
		b, err := e.CompileBlob(metered, funcs, BlobOptions{Level: level})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		in, err := b.Instantiate()
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		for range 3 {
			got, err := in.Call("Core_version", nil, 1<<40, nil)
			if err != nil {
				t.Fatal(err)
			}
			if want := []byte("\x14sepia\x14sepia"); !bytes.HasPrefix(got.Output, want) {
				t.Fatalf("level %v: got %q, want it to begin with %q", level, got.Output, want)
			}
			if used == 0 {
				used = got.GasUsed
			}
			if got.GasUsed != used || used <= 0 {
				t.Fatalf("level %v: used %d gas, before %d", level, got.GasUsed, used)
			}
		}
	}
}

func BenchmarkReleasedBlob(b *testing.B) {
	e := newEngine(b)
	metered, funcs := releasedBlob(b)
	for _, export := range []string{"Core_version", "Metadata_metadata"} {
		b.Run(export, func(b *testing.B) {
			in := newInstance(b, e, metered, funcs)
			b.ResetTimer()
			for range b.N {
				if _, err := in.Call(export, nil, 1<<50, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
