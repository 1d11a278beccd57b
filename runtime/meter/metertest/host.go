package metertest

import (
	"encoding/binary"
	"math/bits"

	"github.com/sepia-chain/sepia/runtime/wasm"
)

// Ids of the imports of random modules, in HostImports' order.
const (
	ImportA    = iota // test_a(a, b i32) -> i32: 31a + b + 7
	ImportB           // test_b(x i64) -> i64: x rotated left by 13, plus 1
	ImportC           // test_c(at i32, v i64): writes v at at mod 65,000
	ImportStop        // test_stop(code i32): ends the execution, like seal_return
)

// HostImports is the import table of random modules: all in module "seal0".
func HostImports() []wasm.HostImport {
	return []wasm.HostImport{
		{Module: "seal0", Name: "test_a", Type: Types("ii", "i"), ID: ImportA},
		{Module: "seal0", Name: "test_b", Type: Types("I", "I"), ID: ImportB},
		{Module: "seal0", Name: "test_c", Type: Types("iI", ""), ID: ImportC},
		{Module: "seal0", Name: "test_stop", Type: Types("i", ""), ID: ImportStop},
	}
}

// ImportPrices are the base prices of HostImports in ps.
func ImportPrices() []uint64 { return []uint64{11_000, 7_000, 0, 90_000} }

// Policy accepts random modules.
func Policy() wasm.Policy {
	table, err := wasm.NewImportTable(HostImports())
	if err != nil {
		panic(err) // the table above is wrong
	}
	return wasm.ContractPolicy(wasm.ContractLimits(), table)
}

// Answer is what a host function of the table does. stop ends the execution; otherwise price is charged on return.
func Answer(id uint32, args []uint64, memory []byte) (result uint64, price int64, stop bool) {
	switch id {
	case ImportA:
		a, b := uint32(args[0]), uint32(args[1])
		return uint64(31*a + b + 7), int64(a % 5_000), false
	case ImportB:
		return bits.RotateLeft64(args[0], 13) + 1, 0, false
	case ImportC:
		at := uint32(args[0]) % 65_000
		binary.LittleEndian.PutUint64(memory[at:], args[1])
		return 0, int64(args[1] % 3_000), false
	}
	return 0, 0, true
}
