package state

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
)

// plainOverlay is the oracle of Overlay: Substrate's storage semantics in the plainest form. Each transaction is a copy of
// everything that was written before it.
type plainOverlay struct {
	base   plainState
	writes map[string]*string // nil is a delete
	saved  []map[string]*string
}

func (p *plainOverlay) get(k string) (string, bool) {
	if v, ok := p.writes[k]; ok {
		if v == nil {
			return "", false
		}
		return *v, true
	}
	v, ok := p.base[k]
	return v, ok
}

func (p *plainOverlay) put(k, v string) { p.writes[k] = &v }

func (p *plainOverlay) append(k, item string) {
	old, _ := p.get(k)
	d := scale.NewDecoder([]byte(old))
	n := d.Compact()
	if d.Err() != nil || n >= 1<<32-1 {
		p.put(k, "\x04"+item)
		return
	}
	p.put(k, string(scale.AppendCompact(nil, n+1))+string(d.Rest())+item)
}

// merged is the state with all writes.
func (p *plainOverlay) merged() plainState {
	m := p.base.clone()
	for k, v := range p.writes {
		if v == nil {
			delete(m, k)
			continue
		}
		m[k] = *v
	}
	return m
}

func (p *plainOverlay) next(domain, key string) (string, bool) {
	for _, k := range slices.Sorted(maps.Keys(p.merged())) {
		if strings.HasPrefix(k, domain) && k[len(domain):] > key {
			return k[len(domain):], true
		}
	}
	return "", false
}

// clearPrefix is Substrate's order of work: all pending keys, then the parent's up to the limit.
func (p *plainOverlay) clearPrefix(domain, prefix string, limit *uint32) primitives.Removal {
	var r primitives.Removal
	for k, v := range p.writes {
		if strings.HasPrefix(k, domain+prefix) && v != nil {
			r.Unique++
			p.writes[k] = nil
		}
	}
	for _, k := range slices.Sorted(maps.Keys(p.base)) {
		if !strings.HasPrefix(k, domain+prefix) {
			continue
		}
		if limit != nil && r.Loops == *limit {
			r.NextPending = []byte(k[len(domain):])
			r.Unique += r.Backend
			return r
		}
		r.Loops++
		if v, pending := p.writes[k]; !pending || v != nil {
			r.Backend++
			p.writes[k] = nil
		}
	}
	r.AllRemoved = true
	r.Unique += r.Backend
	return r
}

func (p *plainOverlay) childRoot(domain string) primitives.Hash {
	m := p.merged()
	var all []byte
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if !strings.HasPrefix(k, domain) {
			continue
		}
		for _, part := range []string{k[len(domain):], m[k]} {
			all = append(binary.BigEndian.AppendUint32(all, uint32(len(part))), part...)
		}
	}
	if len(all) == 0 {
		return primitives.Blake2_256([]byte{0})
	}
	return primitives.Blake2_256(all)
}

// The keys and values of the programs below: few, so that they meet; with prefixes of each other, zeros, reserved keys,
// lists with counts at the edges of the compact forms, and values at the edge of what is kept inline.
var (
	opKeys = []string{"", "\x00", "\x00\x00", "a", "a\x00", "ab", "ab\x01", "ab\xff", "ab\xff\xff", "b", "ba", ":", ":c",
		":child_storage:x", ":code", "c", "\xff", "\xff\xff", "zz"}
	opValues = []string{"", "\x00", "\x04x", "v", "value", "\xfcab", "\xfd\xff", "\x01\x01longer", "\xfe\xff\xff\xff",
		"\x03\xff\xff\xff\xff", "\x03\xfe\xff\xff\xff", strings.Repeat("L", maxInline), strings.Repeat("M", maxInline+1)}
	opDomains = [][]byte{topDomain(), childDomain([]byte("c")), childDomain([]byte("cc")), childDomain(nil)}
)

// program runs a program of storage operations, given as bytes, on an overlay and on its oracle.
type program struct {
	t       testing.TB
	overlay *Overlay
	plain   *plainOverlay
	input   []byte
}

func (p *program) byte() int {
	if len(p.input) == 0 {
		return 0
	}
	b := p.input[0]
	p.input = p.input[1:]
	return int(b)
}

func (p *program) limit() *uint32 {
	n := uint32(p.byte() % 6)
	if n == 5 {
		return nil
	}
	return &n
}

func (p *program) run() {
	ops := []func(domain []byte, key string){
		p.get, p.set, p.set, p.clear, p.append, p.append, p.nextKey, p.clearPrefix, p.kill, p.start, p.start, p.commit, p.rollback, p.root,
	}
	for len(p.input) > 0 {
		op := ops[p.byte()%len(ops)]
		op(opDomains[p.byte()%len(opDomains)], opKeys[p.byte()%len(opKeys)])
	}
	p.compareAll()
}

func (p *program) child(domain []byte) *ChildOverlay { return &ChildOverlay{p.overlay, domain} }

func isTop(domain []byte) bool { return domain[0] == domainTop }

func (p *program) get(domain []byte, key string) {
	p.t.Helper()
	get := p.overlay.Get
	if !isTop(domain) {
		get = p.child(domain).Get
	}
	got, found, err := get([]byte(key))
	want, wantFound := p.plain.get(string(domain) + key)
	if err != nil || found != wantFound || string(got) != want {
		p.t.Fatalf("Get(%x, %q) = %.20q, %v, %v, want %.20q, %v", domain, key, got, found, err, want, wantFound)
	}
}

func (p *program) set(domain []byte, key string) {
	value := opValues[p.byte()%len(opValues)]
	if !isTop(domain) {
		noError(p.t, p.child(domain).Set([]byte(key), []byte(value)))
		p.plain.put(string(domain)+key, value)
		return
	}
	noError(p.t, p.overlay.Set([]byte(key), []byte(value)))
	if !isChildStorageKey([]byte(key)) {
		p.plain.put(string(domain)+key, value)
	}
}

