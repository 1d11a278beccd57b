package metertest

import (
	"errors"
	"math"

	"github.com/sepia-chain/sepia/runtime/meter"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// Class is how an execution ends.
type Class string

// The ends of an execution.
const (
	Finished        Class = "finished"
	Stopped         Class = "stopped" // by test_stop
	OutOfGas        Class = "out of gas"
	Unreachable     Class = "unreachable"
	MemoryBounds    Class = "memory"
	TableBounds     Class = "table"
	SignatureClass  Class = "signature"
	DivideByZero    Class = "divide by zero"
	IntegerOverflow Class = "integer overflow"
	StackOverflow   Class = "stack overflow"
)

// Classes lists them.
var Classes = []Class{
	Finished, Stopped, OutOfGas, Unreachable, MemoryBounds, TableBounds, SignatureClass, DivideByZero, IntegerOverflow,
	StackOverflow,
}

// Call is one call of a host function as the host saw it.
type Call struct {
	ID      uint32
	Args    []uint64
	GasLeft int64
}

// Outcome is what an execution did.
type Outcome struct {
	Class   Class
	GasLeft int64 // exact, except that it is meaningless (all is lost) for OutOfGas and MemoryBounds
	Result  uint64
	Calls   []Call
	Memory  []byte
}

// RunOptions are the inputs of a run.
type RunOptions struct {
	Weights    meter.Weights
	Prices     []uint64 // for each import of the module
	IDs        []uint32 // for each import of the module: what Answer calls it
	Gas        int64
	StackLimit uint32
	MaxPages   uint32
}

// stopped carries the end of an execution up the Go stack.
type stopped struct{ class Class }

func (s stopped) Error() string { return string(s.class) }

// machine interprets one module.
type machine struct {
	m       *wasm.Module
	o       *RunOptions
	funcs   []*parsed
	memory  []byte
	globals []uint64
	table   []int64 // -1: null
	gas     int64
	stack   int64
	calls   []Call
	max     uint32
}

// parsed is a body as a list of instructions with the targets of its blocks.
type parsed struct {
	code  []wasm.Instr
	match []int // for block, loop, if, else: the index of the end; for if with else: see other
	other []int // for if: the index of its else, or of its end
}

// Interpret runs an export of a validated module, one instruction at a time. A module with a start function runs it first,
// as the metered form does: from a made-up function that calls both.
func Interpret(m *wasm.Module, entry string, o RunOptions) Outcome {
	x := newMachine(m, &o)
	var target uint32
	for i := range m.Exports {
		if m.Exports[i].Name == entry {
			target = m.Exports[i].Index
		}
	}
	var result uint64
	err := x.enter(m, target, &result)
	out := Outcome{Class: Finished, GasLeft: x.gas, Result: result, Calls: x.calls, Memory: x.memory}
	var end stopped
	if errors.As(err, &end) {
		out.Class, out.Result = end.class, 0
	}
	return out
}

func newMachine(m *wasm.Module, o *RunOptions) *machine {
	x := &machine{m: m, o: o, gas: o.Gas, stack: int64(o.StackLimit), max: o.MaxPages}
	if m.Memory.HasMax {
		x.max = min(x.max, m.Memory.Max)
	}
	x.memory = make([]byte, int(m.Memory.Min)*wasm.PageSize)
	for i := range m.Data {
		copy(x.memory[m.Data[i].At:], m.Data[i].Bytes)
	}
	for i := range m.Globals {
		v := uint64(m.Globals[i].Value)
		if m.Globals[i].Type == wasm.I32 {
			v = uint64(uint32(v))
		}
		x.globals = append(x.globals, v)
	}
	if m.Table != nil {
		x.table = make([]int64, m.Table.Min)
		for i := range x.table {
			x.table[i] = -1
		}
		for i := range m.Elements {
			for k, f := range m.Elements[i].Funcs {
				x.table[int(m.Elements[i].At)+k] = int64(f)
			}
		}
	}
	for i := range m.Bodies {
		x.funcs = append(x.funcs, parse(&m.Bodies[i]))
	}
	return x
}

func parse(body *wasm.Body) *parsed {
	p := &parsed{}
	reader := wasm.NewCodeReader(body)
	for reader.More() {
		var in wasm.Instr
		if err := reader.Next(&in); err != nil {
			panic(err) // the module was not validated
		}
		in.Targets = append([]uint32(nil), in.Targets...)
		p.code = append(p.code, in)
	}
	p.match, p.other = make([]int, len(p.code)), make([]int, len(p.code))
	var open []int
	for i := range p.code {
		switch p.code[i].Op {
		case wasm.OpBlock, wasm.OpLoop, wasm.OpIf:
			open = append(open, i)
		case wasm.OpElse:
			p.other[open[len(open)-1]] = i
		case wasm.OpEnd:
			if len(open) == 0 {
				continue
			}
			start := open[len(open)-1]
			open = open[:len(open)-1]
			p.match[start] = i
			if p.other[start] == 0 {
				p.other[start] = i
			} else {
				p.match[p.other[start]] = i
			}
		}
	}
	return p
}

// spend takes gas for what runs now; what would go below zero does not happen.
func (x *machine) spend(cost uint64) error {
	x.gas -= int64(cost)
	if x.gas < 0 {
		return stopped{OutOfGas}
	}
	return nil
}

func (x *machine) weight(c meter.Class) uint64 { return uint64(x.o.Weights.Cost[c]) }

// enter runs the start function, if any, and the entry point.
func (x *machine) enter(m *wasm.Module, target uint32, result *uint64) error {
	var err error
	if !m.HasStart {
		*result, err = x.invoke(target, nil)
		return err
	}
	typ, _ := m.FuncTypeIndex(target)
	results := uint32(len(m.Types[typ].Results))
	return x.frame(meter.FrameCost(0, &wasm.Facts{MaxHeight: results, Producers: results}), func() error {
		if _, err := x.called(m.Start, nil); err != nil {
			return err
		}
		if *result, err = x.called(target, nil); err != nil {
			return err
		}
		return x.spend(x.weight(meter.ClassStructure)) // the final end
	})
}

// frame runs something with a frame's stack and gas taken.
func (x *machine) frame(units uint32, run func() error) error {
	x.stack -= int64(units)
	if x.stack < 0 {
		return stopped{StackOverflow}
	}
	if err := x.spend(x.weight(meter.ClassFrame)); err != nil {
		return err
	}
	if err := run(); err != nil {
		return err
	}
	x.stack += int64(units)
	return nil
}

// called charges a direct call and makes it.
func (x *machine) called(f uint32, args []uint64) (uint64, error) {
	if int(f) < len(x.m.Imports) {
		return x.host(f, args)
	}
	if err := x.spend(x.weight(meter.ClassCall)); err != nil {
		return 0, err
	}
	return x.invoke(f, args)
}

func (x *machine) host(f uint32, args []uint64) (uint64, error) {
	if err := x.spend(x.weight(meter.ClassImport) + x.o.Prices[f]); err != nil {
		return 0, err
	}
	id := x.o.IDs[f]
	x.calls = append(x.calls, Call{ID: id, Args: append([]uint64(nil), args...), GasLeft: x.gas})
	result, price, stop := Answer(id, args, x.memory)
	if stop {
		return 0, stopped{Stopped}
	}
	return result, x.spend(uint64(price))
}

// indirect calls through the table; an import in the table has a frame of its own, as it is reached through a function.
func (x *machine) indirect(typ, index uint32, args []uint64) (uint64, error) {
	if err := x.spend(x.weight(meter.ClassCallIndirect)); err != nil {
		return 0, err
	}
	if int64(index) >= int64(len(x.table)) || x.table[index] < 0 {
		return 0, stopped{TableBounds}
	}
	f := uint32(x.table[index])
	actual, _ := x.m.FuncTypeIndex(f)
	want := x.m.Types[typ]
	if !x.m.Types[actual].Equal(want) {
		return 0, stopped{SignatureClass}
	}
	if int(f) >= len(x.m.Imports) {
		return x.invoke(f, args)
	}
	results := uint32(len(want.Results))
	facts := wasm.Facts{MaxHeight: max(uint32(len(args)), results), Producers: results}
	var result uint64
	err := x.frame(meter.FrameCost(len(args), &facts), func() error {
		if err := x.spend(uint64(len(args)) * x.weight(meter.ClassPlain)); err != nil {
			return err
		}
		var err error
		if result, err = x.host(f, args); err != nil {
			return err
		}
		return x.spend(x.weight(meter.ClassStructure)) // the final end
	})
	return result, err
}

// invoke runs a defined function.
func (x *machine) invoke(f uint32, args []uint64) (uint64, error) {
	defined := int(f) - len(x.m.Imports)
	body := &x.m.Bodies[defined]
	locals := append([]uint64(nil), args...)
	locals = append(locals, make([]uint64, body.Facts.LocalCount)...)
	a := &activation{x: x, p: x.funcs[defined], locals: locals, results: len(x.m.Types[body.Type].Results)}
	err := x.frame(meter.FrameCost(len(args), &body.Facts), a.run)
	if err != nil || a.results == 0 {
		return 0, err
	}
	return a.pop(), nil
}

// grow is memory.grow.
func (x *machine) grow(pages uint32) (uint32, error) {
	if err := x.spend(uint64(pages) * x.weight(meter.ClassGrowPage)); err != nil {
		return 0, err
	}
	old := uint32(len(x.memory) / wasm.PageSize)
	if uint64(old)+uint64(pages) > uint64(x.max) {
		return math.MaxUint32, nil
	}
	x.memory = append(x.memory, make([]byte, int(pages)*wasm.PageSize)...)
	return old, nil
}
