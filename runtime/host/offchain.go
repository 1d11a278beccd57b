package host

import (
	"context"
	"fmt"
	"math"

	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/wasm"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// CallOffChain runs one method of a blob in an interpreter, with the host functions of the table, but without gas, without
// the rules for blobs (floats are allowed) and with an allocator that never reuses memory. Nothing that a chain agrees on
// may come from it: it makes genesis states, which are agreed on as data.
//
// The blob's own failure is a *CallError.
func CallOffChain(ctx context.Context, code []byte, method string, input []byte, storage Storage, log LogSink) ([]byte, error) {
	raw, err := Decompress(code)
	if err != nil {
		return nil, err
	}
	vm := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig())
	defer vm.Close(ctx) //nolint:errcheck // nothing is left to lose

	machine := &offChainMachine{}
	c := &call{}
	c.begin(machine, CallOptions{Storage: storage, Log: log})
	if err := c.defineOffChain(ctx, vm); err != nil {
		return nil, err
	}
	module, err := vm.Instantiate(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("%w: instantiating: %w", ErrCode, err)
	}
	if err := machine.attach(vm.Module(ImportModule), module); err != nil {
		return nil, err
	}
	function := module.ExportedFunction(method)
	if function == nil {
		return nil, fmt.Errorf("%w: %s", engine.ErrNoExport, method)
	}
	argument, err := machine.Return(input)
	if err != nil {
		return nil, err
	}
	results, err := function.Call(ctx, argument&math.MaxUint32, argument>>32)
	if err != nil {
		return nil, &CallError{Method: method, Class: engine.TrapHost, Text: firstLine(err.Error()), Reason: c.reason}
	}
	if len(results) != 1 {
		return nil, fmt.Errorf("%w: %s has %d results, want 1", ErrCode, method, len(results))
	}
	output, err := machine.Read(uint32(results[0]), uint32(results[0]>>32))
	if err != nil {
		return nil, err
	}
	return append([]byte(nil), output...), nil
}

func firstLine(text string) string {
	for i, r := range text {
		if r == '\n' {
			return text[:i]
		}
	}
	return text
}

// implementationsModule is where the interpreter finds the functions of the table; the module "env" passes them on.
const implementationsModule = "sepia_host"

// defineOffChain defines the module "env": the functions and the memory. An interpreter's host module cannot own a memory,
// so a module made here does, and re-exports the functions of another one.
func (c *call) defineOffChain(ctx context.Context, vm wazero.Runtime) error {
	builder := vm.NewHostModuleBuilder(implementationsModule)
	for i := range table {
		r := &table[i]
		t := r.funcType()
		builder = builder.NewFunctionBuilder().
			WithGoModuleFunction(c.offChain(r, len(t.Params)), apiTypes(t.Params), apiTypes(t.Results)).
			Export(r.name)
	}
	if _, err := builder.Instantiate(ctx); err != nil {
		return fmt.Errorf("defining host functions for the interpreter: %w", err)
	}
	config := wazero.NewModuleConfig().WithName(ImportModule)
	if _, err := vm.InstantiateWithConfig(ctx, environmentModule(), config); err != nil {
		return fmt.Errorf("defining the interpreter's memory: %w", err)
	}
	return nil
}

// offChain is a row as the interpreter calls it. An error ends the run: the interpreter turns a panic with an error into
// the error of the outermost call.
func (c *call) offChain(r *row, params int) api.GoModuleFunc {
	return func(_ context.Context, _ api.Module, stack []uint64) {
		c.price = &r.price
		result, err := r.run(c, stack[:params])
		if err != nil {
			panic(err)
		}
		if r.result != None {
			stack[0] = result
		}
	}
}

func apiTypes(types []wasm.ValType) []api.ValueType {
	converted := make([]api.ValueType, len(types))
	for i, t := range types {
		converted[i] = api.ValueType(t) // both are the codes of the binary format
	}
	return converted
}

// environmentModule is the binary of a module that imports every function of the table, exports them under their names, and
// owns the memory.
func environmentModule() []byte {
	count := uint32(len(table))
	types, imports, exports := wasm.AppendU32(nil, count), wasm.AppendU32(nil, count), wasm.AppendU32(nil, count+1)
	for i := range table {
		t := table[i].funcType()
		types = append(types, 0x60) // a function type
		for _, list := range [][]wasm.ValType{t.Params, t.Results} {
			types = wasm.AppendU32(types, uint32(len(list)))
			for _, v := range list {
				types = append(types, byte(v))
			}
		}
		imports = wasm.AppendName(imports, implementationsModule)
		imports = wasm.AppendName(imports, table[i].name)
		imports = wasm.AppendU32(append(imports, byte(wasm.KindFunction)), uint32(i))
		exports = wasm.AppendName(exports, table[i].name)
		exports = wasm.AppendU32(append(exports, byte(wasm.KindFunction)), uint32(i))
	}
	exports = append(wasm.AppendName(exports, "memory"), byte(wasm.KindMemory), 0)
	memory := wasm.AppendU32([]byte{1, 0}, offChainPages) // one memory, no maximum

	module := wasm.AppendHeader(nil)
	module = wasm.AppendSection(module, wasm.SectionType, types)
	module = wasm.AppendSection(module, wasm.SectionImport, imports)
	module = wasm.AppendSection(module, wasm.SectionMemory, memory)
	return wasm.AppendSection(module, wasm.SectionExport, exports)
}

// offChainPages is the initial memory off chain, more than the data of any blob asks for: 16 MiB.
const offChainPages = 256

// offChainMachine is the machine of an interpreted blob: unmetered, with memory that only grows.
type offChainMachine struct {
	memory api.Memory
	next   uint64
}

func (m *offChainMachine) attach(environment, module api.Module) error {
	base := module.ExportedGlobal("__heap_base")
	if base == nil {
		return fmt.Errorf("%w: it does not export __heap_base", ErrCode)
	}
	m.memory, m.next = environment.Memory(), base.Get()&math.MaxUint32
	return nil
}

func (m *offChainMachine) Charge(int64) error { return nil }

func (m *offChainMachine) GasLeft() int64 { return math.MaxInt64 }

func (m *offChainMachine) Read(ptr, length uint32) ([]byte, error) {
	view, ok := m.memory.Read(ptr, length)
	if !ok {
		return nil, faultf("an argument points outside the memory")
	}
	return view, nil
}

func (m *offChainMachine) Alloc(size uint32) (uint32, error) {
	const (
		alignment = 8
		header    = 8 // which Substrate's allocator has, and into which the blob's own code writes
	)
	at := (m.next+alignment-1)&^(alignment-1) + header
	end := at + uint64(size)
	if have := uint64(m.memory.Size()); end > have {
		if _, ok := m.memory.Grow(uint32((end - have + wasm.PageSize - 1) / wasm.PageSize)); !ok {
			return 0, &engine.Trap{Class: engine.TrapAllocatorExhausted}
		}
	}
	m.next = end
	return uint32(at), nil
}

func (m *offChainMachine) Return(b []byte) (uint64, error) {
	at, err := m.Alloc(uint32(len(b)))
	if err != nil {
		return 0, err
	}
	view, err := m.Read(at, uint32(len(b)))
	if err != nil {
		return 0, err
	}
	copy(view, b)
	return uint64(len(b))<<32 | uint64(at), nil
}
