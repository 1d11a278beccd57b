package host

import (
	"fmt"
	"sync"

	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// rowsByName indexes the table once.
var rowsByName = sync.OnceValue(func() map[string]*row {
	index := make(map[string]*row, len(table))
	for i := range table {
		index[table[i].name] = &table[i]
	}
	return index
})

func rowNamed(name string) *row { return rowsByName()[name] }

// importTable is the table as the validator wants it.
var importTable = sync.OnceValues(func() (*wasm.ImportTable, error) {
	entries := make([]wasm.HostImport, len(table))
	for i := range table {
		entries[i] = wasm.HostImport{Module: importModule, Name: table[i].name, Type: table[i].funcType(), ID: uint32(i)}
	}
	imports, err := wasm.NewImportTable(entries)
	if err != nil {
		return nil, fmt.Errorf("building the table of host functions: %w", err)
	}
	return imports, nil
})

// hostFunctions is the table as the engine wants it.
func hostFunctions() []engine.HostFunc {
	functions := make([]engine.HostFunc, len(table))
	for i := range table {
		r := &table[i]
		t := r.funcType()
		functions[i] = engine.HostFunc{
			Module: importModule, Name: r.name, Params: t.Params, Results: t.Results,
			Native: r.native, PerByte: r.price.PerByte, Go: r.serve,
		}
	}
	return functions
}

// serve runs the implementation for the engine.
func (r *row) serve(in *engine.Instance, args []uint64) (uint64, error) {
	c, ok := in.Context().(*call)
	if !ok {
		return 0, fmt.Errorf("host function %s: the instance runs no call of this package", r.name)
	}
	c.price = &r.price
	return r.run(c, args)
}
