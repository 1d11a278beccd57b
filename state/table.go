package state

import (
	"bytes"
	"hash/maphash"
)

// Sizes that a table begins with and that its parts stop growing at. A call of a runtime touches a dozen keys, a full
// block some thousands: a dozen fits into the first parts, and of the last ones at most 32 KiB lie idle.
const (
	firstSlots    = 32 // power of two
	firstEntries  = 16
	mostEntries   = 128
	firstKeyBytes = 1 << 10
	mostKeyBytes  = 16 << 10
)

// table finds entries by tree key. It is an open table with linear probing, at most half full, as an overlay is asked some
// fifty times for a transaction: a key is hashed once for a call, and entries and keys lie in a few large pieces of memory.
// The hash has a seed of its own, so nobody can choose keys that collide. The order of the slots never shows.
type table struct {
	seed    maphash.Seed
	slots   []slot
	count   int
	entries []entry // room for more of them, not used yet
	keys    []byte  // piece that keys are copied to
}

// slot is empty if it has no entry.
type slot struct {
	hash  uint64
	entry *entry
}

func newTable() table { return table{seed: maphash.MakeSeed(), slots: make([]slot, firstSlots)} }

// find is the entry of a tree key, or nil, and where it is or would be.
func (t *table) find(treeKey []byte) (e *entry, at int, hash uint64) {
	hash = maphash.Bytes(t.seed, treeKey)
	mask := len(t.slots) - 1
	for at = int(hash) & mask; t.slots[at].entry != nil; at = (at + 1) & mask {
		if s := &t.slots[at]; s.hash == hash && bytes.Equal(s.entry.key, treeKey) {
			return s.entry, at, hash
		}
	}
	return nil, at, hash
}

// entry is the entry of a tree key, made if need be. The key is copied.
func (t *table) entry(treeKey []byte) *entry {
	e, at, hash := t.find(treeKey)
	if e != nil {
		return e
	}
	e = t.newEntry()
	e.key = t.keep(treeKey)
	t.slots[at] = slot{hash, e}
	t.count++
	if 2*t.count > len(t.slots) {
		t.grow()
	}
	return e
}

func (t *table) grow() {
	old := t.slots
	t.slots = make([]slot, 2*len(old))
	mask := len(t.slots) - 1
	for _, s := range old {
		if s.entry == nil {
			continue
		}
		at := int(s.hash) & mask
		for t.slots[at].entry != nil {
			at = (at + 1) & mask
		}
		t.slots[at] = s
	}
}

// newEntry takes an entry from the room, which doubles whenever it runs out.
func (t *table) newEntry() *entry {
	if len(t.entries) == 0 {
		t.entries = make([]entry, min(max(firstEntries, t.count), mostEntries))
	}
	e := &t.entries[0]
	t.entries = t.entries[1:]
	return e
}

// keep copies a key to where it stays as long as the table.
func (t *table) keep(key []byte) []byte {
	if len(key) > cap(t.keys)-len(t.keys) {
		t.keys = make([]byte, 0, max(len(key), min(max(firstKeyBytes, 2*cap(t.keys)), mostKeyBytes)))
	}
	from := len(t.keys)
	t.keys = append(t.keys, key...)
	return t.keys[from:len(t.keys):len(t.keys)]
}
