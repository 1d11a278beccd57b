package engine

import (
	"encoding/binary"
	"strconv"

	"github.com/sepia-chain/sepia/runtime/wasm"
)

// BlobHeapPages is added to the memory that a blob declares, up to its maximum: 4 MiB. Most calls then never grow their
// memory, and an instance whose memory did not grow can be restored. A blob sees it in memory.size, so it belongs to consensus.
const BlobHeapPages = 64

const variablePrefix = "sepia:global:" // of the export of each mutable global, before its index

// variables returns the indices of the mutable globals that a call may leave changed: all but the two counters.
func (s *shape) variables() []uint32 {
	gas, _ := s.export("sepia:gas")
	stack, _ := s.export("sepia:stack")
	var list []uint32
	for i, g := range s.Globals {
		if index := uint32(i); g.Mutable && index != gas.Index && index != stack.Index {
			list = append(list, index)
		}
	}
	return list
}

// prepareBlob gives a metered blob the memory that its instances begin with, and exports its mutable globals so that they can
// be restored. Every other section stays as it is.
func (s *shape) prepareBlob(metered []byte) []byte {
	return replaceSections(metered, map[wasm.SectionID][]byte{
		wasm.SectionMemory: s.blobMemory(),
		wasm.SectionExport: s.blobExportSection(),
	})
}

// replaceSections copies a module that was decoded before, so that its sections are sound, with some of them replaced.
func replaceSections(module []byte, with map[wasm.SectionID][]byte) []byte {
	out := wasm.AppendHeader(make([]byte, 0, len(module)+64))
	for rest := module[len(out):]; len(rest) > 0; {
		id := wasm.SectionID(rest[0])
		size, n := binary.Uvarint(rest[1:])
		content := rest[1+n : 1+n+int(size)]
		rest = rest[1+n+int(size):]
		if other, ok := with[id]; ok {
			content = other
		}
		out = wasm.AppendSection(out, id, content)
	}
	return out
}

func (s *shape) blobMemory() []byte {
	minimum := min(s.Memory.Min+BlobHeapPages, s.Memory.Max)
	return wasm.AppendU32(wasm.AppendU32([]byte{1, 1}, minimum), s.Memory.Max) // one memory, with a maximum
}

func (s *shape) blobExportSection() []byte {
	variables := s.variables()
	out := wasm.AppendU32(nil, uint32(len(s.Exports)+len(variables)))
	for _, e := range s.Exports {
		out = appendExport(out, e.Name, e.Kind, e.Index)
	}
	for _, index := range variables {
		out = appendExport(out, variablePrefix+strconv.FormatUint(uint64(index), 10), wasm.KindGlobal, index)
	}
	return out
}

func appendExport(out []byte, name string, kind wasm.ExternKind, index uint32) []byte {
	return wasm.AppendU32(append(wasm.AppendName(out, name), byte(kind)), index)
}
