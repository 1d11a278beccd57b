package engine

/*
#include <stdlib.h>
#include "shim_blob.h"
*/
import "C"

import (
	"fmt"
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/sepia-chain/sepia/runtime/wasm"
)

// HostFunc is a function that blobs may import: in C if Native is set, else in Go.
type HostFunc struct {
	Module, Name    string
	Params, Results []wasm.ValType // without the gas parameter that metering appends

	Native  NativeFunc
	PerByte uint64 // price in ps of each byte of input of a native hash or a function with a role, charged in C before the work

	Storage StorageRole // what a function in Go does to the storage

	// Go serves the call. A *HostTrap or *Trap ends the call by the guest's fault; any other error is a node fault. The
	// arguments are valid until it returns.
	Go func(in *Instance, args []uint64) (uint64, error)
}

// StorageRole says what a function in Go does to the storage that the blob runs on, so that the engine need not cross into Go
// each time: it keeps what it knows of keys, and lets changes wait until Go is entered for something else or the call ends.
//
// Functions with a role charge PerByte for each byte of their arguments, and a read for each byte of the value too, and nothing
// else besides what the metered code has charged. They must not trap on arguments that can be read and paid.
type StorageRole uint32

// The roles. All arguments are fat pointers: length above address.
const (
	StorageNone      StorageRole = iota
	StorageRead                  // (key) -> SCALE Option<Vec<u8>>
	StorageSet                   // (key, value)
	StorageClear                 // (key)
	StorageAppend                // (key, item)
	StorageStart                 // opens a transaction
	StorageCommit                // closes the innermost one, and may trap if the call has opened none
	StorageRollback              // likewise, and undoes what was done in it
	StorageChangeAny             // changes any keys; never waits, so its arguments and prices are its own
)

// storageTypes are the types of the roles, as numbers of fat arguments and results.
var storageTypes = map[StorageRole]struct{ params, results int }{
	StorageRead: {1, 1}, StorageSet: {2, 0}, StorageClear: {1, 0}, StorageAppend: {2, 0},
	StorageStart: {0, 0}, StorageCommit: {0, 0}, StorageRollback: {0, 0},
}

// fits says whether a function of this type can have the role.
func (r StorageRole) fits(t wasm.FuncType) bool {
	want, ok := storageTypes[r]
	if !ok {
		return r == StorageNone || r == StorageChangeAny
	}
	fat := func(types []wasm.ValType, count int) bool {
		return len(types) == count && !slices.Contains(types, wasm.I32)
	}
	return fat(t.Params, want.params) && fat(t.Results, want.results)
}

// BlobOptions are the choices of CompileBlob.
type BlobOptions struct {
	Level Level
	Cache *Cache // machine code on disk; nil compiles each time
}

// maxHostParams bounds the parameters of a host function, so that an instance's buffer for arguments has a fixed size.
const maxHostParams = 32

const gasModule, gasName = "sepia", "gas" // the import by which metered code asks for its gas

// Blob is a compiled runtime blob.
type Blob struct {
	c       *C.sepia_blob
	tier    *tier
	funcs   []HostFunc // one for each import, in the module's order
	exports map[string]struct{}
	refs    atomic.Int32 // itself and each instance
}

