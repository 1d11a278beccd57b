package main

import (
	"encoding/binary"

	"github.com/sepia-chain/sepia/runtime/host"
	"github.com/sepia-chain/sepia/runtime/meter/metertest"
	"github.com/sepia-chain/sepia/runtime/vm"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// A script is a list of calls of host functions that a blob of our own makes one after another. In memory: their number, then
// for each call the operation and its arguments, then what the arguments point to.
const (
	word         = 8
	argumentsMax = 5
	stepBytes    = word * (1 + argumentsMax)
	stepsAt      = word
	heapBase     = 65_536
	inputAt      = heapBase + 8 // the allocator's first block, behind its header
)

// argument is a number, or the place of bytes of the script's own.
type argument struct {
	value  uint64
	inside bool
}

func number(v uint64) argument { return argument{value: v} }

type scriptStep struct {
	operation uint32
	arguments []argument
}

// script is such a list in the making.
type script struct {
	operations map[string]uint32
	steps      []scriptStep
	data       []byte
}

// call adds a call of a function by its short name. Its result is released if it is memory.
func (s *script) call(name string, arguments ...argument) { s.add(name, 0, arguments) }

// keep adds a call whose result is not released.
func (s *script) keep(name string, arguments ...argument) {
	s.add(name, uint32(len(s.operations)), arguments)
}

func (s *script) add(name string, shift uint32, arguments []argument) {
	operation, ok := s.operations[name]
	if !ok {
		panic("no host function " + name)
	}
	s.steps = append(s.steps, scriptStep{operation + shift, arguments})
}

// put places bytes in the script and says where.
func (s *script) put(b []byte) argument {
	at := len(s.data)
	s.data = append(s.data, b...)
	s.data = append(s.data, make([]byte, (word-len(s.data)%word)%word)...)
	return argument{uint64(at), true}
}

// fat is put with the length.
func (s *script) fat(b []byte) argument {
	at := s.put(b)
	at.value |= uint64(len(b)) << 32
	return at
}

// encode is the script cut after so many steps. The bytes behind stay, so that only the work differs.
func (s *script) encode(steps int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(steps))
	dataAt := uint64(inputAt + stepsAt + stepBytes*len(s.steps))
	for _, step := range s.steps {
		b = binary.LittleEndian.AppendUint64(b, uint64(step.operation))
		for i := range argumentsMax {
			var a argument
			if i < len(step.arguments) {
				a = step.arguments[i]
			}
			if a.inside {
				a.value += dataAt
			}
			b = binary.LittleEndian.AppendUint64(b, a.value)
		}
	}
	return append(b, s.data...)
}

// Opcodes that package wasm has no name for.
const (
	i64Load = wasm.Op(0x29)
	i32Wrap = wasm.Op(0xa7)
	i32Ne   = wasm.Op(0x47)
)

const noBlock = byte(0x40)

