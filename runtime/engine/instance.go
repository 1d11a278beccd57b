package engine

/*
#cgo noescape sepia_instance_call
#cgo noescape sepia_instance_put
#cgo nocallback sepia_instance_put
#cgo nocallback sepia_instance_alloc
#cgo nocallback sepia_instance_refresh
#include "shim_blob.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"math"
	"runtime/cgo"
	"runtime/debug"
	"unsafe"

	"github.com/sepia-chain/sepia/runtime/wasm"
)

// MaxGas is the largest gas limit; larger ones are clamped, so that no sum of two limits overflows.
const MaxGas = 1 << 62

// Instance runs calls of one blob, one at a time. It belongs to one goroutine while a call runs.
type Instance struct {
	blob    *Blob
	c       *C.sepia_instance
	handle  cgo.Handle
	context any                   // of the running call
	ended   error                 // why a host function ended the call
	args    [maxHostParams]uint64 // of the running host function
	waited  []byte                // arguments of the change that is being made after it has waited; nil while none is
	same    bool                  // the next call finds the storage as the last one left it
}

// CallResult is the end of a successful call. GasUsed is set after a trap too.
type CallResult struct {
	Output  []byte
	GasUsed int64
}

// Instantiate takes a slot of the pool, waiting for one if all are taken.
func (b *Blob) Instantiate() (*Instance, error) {
	b.tier.slots <- struct{}{}
	in := &Instance{blob: b}
	in.handle = cgo.NewHandle(in)
	in.c = C.sepia_instance_new(b.c, C.uintptr_t(in.handle), blobStackBytes+hostStackBytes)
	if in.c == nil {
		in.handle.Delete()
		<-b.tier.slots
		return nil, fault("instantiating a blob", "no address space for its stack")
	}
	b.refs.Add(1)
	return in, nil
}

// Close frees the instance and its slot.
func (in *Instance) Close() {
	C.sepia_instance_delete(in.c)
	in.handle.Delete()
	<-in.blob.tier.slots
	in.blob.release()
}

// Call runs an export on a copy of input, in memory as fresh as a new instance's. Its error is a *Trap, ErrNoExport or
// ErrFault. ctx is what Context returns to the host functions that the call reaches.
func (in *Instance) Call(export string, input []byte, gas int64, ctx any) (CallResult, error) {
	if _, ok := in.blob.exports[export]; !ok {
		return CallResult{}, fmt.Errorf("%w: %s", ErrNoExport, export)
	}
	if len(input) > math.MaxUint32 {
		return CallResult{}, &Trap{Class: TrapAllocatorExhausted, Text: "the input does not fit the memory"}
	}
	if gas < 0 {
		return CallResult{}, &Trap{Class: TrapOutOfGas}
	}
	gas = min(gas, MaxGas)
	if !C.sepia_instance_renew(in.c) {
		return CallResult{}, fault("renewing a blob instance", failureText(&in.c.failure))
	}
	in.context, in.ended = ctx, nil
	end := C.sepia_instance_call(in.c, (*C.char)(unsafe.Pointer(unsafe.StringData(export))), C.size_t(len(export)),
		(*C.uint8_t)(unsafe.SliceData(input)), C.uint32_t(len(input)), C.int64_t(gas), C.bool(in.same))
	in.same = false
	if end != C.SEPIA_FAULT && !in.makeChanges() {
		end = C.SEPIA_ENDED_BY_HOST
		in.c.host_end = C.SEPIA_HOST_GO
	}
	in.context = nil
	return in.result(end, gas)
}

// SameStorage says that the storage holds what it did when the last call ended, so that the next one may use what is known of
// it. Without it each call asks anew.
func (in *Instance) SameStorage() { in.same = true }

// result turns the end of a call into what Call returns. After anything but success the Wasm instance is given up: its
// globals and tables are in an unknown state.
func (in *Instance) result(end C.int, gas int64) (CallResult, error) {
	left := max(int64(in.c.gas_left), 0)
	if end == C.SEPIA_FINISHED {
		output := C.GoBytes(unsafe.Add(unsafe.Pointer(in.c.heap.bytes), uintptr(in.c.result_at)), C.int(in.c.result_len))
		return CallResult{Output: output, GasUsed: gas - left}, nil
	}
	defer C.sepia_instance_shut(in.c)
	var err error
	switch end {
	case C.SEPIA_TRAPPED:
		err = in.trapped()
	case C.SEPIA_ENDED_BY_HOST:
		err = in.endedByHost()
	default:
		err = fault("running a blob", failureText(&in.c.failure))
	}
	var t *Trap
	if errors.As(err, &t) && (t.Class == TrapMemory || t.Class == TrapOutOfGas) {
		left = 0 // the counter of the frame that trapped is lost
	}
	return CallResult{GasUsed: gas - left}, err
}

// trapped classifies a trap of the machine code. The module's own counters come first: their ends are unreachable instructions.
func (in *Instance) trapped() error {
	if in.c.gas_left < 0 {
		return &Trap{Class: TrapOutOfGas}
	}
	if in.c.stack_left < 0 {
		return &Trap{Class: TrapStackOverflow}
	}
	class, ok := classOf(uint8(in.c.trap_code))
	if !ok {
		return fault("running a blob", fmt.Sprintf("trap code %d", in.c.trap_code))
	}
	return &Trap{Class: class}
}

var hostEnds = map[C.int]Trap{
	C.SEPIA_HOST_OUT_OF_GAS:    {Class: TrapOutOfGas},
	C.SEPIA_HOST_OUT_OF_MEMORY: {Class: TrapAllocatorExhausted},
	C.SEPIA_HOST_BAD_FREE:      {Class: TrapHost, Text: "free of an address that is not a block in use"},
	C.SEPIA_HOST_BAD_POINTER:   {Class: TrapHost, Text: outside},
	C.SEPIA_HOST_BAD_RESULT:    {Class: TrapHost, Text: "the result of the call lies outside the memory"},
}

func (in *Instance) endedByHost() error {
	if in.c.host_end == C.SEPIA_HOST_GO {
		return in.ended
	}
	t := hostEnds[in.c.host_end]
	return &t
}

// recovered turns a panic of a host function into the end of the call: there may be C and Wasm below.
func (in *Instance) recovered(f *HostFunc, ok *bool) {
	if p := recover(); p != nil {
		in.ended = fault("host function "+f.Name, fmt.Sprintf("panic: %v\n%s", p, debug.Stack()))
		*ok = false
	}
}

// makeChanges makes the changes that have waited, in their order, and says whether the call goes on.
func (in *Instance) makeChanges() bool {
	queue := in.c.queue
	for at := uint32(0); at < uint32(queue.len); {
		change := (*C.sepia_change)(unsafe.Pointer(&queue.bytes[at]))
		in.waited = unsafe.Slice((*byte)(unsafe.Pointer(&queue.bytes[at])), int(change.size))[C.sizeof_sepia_change:]
		if !in.makeChange(&in.blob.funcs[change.id], uint32(change.length[0]), uint32(change.length[1])) {
			queue.len = 0
			return false
		}
		at += uint32(change.size)
	}
	queue.len = 0
	return true
}

// makeChange runs a host function on arguments that have waited: Read finds them, and they are paid.
func (in *Instance) makeChange(f *HostFunc, first, second uint32) (ok bool) {
	defer func() { in.waited = nil }()
	defer in.recovered(f, &ok)
	args := [2]uint64{uint64(first) << 32, uint64(second)<<32 | uint64(first)}
	if _, err := f.Go(in, args[:len(f.Params)]); err != nil {
		in.ended = f.ending(err)
		return false
	}
	return true
}

// serve runs one host function and says whether the call goes on.
func (in *Instance) serve(id uint32, raw unsafe.Pointer) (ok bool) {
	f := &in.blob.funcs[id]
	defer in.recovered(f, &ok)
	if in.c.queue.len != 0 && !in.makeChanges() {
		return false
	}
	values := unsafe.Slice((*[2]uint64)(raw), len(f.Params)+1) // 16 bytes a value
	for i, t := range f.Params {
		in.args[i] = values[i][0]
		if t == wasm.I32 {
			in.args[i] = uint64(uint32(values[i][0]))
		}
	}
	result, err := f.Go(in, in.args[:len(f.Params)])
	if err != nil {
		in.ended = f.ending(err)
		return false
	}
	values[0][0] = result // the slot exists without a result too: the gas parameter's
	return true
}

// ending turns a host function's error into the call's.
func (f *HostFunc) ending(err error) error {
	var host *HostTrap
	var trap *Trap
	switch {
	case errors.Is(err, ErrFault):
	case errors.As(err, &trap):
		return trap
	case errors.As(err, &host):
		return &Trap{Class: TrapHost, Text: f.Name + ": " + host.Text}
	}
	return fmt.Errorf("%w: host function %s: %w", ErrFault, f.Name, err)
}

// Context returns the ctx of the running call.
func (in *Instance) Context() any { return in.context }

// GasLeft returns the gas left at the running host function.
func (in *Instance) GasLeft() int64 { return max(int64(in.c.gas), 0) }

// Charge takes gas for the running host function. Its error ends the call when the function returns it, and the metered code
// ends it otherwise.
func (in *Instance) Charge(gas int64) error {
	if in.waited != nil {
		return nil // charged when it began to wait
	}
	if gas < 0 || gas > int64(in.c.gas) {
		in.c.gas = -1
		return &Trap{Class: TrapOutOfGas}
	}
	in.c.gas -= C.int64_t(gas)
	return nil
}

// Memory returns the whole memory. The slice is valid until the memory grows, which Alloc and Return may do. Only the running
// host function may write to it, on its own goroutine: what other threads write is not seen to need restoring.
func (in *Instance) Memory() []byte {
	C.sepia_instance_refresh(in.c)
	return in.memory()
}

// memory is the memory as it was last seen: it never moves, and the guest may have made it longer since.
func (in *Instance) memory() []byte {
	return unsafe.Slice((*byte)(in.c.heap.bytes), int(in.c.heap.len))
}

const outside = "an argument points outside the memory"

// Read returns length bytes at ptr as a view, valid as long as Memory's.
func (in *Instance) Read(ptr, length uint32) ([]byte, error) {
	end := uint64(ptr) + uint64(length)
	if in.waited != nil && end <= uint64(len(in.waited)) {
		return in.waited[ptr:end:end], nil
	}
	if end > uint64(in.c.heap.len) {
		C.sepia_instance_refresh(in.c)
	}
	if end > uint64(in.c.heap.len) {
		return nil, &HostTrap{Text: outside}
	}
	return in.memory()[ptr:end:end], nil
}

// Alloc returns a new block of the blob's heap.
func (in *Instance) Alloc(size uint32) (uint32, error) {
	at := C.sepia_instance_alloc(in.c, C.uint32_t(size))
	if at == 0 {
		return 0, &Trap{Class: TrapAllocatorExhausted}
	}
	return uint32(at), nil
}

// Return copies b to a new block and returns it as length<<32 | pointer.
func (in *Instance) Return(b []byte) (uint64, error) {
	if len(b) > math.MaxUint32 {
		return 0, &Trap{Class: TrapAllocatorExhausted}
	}
	at := C.sepia_instance_put(in.c, (*C.uint8_t)(unsafe.SliceData(b)), C.uint32_t(len(b)))
	if at == 0 {
		return 0, &Trap{Class: TrapAllocatorExhausted}
	}
	return uint64(len(b))<<32 | uint64(at), nil
}