// CompileBlob compiles a metered blob and links it with the host functions that it imports. Errors other than ErrFault say
// what is wrong with the module.
func (e *Engine) CompileBlob(metered []byte, funcs []HostFunc, o BlobOptions) (*Blob, error) {
	shape, err := readShape(metered, BlobMemoryMaxPages)
	if err != nil {
		return nil, err
	}
	linked, err := shape.match(funcs)
	if err != nil {
		return nil, err
	}
	base, err := shape.heapBase()
	if err != nil {
		return nil, err
	}
	units, err := shape.stackUnits(BlobStackUnits)
	if err != nil {
		return nil, err
	}
	code, err := o.Cache.code(e.blob, shape.prepareBlob(metered), o.Level)
	if err != nil {
		return nil, err
	}
	module, err := e.blob.load(code)
	if err != nil {
		return nil, err
	}
	b := &Blob{tier: e.blob, funcs: linked, exports: shape.blobExports()}
	b.refs.Store(1)
	variables := shape.variables()
	b.c = C.sepia_blob_new(e.blob.run, module, C.uint32_t(len(linked)), C.uint32_t(len(variables)))
	b.c.tracker = e.tracker
	b.c.heap_base = C.uint32_t(base)
	b.c.max_bytes = C.uint64_t(shape.Memory.Max) * wasmPage
	b.c.stack_units = C.int32_t(units)
	for i, index := range variables {
		g := shape.Globals[index]
		C.sepia_blob_variable(b.c, C.uint32_t(i), C.uint32_t(index), C.bool(g.Type == wasm.I64), C.int64_t(g.Value))
	}
	if err := b.link(); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// link defines each import once and prepares instantiation.
func (b *Blob) link() error {
	var failure C.sepia_failure
	defined := make(map[[2]string]bool)
	for i := range b.funcs {
		f := &b.funcs[i]
		name := [2]string{f.Module, f.Name}
		if defined[name] {
			continue // a module may import a function twice
		}
		defined[name] = true
		if !b.define(uint32(i), f, &failure) {
			return fault("defining "+f.Module+"."+f.Name, failureText(&failure))
		}
	}
	if !C.sepia_blob_link(b.c, &failure) {
		return fault("linking a blob", failureText(&failure))
	}
	// A blob may be compiled while every slot is taken, even from inside a call: waiting for one could be for ever.
	b.tier.spare.Lock()
	defer b.tier.spare.Unlock()
	if !C.sepia_blob_take_image(b.c, &failure) {
		return fault("instantiating a blob", failureText(&failure))
	}
	return nil
}

func (b *Blob) define(index uint32, f *HostFunc, failure *C.sepia_failure) bool {
	params := C.CString(letters(f.Params) + "l")
	results := C.CString(letters(f.Results))
	defer C.free(unsafe.Pointer(params))
	defer C.free(unsafe.Pointer(results))
	module, name := []byte(f.Module), []byte(f.Name)
	return bool(C.sepia_blob_define(b.c, C.uint32_t(index),
		(*C.char)(unsafe.Pointer(unsafe.SliceData(module))), C.size_t(len(module)),
		(*C.char)(unsafe.Pointer(unsafe.SliceData(name))), C.size_t(len(name)), params, results,
		C.sepia_import{
			id: C.uint32_t(index), native: C.uint32_t(f.Native), storage: C.uint32_t(f.Storage),
			params: C.uint32_t(len(f.Params)), per_byte: C.uint64_t(f.PerByte),
		}, failure))
}

// letters writes value types as sepia_functype reads them.
func letters(types []wasm.ValType) string {
	s := make([]byte, len(types))
	for i, t := range types {
		s[i] = 'i'
		if t == wasm.I64 {
			s[i] = 'l'
		}
	}
	return string(s)
}

// Exports returns the names of the exports that Call accepts, sorted.
func (b *Blob) Exports() []string {
	names := make([]string, 0, len(b.exports))
	for name := range b.exports {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Close gives the blob up. Its machine code is freed when the last instance is closed too.
func (b *Blob) Close() { b.release() }

func (b *Blob) release() {
	if b.refs.Add(-1) == 0 {
		C.sepia_blob_delete(b.c)
	}
}

// match finds the host function of each import and compares types.
func (s *shape) match(funcs []HostFunc) ([]HostFunc, error) {
	table := make(map[[2]string]*HostFunc, len(funcs))
	for i := range funcs {
		table[[2]string{funcs[i].Module, funcs[i].Name}] = &funcs[i]
	}
	linked := make([]HostFunc, 0, len(s.imports()))
	for _, i := range s.imports() {
		f := table[[2]string{i.Module, i.Name}]
		if f == nil {
			return nil, fmt.Errorf("the blob imports %s.%s, which the host does not have", i.Module, i.Name)
		}
		if err := f.check(s.Types[i.Type]); err != nil {
			return nil, fmt.Errorf("the blob's import %s.%s: %w", i.Module, i.Name, err)
		}
		linked = append(linked, *f)
	}
	return linked, nil
}

// check compares the function with the metered type of its import.
func (f *HostFunc) check(t wasm.FuncType) error {
	own := wasm.FuncType{Params: f.Params, Results: f.Results}
	switch {
	case len(f.Params) > maxHostParams || len(f.Results) > 1:
		return fmt.Errorf("type %v has more than %d parameters or one result", own, maxHostParams)
	case !t.Equal(wasm.FuncType{Params: append(slices.Clone(f.Params), wasm.I64), Results: f.Results}):
		return fmt.Errorf("metered type %v does not belong to the host's %v", t, own)
	case f.Native == 0 && f.Go == nil, f.Native != 0 && !f.Native.known():
		return fmt.Errorf("nothing serves it")
	case f.Native != 0 && !f.Native.fits(own):
		return fmt.Errorf("the function in C has type %v, not %v", f.Native.signature(), own)
	case f.Native != 0 && f.Storage != StorageNone, !f.Storage.fits(own):
		return fmt.Errorf("a function of type %v cannot have role %d in the storage", own, f.Storage)
	}
	return nil
}
