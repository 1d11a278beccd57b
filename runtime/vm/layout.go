package vm

import (
	"encoding/binary"

	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// Sizes of the structures that the host fills in the blob's memory: little-endian integers without padding.
const (
	ReportBytes = 8*4 + 8 + 8*wasm.MaxImportID/64
	StepBytes   = 8 + 4*4 + 8*engine.MaxSyscallArgs
)

// Codes that the functions answer.
const (
	ValidateOK         = 0
	ValidateRejected   = -1
	LoadNotFound       = -1
	LoadInvalid        = -2
	InstantiateTooMany = -1
	AccessOK           = 0
	AccessOutOfBounds  = -1
)

// ExplainRefusal stands in explain for the code that validate or load refused last. No execution has this handle: one blob
// call cannot pay for so many.
const ExplainRefusal = ^uint32(0)

// MaxLive is how many executions one blob call may hold at a time.
const MaxLive = 64

// GuestSlots is how many executions an engine must be able to hold for so many blob instances: each call may hold MaxLive of
// them, and a call that holds some must never wait for one that waits for it.
func GuestSlots(blobInstances int) int { return blobInstances * MaxLive }

// encodeReport writes a verdict as the blob reads it.
func encodeReport(dst *[ReportBytes]byte, r *wasm.Report, codeLen int) {
	le := binary.LittleEndian
	for i, field := range []uint32{
		uint32(r.Reason), r.Function, r.Offset, r.Flags & FlagDeprecated, r.MemMin, r.MemMax, uint32(codeLen), 0,
	} {
		le.PutUint32(dst[4*i:], field)
	}
	le.PutUint64(dst[32:], r.Score)
	for i, word := range r.Imports {
		le.PutUint64(dst[40+8*i:], word)
	}
}

// EncodeStep writes a step as the blob reads it.
func EncodeStep(dst *[StepBytes]byte, s *engine.Step) {
	le := binary.LittleEndian
	le.PutUint64(dst[0:], uint64(s.GasLeft))
	for i, field := range []uint32{s.ID, s.NArgs, uint32(s.Trap), s.MemBytes} {
		le.PutUint32(dst[8+4*i:], field)
	}
	for i, argument := range s.Args {
		le.PutUint64(dst[24+8*i:], argument)
	}
}
