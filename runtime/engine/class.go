package engine

/*
#include "wasmtime_api.h"
*/
import "C"

var classes = map[uint8]TrapClass{
	C.WASMTIME_TRAP_CODE_MEMORY_OUT_OF_BOUNDS:     TrapMemory,
	C.WASMTIME_TRAP_CODE_TABLE_OUT_OF_BOUNDS:      TrapTable,
	C.WASMTIME_TRAP_CODE_INDIRECT_CALL_TO_NULL:    TrapTable,
	C.WASMTIME_TRAP_CODE_BAD_SIGNATURE:            TrapSignature,
	C.WASMTIME_TRAP_CODE_INTEGER_OVERFLOW:         TrapIntegerOverflow,
	C.WASMTIME_TRAP_CODE_INTEGER_DIVISION_BY_ZERO: TrapDivideByZero,
	C.WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED: TrapUnreachable,
}

// classOf maps Wasmtime's trap codes. A code that is not there, above all a native stack overflow, is no result: the
// module's own counters must end the run first.
func classOf(code uint8) (TrapClass, bool) {
	class, ok := classes[code]
	return class, ok
}
