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
	s := hosttest.New(nil)
	ctx := context.Background()
	code := readBlob(t, "sepia-genesis.wasm")
	p, found, err := host.GenesisPreset(ctx, code, "dev", s)
	t.Logf("%s %v %v", p, found, err)
	p0, _, err := host.GenesisPreset(ctx, code, "", s)
	t.Logf("%s", p0)
	m, err := host.MergeJSON(p0, []byte("{}"))
	t.Logf("%s", m)
	if p == nil { p = []byte("{}") }
	err = host.BuildGenesis(ctx, code, p, s)
	t.Logf("%v; %d pairs", err, len(s.Pairs()))
}
