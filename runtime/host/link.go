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
		entries[i] = wasm.HostImport{Module: ImportModule, Name: table[i].name, Type: table[i].funcType(), ID: uint32(i)}
	}
	imports, err := wasm.NewImportTable(entries)
	if err != nil {
		return nil, fmt.Errorf("building the table of host functions: %w", err)
	}
	return imports, nil
})

// storageRoles says what functions do to the top storage. Children share no key with it.
var storageRoles = map[string]engine.StorageRole{
	"ext_storage_get_version_1":                  engine.StorageRead,
	"ext_storage_set_version_1":                  engine.StorageSet,
	"ext_storage_clear_version_1":                engine.StorageClear,
	"ext_storage_append_version_1":               engine.StorageAppend,
	"ext_storage_start_transaction_version_1":    engine.StorageStart,
	"ext_storage_commit_transaction_version_1":   engine.StorageCommit,
	"ext_storage_rollback_transaction_version_1": engine.StorageRollback,
	"ext_storage_clear_prefix_version_1":         engine.StorageChangeAny,
	"ext_storage_clear_prefix_version_2":         engine.StorageChangeAny,
}

// hostFunctions is the table as the engine wants it.
func hostFunctions(roles bool) []engine.HostFunc {
	functions := make([]engine.HostFunc, len(table))
	for i := range table {
		r := &table[i]
		t := r.funcType()
		functions[i] = engine.HostFunc{
			Module: ImportModule, Name: r.name, Params: t.Params, Results: t.Results,
			Native: r.native, PerByte: r.price.PerByte, Go: r.serve,
		}
		if roles {
			functions[i].Storage = storageRoles[r.name]
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
