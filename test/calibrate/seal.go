package main

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/runtime/meter/metertest"
	"github.com/sepia-chain/sepia/runtime/wasm"
	"github.com/sepia-chain/sepia/test/solo"
	"github.com/sepia-chain/sepia/test/wallet"
)

// sealCase is a seal function in a loop of a contract.
type sealCase struct {
	label     string
	module    string
	name      string
	params    string // as metertest.Types wants them
	result    string
	count     int
	arguments []uint64
}

// Where things are in the looping contract's memory. What follows atInput is its input.
const (
	atRoom      = 0 // how long the input may be
	atInput     = 64
	atOperation = atInput
	atCount     = atInput + 4
	atSerial    = atInput + 8
	atArguments = atInput + 16
	atTopics    = atArguments + 8*sealArgumentsMax - 1 + 8 // their number in one byte, then the topics
	atKey       = atTopics + 1                             // 32 bytes, of which the first 8 count up; the first topic
	atCallee    = atKey + 4*32
	atCodeHash  = atCallee + 32
	atValue     = atCodeHash + 32
	atLength    = atValue + 16 // of the buffer
	atBuffer    = 1 << 10
	bufferBytes = 32 << 10

	sealArgumentsMax = 12
	nowhere          = 1<<32 - 1 // no output wanted
)

const (
	sealOften  = 400
	sealSome   = 100
	sealLong   = 4 << 10
	sealLonger = 15 << 10
)

var sealCases = []sealCase{
	{"caller", "seal0", "caller", "ii", "", sealOften, []uint64{atBuffer, atLength}},
	{"caller_is_origin", "seal0", "caller_is_origin", "", "i", sealOften, nil},
	{"address", "seal0", "address", "ii", "", sealOften, []uint64{atBuffer, atLength}},
	{"balance", "seal0", "balance", "ii", "", sealOften, []uint64{atBuffer, atLength}},
	{"value_transferred", "seal0", "value_transferred", "ii", "", sealOften, []uint64{atBuffer, atLength}},
	{"minimum_balance", "seal0", "minimum_balance", "ii", "", sealOften, []uint64{atBuffer, atLength}},
	{"now", "seal0", "now", "ii", "", sealOften, []uint64{atBuffer, atLength}},
	{"block_number", "seal0", "block_number", "ii", "", sealOften, []uint64{atBuffer, atLength}},
	{"gas_left", "seal0", "gas_left", "ii", "", sealOften, []uint64{atBuffer, atLength}},
	{"is_contract, none there", "seal0", "is_contract", "i", "i", sealOften, []uint64{atKey}},
	{"code_hash, none there", "seal0", "code_hash", "iii", "i", sealOften, []uint64{atKey, atBuffer, atLength}},
	{"code_hash", "seal0", "code_hash", "iii", "i", sealOften, []uint64{atCallee, atBuffer, atLength}},
	{"own_code_hash", "seal0", "own_code_hash", "ii", "", sealOften, []uint64{atBuffer, atLength}},
	{"debug_message, 4 KiB", "seal0", "debug_message", "ii", "i", sealSome, []uint64{atBuffer, sealLong}},
	{"deposit_event", "seal0", "deposit_event", "iiii", "", sealSome, []uint64{0, 0, 0, 0}},
	{"deposit_event, 4 topics", "seal0", "deposit_event", "iiii", "", sealSome, []uint64{atTopics, 1 + 4*32, 0, 0}},
	{"deposit_event, 4 KiB", "seal0", "deposit_event", "iiii", "", sealSome, []uint64{0, 0, atBuffer, sealLong}},
	{"hash_sha2_256, 32 B", "seal0", "hash_sha2_256", "iii", "", sealOften, []uint64{atKey, 32, atBuffer}},
	{"hash_sha2_256, 15 KiB", "seal0", "hash_sha2_256", "iii", "", sealSome, []uint64{atBuffer, sealLonger, atBuffer}},
	{"hash_keccak_256, 32 B", "seal0", "hash_keccak_256", "iii", "", sealOften, []uint64{atKey, 32, atBuffer}},
	{"hash_keccak_256, 15 KiB", "seal0", "hash_keccak_256", "iii", "", sealSome, []uint64{atBuffer, sealLonger, atBuffer}},
	{"hash_blake2_256, 32 B", "seal0", "hash_blake2_256", "iii", "", sealOften, []uint64{atKey, 32, atBuffer}},
	{"hash_blake2_256, 15 KiB", "seal0", "hash_blake2_256", "iii", "", sealSome, []uint64{atBuffer, sealLonger, atBuffer}},
	{"hash_blake2_128, 32 B", "seal0", "hash_blake2_128", "iii", "", sealOften, []uint64{atKey, 32, atBuffer}},
	{"set_storage, 1 B, new", "seal2", "set_storage", "iiii", "i", sealOften, []uint64{atKey, 32, atBuffer, 1}},
	{"set_storage, 1 B, the same again", "seal2", "set_storage", "iiii", "i", sealOften, []uint64{atCallee, 32, atBuffer, 1}},
	{"set_storage, 1 B, fixed key", "seal0", "set_storage", "iii", "", sealOften, []uint64{atKey, atBuffer, 1}},
	{"set_storage, 15 KiB", "seal2", "set_storage", "iiii", "i", sealSome / 2, []uint64{atKey, 32, atBuffer, sealLonger}},
	{"get_storage, not there", "seal1", "get_storage", "iiii", "i", sealOften, []uint64{atKey, 32, atBuffer, atLength}},
	{"get_storage, the same again", "seal1", "get_storage", "iiii", "i", sealOften, []uint64{atCallee, 32, atBuffer, atLength}},
	{"contains_storage, not there", "seal1", "contains_storage", "ii", "i", sealOften, []uint64{atKey, 32}},
	{"clear_storage, not there", "seal1", "clear_storage", "ii", "i", sealOften, []uint64{atKey, 32}},
	{"take_storage, not there", "seal0", "take_storage", "iiii", "i", sealOften, []uint64{atKey, 32, atBuffer, atLength}},
	{"transfer", "seal0", "transfer", "iiii", "i", sealSome, []uint64{atCallee, 32, atValue, 16}},
	{"transfer to a new account", "seal0", "transfer", "iiii", "i", sealSome, []uint64{atKey, 32, atValue, 16}},
	{"call of nothing", "seal1", "call", "iiIiiiii", "i", sealSome, []uint64{0, atCallee, 0, atBuffer, atBuffer, 0, nowhere, 0}},
	{"call of nothing, with value", "seal1", "call", "iiIiiiii", "i", sealSome, []uint64{0, atCallee, 0, atValue, atBuffer, 0, nowhere, 0}},
	{"call of nothing, 4 KiB of input", "seal1", "call", "iiIiiiii", "i", sealSome, []uint64{0, atCallee, 0, atBuffer, atBuffer, sealLong, nowhere, 0}},
	{"delegate_call of nothing", "seal0", "delegate_call", "iiiiii", "i", sealSome, []uint64{0, atCodeHash, atBuffer, 0, nowhere, 0}},
	{"instantiate nothing", "seal1", "instantiate", "iIiiiiiiiii", "i", sealSome / 2,
		[]uint64{atCodeHash, 0, atValue, atBuffer, 0, nowhere, 0, nowhere, 0, atKey, 8}},
}

