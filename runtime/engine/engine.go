package engine

/*
#cgo CFLAGS: -std=gnu11 -O2 -Wall
#include "engine.h"
#include "fresh.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	_ "github.com/bytecodealliance/wasmtime-go/v44" // the static library and its link flags
)

// Level is how hard the compiler tries. Results and gas are the same at each.
type Level uint8

// The compile levels.
const (
	LevelSpeed Level = iota // the level that everything runs at in the long run
	LevelNone               // quick to compile: for code that is needed before LevelSpeed is ready
)

// levels are all compile levels, in their order.
var levels = [...]Level{LevelSpeed, LevelNone}

// String returns the level's name.
func (l Level) String() string {
	if l == LevelNone {
		return "none"
	}
	return "speed"
}

const (
	nativeBytesPerUnit = 32 // of stack: twice what the worst function shape was seen to use

	// GuestStackUnits is the stack of one execution, in the units that the meter counts.
	GuestStackUnits = 32_768
	// BlobStackUnits is the stack of one blob call.
	BlobStackUnits = 1_048_576

	guestStackBytes = GuestStackUnits * nativeBytesPerUnit // 1 MiB
	blobStackBytes  = BlobStackUnits * nativeBytesPerUnit  // 32 MiB
	hostStackBytes  = 512 << 10                            // for C and the engine itself, below the Wasm frames

	wasmPage = 64 << 10

	// GuestMemoryMaxPages bounds a guest's memory; contracts declare at most this many pages.
	GuestMemoryMaxPages = 16
	// BlobMemoryMaxPages bounds a blob's memory: 512 MiB, four times what Substrate gives a runtime by default.
	BlobMemoryMaxPages = 8_192

	guestTableMax    = 1_024
	blobTableMax     = 16_384
	guestInstanceMax = 1 << 20 // function references of 2,000 functions and 1,024 table entries, 32 B each, and room
	blobInstanceMax  = 4 << 20 // the same for 30,000 functions and 16,384 entries, and room

	// guestKeepResident is how much of a dropped guest's memory is zeroed by hand: giving pages back to the kernel and
	// faulting them in again costs more than that for small memories. An ink! contract has 64 KiB of stack and, behind
	// it, a buffer of 16 KiB that every call uses: two pages of Wasm.
	guestKeepResident = 2 * wasmPage

	defaultBlobSlots  = 8
	defaultGuestSlots = 8 * 24 // a call depth of 24 for each blob instance
)

// Config sets the sizes of the pools.
type Config struct {
	BlobSlots  int // blob instances alive at once; 0 means 8
	GuestSlots int // executions alive at once; 0 means 24 for each default blob slot
}

// tier is one of the two Wasm engines with its compilers and its pool.
type tier struct {
	name     string
	run      *C.wasm_engine_t              // Speed, with the pool: runs code of both levels
	compiler [len(levels)]*C.wasm_engine_t // that of Speed is run
	slots    chan struct{}                 // one token for each live instance
	spare    sync.Mutex                    // guards a slot beyond those, for the instance that a blob's image is taken from

	reservation sync.Mutex // guards reserved
	reserved    int        // slots, of those that there are
}

// Engine holds the engines of both tiers.
type Engine struct {
	blob, guest *tier
	tracker     C.int // of written pages; -1 if the system cannot tell
}

// New makes the engines and checks them with known answers at both compile levels. An engine that computes wrongly must not
// run a chain: the error is then ErrFault.
func New(config Config) (*Engine, error) {
	if name := C.sepia_missing_symbol(); name != nil {
		return nil, fault("linking Wasmtime", "the library lacks "+C.GoString(name))
	}
	if config.BlobSlots == 0 {
		config.BlobSlots = defaultBlobSlots
	}
	if config.GuestSlots == 0 {
		config.GuestSlots = defaultGuestSlots
	}
	if config.BlobSlots < 0 || config.GuestSlots < 0 {
		return nil, fmt.Errorf("a pool of %d blob and %d guest slots is not possible", config.BlobSlots, config.GuestSlots)
	}
	e := &Engine{
		blob:    newTier("blob", blobConfig(config.BlobSlots), config.BlobSlots),
		guest:   newTier("guest", guestConfig(config.GuestSlots), config.GuestSlots),
		tracker: C.sepia_tracker_open(),
	}
	if err := e.check(); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

func blobConfig(slots int) C.sepia_engine_config {
	return C.sepia_engine_config{
		slots:        C.uint32_t(slots + 1), // and the spare one
		memory_max:   BlobMemoryMaxPages * wasmPage,
		table_max:    blobTableMax,
		instance_max: blobInstanceMax,
		stack_max:    blobStackBytes,
		fiber_stack:  blobStackBytes + hostStackBytes, // unused, but the library wants it larger than stack_max
	}
}

func guestConfig(slots int) C.sepia_engine_config {
	return C.sepia_engine_config{
		slots:         C.uint32_t(slots),
		memory_max:    GuestMemoryMaxPages * wasmPage,
		table_max:     guestTableMax,
		instance_max:  guestInstanceMax,
		keep_resident: guestKeepResident,
		stack_max:     guestStackBytes,
		fiber_stack:   guestStackBytes + hostStackBytes,
	}
}

func newTier(name string, config C.sepia_engine_config, slots int) *tier {
	t := newCompiler(name, config, LevelNone)
	t.slots = make(chan struct{}, slots)
	config.optimize, config.pool = true, true
	t.run = C.sepia_engine_new(&config)
	t.compiler[LevelSpeed] = t.run
	return t
}

// newCompiler makes a tier that can compile at one level, and nothing else.
func newCompiler(name string, config C.sepia_engine_config, level Level) *tier {
	t := &tier{name: name}
	config.optimize = level == LevelSpeed
	t.compiler[level] = C.sepia_engine_new(&config)
	return t
}

// BlobSlots is how many blob instances can be alive at once.
func (e *Engine) BlobSlots() int { return cap(e.blob.slots) }

// ErrNoSlots says that more slots were to be set aside than there are.
var ErrNoSlots = errors.New("the pools of instances want more slots than the engine has")

// ReserveBlobSlots sets slots aside for somebody who keeps instances alive between calls, until they are returned. As long as
// all such users reserve what they may hold, Instantiate never waits for one of them.
func (e *Engine) ReserveBlobSlots(n int) error {
	e.blob.reservation.Lock()
	defer e.blob.reservation.Unlock()
	if e.blob.reserved+n > e.BlobSlots() {
		return fmt.Errorf("%w: %d of %d are taken, %d more are wanted", ErrNoSlots, e.blob.reserved, e.BlobSlots(), n)
	}
	e.blob.reserved += n
	return nil
}

// ReturnBlobSlots gives reserved slots back.
func (e *Engine) ReturnBlobSlots(n int) {
	e.blob.reservation.Lock()
	defer e.blob.reservation.Unlock()
	e.blob.reserved -= n
}

// RestoresMemory says whether instances are restored between calls. Where the system cannot tell which pages were written,
// each call gets a new instance: results are the same, calls are slower.
func (e *Engine) RestoresMemory() bool { return e.tracker >= 0 }

// Close frees the engines. Nothing made by them may be used afterwards.
func (e *Engine) Close() {
	e.blob.close()
	e.guest.close()
	C.sepia_tracker_close(e.tracker)
}

func (t *tier) close() {
	for _, compiler := range t.compiler {
		if compiler != nil {
			C.sepia_engine_delete(compiler)
		}
	}
}

// compile turns metered bytes into machine code that load accepts.
func (t *tier) compile(metered []byte, level Level) ([]byte, error) {
	if int(level) >= len(t.compiler) {
		return nil, fmt.Errorf("compile level %d does not exist", level)
	}
	if len(metered) == 0 {
		return nil, fault("compiling a "+t.name, "no bytes")
	}
	var out C.wasm_byte_vec_t
	var failure C.sepia_failure
	if !C.sepia_compile(t.compiler[level], (*C.uint8_t)(unsafe.SliceData(metered)), C.size_t(len(metered)), &out, &failure) {
		return nil, fault("compiling a "+t.name, failureText(&failure))
	}
	defer C.sepia_bytes_delete(&out)
	return C.GoBytes(unsafe.Pointer(out.data), C.int(out.size)), nil
}

// load makes machine code runnable. Code is trusted: it must come from compile, by way of a checked cache at most.
func (t *tier) load(code []byte) (*C.wasmtime_module_t, error) {
	var failure C.sepia_failure
	module := C.sepia_load(t.run, (*C.uint8_t)(unsafe.SliceData(code)), C.size_t(len(code)), &failure)
	if module == nil {
		return nil, fault("loading compiled code of a "+t.name, failureText(&failure))
	}
	return module, nil
}

func failureText(f *C.sepia_failure) string { return C.GoString(&f.text[0]) }
