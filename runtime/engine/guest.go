package engine

/*
#cgo noescape sepia_exec_new
#cgo nocallback sepia_exec_new
#cgo nocallback sepia_exec_run
#cgo nocallback sepia_exec_delete
#include <stdlib.h>
#include "shim_guest.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/sepia-chain/sepia/runtime/wasm"
)

// GuestImport says what a guest's import is to its caller.
type GuestImport struct {
	ID uint32 // returned in each Step that calls it
}

// GuestOptions are the choices of CompileGuest.
type GuestOptions struct {
	Level Level
}

// MaxSyscallArgs is the most parameters that an import of a guest may have.
const MaxSyscallArgs = C.SEPIA_GUEST_ARGS

// StepKind says why a run came back.
type StepKind uint8

// The kinds of steps.
const (
	StepFinished StepKind = iota
	StepSyscall
	StepOutOfGas
	StepTrapped
)

// Step is what a run of an execution left.
type Step struct {
	Kind     StepKind
	GasLeft  int64 // 0 after StepOutOfGas and after a memory trap, whose counter is lost
	ID       uint32
	Args     [MaxSyscallArgs]uint64 // i32 arguments are zero-extended
	NArgs    uint32
	Trap     TrapClass
	MemBytes uint32
}

// Guest is a compiled guest module.
type Guest struct {
	c     *C.sepia_guest
	tier  *tier
	links guestLinks
	refs  atomic.Int32 // itself and each execution
}

// Exec is one execution of a guest. It is used by one goroutine at a time and must be dropped.
type Exec struct {
	guest *Guest
	c     *C.sepia_exec
}

// errOver is returned for an execution that has finished, trapped or run out of gas.
var errOver = errors.New("the execution is over")

// CompileGuest compiles a metered contract. The imports are in the module's order, without the meter's own.
func (e *Engine) CompileGuest(metered []byte, imports []GuestImport, o GuestOptions) (*Guest, error) {
	code, err := e.guest.compileGuest(metered, o.Level)
	if err != nil {
		return nil, err
	}
	return e.LoadGuest(code, imports)
}

// compileGuest makes guest code: machine code with what linking needs to know of the module, as LoadGuest reads it.
func (t *tier) compileGuest(metered []byte, level Level) ([]byte, error) {
	s, err := readShape(metered, GuestMemoryMaxPages)
	if err != nil {
		return nil, err
	}
	if _, err := s.stackUnits(GuestStackUnits); err != nil {
		return nil, err
	}
	links, err := s.guestLinks()
	if err != nil {
		return nil, err
	}
	machineCode, err := t.compile(metered, level)
	if err != nil {
		return nil, err
	}
	return links.appendCode(machineCode), nil
}

// LoadGuest makes guest code runnable. Code is trusted: it must be what Code, CompileGuest or a compiler process made, by way
// of a checked cache at most.
func (e *Engine) LoadGuest(code []byte, imports []GuestImport) (*Guest, error) {
	links, machineCode, err := readGuestCode(code)
	if err != nil {
		return nil, err
	}
	if len(imports) != len(links.imports) {
		return nil, fmt.Errorf("the module has %d imports, not %d", len(links.imports), len(imports))
	}
	module, err := e.guest.load(machineCode)
	if err != nil {
		return nil, err
	}
	g := &Guest{tier: e.guest, links: links}
	g.refs.Store(1)
	g.c = C.sepia_guest_new(e.guest.run, module, C.uint32_t(len(imports)))
	if err := g.link(imports); err != nil {
		g.Close()
		return nil, err
	}
	return g, nil
}

// Code returns the guest code that LoadGuest would make this guest of.
func (g *Guest) Code() ([]byte, error) {
	var out C.wasm_byte_vec_t
	var failure C.sepia_failure
	if !C.sepia_serialize(g.c.module, &out, &failure) {
		return nil, fault("reading compiled code of a guest", failureText(&failure))
	}
	defer C.sepia_bytes_delete(&out)
	return g.links.appendCode(unsafe.Slice((*byte)(unsafe.Pointer(out.data)), int(out.size))), nil
}

// link defines each import once and prepares instantiation.
func (g *Guest) link(imports []GuestImport) error {
	defined := make(map[[2]string]GuestImport)
	var failure C.sepia_failure
	for i, imp := range g.links.imports {
		name := [2]string{imp.module, imp.name}
		if before, ok := defined[name]; ok {
			if before != imports[i] {
				return fmt.Errorf("import %s.%s has two ids", imp.module, imp.name)
			}
			continue
		}
		defined[name] = imports[i]
		t := imp.typ
		if n := len(t.Params); n == 0 || n > MaxSyscallArgs+1 || t.Params[n-1] != wasm.I64 || len(t.Results) > 1 {
			return fault("linking a guest", fmt.Sprintf("import %s.%s has type %v", imp.module, imp.name, t))
		}
		if !g.define(uint32(i), name, t, imports[i], &failure) {
			return fault("defining "+imp.module+"."+imp.name, failureText(&failure))
		}
	}
	if !C.sepia_guest_link(g.c, &failure) {
		return fault("linking a guest", failureText(&failure))
	}
	return nil
}

func (g *Guest) define(index uint32, names [2]string, t wasm.FuncType, i GuestImport, failure *C.sepia_failure) bool {
	params, results := C.CString(letters(t.Params)), C.CString(letters(t.Results))
	defer C.free(unsafe.Pointer(params))
	defer C.free(unsafe.Pointer(results))
	module, name := []byte(names[0]), []byte(names[1])
	return bool(C.sepia_guest_define(g.c, C.uint32_t(index),
		(*C.char)(unsafe.Pointer(unsafe.SliceData(module))), C.size_t(len(module)),
		(*C.char)(unsafe.Pointer(unsafe.SliceData(name))), C.size_t(len(name)), params, results,
		C.sepia_guest_import{id: C.uint32_t(i.ID), params: C.uint32_t(len(t.Params) - 1), wide: C.bool(t.Result() == wasm.I64)}, failure))
}

// Close gives the guest up. Its machine code is freed when the last execution is dropped too.
func (g *Guest) Close() { g.release() }

func (g *Guest) release() {
	if g.refs.Add(-1) == 0 {
		C.sepia_guest_delete(g.c)
	}
}

// Instantiate makes an execution that will begin at entry, "deploy" or "call". It takes a slot of the pool, waiting for one
// if all are taken.
func (g *Guest) Instantiate(entry string) (*Exec, error) {
	results, ok := g.links.results(entry)
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrNoExport, entry)
	}
	g.tier.slots <- struct{}{}
	var failure C.sepia_failure
	c := C.sepia_exec_new(g.c, (*C.char)(unsafe.Pointer(unsafe.StringData(entry))), C.size_t(len(entry)), C.uint32_t(results), &failure)
	if c == nil {
		<-g.tier.slots
		return nil, fault("instantiating a guest", failureText(&failure))
	}
	g.refs.Add(1)
	return &Exec{guest: g, c: c}, nil
}

// Run starts the execution, or answers the call that its last step was and goes on. Errors are node faults, or misuse: an
// execution that is over cannot run.
func (x *Exec) Run(gas, answer int64) (Step, error) {
	if x.c == nil || bool(x.c.over) {
		return Step{}, errOver
	}
	end := C.sepia_exec_run(x.c, C.int64_t(min(gas, MaxGas)), C.int64_t(answer))
	step := Step{GasLeft: max(int64(x.c.gas_left), 0), MemBytes: uint32(x.c.len)}
	switch end {
	case C.SEPIA_SUSPENDED:
		step.Kind, step.ID, step.NArgs = StepSyscall, uint32(x.c.id), uint32(x.c.arg_count)
		for i := range step.NArgs {
			step.Args[i] = uint64(x.c.args[i])
		}
		return step, nil
	case C.SEPIA_FINISHED:
		step.Kind = StepFinished
		return step, nil
	case C.SEPIA_TRAPPED:
		return x.trapped(step)
	}
	return Step{}, fault("running a guest", failureText(&x.c.failure))
}

// trapped classifies a trap of the machine code. The module's own counters come first: their ends are unreachable instructions.
func (x *Exec) trapped(step Step) (Step, error) {
	step.Kind = StepTrapped
	switch class, ok := classOf(uint8(x.c.trap_code)); {
	case x.c.gas_left < 0:
		step.Kind, step.GasLeft = StepOutOfGas, 0
	case x.c.stack_left < 0:
		step.Trap = TrapStackOverflow
	case !ok:
		return Step{}, fault("running a guest", fmt.Sprintf("trap code %d", x.c.trap_code))
	case class == TrapMemory:
		step.Trap, step.GasLeft = class, 0
	default:
		step.Trap = class
	}
	return step, nil
}

// view returns length bytes of the memory at an address, or false if they are not all inside.
func (x *Exec) view(at uint32, length int) ([]byte, bool) {
	if x.c == nil || uint64(at)+uint64(length) > uint64(x.c.len) {
		return nil, false
	}
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(x.c.bytes), uintptr(at))), length), true
}

// Read copies memory to dst. It says false, and copies nothing, if the range is not inside the memory.
func (x *Exec) Read(at uint32, dst []byte) bool {
	src, ok := x.view(at, len(dst))
	copy(dst, src)
	return ok
}

// Write copies src to memory. It says false, and copies nothing, if the range is not inside the memory.
func (x *Exec) Write(at uint32, src []byte) bool {
	dst, ok := x.view(at, len(src))
	copy(dst, src)
	return ok
}

// Drop ends the execution in any state and frees its slot. Dropping twice does nothing.
func (x *Exec) Drop() {
	if x.c == nil {
		return
	}
	C.sepia_exec_delete(x.c)
	x.c = nil
	<-x.guest.tier.slots
	x.guest.release()
}