// looper is a contract that calls a seal function as often as its input says.
func looper() []byte {
	const serial, end = uint32(0), uint32(1)
	b := &metertest.Builder{
		MemoryMin: 1,
		Imports:   []metertest.Import{{Module: "seal0", Name: "input", Type: metertest.Types("ii", "")}},
		Data:      []metertest.Segment{{At: atRoom, Bytes: binary.LittleEndian.AppendUint32(nil, atBuffer-atInput)}},
	}
	cases := make([][]byte, len(sealCases))
	for i, c := range sealCases {
		t := metertest.Types(c.params, c.result)
		for j, letter := range t.Params {
			cases[i] = append(cases[i], metertest.Asm(wasm.OpI32Const, 0, loadAt(letter, uint32(atArguments+8*j)))...)
		}
		cases[i] = append(cases[i], metertest.Asm(wasm.OpCall, importOf(b, metertest.Import{Module: c.module, Name: c.name, Type: t}))...)
		if c.result != "" {
			cases[i] = append(cases[i], byte(wasm.OpDrop))
		}
	}
	var count []byte // the serial number goes into the key and all topics
	for i := range 4 {
		count = append(count, metertest.Asm(wasm.OpI32Const, atKey+32*i, wasm.OpLocalGet, serial, i64Store, uint32(0), uint32(0))...)
	}
	code := metertest.Asm(
		wasm.OpI32Const, atInput, wasm.OpI32Const, atRoom, wasm.OpCall, uint32(0),
		wasm.OpI32Const, 0, i64Load, uint32(3), uint32(atSerial), wasm.OpLocalTee, serial,
		wasm.OpI32Const, 0, wasm.OpI32Load, uint32(2), uint32(atCount), wasm.OpI64ExtendU32, wasm.OpI64Add, wasm.OpLocalSet, end,
		wasm.OpBlock, noBlock, wasm.OpLoop, noBlock,
		wasm.OpLocalGet, serial, wasm.OpLocalGet, end, wasm.OpI64Sub, wasm.OpI64Eqz, wasm.OpBrIf, uint32(1),
		count, dispatch(metertest.Asm(wasm.OpI32Const, 0, wasm.OpI32Load, uint32(2), uint32(atOperation)), cases),
		wasm.OpLocalGet, serial, wasm.OpI64Const, 1, wasm.OpI64Add, wasm.OpLocalSet, serial,
		wasm.OpBr, uint32(0), wasm.OpEnd, wasm.OpEnd)
	entry := metertest.Types("", "")
	b.Funcs = []metertest.Func{
		{Type: entry, Export: "call", Locals: []wasm.ValType{wasm.I64, wasm.I64}, Code: code},
		{Type: entry, Export: "deploy"},
	}
	return b.Bytes()
}

