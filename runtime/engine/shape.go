package engine

import (
	"fmt"
	"strings"

	"github.com/sepia-chain/sepia/runtime/wasm"
)

const reservedPrefix = "sepia:" // of the exports that metering adds

// shape is a metered module as far as the engine looks into it.
type shape struct {
	*wasm.Module
}

// readShape decodes a metered module and checks what the meter promises. A failure is ours, not the module's author's.
func readShape(metered []byte, maxPages uint32) (*shape, error) {
	m, err := wasm.Decode(metered)
	if err != nil {
		return nil, fmt.Errorf("%w: reading a metered module: %w", ErrFault, err)
	}
	s := &shape{m}
	if m.Memory == nil || m.Memory.Imported || !m.Memory.HasMax {
		return nil, fault("reading a metered module", "its memory is not its own, or has no maximum")
	}
	if m.Memory.Max > maxPages {
		// The pool could not serve it to the end, and a grow that fails for the node's reasons must not be seen.
		return nil, fault("reading a metered module", fmt.Sprintf("its memory of up to %d pages is above %d", m.Memory.Max, maxPages))
	}
	n := len(m.Imports)
	if n == 0 || m.Imports[n-1].Module != gasModule || m.Imports[n-1].Name != gasName {
		return nil, fault("reading a metered module", "its last import does not ask for gas")
	}
	for _, name := range []string{"sepia:memory", "sepia:gas", "sepia:stack"} {
		if _, ok := s.export(name); !ok {
			return nil, fault("reading a metered module", "it does not export "+name)
		}
	}
	if m.HasStart {
		return nil, fault("reading a metered module", "it has a start section")
	}
	return s, nil
}

// imports returns the module's own imports, without the meter's.
func (s *shape) imports() []wasm.Import { return s.Imports[:len(s.Imports)-1] }

func (s *shape) export(name string) (wasm.Export, bool) {
	for _, e := range s.Exports {
		if e.Name == name {
			return e, true
		}
	}
	return wasm.Export{}, false
}

// stackUnits returns the stack that the module may use, which must not be more than there is.
func (s *shape) stackUnits(most int64) (int32, error) {
	e, _ := s.export("sepia:stack")
	if e.Kind != wasm.KindGlobal || int(e.Index) >= len(s.Globals) {
		return 0, fault("reading a metered module", "its stack counter is no global")
	}
	units := s.Globals[e.Index].Value
	if units < 0 || units > most {
		return 0, fault("reading a metered module", fmt.Sprintf("its stack of %d units is not within 0 and %d", units, most))
	}
	return int32(units), nil
}

// heapBase returns the address at which a blob's heap begins.
func (s *shape) heapBase() (uint32, error) {
	e, ok := s.export("__heap_base")
	if !ok || e.Kind != wasm.KindGlobal || int(e.Index) >= len(s.Globals) {
		return 0, fmt.Errorf("the blob does not export the global __heap_base")
	}
	g := s.Globals[e.Index]
	if g.Type != wasm.I32 || g.Mutable {
		return 0, fmt.Errorf("the blob's __heap_base is not a constant i32")
	}
	return uint32(g.Value), nil
}

// functionExport returns the type of an exported function.
func (s *shape) functionExport(e wasm.Export) (wasm.FuncType, bool) {
	if e.Kind != wasm.KindFunction {
		return wasm.FuncType{}, false
	}
	index, ok := s.FuncTypeIndex(e.Index)
	if !ok || int(index) >= len(s.Types) {
		return wasm.FuncType{}, false
	}
	return s.Types[index], true
}

// blobExports returns the exports that a blob call can name: functions (pointer, length) -> result.
func (s *shape) blobExports() map[string]struct{} {
	entry := wasm.FuncType{Params: []wasm.ValType{wasm.I32, wasm.I32}, Results: []wasm.ValType{wasm.I64}}
	names := make(map[string]struct{})
	for _, e := range s.Exports {
		if t, ok := s.functionExport(e); ok && t.Equal(entry) && !strings.HasPrefix(e.Name, reservedPrefix) {
			names[e.Name] = struct{}{}
		}
	}
	return names
}
