package wazeroengine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// features are what package wasm's validator accepts.
const features = api.CoreFeaturesV1 | api.CoreFeatureSignExtensionOps | api.CoreFeatureBulkMemoryOperations

// Guest is a compiled guest module.
type Guest struct {
	runtime wazero.Runtime
	code    wazero.CompiledModule
}

// Exec is one execution of a guest.
type Exec struct {
	module  api.Module
	entry   api.Function
	gas     api.MutableGlobal
	stack   api.Global
	handed  int64 // gas that the metered code gets when it asks
	started bool
	over    bool
	steps   chan engine.Step
	answers chan int64 // closed to end the execution
	end     chan error
}

var (
	errDropped = errors.New("the execution was dropped")
	errOver    = errors.New("the execution is over")
)

// CompileGuest compiles a metered module. The ids are those of its imports in order, without the meter's own.
func CompileGuest(ctx context.Context, metered []byte, imports []engine.GuestImport) (*Guest, error) {
	m, err := wasm.Decode(metered)
	if err != nil {
		return nil, fmt.Errorf("reading a metered module: %w", err)
	}
	if len(m.Imports) != len(imports)+1 {
		return nil, fmt.Errorf("the module has %d imports, not %d and the meter's", len(m.Imports), len(imports))
	}
	config := wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features).WithMemoryLimitPages(engine.GuestMemoryMaxPages)
	g := &Guest{runtime: wazero.NewRuntimeWithConfig(ctx, config)}
	if err := g.link(ctx, m, imports); err != nil {
		return nil, errors.Join(err, g.runtime.Close(ctx))
	}
	if g.code, err = g.runtime.CompileModule(ctx, metered); err != nil {
		return nil, errors.Join(fmt.Errorf("compiling: %w", err), g.runtime.Close(ctx))
	}
	return g, nil
}

// link makes a host module for each module name that the guest imports from.
func (g *Guest) link(ctx context.Context, m *wasm.Module, imports []engine.GuestImport) error {
	builders := map[string]wazero.HostModuleBuilder{}
	for i, imp := range m.Imports {
		b := builders[imp.Module]
		if b == nil {
			b = g.runtime.NewHostModuleBuilder(imp.Module)
			builders[imp.Module] = b
		}
		f := tellGas
		if i < len(imports) {
			f = syscall(imports[i].ID, m.Types[imp.Type])
		}
		t := m.Types[imp.Type]
		b.NewFunctionBuilder().WithGoFunction(f, valueTypes(t.Params), valueTypes(t.Results)).Export(imp.Name)
	}
	for name, b := range builders {
		if _, err := b.Instantiate(ctx); err != nil {
			return fmt.Errorf("defining the imports of %s: %w", name, err)
		}
	}
	return nil
}

func valueTypes(types []wasm.ValType) []api.ValueType {
	out := make([]api.ValueType, len(types))
	for i, t := range types {
		out[i] = api.ValueType(t)
	}
	return out
}

// execKey is the context's key for the running execution.
type execKey struct{}

func running(ctx context.Context) *Exec { return ctx.Value(execKey{}).(*Exec) }

var tellGas api.GoFunc = func(ctx context.Context, stack []uint64) { stack[0] = uint64(running(ctx).handed) }

// syscall hands the call to Run and waits for the answer.
func syscall(id uint32, t wasm.FuncType) api.GoFunc {
	n := len(t.Params) - 1 // without the gas
	return func(ctx context.Context, stack []uint64) {
		x := running(ctx)
		step := engine.Step{Kind: engine.StepSyscall, ID: id, NArgs: uint32(n), GasLeft: max(int64(stack[n]), 0), MemBytes: x.memory().Size()}
		for i := range n {
			step.Args[i] = stack[i]
			if t.Params[i] == wasm.I32 {
				step.Args[i] = uint64(uint32(stack[i]))
			}
		}
		x.steps <- step
		answer, ok := <-x.answers
		if !ok {
			panic(errDropped)
		}
		if t.Result() != wasm.None {
			stack[0] = uint64(answer)
		}
	}
}

