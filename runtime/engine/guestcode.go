package engine

import (
	"bytes"
	"fmt"

	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// guestLinks are what linking a guest needs to know of its module, so that machine code can be loaded without the module.
type guestLinks struct {
	entries [len(guestEntryNames)]byte // number of results, or noEntry
	imports []guestLink
}

type guestLink struct {
	module, name string
	typ          wasm.FuncType // as metered
}

var guestEntryNames = [...]string{"deploy", "call"}

const noEntry = 0xff

// guestLinks reads them off a module. Entry points are () -> () or () -> i32.
func (s *shape) guestLinks() (guestLinks, error) {
	var l guestLinks
	for i, name := range guestEntryNames {
		l.entries[i] = noEntry
		e, ok := s.export(name)
		if !ok {
			continue
		}
		t, ok := s.functionExport(e)
		if !ok || len(t.Params) != 0 || len(t.Results) > 1 || t.Result() == wasm.I64 {
			return l, fmt.Errorf("the export %s is no function () -> () or () -> i32", name)
		}
		l.entries[i] = byte(len(t.Results))
	}
	for _, i := range s.imports() {
		l.imports = append(l.imports, guestLink{i.Module, i.Name, s.Types[i.Type]})
	}
	return l, nil
}

// results is the number of results of an entry point, if the module has it.
func (l *guestLinks) results(entry string) (int, bool) {
	for i, name := range guestEntryNames {
		if name == entry && l.entries[i] != noEntry {
			return int(l.entries[i]), true
		}
	}
	return 0, false
}

// appendCode writes guest code: the links, then the machine code.
func (l *guestLinks) appendCode(machineCode []byte) []byte {
	b := bytes.Clone(l.entries[:])
	b = scale.AppendCompact(b, uint64(len(l.imports)))
	for _, i := range l.imports {
		b = scale.AppendBytes(b, []byte(i.module))
		b = scale.AppendBytes(b, []byte(i.name))
		b = appendTypes(appendTypes(b, i.typ.Params), i.typ.Results)
	}
	return append(b, machineCode...)
}

func appendTypes(b []byte, types []wasm.ValType) []byte {
	b = scale.AppendCompact(b, uint64(len(types)))
	for _, t := range types {
		b = append(b, byte(t))
	}
	return b
}

// readGuestCode takes guest code apart. The machine code is a part of the argument.
func readGuestCode(code []byte) (l guestLinks, machineCode []byte, err error) {
	const shortest = 4 // an import of empty names without parameters or results
	d := scale.NewDecoder(code)
	copy(l.entries[:], d.Fixed(len(l.entries)))
	for range d.Length(shortest) {
		l.imports = append(l.imports, guestLink{d.String(), d.String(), wasm.FuncType{Params: readTypes(d), Results: readTypes(d)}})
	}
	if err := d.Err(); err != nil {
		return l, nil, fmt.Errorf("%w: reading guest code: %w", ErrFault, err)
	}
	return l, d.Rest(), nil
}

func readTypes(d *scale.Decoder) []wasm.ValType {
	var types []wasm.ValType
	for _, t := range d.Bytes() {
		types = append(types, wasm.ValType(t))
	}
	return types
}
