package engine

/*
#include "shim_blob.h"
*/
import "C"

import (
	"slices"
	"unsafe"

	"github.com/sepia-chain/sepia/runtime/wasm"
)

// NativeFunc names a host function of blobs that is served in C.
type NativeFunc uint32

// The host functions in C. Zero is none of them.
const (
	NativeMalloc NativeFunc = iota + 1
	NativeFree
	NativeBlake2128
	NativeBlake2256
	NativeTwox64
	NativeTwox128
	NativeTwox256
	NativeKeccak256
	NativeKeccak512
	NativeSha2256
)

// largestDigest is the longest result of a native hash, Keccak-512's.
const largestDigest = 64

// signature is the type that the import of a native function must have.
func (f NativeFunc) signature() wasm.FuncType {
	i32, i64 := []wasm.ValType{wasm.I32}, []wasm.ValType{wasm.I64}
	switch f {
	case NativeMalloc:
		return wasm.FuncType{Params: i32, Results: i32}
	case NativeFree:
		return wasm.FuncType{Params: i32}
	}
	return wasm.FuncType{Params: i64, Results: i32} // a hash: data -> pointer
}

func (f NativeFunc) known() bool { return f >= NativeMalloc && f <= NativeSha2256 }

func (f NativeFunc) fits(t wasm.FuncType) bool {
	want := f.signature()
	return slices.Equal(t.Params, want.Params) && slices.Equal(t.Results, want.Results)
}

// digest computes a native hash outside of any instance.
func (f NativeFunc) digest(data []byte) []byte {
	out := make([]byte, largestDigest)
	n := C.sepia_hash(C.uint32_t(f), (*C.uint8_t)(unsafe.SliceData(out)), (*C.uint8_t)(unsafe.SliceData(data)), C.size_t(len(data)))
	return out[:n]
}
