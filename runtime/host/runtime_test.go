package host_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/host"
	"github.com/sepia-chain/sepia/runtime/host/hosttest"
)

const (
	runtimeBlob = "sepia-runtime.wasm"
	genesisBlob = "sepia-genesis.wasm"
	ampleGas    = 10_000_000_000_000 // 10 s of ref_time
)

func readBlob(t testing.TB, name string) []byte {
	t.Helper()
	code, err := os.ReadFile("../blob/released/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// sharedEngine serves all tests of the package: making one takes longer than most tests. It lives as long as the process.
var sharedEngine = sync.OnceValues(func() (*engine.Engine, error) { return engine.New(engine.Config{BlobSlots: 16}) })

func newEngine(t testing.TB) *engine.Engine {
	t.Helper()
	e, err := sharedEngine()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// released is the released runtime, compiled once for all tests that need nothing special of it.
func released(t testing.TB) *host.Runtime {
	t.Helper()
	r, err := sharedRuntime()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var sharedRuntime = sync.OnceValues(func() (*host.Runtime, error) {
	e, err := sharedEngine()
	if err != nil {
		return nil, err
	}
	code, err := os.ReadFile("../blob/released/" + runtimeBlob)
	if err != nil {
		return nil, err
	}
	return host.NewRuntime(e, code, host.Options{})
})

func newRuntime(t testing.TB, e *engine.Engine, code []byte, o host.Options) *host.Runtime {
	t.Helper()
	r, err := host.NewRuntime(e, code, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func TestRuntime_VersionComesFromCustomSections(t *testing.T) {
	code := readBlob(t, runtimeBlob)
	version, err := host.VersionOf(code)
	if err != nil {
		t.Fatal(err)
	}
	if version.SpecName != "sepia" || version.SpecVersion != 1 || len(version.APIs) < 5 {
		t.Fatalf("version %+v", version)
	}
	r := released(t)
	result, err := r.Call(context.Background(), "Core_version", nil, host.CallOptions{Storage: hosttest.New(nil), GasLimit: ampleGas})
	if err != nil {
		t.Fatal(err)
	}
	said, err := host.DecodeVersion(result.Output)
	if err != nil {
		t.Fatal(err)
	}
	// The linker orders the section, the source orders the list: the same APIs, in any order.
	byID := func(a, b host.API) int { return slices.Compare(a.ID[:], b.ID[:]) }
	slices.SortFunc(said.APIs, byID)
	slices.SortFunc(version.APIs, byID)
	if string(said.Encode()) != string(version.Encode()) {
		t.Fatalf("Core_version says %+v, the sections say %+v", said, version)
	}
	if string(r.VersionBytes()) == "" || r.CodeHash() != primitives.Blake2_256(code) {
		t.Fatal("version or code hash is wrong")
	}
}

func TestRuntime_CompressedCodeIsTheSameBlob(t *testing.T) {
	code := readBlob(t, runtimeBlob)
	packed, err := host.Compress(code)
	if err != nil || len(packed) >= len(code)/2 {
		t.Fatalf("%d bytes of %d, %v", len(packed), len(code), err)
	}
	raw, err := host.Decompress(packed)
	if err != nil || string(raw) != string(code) {
		t.Fatalf("unpacks to %d bytes, %v", len(raw), err)
	}
	e := newEngine(t)
	a, b := released(t), newRuntime(t, e, packed, host.Options{})
	if a.CodeHash() == b.CodeHash() {
		t.Error("the code hash is not that of the stored bytes")
	}
	for _, r := range []*host.Runtime{a, b} {
		result, err := r.Call(context.Background(), "Metadata_metadata", nil, host.CallOptions{Storage: hosttest.New(nil), GasLimit: ampleGas})
		if err != nil {
			t.Fatal(err)
		}
		d := scale.NewDecoder(result.Output)
		metadata := d.Bytes()
		if err := d.Finish(); err != nil || string(metadata[:4]) != "meta" || metadata[4] != 14 || result.GasUsed < 1_000_000 {
			t.Fatalf("metadata %.8x..., %d ps, %v", metadata, result.GasUsed, err)
		}
	}
}

func TestNewRuntime_RefusesBadCode(t *testing.T) {
	e := newEngine(t)
	good := readBlob(t, runtimeBlob)
	zeros, err := host.Compress(make([]byte, host.MaxRawBytes+1))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		code []byte
		text string
	}{
		{"nothing", nil, "not a usable blob: decoding: module, byte 0x0: "},
		{"text", []byte("#!/bin/sh"), "not a usable blob: decoding: module, byte 0x0: "},
		{"cut", good[:len(good)/2], "not a usable blob: decoding: module"},
		{"too large", make([]byte, host.MaxCodeBytes+1), "not a usable blob: 2097153 bytes are stored, at most 2097152 are allowed"},
		{"unpacks to too much", zeros, "not a usable blob: it unpacks to more than 8388608 bytes"},
		{"bad compression", append(zeros[:8:8], "nonsense"...), "not a usable blob: unpacking: invalid input: magic number mismatch"},
		{"unknown imports", importing("ext_time_now_version_1", "ext_storage_get_version_1", "ext_dice_roll_version_9"), "not a usable blob: linking: the blob imports functions that this host does not have: env.ext_dice_roll_version_9, env.ext_time_now_version_1"},
		{"no heap", importing("ext_storage_start_transaction_version_1"), "not a usable blob: finding the heap: the blob does not export the constant i32 __heap_base"},
		{"floats", readBlob(t, genesisBlob), "not a usable blob: validating: "},
	} {
		_, err := host.NewRuntime(e, c.code, host.Options{})
		if !errors.Is(err, host.ErrCode) || !strings.HasPrefix(err.Error(), c.text) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.text)
		}
		if _, checkErr := host.Check(c.code, 0); checkErr == nil || checkErr.Error() != err.Error() {
			t.Errorf("%s: Check says %v, NewRuntime says %v", c.name, checkErr, err)
		}
	}
	var missing *host.MissingImportsError
	if _, err := host.NewRuntime(e, importing("ext_x_version_1"), host.Options{}); !errors.As(err, &missing) || len(missing.Names) != 1 {
		t.Errorf("error %v, want one missing import", err)
	}
}

func TestCall_UnknownMethod(t *testing.T) {
	r := released(t)
	_, err := r.Call(context.Background(), "Core_nonsense", nil, host.CallOptions{Storage: hosttest.New(nil), GasLimit: ampleGas})
	if !errors.Is(err, engine.ErrNoExport) || err.Error() != "no such export: Core_nonsense" {
		t.Fatalf("error %v", err)
	}
	if r.HasExport("Core_nonsense") || !r.HasExport("Core_version") {
		t.Fatal("HasExport is wrong")
	}
}

func TestCall_PanicIsTheReason(t *testing.T) {
	r := released(t)
	storage := hosttest.New(nil)
	var lines []string
	_, err := r.Call(context.Background(), "Core_initialize_block", []byte{1, 2, 3}, host.CallOptions{
		Storage: storage, GasLimit: ampleGas, Log: func(level host.LogLevel, target, message string) { lines = append(lines, message) },
	})
	var failed *host.CallError
	if !errors.As(err, &failed) || failed.Class != engine.TrapUnreachable || !strings.Contains(failed.Reason, "Bad input data provided to initialize_block") {
		t.Fatalf("error %v, want a panic about bad input", err)
	}
	if len(lines) != 1 || lines[0] != failed.Reason || failed.GasUsed <= 0 || failed.GasUsed >= ampleGas {
		t.Fatalf("log %q, gas %d", lines, failed.GasUsed)
	}
	if !strings.HasPrefix(err.Error(), "calling Core_initialize_block: unreachable: panicked at ") {
		t.Fatalf("error %v", err)
	}
}

// Running out of gas at any point leaves the storage as it was, and the same gas always ends the same way.
func TestCall_OutOfGasUndoesEverything(t *testing.T) {
	r := released(t)
	pairs := genesis(t)
	header := primitives.Header{Number: 1, ParentHash: primitives.Hash{7}}
	full, err := r.Call(context.Background(), "Core_initialize_block", header.Encode(), host.CallOptions{Storage: hosttest.New(pairs), GasLimit: ampleGas})
	if err != nil {
		t.Fatal(err)
	}
	exact := host.CallOptions{Storage: hosttest.New(pairs), GasLimit: full.GasUsed}
	if again, err := r.Call(context.Background(), "Core_initialize_block", header.Encode(), exact); err != nil || again.GasUsed != full.GasUsed {
		t.Fatalf("with exactly the gas it used: %d, %v; want %d", again.GasUsed, err, full.GasUsed)
	}
	for _, gas := range []int64{0, 1, full.GasUsed / 4, full.GasUsed / 2, full.GasUsed - 1} {
		storage := hosttest.New(pairs)
		storage.StartTransaction()
		_, err := r.Call(context.Background(), "Core_initialize_block", header.Encode(), host.CallOptions{Storage: storage, GasLimit: gas})
		var failed *host.CallError
		if !errors.As(err, &failed) || failed.Class != engine.TrapOutOfGas || failed.GasUsed != gas {
			t.Fatalf("gas %d: error %v", gas, err)
		}
		if storage.TransactionDepth() != 1 {
			t.Fatalf("gas %d: %d transactions open, want the caller's one", gas, storage.TransactionDepth())
		}
	}
}

func TestCall_StorageErrorIsTheNodesFault(t *testing.T) {
	r := released(t)
	broken := errors.New("disk on fire")
	storage := hosttest.New(nil)
	storage.Err = broken
	_, err := r.Call(context.Background(), "Core_initialize_block", (&primitives.Header{Number: 1}).Encode(), host.CallOptions{Storage: storage, GasLimit: ampleGas})
	var failed *host.CallError
	if errors.As(err, &failed) || !errors.Is(err, engine.ErrFault) || !errors.Is(err, broken) {
		t.Fatalf("error %v, want a node fault that wraps the storage's error", err)
	}
}

func TestPool_WaitHonoursTheContext(t *testing.T) {
	pool, err := host.NewPool(host.PoolConfig{Instances: 2, ForBlocks: 1})
	if err != nil {
		t.Fatal(err)
	}
	r := newRuntime(t, newEngine(t), readBlob(t, runtimeBlob), host.Options{Pool: pool, Level: engine.LevelNone})
	ctx, cancel := context.WithCancelCause(context.Background())
	inner := make(chan error, 2)
	// A log line is where another call can be made while this one holds its instance.
	_, err = r.Call(context.Background(), "Core_initialize_block", []byte{1}, host.CallOptions{
		Storage: hosttest.New(nil), GasLimit: ampleGas,
		Log: func(host.LogLevel, string, string) {
			version := func(ctx context.Context, forBlock bool) error {
				_, err := r.Call(ctx, "Core_version", nil, host.CallOptions{Storage: hosttest.New(nil), GasLimit: ampleGas, ForBlock: forBlock})
				return err
			}
			inner <- version(context.Background(), true) // has its own share
			cancel(errors.New("given up"))
			inner <- version(ctx, false)
		},
	})
	if err == nil {
		t.Fatal("bad input was accepted")
	}
	if err := <-inner; err != nil {
		t.Errorf("a block's call while a query runs: %v", err)
	}
	if err := <-inner; err == nil || err.Error() != "waiting for an instance: given up" {
		t.Errorf("a query with all instances taken: %v", err)
	}
}

func TestPool_ManyRuntimesShareFewInstances(t *testing.T) {
	pool, err := host.NewPool(host.PoolConfig{Instances: 2})
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Config{BlobSlots: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	var runtimes []*host.Runtime
	for range 5 {
		runtimes = append(runtimes, newRuntime(t, e, driverBlob(t), host.Options{Pool: pool}))
	}
	var group sync.WaitGroup
	for _, r := range runtimes {
		for range 2 {
			group.Add(1)
			go func() {
				defer group.Done()
				for range 20 {
					var nothing script
					if _, err := r.Call(context.Background(), "drive", nothing.encode(), host.CallOptions{Storage: hosttest.New(nil), GasLimit: ampleGas}); err != nil {
						t.Error(err)
					}
				}
			}()
		}
	}
	group.Wait()
}

func TestNewPool_RefusesImpossibleSizes(t *testing.T) {
	for _, config := range []host.PoolConfig{{}, {Instances: -1}, {Instances: 2, ForBlocks: 2}, {Instances: 2, ForBlocks: -1}} {
		if _, err := host.NewPool(config); err == nil {
			t.Errorf("%+v accepted", config)
		}
	}
}

func TestNewRuntime_FaultsAreNotTheCodes(t *testing.T) {
	if _, err := host.Check(readBlob(t, runtimeBlob), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := host.Check(readBlob(t, runtimeBlob), 1); !errors.Is(err, host.ErrCode) {
		t.Fatalf("a memory of one page: error %v", err)
	}
}

func BenchmarkCall_CoreVersion(b *testing.B) {
	r, storage := released(b), hosttest.New(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Call(context.Background(), "Core_version", nil, host.CallOptions{Storage: storage, GasLimit: ampleGas}); err != nil {
			b.Fatal(err)
		}
	}
}
