package state

import (
	"bytes"
	"fmt"

	"github.com/sepia-chain/sepia/state/kv"
)

// source is the flat state at one height.
type source interface {
	// record is the version of a tree key, with tagDeleted if it is absent.
	record(treeKey []byte) (record, error)
	// walk opens a walk over the tree keys under a prefix.
	walk(prefix []byte) (walker, error)
}

// walker finds keys in order.
type walker interface {
	// seek is the first present tree key that is not below from, or nil. It is valid until the next seek.
	seek(from []byte) (treeKey []byte, err error)
	// record is what the key last found holds.
	record() (record, error)
	close() error
}

// latest reads the current state as a snapshot shows it.
type latest struct{ snap *kv.Snapshot }

func (l latest) record(treeKey []byte) (record, error) {
	b, found, err := l.snap.Get(stateKey(treeKey))
	if err != nil || !found {
		return record{}, closed(err)
	}
	return parseRecord(b)
}

func (l latest) walk(prefix []byte) (walker, error) {
	lower := stateKey(prefix)
	cursor, err := l.snap.Cursor(lower, after(lower))
	if err != nil {
		return nil, closed(err)
	}
	return &latestWalker{cursor: cursor}, nil
}

type latestWalker struct {
	cursor *kv.Cursor
	buf    []byte
}

func (w *latestWalker) seek(from []byte) ([]byte, error) {
	w.buf = append(append(w.buf[:0], keyState), from...)
	if !w.cursor.SeekGE(w.buf) {
		return nil, closed(w.cursor.Err())
	}
	return w.cursor.Key()[1:], nil
}

func (w *latestWalker) record() (record, error) {
	b := w.cursor.Value()
	if err := w.cursor.Err(); err != nil {
		return record{}, closed(err)
	}
	return parseRecord(b)
}

func (w *latestWalker) close() error { return w.cursor.Close() }

// past reads the state as it was after the block of a height, from the history.
type past struct {
	snap   *kv.Snapshot
	height uint32
}

func (p past) record(treeKey []byte) (record, error) {
	w, err := p.walk(treeKey)
	if err != nil {
		return record{}, err
	}
	found, err := w.seek(treeKey)
	var r record
	if err == nil && bytes.Equal(found, treeKey) {
		r, err = w.record()
		r.value = bytes.Clone(r.value) // the cursor is about to go
	}
	if cerr := w.close(); err == nil {
		err = closed(cerr)
	}
	return r, err
}

func (p past) walk(prefix []byte) (walker, error) {
	lower := appendEscaped([]byte{keyHistory}, prefix)
	cursor, err := p.snap.Cursor(lower, after(lower))
	if err != nil {
		return nil, closed(err)
	}
	return &pastWalker{cursor: cursor, height: p.height}, nil
}

// pastWalker seeks over the versions of a key, and never steps through them: a key that changes in every block would make
// each walk as long as the chain.
type pastWalker struct {
	cursor *kv.Cursor
	height uint32
	buf    []byte
	found  record
}

func (w *pastWalker) seek(from []byte) ([]byte, error) {
	w.buf = appendHistoryKey(w.buf[:0], from, w.height)
	for w.cursor.SeekGE(w.buf) {
		treeKey, height, err := parseHistoryKey(w.cursor.Key())
		if err != nil {
			return nil, err
		}
		if height > w.height { // written later: look for the newest version that is not
			w.buf = appendHistoryKey(w.buf[:0], treeKey, w.height)
			continue
		}
		w.found, err = w.value(treeKey, height)
		if err != nil {
			return nil, err
		}
		if w.found.tag != tagDeleted {
			return treeKey, nil
		}
		w.buf = appendEscaped(append(w.buf[:0], keyHistory), treeKey)
		w.buf = append(w.buf, 0, escSkip)
	}
	return nil, closed(w.cursor.Err())
}

func (w *pastWalker) value(treeKey []byte, height uint32) (record, error) {
	b := w.cursor.Value()
	if err := w.cursor.Err(); err != nil {
		return record{}, closed(err)
	}
	r, err := parseRecord(b)
	if err == nil && r.tag != tagDeleted && r.height != height {
		return record{}, fmt.Errorf("%w: version of %x at %d says it is of %d", ErrCorrupt, treeKey, height, r.height)
	}
	return r, err
}

func (w *pastWalker) record() (record, error) { return w.found, nil }

func (w *pastWalker) close() error { return w.cursor.Close() }
