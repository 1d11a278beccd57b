package state

import (
	"bytes"
	"fmt"
)

// Verify compares the newest version of each key in the history with the current state, both ways, every value that is
// kept apart with its hash, and the names of the leaves with the keys. It reads everything and is for an operator to run,
// not a start.
func (s *Store) Verify() error {
	view, err := s.View()
	if err != nil {
		return err
	}
	defer func() { _ = view.Release() }() // a snapshot of a store that is open
	now, err := view.v.src.walk(nil)
	if err != nil {
		return err
	}
	old, err := past{view.v.snap, view.Height()}.walk(nil)
	if err != nil {
		return firstError(err, now.close())
	}
	keys, err := view.compare(now, old)
	if err := firstError(err, now.close(), old.close()); err != nil {
		return err
	}
	return view.countPreimages(keys)
}

// compare walks two sources of one state side by side, and counts the keys.
func (w *View) compare(now, old walker) (keys int, err error) {
	var from []byte
	for {
		key, err := now.seek(from)
		if err != nil {
			return 0, err
		}
		kept, err := old.seek(from)
		if err != nil {
			return 0, err
		}
		if !bytes.Equal(key, kept) || (key == nil) != (kept == nil) {
			return 0, &CorruptionError{"next key of the state", w.Height(), fmt.Sprintf("%x", key), fmt.Sprintf("%x of the history", kept)}
		}
		if key == nil {
			return keys, nil
		}
		keys++
		from = append(append(from[:0:0], key...), 0)
		if err := w.compareRecords(key, now, old); err != nil {
			return 0, err
		}
	}
}

func (w *View) compareRecords(key []byte, now, old walker) error {
	current, err := now.record()
	if err != nil {
		return err
	}
	kept, err := old.record()
	if err != nil {
		return err
	}
	if got, want := current.append(nil), kept.append(nil); !bytes.Equal(got, want) {
		return &CorruptionError{fmt.Sprintf("record of %x", key), w.Height(), fmt.Sprintf("%x", got), fmt.Sprintf("%x as in the history", want)}
	}
	value, err := w.v.value(current)
	if err != nil {
		return err
	}
	if got := StoredForm(value); !bytes.Equal(got, current.form()) {
		return &CorruptionError{fmt.Sprintf("value of %x", key), w.Height(), fmt.Sprintf("%x", got), fmt.Sprintf("%x", current.form())}
	}
	name, _, err := w.v.snap.Get(hashKey(keyPreimage, pathOf(key)))
	if err != nil {
		return closed(err)
	}
	if !bytes.Equal(name, key) {
		return &CorruptionError{fmt.Sprintf("name of the leaf of %x", key), w.Height(), fmt.Sprintf("%x", name), "the key"}
	}
	return nil
}

// countPreimages finds names of leaves that are no more.
func (w *View) countPreimages(want int) error {
	lower := []byte{keyPreimage}
	cursor, err := w.v.snap.Cursor(lower, after(lower))
	if err != nil {
		return closed(err)
	}
	got := 0
	for ok := cursor.First(); ok; ok = cursor.Next() {
		got++
	}
	if err := firstError(cursor.Err(), cursor.Close()); err != nil {
		return closed(err)
	}
	if got != want {
		return &CorruptionError{"number of leaf names", w.Height(), fmt.Sprint(got), fmt.Sprint(want)}
	}
	return nil
}
