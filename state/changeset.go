package state

import (
	"bytes"

	"github.com/google/btree"
)

// entry is what an overlay knows about one key.
type entry struct {
	key    []byte    // tree key
	base   cell      // what the base holds: unwritten if not asked yet, else deleted, plain or list
	now    cell      // what was written; unwritten if nothing was, or all of it was rolled back
	serial uint64    // of the transaction that now was written in
	listed bool      // is in changeset.touched
	place  place     // in the ordered index
	sum    *[32]byte // SHA-256 of a value that is kept apart, of the last root
}

// place says where the ordered index has an entry.
type place uint8

const (
	nowhere place = iota
	waiting       // in changeset.waiting
	indexed
)

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
	table
	touched []*entry              // every entry that was ever written, in order of first write
	ordered *btree.BTreeG[*entry] // written entries by key, without those that wait; nil until order is asked for
	waiting []*entry              // written since order was asked for last, or unwritten again: orders are few, writes many
	pivot   entry                 // scratch for searches
	journal []undo
	open    []transaction
	serial  uint64 // last one handed out
}

// btreeDegree makes nodes of up to 63 pointers: half a kilobyte.
const btreeDegree = 32

func newChangeset() changeset { return changeset{table: newTable()} }

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
		if c.ordered != nil && e.place == nowhere {
			e.place = waiting
			c.waiting = append(c.waiting, e)
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
		if u.was.kind == unwritten && u.entry.place == indexed {
			c.ordered.Delete(u.entry)
			u.entry.place = nowhere
		}
	}
	clear(c.journal[from:])
	c.journal = c.journal[:from]
	c.open = c.open[:len(c.open)-1]
	return nil
}

// order brings the ordered index up to date. An entry that was written and rolled back since is left out, so walks never
// pass what is not there.
func (c *changeset) order() {
	fresh := c.waiting
	if c.ordered == nil {
		c.ordered = btree.NewG(btreeDegree, func(a, b *entry) bool { return bytes.Compare(a.key, b.key) < 0 })
		fresh = c.touched
	}
	for _, e := range fresh {
		e.place = nowhere
		if e.now.kind != unwritten {
			e.place = indexed
			c.ordered.ReplaceOrInsert(e)
		}
	}
	c.waiting = c.waiting[:0]
}

// from is the first written entry that is not below a tree key, if it is under the prefix.
func (c *changeset) from(treeKey, prefix []byte) *entry {
	var found *entry
	c.ascend(treeKey, func(e *entry) bool {
		found = e
		return false
	})
	if found != nil && bytes.HasPrefix(found.key, prefix) {
		return found
	}
	return nil
}

// under is the written entries under a prefix, in order.
func (c *changeset) under(prefix []byte) []*entry {
	var found []*entry
	c.ascend(prefix, func(e *entry) bool {
		if !bytes.HasPrefix(e.key, prefix) {
			return false
		}
		found = append(found, e)
		return true
	})
	return found
}

// ascend goes through the written entries that are not below a tree key, in order, until do is false.
func (c *changeset) ascend(treeKey []byte, do func(*entry) bool) {
	c.order()
	c.pivot.key = treeKey
	c.ordered.AscendGreaterOrEqual(&c.pivot, do)
	c.pivot.key = nil
}
