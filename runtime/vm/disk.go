package vm

import (
	"bytes"
	"fmt"

	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/meter"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// diskFormat changes with the form of the record below. What machine code depends on has names of its own: the code and the
// rules, the meter's version, the level, and in package engine its release and the processor.
const diskFormat = 1

// diskKey names a compiled module on disk.
func (k cacheKey) diskKey(level engine.Level) engine.Key {
	return engine.Key(fmt.Sprintf("guest %d|meter %d|%v|%s|%s", diskFormat, meter.Version, level, k.code, k.rules))
}

// What a load can cost, in microseconds, measured on a busy machine (BenchmarkLoad), beside what the contracts pallet takes for
// a call within a call, its load and a page of memory, 60 + 15 + 40, and 1.5 a KB of code:
//
//	                             price   in memory   on disk   compiled in the call
//	code of 145 bytes              115           5       200      900
//	code of 128 KiB                312           6     2,100      80,000 to 120,000; at most its score, 290,000
//	code of 256 KiB                508          14     4,200      125,000; at most its score, 290,000
//
// The price is the same each time, so the 0.375 s that contracts have of a block may hold 1,200 loads of different codes of
// 128 KiB, or 738 of 256 KiB. Where all are on disk that takes 3 s, and 8 s if each had the most machine code that is kept.
// Where none is, it takes 2 to 6 minutes. That happens to a node once: each code is compiled once for a release of the engine
// and a processor, for which its upload was charged its score, so a node that begins with nothing compiles for no longer than
// the chain was charged for uploads; and those 1,200 took a block each. A node that follows the chain compiled them ahead as
// they were uploaded. What is pushed out of disk could be compiled again and again: see engine.GuestCacheBytes for what that
// takes.

// fromDisk makes an entry of what an earlier call left on disk, without checking, metering or compiling. It is nil if there
// is nothing, or nothing that can be used.
func (p *Provider) fromDisk(r *Rules, key cacheKey, code []byte) *entry {
	for _, level := range compileTiers[p.compile] {
		record, ok := p.disk.Get(key.diskKey(level))
		if !ok {
			continue
		}
		e := &entry{key: key, rules: r, code: bytes.Clone(code), level: level, kept: true, asked: level == engine.LevelSpeed}
		guestCode, err := e.readRecord(record)
		if err == nil {
			e.guest, err = p.engine.LoadGuest(guestCode, e.imports)
		}
		if err == nil {
			return e
		}
		p.log.Warn("a compiled contract on disk cannot be used and is compiled anew", "code_hash", key.code.String(), "error", err)
		p.disk.Remove(key.diskKey(level))
	}
	return nil
}

// keep writes the guest to disk, once. Code longer than all known machine code is left out: it would be a hole in the
// arithmetic of the cache's limit.
func (p *Provider) keep(e *entry) error {
	if p.disk == nil {
		return nil
	}
	e.mu.RLock()
	if e.kept {
		e.mu.RUnlock()
		return nil
	}
	level := e.level
	guestCode, err := e.guest.Code()
	e.mu.RUnlock()
	if err != nil {
		return fmt.Errorf("keeping a guest: %w", err)
	}
	p.write(e, level, guestCode)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.kept = e.kept || e.level == level
	return nil
}

func (p *Provider) write(e *entry, level engine.Level, guestCode []byte) {
	if len(guestCode) <= mostCode(e.code) {
		p.disk.Put(e.key.diskKey(level), append(e.appendRecord(nil), guestCode...))
	}
}

// appendRecord writes what a session needs to know of a module; guest code follows.
func (e *entry) appendRecord(b []byte) []byte {
	r := &e.report
	for _, field := range []uint32{uint32(r.Reason), r.Function, r.Offset, r.Flags, r.MemMin, r.MemMax, r.CodeLen, e.pages, uint32(e.data)} {
		b = scale.AppendU32(b, field)
	}
	b = scale.AppendU64(b, r.Score)
	for _, word := range r.Imports {
		b = scale.AppendU64(b, word)
	}
	b = scale.AppendCompact(b, uint64(len(e.imports)))
	for _, i := range e.imports {
		b = scale.AppendU32(b, i.ID)
	}
	return b
}

// readRecord reads it back and returns the guest code, a part of the argument.
func (e *entry) readRecord(record []byte) (guestCode []byte, err error) {
	d := scale.NewDecoder(record)
	r := &e.report
	var data uint32
	r.Reason = wasm.Code(d.U32())
	for _, field := range []*uint32{&r.Function, &r.Offset, &r.Flags, &r.MemMin, &r.MemMax, &r.CodeLen, &e.pages, &data} {
		*field = d.U32()
	}
	r.Score, e.data = d.U64(), int(data)
	for i := range r.Imports {
		r.Imports[i] = d.U64()
	}
	for range d.Length(4) {
		e.imports = append(e.imports, engine.GuestImport{ID: d.U32()})
	}
	return d.Rest(), d.Err()
}
