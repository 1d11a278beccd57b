package state

import (
	"bytes"

	"github.com/google/btree"
)

// entry is what an overlay knows about one key.
type entry struct {
	key    string   // tree key
	base   cell     // what the base holds: unwritten if not asked yet, else deleted, plain or list
	now    cell     // what was written; unwritten if nothing was, or all of it was rolled back
	serial uint64   // of the transaction that now was written in
	listed bool     // is in changeset.touched
	sum    [32]byte // SHA-256 of a value that is kept apart, of the last root
}

// undo is how to take back the first write to an entry in a transaction.
type undo struct {
	entry *entry
	was   cell
}

// transaction is one that is open.
type transaction struct {
	serial  uint64
	journal int // length of the journal when it was started
}

// changeset is a map with nested transactions. Starting one costs nothing, committing one too; rolling one back costs its
// changes. Transactions have serial numbers that are never used again, so an entry knows whether it was written in the
// innermost open one whatever was opened and closed since. What an entry's base holds is kept apart from what was written,
// so a roll-back never loses it.
type changeset struct {
	entries map[string]*entry
	touched []*entry              // every entry that was ever written, in order of first write
	ordered *btree.BTreeG[*entry] // entries that are written now, by key; nil until order is asked for
	journal []undo
	open    []transaction
	serial  uint64 // last one handed out
}

// btreeDegree makes nodes of up to 63 pointers: half a kilobyte.
const btreeDegree = 32

func newChangeset() changeset { return changeset{entries: map[string]*entry{}} }

// entry is the entry of a tree key, made if need be. The key is copied.
func (c *changeset) entry(treeKey []byte) *entry {
	if e, ok := c.entries[string(treeKey)]; ok {
		return e
	}
	e := &entry{key: string(treeKey)}
	c.entries[e.key] = e
	return e
}

// innermost is the serial number of the innermost open transaction, or 0.
func (c *changeset) innermost() uint64 {
	if len(c.open) == 0 {
		return 0
	}
	return c.open[len(c.open)-1].serial
}

// write replaces what is written to an entry.
func (c *changeset) write(e *entry, now cell) {
	serial := c.innermost()
	if serial != e.serial && serial != 0 {
		c.journal = append(c.journal, undo{e, e.now})
	}
	e.serial = serial
	if e.now.kind == unwritten {
		if !e.listed {
			e.listed = true
			c.touched = append(c.touched, e)
		}
		if c.ordered != nil {
			c.ordered.ReplaceOrInsert(e)
		}
	}
	e.now = now
}

// set writes a value, which it copies. The memory of the value before is used again where no transaction can want it.
func (c *changeset) set(e *entry, value []byte) {
	var data []byte
	if e.now.kind == plain && e.serial == c.innermost() {
		data = e.now.data[:0]
	}
	if cap(data) < len(value) {
		data = make([]byte, 0, len(value))
	}
	c.write(e, cell{kind: plain, data: append(data, value...)})
}

// depth is the number of open transactions.
func (c *changeset) depth() int { return len(c.open) }

func (c *changeset) start() {
	c.serial++
	c.open = append(c.open, transaction{c.serial, len(c.journal)})
}

func (c *changeset) commit() error {
	if len(c.open) == 0 {
		return ErrNoTransaction
	}
	c.open = c.open[:len(c.open)-1]
	if len(c.open) == 0 {
		clear(c.journal)
		c.journal = c.journal[:0]
	}
	return nil
}

func (c *changeset) rollback() error {
	if len(c.open) == 0 {
		return ErrNoTransaction
	}
	from := c.open[len(c.open)-1].journal
	for i := len(c.journal) - 1; i >= from; i-- {
		u := c.journal[i]
		u.entry.now = u.was // its serial stays that of the ended transaction, so the next write is kept in the journal again
		if u.was.kind == unwritten && c.ordered != nil {
			c.ordered.Delete(u.entry)
		}
	}
	clear(c.journal[from:])
	c.journal = c.journal[:from]
	c.open = c.open[:len(c.open)-1]
	return nil
}

// order builds the ordered index unless it is there.
func (c *changeset) order() {
	if c.ordered != nil {
		return
	}
	c.ordered = btree.NewG(btreeDegree, func(a, b *entry) bool { return a.key < b.key })
	for _, e := range c.touched {
		if e.now.kind != unwritten {
			c.ordered.ReplaceOrInsert(e)
		}
	}
}

// from is the first written entry that is not below a tree key, if it is under the prefix.
func (c *changeset) from(treeKey, prefix []byte) *entry {
	c.order()
	var found *entry
	c.ordered.AscendGreaterOrEqual(&entry{key: string(treeKey)}, func(e *entry) bool {
		found = e
		return false
	})
	if found != nil && bytes.HasPrefix([]byte(found.key), prefix) {
		return found
	}
	return nil
}

// under is the written entries under a prefix, in order.
func (c *changeset) under(prefix []byte) []*entry {
	c.order()
	var found []*entry
	c.ordered.AscendGreaterOrEqual(&entry{key: string(prefix)}, func(e *entry) bool {
		if !bytes.HasPrefix([]byte(e.key), prefix) {
			return false
		}
		found = append(found, e)
		return true
	})
	return found
}