// Close frees the guest. Its executions must have been dropped.
func (g *Guest) Close(ctx context.Context) error { return g.runtime.Close(ctx) }

// Instantiate makes an execution that will begin at entry.
func (g *Guest) Instantiate(ctx context.Context, entry string) (*Exec, error) {
	module, err := g.runtime.InstantiateModule(ctx, g.code, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		return nil, fmt.Errorf("instantiating: %w", err)
	}
	x := &Exec{module: module, entry: module.ExportedFunction(entry), stack: module.ExportedGlobal("sepia:stack"),
		steps: make(chan engine.Step), answers: make(chan int64), end: make(chan error, 1)}
	var ok bool
	if x.gas, ok = module.ExportedGlobal("sepia:gas").(api.MutableGlobal); !ok || x.stack == nil || x.memory() == nil {
		return nil, errors.Join(errors.New("the module does not export what metering adds"), module.Close(ctx))
	}
	if x.entry == nil {
		return nil, errors.Join(fmt.Errorf("%w: %s", engine.ErrNoExport, entry), module.Close(ctx))
	}
	return x, nil
}

func (x *Exec) memory() api.Memory { return x.module.ExportedMemory("sepia:memory") }

// Run starts the execution, or answers the call that its last step was and goes on.
func (x *Exec) Run(ctx context.Context, gas, answer int64) (engine.Step, error) {
	if x.over {
		return engine.Step{}, errOver
	}
	x.handed = min(gas, engine.MaxGas)
	if !x.started {
		x.started = true
		x.gas.Set(uint64(x.handed))
		go func() {
			_, err := x.entry.Call(context.WithValue(ctx, execKey{}, x))
			x.end <- err
		}()
	} else {
		x.answers <- answer
	}
	select {
	case step := <-x.steps:
		return step, nil
	case err := <-x.end:
		x.over = true
		return x.last(err)
	}
}

// classes maps wazero's messages. It tells null entries and entries outside the table no more apart than we do.
var classes = []struct {
	text  string
	class engine.TrapClass
}{
	{"wasm error: unreachable", engine.TrapUnreachable},
	{"wasm error: out of bounds memory access", engine.TrapMemory},
	{"wasm error: invalid table access", engine.TrapTable},
	{"wasm error: indirect call type mismatch", engine.TrapSignature},
	{"wasm error: integer divide by zero", engine.TrapDivideByZero},
	{"wasm error: integer overflow", engine.TrapIntegerOverflow},
}

// last is the step of an execution that came to its end.
func (x *Exec) last(end error) (engine.Step, error) {
	gas, stack := int64(x.gas.Get()), int32(x.stack.Get())
	step := engine.Step{Kind: engine.StepFinished, GasLeft: max(gas, 0), MemBytes: x.memory().Size()}
	if end == nil {
		return step, nil
	}
	step.Kind = engine.StepTrapped
	if gas < 0 {
		step.Kind = engine.StepOutOfGas
		return step, nil
	}
	if stack < 0 {
		step.Trap = engine.TrapStackOverflow
		return step, nil
	}
	for _, c := range classes {
		if strings.HasPrefix(end.Error(), c.text) {
			step.Trap = c.class
			if c.class == engine.TrapMemory {
				step.GasLeft = 0
			}
			return step, nil
		}
	}
	return engine.Step{}, fmt.Errorf("%w: running on wazero: %w", engine.ErrFault, end)
}

// Read copies memory to dst, or says false if the range is not inside.
func (x *Exec) Read(at uint32, dst []byte) bool {
	src, ok := x.memory().Read(at, uint32(len(dst)))
	copy(dst, src)
	return ok
}

// Write copies src to memory, or says false if the range is not inside.
func (x *Exec) Write(at uint32, src []byte) bool { return x.memory().Write(at, src) }

// Drop ends the execution in any state.
func (x *Exec) Drop(ctx context.Context) error {
	if x.started && !x.over {
		close(x.answers)
		<-x.end
	}
	x.over = true
	if err := x.module.Close(ctx); err != nil {
		return fmt.Errorf("dropping an execution: %w", err)
	}
	return nil
}
