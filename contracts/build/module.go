package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// maxPages is how much memory a contract may ask for: 16 pages of 64 KiB, 1 MiB.
const maxPages = 16

// Section ids and kinds of the Wasm binary format, https://webassembly.github.io/spec/core/binary/modules.html.
const (
	sectionCustom = 0
	sectionImport = 2
	sectionExport = 7

	kindFunction = 0
	kindMemory   = 2
)

var errShort = errors.New("the module ends early")

// reader takes values from the front of a slice and keeps its first error.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) byte() byte {
	b := r.take(1)
	if b == nil {
		return 0
	}
	return b[0]
}

func (r *reader) u32() uint32 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || size > 5 || n > 1<<32-1 {
		r.fail(errShort)
		return 0
	}
	r.take(size)
	return uint32(n)
}

func (r *reader) take(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.rest) {
		r.fail(errShort)
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) name() string { return string(r.take(int(r.u32()))) }

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// strip makes what a linker wrote into what the chain takes: only the exports call and deploy, a stated maximum of memory,
// no custom sections.
func strip(module []byte) ([]byte, error) {
	header := []byte("\x00asm\x01\x00\x00\x00")
	if !bytes.HasPrefix(module, header) {
		return nil, errors.New("not a Wasm module of version 1")
	}
	out := bytes.Clone(header)
	r := &reader{rest: module[len(header):]}
	for len(r.rest) > 0 && r.err == nil {
		id := r.byte()
		content := r.take(int(r.u32()))
		if r.err != nil {
			break
		}
		var err error
		switch id {
		case sectionCustom:
			continue
		case sectionImport:
			content, err = stripImports(content)
		case sectionExport:
			content, err = stripExports(content)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, id)
		out = binary.AppendUvarint(out, uint64(len(content)))
		out = append(out, content...)
	}
	return out, r.err
}

// stripImports states the memory's maximum and refuses imports that the chain does not have.
func stripImports(content []byte) ([]byte, error) {
	r := &reader{rest: content}
	count := r.u32()
	out := binary.AppendUvarint(nil, uint64(count))
	for range count {
		before := r.rest
		module, name, kind := r.name(), r.name(), r.byte()
		head := before[:len(before)-len(r.rest)]
		if r.err != nil {
			return nil, r.err
		}
		switch {
		case kind == kindMemory && module == "env" && name == "memory":
			limits, err := memoryLimits(r)
			if err != nil {
				return nil, err
			}
			out = append(append(out, head...), limits...)
		case kind == kindFunction && strings.HasPrefix(module, "seal"):
			typeIndex := r.u32()
			out = binary.AppendUvarint(append(out, head...), uint64(typeIndex))
		default:
			return nil, fmt.Errorf("it imports %s.%s, which no contract may: a function that is neither Rust's nor the chain's was used", module, name)
		}
	}
	return out, r.err
}

func memoryLimits(r *reader) ([]byte, error) {
	hasMax := r.byte() == 1
	initial, maximum := r.u32(), uint32(maxPages)
	if hasMax {
		maximum = r.u32()
	}
	if initial > maxPages || maximum > maxPages {
		return nil, fmt.Errorf("it asks for %d pages of memory, at most %d; the limit is %d", initial, maximum, maxPages)
	}
	out := binary.AppendUvarint([]byte{1}, uint64(initial))
	return binary.AppendUvarint(out, uint64(maximum)), r.err
}

func stripExports(content []byte) ([]byte, error) {
	r := &reader{rest: content}
	var kept []byte
	found := 0
	for range r.u32() {
		before := r.rest
		name, kind := r.name(), r.byte()
		r.u32()
		if r.err != nil {
			return nil, r.err
		}
		if kind == kindFunction && (name == "call" || name == "deploy") {
			kept = append(kept, before[:len(before)-len(r.rest)]...)
			found++
		}
	}
	if found != 2 {
		return nil, errors.New("it does not export both call and deploy: is it an ink! contract, built without its std feature?")
	}
	return append([]byte{2}, kept...), nil
}
