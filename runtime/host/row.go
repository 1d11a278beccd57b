package host

import (
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// ImportModule is the Wasm module name under which blobs import host functions.
const ImportModule = "env"

// Param is how an argument or result crosses between blob and host.
type Param uint8

// The forms. A fat pointer is a length in the upper and an address in the lower half of 64 bits.
const (
	None Param = iota
	U32
	U64
	Ptr // address of something of fixed size
	Fat
)

var paramForms = [...]struct {
	name string
	wasm wasm.ValType
}{
	None: {"", wasm.None},
	U32:  {"u32", wasm.I32},
	U64:  {"u64", wasm.I64},
	Ptr:  {"ptr", wasm.I32},
	Fat:  {"fat", wasm.I64},
}

// String is the form's name in the documentation.
func (p Param) String() string { return paramForms[p].name }

// implementation is the Go form of a host function. Arguments and result are as Wasm passes them.
type implementation func(c *call, a []uint64) (uint64, error)

// row is one function of the host API.
type row struct {
	name   string
	params []Param
	result Param
	price  Price
	run    implementation
	doc    string
	native engine.NativeFunc // set where the engine serves the function in C; run is then the model of it
}

// fixedPrice says that a call never costs more than the base price. Only release of memory is told apart: it is a third of all
// host calls of a block, and asking for the gas left takes as long as the call itself.
func (r *row) fixedPrice() bool {
	return r.native == engine.NativeFree && r.price.PerByte == 0 && r.price.PerKey == 0
}

// params makes the table readable.
func params(p ...Param) []Param { return p }

// funcType is the function's Wasm type.
func (r *row) funcType() wasm.FuncType {
	var t wasm.FuncType
	for _, p := range r.params {
		t.Params = append(t.Params, paramForms[p].wasm)
	}
	if r.result != None {
		t.Results = []wasm.ValType{paramForms[r.result].wasm}
	}
	return t
}

// Function is what a tool may know of a host function.
type Function struct {
	Name   string
	Params []Param
	Result Param
	Price  Price
}

// Functions lists the host API of host_version 1, in the order of its table.
func Functions() []Function {
	functions := make([]Function, len(table))
	for i := range table {
		r := &table[i]
		functions[i] = Function{Name: r.name, Params: r.params, Result: r.result, Price: r.price}
	}
	return functions
}
