package metertest

import (
	"encoding/binary"
	"math/bits"

	"github.com/sepia-chain/sepia/runtime/meter"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// activation is one running function.
type activation struct {
	x       *machine
	p       *parsed
	locals  []uint64
	values  []uint64
	labels  []label
	results int
	pc      int
}

// label is an open block.
type label struct {
	at     int // index of the block's instruction, -1 for the function
	height int
	arity  int // of a branch to it
}

func (a *activation) push(v uint64)   { a.values = append(a.values, v) }
func (a *activation) push32(v uint32) { a.push(uint64(v)) }
func (a *activation) pop() uint64 {
	v := a.values[len(a.values)-1]
	a.values = a.values[:len(a.values)-1]
	return v
}
func (a *activation) pop32() uint32 { return uint32(a.pop()) }

func (a *activation) popN(n int) []uint64 {
	args := a.values[len(a.values)-n:]
	a.values = a.values[:len(a.values)-n]
	return args
}

func (a *activation) run() error {
	a.labels = []label{{at: -1, arity: a.results}}
	for a.pc < len(a.p.code) {
		in := &a.p.code[a.pc]
		a.pc++
		if in.Op != wasm.OpCall && in.Op != wasm.OpCallIndirect { // calls are charged by the machine
			if err := a.x.spend(a.x.weight(meter.ClassOf(in.Op))); err != nil {
				return err
			}
		}
		if err := a.step(in); err != nil {
			return err
		}
	}
	return nil
}

func (a *activation) step(in *wasm.Instr) error {
	switch in.Op {
	case wasm.OpUnreachable:
		return stopped{Unreachable}
	case wasm.OpNop:
	case wasm.OpBlock, wasm.OpLoop, wasm.OpIf, wasm.OpElse, wasm.OpEnd:
		a.structure(in)
	case wasm.OpBr:
		a.branch(in.Index)
	case wasm.OpBrIf:
		if a.pop32() != 0 {
			a.branch(in.Index)
		}
	case wasm.OpBrTable:
		i := min(uint64(a.pop32()), uint64(len(in.Targets)-1))
		a.branch(in.Targets[i])
	case wasm.OpReturn:
		a.branch(uint32(len(a.labels) - 1))
	case wasm.OpCall, wasm.OpCallIndirect:
		return a.call(in)
	case wasm.OpDrop:
		a.pop()
	case wasm.OpSelect:
		c, second, first := a.pop32(), a.pop(), a.pop()
		if c == 0 {
			first = second
		}
		a.push(first)
	case wasm.OpLocalGet:
		a.push(a.locals[in.Index])
	case wasm.OpLocalSet:
		a.locals[in.Index] = a.pop()
	case wasm.OpLocalTee:
		a.locals[in.Index] = a.values[len(a.values)-1]
	case wasm.OpGlobalGet:
		a.push(a.x.globals[in.Index])
	case wasm.OpGlobalSet:
		a.x.globals[in.Index] = a.pop()
	case wasm.OpI32Const:
		a.push32(uint32(in.Value))
	case wasm.OpI64Const:
		a.push(uint64(in.Value))
	default:
		if in.Op >= wasm.OpI32Load && in.Op <= wasm.OpMemoryGrow || in.Op >= 0x100 {
			return a.memory(in)
		}
		return a.numeric(in.Op)
	}
	return nil
}

func (a *activation) structure(in *wasm.Instr) {
	at := a.pc - 1
	switch in.Op {
	case wasm.OpElse: // reached from the first arm: the block is over without running its end
		a.pc = a.p.match[at] + 1
		a.labels = a.labels[:len(a.labels)-1]
	case wasm.OpEnd:
		a.labels = a.labels[:len(a.labels)-1]
	default:
		condition := in.Op != wasm.OpIf || a.pop32() != 0
		l := label{at: at, height: len(a.values)}
		if in.Op != wasm.OpLoop && in.Block != wasm.None {
			l.arity = 1
		}
		a.labels = append(a.labels, l)
		if condition {
			return
		}
		a.pc = a.p.other[at] + 1
		if a.p.other[at] == a.p.match[at] { // no else: the block is over without running its end
			a.labels = a.labels[:len(a.labels)-1]
		}
	}
}

func (a *activation) branch(index uint32) {
	depth := len(a.labels) - 1 - int(index)
	l := a.labels[depth]
	carried := a.values[len(a.values)-l.arity:]
	a.values = append(a.values[:l.height], carried...)
	switch {
	case l.at < 0:
		a.labels = nil
		a.pc = len(a.p.code)
	case a.p.code[l.at].Op == wasm.OpLoop:
		a.labels = a.labels[:depth+1]
		a.pc = l.at + 1
	default:
		a.labels = a.labels[:depth]
		a.pc = a.p.match[l.at] + 1
	}
}

func (a *activation) call(in *wasm.Instr) error {
	var index uint32
	typ := in.Index
	if in.Op == wasm.OpCall {
		typ, _ = a.x.m.FuncTypeIndex(in.Index)
	} else {
		index = a.pop32()
	}
	t := a.x.m.Types[typ]
	args := a.popN(len(t.Params))
	var result uint64
	var err error
	if in.Op == wasm.OpCall {
		result, err = a.x.called(in.Index, args)
	} else {
		result, err = a.x.indirect(in.Index, index, args)
	}
	if err == nil && len(t.Results) > 0 {
		a.push(result)
	}
	return err
}

// accessSize is the width in bytes of each load and store, from i32.load (0x28) on.
var accessSize = [...]uint64{4, 8, 0, 0, 1, 1, 2, 2, 1, 1, 2, 2, 4, 4, 4, 8, 0, 0, 1, 2, 1, 2, 4}

func (a *activation) memory(in *wasm.Instr) error {
	x := a.x
	switch in.Op {
	case wasm.OpMemorySize:
		a.push32(uint32(len(x.memory) / wasm.PageSize))
		return nil
	case wasm.OpMemoryGrow:
		old, err := x.grow(a.pop32())
		a.push32(old)
		return err
	case wasm.OpMemoryCopy, wasm.OpMemoryFill:
		return a.bulk(in.Op)
	}
	size := accessSize[in.Op-wasm.OpI32Load]
	var value uint64
	if in.Op >= wasm.OpI32Store {
		value = a.pop()
	}
	at := uint64(a.pop32()) + uint64(in.Memory)
	if at+size > uint64(len(x.memory)) {
		return stopped{MemoryBounds}
	}
	var b [8]byte
	if in.Op >= wasm.OpI32Store {
		binary.LittleEndian.PutUint64(b[:], value)
		copy(x.memory[at:at+size], b[:])
		return nil
	}
	copy(b[:size], x.memory[at:])
	a.push(extendLoad(in.Op, binary.LittleEndian.Uint64(b[:])))
	return nil
}

// extendLoad extends the sign for the loads that do so.
func extendLoad(op wasm.Op, v uint64) uint64 {
	switch op {
	case 0x2c:
		return uint64(uint32(int8(v)))
	case 0x2e:
		return uint64(uint32(int16(v)))
	case 0x30:
		return uint64(int8(v))
	case 0x32:
		return uint64(int16(v))
	case 0x34:
		return uint64(int32(v))
	}
	return v
}

func (a *activation) bulk(op wasm.Op) error {
	x := a.x
	n, second, to := uint64(a.pop32()), uint64(a.pop32()), uint64(a.pop32())
	if err := x.spend((n + 7) / 8 * x.weight(meter.ClassBulkWord)); err != nil {
		return err
	}
	size := uint64(len(x.memory))
	if to+n > size || op == wasm.OpMemoryCopy && second+n > size {
		return stopped{MemoryBounds}
	}
	if op == wasm.OpMemoryCopy {
		copy(x.memory[to:to+n], x.memory[second:second+n])
		return nil
	}
	for i := to; i < to+n; i++ {
		x.memory[i] = byte(second)
	}
	return nil
}

func (a *activation) numeric(op wasm.Op) error {
	switch {
	case op == 0xa7: // i32.wrap_i64
		a.push32(a.pop32())
	case op == 0xac: // i64.extend_i32_s
		a.push(uint64(int32(a.pop())))
	case op == 0xad: // i64.extend_i32_u
		a.push(uint64(a.pop32()))
	case op >= 0xc0:
		a.signExtend(op)
	case op == 0x45 || op >= 0x46 && op <= 0x4f:
		a.compare32(op)
	case op >= 0x50 && op <= 0x5a:
		a.compare64(op)
	case op >= 0x67 && op <= 0x69:
		v := a.pop32()
		a.push32([]uint32{uint32(bits.LeadingZeros32(v)), uint32(bits.TrailingZeros32(v)), uint32(bits.OnesCount32(v))}[op-0x67])
	case op >= 0x79 && op <= 0x7b:
		v := a.pop()
		a.push([]uint64{uint64(bits.LeadingZeros64(v)), uint64(bits.TrailingZeros64(v)), uint64(bits.OnesCount64(v))}[op-0x79])
	case op < 0x79:
		y, x := a.pop32(), a.pop32()
		v, err := arithmetic32(op-0x6a, x, y)
		a.push32(v)
		return err
	default:
		y, x := a.pop(), a.pop()
		v, err := arithmetic64(op-0x7c, x, y)
		a.push(v)
		return err
	}
	return nil
}

func (a *activation) signExtend(op wasm.Op) {
	v := a.pop()
	a.push([]uint64{uint64(uint32(int8(v))), uint64(uint32(int16(v))), uint64(int8(v)), uint64(int16(v)), uint64(int32(v))}[op-0xc0])
}

func (a *activation) compare32(op wasm.Op) {
	y := a.pop32()
	if op == 0x45 {
		a.flag(y == 0)
		return
	}
	x := a.pop32()
	a.flag(compare(op-0x46, int64(int32(x)), int64(int32(y)), uint64(x), uint64(y)))
}

func (a *activation) compare64(op wasm.Op) {
	y := a.pop()
	if op == 0x50 {
		a.flag(y == 0)
		return
	}
	x := a.pop()
	a.flag(compare(op-0x51, int64(x), int64(y), x, y))
}

func (a *activation) flag(v bool) {
	if v {
		a.push(1)
	} else {
		a.push(0)
	}
}

// compare is eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u.
func compare(which wasm.Op, xs, ys int64, xu, yu uint64) bool {
	return [...]bool{xu == yu, xu != yu, xs < ys, xu < yu, xs > ys, xu > yu, xs <= ys, xu <= yu, xs >= ys, xu >= yu}[which]
}

// The binary operators in opcode order: add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr.
func arithmetic32(which wasm.Op, x, y uint32) (uint32, error) {
	s := y % 32
	switch which {
	case 3, 4, 5, 6:
		v, err := divide(which, int64(int32(x)), int64(int32(y)), uint64(x), uint64(y))
		if which == 3 && err == nil && int64(v) != int64(int32(v)) {
			return 0, stopped{IntegerOverflow}
		}
		return uint32(v), err
	case 11:
		return uint32(int32(x) >> s), nil
	}
	return [...]uint32{
		0: x + y, 1: x - y, 2: x * y, 7: x & y, 8: x | y, 9: x ^ y, 10: x << s, 12: x >> s,
		13: bits.RotateLeft32(x, int(s)), 14: bits.RotateLeft32(x, -int(s)),
	}[which], nil
}

func arithmetic64(which wasm.Op, x, y uint64) (uint64, error) {
	s := y % 64
	switch which {
	case 3, 4, 5, 6:
		if which == 3 && x == 1<<63 && y == 1<<64-1 {
			return 0, stopped{IntegerOverflow}
		}
		return divide(which, int64(x), int64(y), x, y)
	case 11:
		return uint64(int64(x) >> s), nil
	}
	return [...]uint64{
		0: x + y, 1: x - y, 2: x * y, 7: x & y, 8: x | y, 9: x ^ y, 10: x << s, 12: x >> s,
		13: bits.RotateLeft64(x, int(s)), 14: bits.RotateLeft64(x, -int(s)),
	}[which], nil
}

func divide(which wasm.Op, xs, ys int64, xu, yu uint64) (uint64, error) {
	if yu == 0 {
		return 0, stopped{DivideByZero}
	}
	switch {
	case which == 3:
		return uint64(xs / ys), nil
	case which == 4:
		return xu / yu, nil
	case which == 6:
		return xu % yu, nil
	case ys == -1:
		return 0, nil
	}
	return uint64(xs % ys), nil
}
