package host_test

import "github.com/sepia-chain/sepia/runtime/wasm"

// importing is a module that imports functions of those names from "env", each () -> ().
func importing(names ...string) []byte {
	imports := wasm.AppendU32(nil, uint32(len(names)+1))
	for _, name := range names {
		imports = wasm.AppendName(wasm.AppendName(imports, "env"), name)
		imports = append(imports, byte(wasm.KindFunction), 0)
	}
	imports = wasm.AppendName(wasm.AppendName(imports, "env"), "memory")
	imports = append(imports, byte(wasm.KindMemory), 0, 1)
	module := wasm.AppendSection(wasm.AppendHeader(nil), wasm.SectionType, []byte{1, 0x60, 0, 0})
	return wasm.AppendSection(module, wasm.SectionImport, imports)
}
