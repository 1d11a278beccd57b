package state

import (
	"math"

	"github.com/sepia-chain/sepia/internal/scale"
)

// kind says what a cell holds.
type kind uint8

const (
	unwritten kind = iota // nothing: ask the base
	deleted
	plain // data is the value
	list  // data is listRoom bytes and then the items of a SCALE list of count items
)

// listRoom is space in front of a list's items for its count in any form, so that an item is appended, and the whole
// value read, without moving the items. A compact count below 2^32 takes at most 5 bytes.
const listRoom = 5

// cell is the value of a key in an overlay. Copies of a cell may share data; a later copy only ever has more items.
type cell struct {
	kind  kind
	count uint32
	data  []byte
}

// value is the value, valid until the next write of the overlay. For a list, the count is written in front of the items.
func (c *cell) value() []byte {
	if c.kind != list {
		return c.data
	}
	var room [listRoom]byte
	prefix := scale.AppendCompact(room[:0], uint64(c.count))
	at := listRoom - len(prefix)
	copy(c.data[at:], prefix)
	return c.data[at:]
}

// asList is the cell as a list, if its value is one: a canonical compact count and anything after it. A list that is full
// is none, as it cannot be appended to.
func (c *cell) asList() (cell, bool) {
	if c.kind == list {
		return *c, c.count < math.MaxUint32
	}
	if c.kind != plain {
		return cell{}, false
	}
	d := scale.NewDecoder(c.data)
	count := d.Compact()
	if d.Err() != nil || count >= math.MaxUint32 {
		return cell{}, false
	}
	items := d.Rest()
	data := make([]byte, listRoom, listRoom+len(items)+len(items)/2+64)
	return cell{kind: list, count: uint32(count), data: append(data, items...)}, true
}

// appended is the list with one item more.
func (c cell) appended(item []byte) cell {
	return cell{kind: list, count: c.count + 1, data: append(c.data, item...)}
}

// newList is the list of one item.
func newList(item []byte) cell {
	data := make([]byte, listRoom, listRoom+2*len(item)+64)
	return cell{kind: list, count: 1, data: append(data, item...)}
}
