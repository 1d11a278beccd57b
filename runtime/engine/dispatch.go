package engine

/*
#include <stdint.h>
*/
import "C"

import (
	"runtime/cgo"
	"unsafe"
)

// sepiaHostCall runs a host function in Go for the C side, on the thread's own stack. It returns 0, or 1 when the call must
// end; the instance then holds the reason. No panic may leave it: there is C and Wasm below.
//
//export sepiaHostCall
func sepiaHostCall(handle C.uintptr_t, id C.uint32_t, args unsafe.Pointer) C.int {
	in := cgo.Handle(handle).Value().(*Instance)
	if in.serve(uint32(id), args) {
		return 0
	}
	return 1
}
