package attacks

import (
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/runtime/meter/metertest"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// What the worker does: its input is one of these, then the first number and how many, both u64.
const (
	workEvents    = 0 // events with four topics that no other event has
	workStore     = 1 // a byte under a new key
	workTerminate = 2
)

// work is the worker's input.
func work(kind byte, first, count uint64) []byte {
	return scale.AppendU64(scale.AppendU64([]byte{kind}, first), count)
}

// Where things are in the worker's memory.
const (
	atKey         = 0   // 8 bytes
	atTopics      = 16  // their number, then 32 bytes for each
	atRoom        = 504 // how long an input may be
	atInput       = 512
	atBeneficiary = 600
)

// worker is a contract that does one cheap thing as often as it is told, with nothing around it. When it ends, its balance
// goes to heir.
func worker(heir primitives.AccountID) []byte {
	const input, depositEvent, setStorage, terminate = uint32(0), uint32(1), uint32(2), uint32(3)
	const number, end = uint32(0), uint32(1)
	const load64, store64, less64, loadByte = wasm.Op(0x29), wasm.Op(0x37), wasm.Op(0x54), wasm.Op(0x2d)
	isKind := func(kind int) []byte {
		return metertest.Asm(wasm.OpI32Const, atInput, loadByte, byte(0), uint32(0), wasm.OpI32Const, kind, wasm.Op(0x46), wasm.OpIf, byte(0x40))
	}
	store := func(at, add int64) []byte {
		return metertest.Asm(wasm.OpI32Const, at, wasm.OpLocalGet, number, wasm.OpI64Const, add, wasm.OpI64Add, store64, byte(0), uint32(0))
	}
	again := func(step []byte) []byte {
		return metertest.Asm(wasm.OpLoop, byte(0x40), step, wasm.OpLocalGet, number, wasm.OpI64Const, 1, wasm.OpI64Add, wasm.OpLocalSet, number,
			wasm.OpLocalGet, number, wasm.OpLocalGet, end, less64, wasm.OpBrIf, uint32(0), wasm.OpEnd)
	}
	var topics []byte
	for i := range int64(4) {
		topics = append(topics, store(atTopics+1+32*i, i<<56)...)
	}
	event := metertest.Asm(topics, wasm.OpI32Const, atTopics, wasm.OpI32Const, 1+4*32, wasm.OpI32Const, 0, wasm.OpI32Const, 0, wasm.OpCall, depositEvent)
	set := metertest.Asm(store(atKey, 0), wasm.OpI32Const, atKey, wasm.OpI32Const, 8, wasm.OpI32Const, atTopics, wasm.OpI32Const, 1,
		wasm.OpCall, setStorage, wasm.OpDrop)
	code := metertest.Asm(wasm.OpI32Const, atInput, wasm.OpI32Const, atRoom, wasm.OpCall, input,
		wasm.OpI32Const, atInput+1, load64, byte(0), uint32(0), wasm.OpLocalSet, number,
		wasm.OpLocalGet, number, wasm.OpI32Const, atInput+9, load64, byte(0), uint32(0), wasm.OpI64Add, wasm.OpLocalSet, end,
		isKind(workEvents), again(event), wasm.OpEnd,
		isKind(workStore), again(set), wasm.OpEnd,
		isKind(workTerminate), wasm.OpI32Const, atBeneficiary, wasm.OpCall, terminate, wasm.OpEnd)
	const four = 4 << 2 // compact
	entry := metertest.Types("", "")
	return (&metertest.Builder{
		MemoryMin: 1,
		Imports: []metertest.Import{
			{Module: "seal0", Name: "input", Type: metertest.Types("ii", "")},
			{Module: "seal0", Name: "deposit_event", Type: metertest.Types("iiii", "")},
			{Module: "seal2", Name: "set_storage", Type: metertest.Types("iiii", "i")},
			{Module: "seal1", Name: "terminate", Type: metertest.Types("i", "")},
		},
		Funcs: []metertest.Func{
			{Type: entry, Export: "call", Locals: []wasm.ValType{wasm.I64, wasm.I64}, Code: code},
			{Type: entry, Export: "deploy"},
		},
		Data: []metertest.Segment{
			{At: atTopics, Bytes: []byte{four}}, {At: atRoom, Bytes: []byte{64}}, {At: atBeneficiary, Bytes: heir[:]},
		},
	}).Bytes()
}
