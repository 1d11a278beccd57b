package wasm

const header = "\x00asm\x01\x00\x00\x00"

// SectionID is the id of a section.
type SectionID byte

// The sections of the binary format.
const (
	SectionCustom    SectionID = 0
	SectionType      SectionID = 1
	SectionImport    SectionID = 2
	SectionFunction  SectionID = 3
	SectionTable     SectionID = 4
	SectionMemory    SectionID = 5
	SectionGlobal    SectionID = 6
	SectionExport    SectionID = 7
	SectionStart     SectionID = 8
	SectionElement   SectionID = 9
	SectionCode      SectionID = 10
	SectionData      SectionID = 11
	SectionDataCount SectionID = 12
	SectionTag       SectionID = 13
)

type sectionRule struct {
	name   string
	order  int // place in the canonical order; sections come at most once
	decode func(*Module, *reader) *Error
}

// sections holds a rule for each known id. The data count section (12) stands between elements and code.
var sections = [...]sectionRule{
	SectionType:      {"type", 1, decodeTypes},
	SectionImport:    {"import", 2, decodeImports},
	SectionFunction:  {"function", 3, decodeFunctions},
	SectionTable:     {"table", 4, decodeTables},
	SectionMemory:    {"memory", 5, decodeMemories},
	SectionGlobal:    {"global", 6, decodeGlobals},
	SectionExport:    {"export", 7, decodeExports},
	SectionStart:     {"start", 8, decodeStart},
	SectionElement:   {"element", 9, decodeElements},
	SectionDataCount: {"data count", 10, decodeDataCount},
	SectionCode:      {"code", 11, decodeCode},
	SectionData:      {"data", 12, decodeData},
}

// Decode reads the structure of a module: every section strictly, function bodies as raw bytes. Indices and types are
// checked by Validate only.
func Decode(b []byte) (*Module, error) {
	m, err := decode(b)
	if err != nil {
		return nil, err
	}
	return m, nil
}

func decode(b []byte) (*Module, *Error) {
	m := &Module{dataCount: -1}
	last := 0
	err := eachSection(b, func(id SectionID, at int, content *reader) *Error {
		if id == SectionCustom {
			_, err := content.name()
			return err
		}
		rule := sections[id]
		if rule.order <= last {
			return fail(SectionOrder, at, "the %s section is repeated or out of order", rule.name)
		}
		last = rule.order
		if err := rule.decode(m, content); err != nil {
			return err
		}
		if content.left() != 0 {
			return fail(SectionSize, content.offset(), "the %s section has %d bytes more than its content", rule.name, content.left())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return m, crossCheck(m)
}

// eachSection calls visit for each section in file order with a reader over its content.
func eachSection(b []byte, visit func(id SectionID, at int, content *reader) *Error) *Error {
	if len(b) < len(header) || string(b[:len(header)]) != header {
		return fail(BadHeader, 0, "the file does not begin with the WebAssembly magic number and version 1")
	}
	r := &reader{b: b, pos: len(header)}
	for r.left() > 0 {
		at := r.offset()
		id, err := r.byte()
		if err != nil {
			return err
		}
		if SectionID(id) == SectionTag {
			return fail(Exceptions, at, "a tag section declares exceptions")
		}
		if id > byte(SectionDataCount) {
			return fail(BadForm, at, "section id %d is unknown", id)
		}
		size, err := r.u32()
		if err != nil {
			return err
		}
		start := r.offset()
		content, err := r.bytes(size)
		if err != nil {
			return err
		}
		if err := visit(SectionID(id), at, &reader{b: content, base: start}); err != nil {
			return err
		}
	}
	return nil
}

// crossCheck compares the counts that two sections give for the same things.
func crossCheck(m *Module) *Error {
	if len(m.declared) != len(m.Bodies) {
		return fail(CountsDiffer, NoOffset, "%d functions are declared but %d have a body", len(m.declared), len(m.Bodies))
	}
	for i := range m.Bodies {
		m.Bodies[i].Type = m.declared[i]
	}
	if m.dataCount >= 0 && m.dataCount != len(m.Data) {
		return fail(CountsDiffer, NoOffset, "the data count section says %d but there are %d data segments", m.dataCount, len(m.Data))
	}
	return nil
}

// CustomSection returns the content of the first custom section of that name, without running or checking anything else.
func CustomSection(b []byte, name string) ([]byte, bool) {
	var found []byte
	var ok bool
	err := eachSection(b, func(id SectionID, _ int, content *reader) *Error {
		if id != SectionCustom || ok {
			return nil
		}
		got, err := content.name()
		if err == nil && got == name {
			found, ok = content.b[content.pos:], true
		}
		return err
	})
	return found, ok && err == nil
}