// scriptBlob is the blob that runs scripts. It has a dispatcher over all functions, twice: the second half keeps results.
func scriptBlob(functions []host.Function, rules []byte) []byte {
	b := &metertest.Builder{MemoryMin: 2, Globals: []metertest.Global{{Type: wasm.I32, Value: heapBase, Export: "__heap_base"}}}
	free := uint32(0)
	for i, f := range functions {
		b.Imports = append(b.Imports, metertest.Import{Module: host.ImportModule, Name: f.Name, Type: typeOf(f)})
		if shortName(f.Name) == releaseName {
			free = uint32(i)
		}
	}
	const input, step, end = uint32(0), uint32(2), uint32(3)
	cases := make([][]byte, 0, 2*len(functions)+1)
	for _, kept := range []bool{false, true} {
		for i, f := range functions {
			cases = append(cases, invoke(f, uint32(i), free, step, kept))
		}
	}
	cases = append(cases, nil) // doing nothing
	selector := metertest.Asm(wasm.OpLocalGet, step, wasm.OpI32Load, uint32(2), uint32(0))
	code := metertest.Asm(
		wasm.OpLocalGet, input, wasm.OpI32Const, inputAt, i32Ne, wasm.OpIf, noBlock, wasm.OpUnreachable, wasm.OpEnd,
		wasm.OpI32Const, inputAt+stepsAt, wasm.OpLocalTee, step,
		wasm.OpLocalGet, input, wasm.OpI32Load, uint32(2), uint32(0), wasm.OpI32Const, stepBytes, wasm.OpI32Mul, wasm.OpI32Add, wasm.OpLocalSet, end,
		wasm.OpBlock, noBlock, wasm.OpLoop, noBlock,
		wasm.OpLocalGet, step, wasm.OpLocalGet, end, wasm.OpI32Sub, wasm.OpI32Eqz, wasm.OpBrIf, uint32(1),
		dispatch(selector, cases),
		wasm.OpLocalGet, step, wasm.OpI32Const, stepBytes, wasm.OpI32Add, wasm.OpLocalSet, step,
		wasm.OpBr, uint32(0), wasm.OpEnd, wasm.OpEnd, wasm.OpI64Const, 0)
	b.Funcs = []metertest.Func{{Type: metertest.Types("ii", "I"), Export: "script", Locals: []wasm.ValType{wasm.I32, wasm.I32}, Code: code}}
	blob := b.Bytes()
	version := host.Version{SpecName: "calibrate", ImplName: "calibrate", SpecVersion: 1}
	for _, section := range []struct {
		name    string
		content []byte
	}{{"runtime_version", version.Encode()}, {vm.SectionName, rules}} {
		blob = wasm.AppendSection(blob, wasm.SectionCustom, append(wasm.AppendName(nil, section.name), section.content...))
	}
	return blob
}

func typeOf(f host.Function) wasm.FuncType {
	letters := map[host.Param]string{host.U32: "i", host.U64: "I", host.Ptr: "i", host.Fat: "I"}
	params := ""
	for _, p := range f.Params {
		params += letters[p]
	}
	return metertest.Types(params, letters[f.Result])
}

// invoke calls a function with the arguments of a step and releases what it returns.
func invoke(f host.Function, index, free, step uint32, kept bool) []byte {
	var code []byte
	for i, t := range typeOf(f).Params {
		code = append(code, loadArgument(step, t, uint32(word*(1+i)))...)
	}
	code = append(code, metertest.Asm(wasm.OpCall, index)...)
	switch {
	case f.Result == host.None:
		return code
	case kept || f.Result == host.U32 || f.Result == host.U64:
		return metertest.Asm(code, wasm.OpDrop)
	case f.Result == host.Fat:
		code = metertest.Asm(code, i32Wrap)
	}
	return metertest.Asm(code, wasm.OpCall, free)
}

func loadArgument(base uint32, t wasm.ValType, offset uint32) []byte {
	if t == wasm.I64 {
		return metertest.Asm(wasm.OpLocalGet, base, i64Load, uint32(3), offset)
	}
	return metertest.Asm(wasm.OpLocalGet, base, wasm.OpI32Load, uint32(2), offset)
}

// dispatch runs the case whose number the selector leaves on the stack.
func dispatch(selector []byte, cases [][]byte) []byte {
	n := uint32(len(cases))
	code := metertest.Asm(wasm.OpBlock, noBlock) // the way out
	for range cases {
		code = metertest.Asm(code, wasm.OpBlock, noBlock)
	}
	code = metertest.Asm(code, selector, wasm.OpBrTable, n)
	for i := range n {
		code = metertest.Asm(code, i)
	}
	code = metertest.Asm(code, n) // no such case: out
	for i, body := range cases {
		code = metertest.Asm(code, wasm.OpEnd, body, wasm.OpBr, n-1-uint32(i))
	}
	return metertest.Asm(code, wasm.OpEnd)
}