func loadAt(t wasm.ValType, offset uint32) []byte {
	if t == wasm.I64 {
		return metertest.Asm(i64Load, uint32(3), offset)
	}
	return metertest.Asm(wasm.OpI32Load, uint32(2), offset)
}

// importOf is the index of an import, which is added if it is not there.
func importOf(b *metertest.Builder, wanted metertest.Import) uint32 {
	for i, known := range b.Imports {
		if known.Module == wanted.Module && known.Name == wanted.Name {
			return uint32(i)
		}
	}
	b.Imports = append(b.Imports, wanted)
	return uint32(len(b.Imports) - 1)
}

// nothing is a contract that returns at once.
func nothing() []byte {
	entry := metertest.Types("", "")
	return (&metertest.Builder{MemoryMin: 1, Funcs: []metertest.Func{{Type: entry, Export: "call"}, {Type: entry, Export: "deploy"}}}).Bytes()
}

// loopContracts are the looping contract and what it calls.
type loopContracts struct{ looper, nothing *solo.Contract }

func (f *frame) loopContracts() (loopContracts, error) {
	k := loopContracts{&solo.Contract{Code: looper()}, &solo.Contract{Code: nothing()}}
	if err := errors.Join(f.deploy(k.looper, nil), f.deploy(k.nothing, nil)); err != nil {
		return k, err
	}
	alice, err := keyring.FromURI(keyring.Sr25519, "//Alice")
	if err != nil {
		return k, err
	}
	gift, err := f.chain.Sign(alice, f.deploys, wallet.TransferKeepAlive(k.looper.Address, 1_000*solo.Unit))
	if err != nil {
		return k, err
	}
	f.deploys++
	return k, f.chain.Include([][]byte{gift})
}

// input has the looper call the n-th function.
func (k loopContracts) input(n, count int, serial uint64) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(n))
	b = binary.LittleEndian.AppendUint32(b, uint32(count))
	b = binary.LittleEndian.AppendUint64(b, serial)
	for _, argument := range sealCases[n].arguments {
		b = binary.LittleEndian.AppendUint64(b, argument)
	}
	b = append(b, make([]byte, atTopics-atInput-len(b))...)
	b = append(b, 4<<2) // topics, compact
	for i := range byte(4) {
		b = append(append(b, 0, 0, 0, 0, 0, 0, 0, 0, i), make([]byte, 23)...)
	}
	hash := primitives.Blake2_256(k.nothing.Code)
	b = append(append(b, k.nothing.Address[:]...), hash[:]...)
	b = append(b, solo.AppendU128(nil, solo.Unit/500)...)
	return binary.LittleEndian.AppendUint32(b, bufferBytes)
}

// A call in a block may use so much.
const sealGas = 340_000_000_000

// round makes a block with one call of the looper, by the n-th sender, because storage costs deposits, and an empty one after it, which clears what the first left to clear.
func (f *frame) round(k loopContracts, n, count int) (spent, error) {
	c := frameCase{from: n, call: func(_, serial int) []byte {
		input := k.input(n, count, uint64(serial)<<20)
		return k.looper.CallRaw(sealGas, input)
	}}
	first, err := f.block(c, 1)
	if err != nil {
		return spent{}, err
	}
	second, err := f.block(frameCase{}, 0)
	return spent{first.gas + second.gas, first.took + second.took, first.weight}, err
}

// calibrateSeal prints what seal functions are charged, what they take in a block with root and commit, and their gas.
func calibrateSeal(u *unit) error { return onFrame(u, (*frame).calibrateSealFunctions) }

func (f *frame) calibrateSealFunctions() error {
	k, err := f.loopContracts()
	if err != nil {
		return err
	}
	printWeights("seal function")
	for n, c := range sealCases {
		found, err := f.unit.measure(
			func(int) (spent, error) { return f.round(k, n, c.count) },
			func(int) (spent, error) { return f.round(k, n, 0) }, c.count)
		if err != nil {
			return fmt.Errorf("%s: %w", c.label, err)
		}
		printWeight(c.label, found)
	}
	return nil
}
