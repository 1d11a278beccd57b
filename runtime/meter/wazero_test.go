package meter_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/sepia-chain/sepia/runtime/meter"
	"github.com/sepia-chain/sepia/runtime/meter/metertest"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// engine runs metered modules of metertest on wazero. Its host side is what a node's is: gas comes in as the last
// argument of an import and goes back through sepia.gas. It uses wazero's interpreter, not its compiler: that of 1.12.0 takes
// a branch on 0 < (x and y), signed, for one on (x and y) < 0 on amd64, which the random modules show once in 3,000.
type engine struct {
	ctx     context.Context
	runtime wazero.Runtime
	gas     int64 // what sepia.gas answers
	calls   []metertest.Call
	memory  api.Memory
	stopped bool
}

var errStop = errors.New("test_stop")

func newEngine(t testing.TB) *engine {
	e := &engine{ctx: context.Background()}
	e.runtime = wazero.NewRuntimeWithConfig(e.ctx, wazero.NewRuntimeConfigInterpreter().WithMemoryLimitPages(64))
	t.Cleanup(func() { _ = e.runtime.Close(e.ctx) })
	host := e.runtime.NewHostModuleBuilder("seal0")
	for _, imp := range metertest.HostImports() {
		params := append(valueTypes(imp.Type.Params), api.ValueTypeI64)
		host.NewFunctionBuilder().WithGoFunction(e.hostFunction(imp), params, valueTypes(imp.Type.Results)).Export(imp.Name)
	}
	if _, err := host.Instantiate(e.ctx); err != nil {
		t.Fatal(err)
	}
	_, err := e.runtime.NewHostModuleBuilder(meter.GasImportModule).NewFunctionBuilder().
		WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) { stack[0] = uint64(e.gas) }), nil, []api.ValueType{api.ValueTypeI64}).
		Export(meter.GasImportName).Instantiate(e.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func valueTypes(types []wasm.ValType) []api.ValueType {
	var out []api.ValueType
	for _, t := range types {
		out = append(out, api.ValueType(t))
	}
	return out
}

func (e *engine) hostFunction(imp wasm.HostImport) api.GoFunc {
	return func(_ context.Context, stack []uint64) {
		n := len(imp.Type.Params)
		args := append([]uint64(nil), stack[:n]...)
		for i, t := range imp.Type.Params {
			if t == wasm.I32 {
				args[i] = uint64(uint32(args[i]))
			}
		}
		e.gas = int64(stack[n])
		e.calls = append(e.calls, metertest.Call{ID: imp.ID, Args: args, GasLeft: e.gas})
		memory, _ := e.memory.Read(0, e.memory.Size())
		result, price, stop := metertest.Answer(imp.ID, args, memory)
		if stop {
			e.stopped = true
			panic(errStop)
		}
		e.gas -= price
		if len(imp.Type.Results) > 0 {
			stack[0] = result
		}
	}
}

// trapClasses maps wazero's messages to classes.
var trapClasses = []struct {
	text  string
	class metertest.Class
}{
	{"unreachable", metertest.Unreachable},
	{"out of bounds memory access", metertest.MemoryBounds},
	{"invalid table access", metertest.TableBounds},
	{"indirect call type mismatch", metertest.SignatureClass},
	{"integer divide by zero", metertest.DivideByZero},
	{"integer overflow", metertest.IntegerOverflow},
}

// run instantiates the compiled module anew and calls an export.
func (e *engine) run(t testing.TB, code wazero.CompiledModule, entry string, gas int64) metertest.Outcome {
	t.Helper()
	instance, err := e.runtime.InstantiateModule(e.ctx, code, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		t.Fatalf("instantiating: %v", err)
	}
	defer func() { _ = instance.Close(e.ctx) }()
	gasGlobal := instance.ExportedGlobal(meter.GasExport).(api.MutableGlobal)
	stackGlobal := instance.ExportedGlobal(meter.StackExport)
	gasGlobal.Set(uint64(gas))
	e.calls, e.stopped, e.memory = nil, false, instance.ExportedMemory(meter.MemoryExport)
	results, err := instance.ExportedFunction(entry).Call(e.ctx)
	out := metertest.Outcome{Class: metertest.Finished, GasLeft: int64(gasGlobal.Get()), Calls: e.calls}
	view, _ := e.memory.Read(0, e.memory.Size())
	out.Memory = append([]byte(nil), view...)
	if len(results) > 0 {
		out.Result = uint64(uint32(results[0]))
	}
	switch {
	case e.stopped:
		out.Class, out.GasLeft = metertest.Stopped, e.gas
	case err != nil && out.GasLeft < 0:
		out.Class = metertest.OutOfGas
	case err != nil && int32(stackGlobal.Get()) < 0:
		out.Class = metertest.StackOverflow
	case err != nil:
		out.Class = classify(t, err)
	}
	return out
}

func classify(t testing.TB, err error) metertest.Class {
	t.Helper()
	for _, known := range trapClasses {
		if strings.Contains(err.Error(), "wasm error: "+known.text) {
			return known.class
		}
	}
	t.Fatalf("unexpected end: %v", err)
	return ""
}

// metered validates, meters and compiles a module.
func (e *engine) metered(t testing.TB, code []byte, policy wasm.Policy, o meter.Options) (*wasm.Module, wazero.CompiledModule) {
	t.Helper()
	m, _, err := wasm.Validate(code, policy)
	if err != nil {
		t.Fatalf("validating: %v", err)
	}
	out, err := meter.Instrument(m, o)
	if err != nil {
		t.Fatalf("metering: %v", err)
	}
	if _, _, err := wasm.Validate(out, wasm.MeteredPolicy()); err != nil {
		t.Fatalf("the metered module is refused: %v", err)
	}
	compiled, err := e.runtime.CompileModule(e.ctx, out)
	if err != nil {
		t.Fatalf("wazero refuses the metered module: %v", err)
	}
	return m, compiled
}