func (p *program) clear(domain []byte, key string) {
	if !isTop(domain) {
		noError(p.t, p.child(domain).Clear([]byte(key)))
		p.plain.writes[string(domain)+key] = nil
		return
	}
	noError(p.t, p.overlay.Clear([]byte(key)))
	if !isChildStorageKey([]byte(key)) {
		p.plain.writes[string(domain)+key] = nil
	}
}

func (p *program) append(_ []byte, key string) {
	item := opValues[p.byte()%len(opValues)]
	noError(p.t, p.overlay.Append([]byte(key), []byte(item)))
	p.plain.append(string(top)+key, item)
}

func (p *program) nextKey(domain []byte, key string) {
	p.t.Helper()
	next := p.overlay.NextKey
	if !isTop(domain) {
		next = p.child(domain).NextKey
	}
	got, found, err := next([]byte(key))
	want, wantFound := p.plain.next(string(domain), key)
	if err != nil || found != wantFound || string(got) != want {
		p.t.Fatalf("NextKey(%x, %q) = %q, %v, %v, want %q, %v", domain, key, got, found, err, want, wantFound)
	}
}

func (p *program) clearPrefix(domain []byte, key string) {
	p.t.Helper()
	limit := p.limit()
	var got, want primitives.Removal
	var err error
	if isTop(domain) {
		got, err = p.overlay.ClearPrefix([]byte(key), limit)
		want = primitives.Removal{AllRemoved: true}
		if reserved := ":child_storage:"; !strings.HasPrefix(reserved, key) && !strings.HasPrefix(key, reserved) {
			want = p.plain.clearPrefix(string(domain), key, limit)
		}
	} else {
		got, err = p.child(domain).ClearPrefix([]byte(key), limit)
		want = p.plain.clearPrefix(string(domain), key, limit)
	}
	p.sameRemoval(got, want, err)
}

func (p *program) kill(domain []byte, _ string) {
	p.t.Helper()
	if isTop(domain) {
		domain = opDomains[1]
	}
	limit := p.limit()
	got, err := p.child(domain).Kill(limit)
	p.sameRemoval(got, p.plain.clearPrefix(string(domain), "", limit), err)
}

func (p *program) sameRemoval(got, want primitives.Removal, err error) {
	p.t.Helper()
	if err != nil || got.Backend != want.Backend || got.Unique != want.Unique || got.Loops != want.Loops ||
		got.AllRemoved != want.AllRemoved || !bytes.Equal(got.NextPending, want.NextPending) {
		p.t.Fatalf("removal %+v, %v, want %+v", got, err, want)
	}
}

func (p *program) start([]byte, string) {
	p.overlay.StartTransaction()
	p.plain.saved = append(p.plain.saved, maps.Clone(p.plain.writes))
}

func (p *program) commit([]byte, string) {
	p.t.Helper()
	p.ended(p.overlay.CommitTransaction(), func(map[string]*string) {})
}

func (p *program) rollback([]byte, string) {
	p.t.Helper()
	p.ended(p.overlay.RollbackTransaction(), func(saved map[string]*string) { p.plain.writes = saved })
}

func (p *program) ended(err error, restore func(map[string]*string)) {
	p.t.Helper()
	n := len(p.plain.saved)
	if n == 0 {
		if err != ErrNoTransaction {
			p.t.Fatalf("ending no transaction: %v, want ErrNoTransaction", err)
		}
		return
	}
	noError(p.t, err)
	restore(p.plain.saved[n-1])
	p.plain.saved = p.plain.saved[:n-1]
	if p.overlay.TransactionDepth() != n-1 {
		p.t.Fatalf("depth %d, want %d", p.overlay.TransactionDepth(), n-1)
	}
}

func (p *program) root([]byte, string) {
	p.t.Helper()
	for _, domain := range opDomains[1:] {
		got, err := p.child(domain).Root()
		if want := p.plain.childRoot(string(domain)); err != nil || got != want {
			p.t.Fatalf("child root of %x: %s, %v, want %s", domain, got, err, want)
		}
	}
	got, err := p.overlay.Root()
	if p.overlay.base.v.tree == nil {
		if err != ErrRootUnavailable {
			p.t.Fatalf("root over a past height: %v, want ErrRootUnavailable", err)
		}
		return
	}
	merged := p.plain.merged()
	if len(merged) == 0 {
		if err != ErrNoLeaves {
			p.t.Fatalf("root of no keys: %v, want ErrNoLeaves", err)
		}
		return
	}
	if want := merged.root(p.t); err != nil || got != want {
		p.t.Fatalf("root %s, %v, want %s", got, err, want)
	}
}

// compareAll compares every key, by order and by name, and the roots.
func (p *program) compareAll() {
	p.t.Helper()
	for _, domain := range opDomains {
		p.nextKey(domain, "")
		for _, key := range opKeys {
			p.get(domain, key)
			p.nextKey(domain, key)
		}
	}
	p.root(nil, "")
	changes, err := p.overlay.Changes()
	noError(p.t, err)
	if len(changes) != len(p.plain.writes) {
		p.t.Fatalf("%d pending writes, want %d", len(changes), len(p.plain.writes))
	}
	for _, c := range changes {
		k := ChildTreeKey(c.ID, c.Key)
		if c.ID == nil {
			k = TreeKey(c.Key)
		}
		want, ok := p.plain.writes[string(k)]
		if !ok || (want == nil) != (c.Value == nil) || want != nil && *want != string(c.Value) {
			p.t.Fatalf("pending write of %x is %.20q, want %v", k, c.Value, want)
		}
	}
}
