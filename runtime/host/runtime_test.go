package host_test

import (
	"context"
	"os"
	"testing"

	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/host"
	"github.com/sepia-chain/sepia/runtime/host/hosttest"
)

func readBlob(t testing.TB, name string) []byte {
	t.Helper()
	code, err := os.ReadFile("../blob/released/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func newEngine(t testing.TB) *engine.Engine {
	t.Helper()
	e, err := engine.New(engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func TestX(t *testing.T) {
	r, err := host.NewRuntime(newEngine(t), readBlob(t, "sepia-runtime.wasm"), host.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := hosttest.New(nil)
	for _, m := range []string{"Core_version", "Metadata_metadata"} {
		res, err := r.Call(context.Background(), m, nil, host.CallOptions{Storage: s, GasLimit: 1e12})
		t.Logf("%s: %d bytes gas %d, %v", m, len(res.Output), res.GasUsed, err)
	}
	t.Logf("%+v", r.Version())
}
