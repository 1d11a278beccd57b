package state

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/state/kv"
	"github.com/sepia-chain/sepia/state/tree"
)

// KV is a key and a value. A nil value deletes.
type KV struct {
	Key, Value []byte
}

// Block is what is committed beside the state.
type Block struct {
	Height      uint32
	Hash        primitives.Hash
	Header      []byte
	HostVersion uint32
	Body        [][]byte // each one SCALE extrinsic, whole
	Extra       []KV     // index entries of the caller's, readable by Extra
}

// Commit writes a block with the overlay's state in one synced batch and makes it the latest view, of which the caller
// gets a reference. It consumes the overlay. After an error but ErrNotNext and ErrOpenTransaction, which leave everything
// as it was, the store must be closed: whether the block is on disk is not known.
func (s *Store) Commit(o *Overlay, b Block) (*View, error) {
	s.commit.Lock()
	defer s.commit.Unlock()
	if err := s.follows(o, b); err != nil {
		return nil, err
	}
	root, err := o.Root()
	if err != nil {
		return nil, err
	}
	info := BlockInfo{Height: b.Height, Hash: b.Hash, Header: b.Header, Root: root, HostVersion: b.HostVersion,
		CodeHash: o.codeHash()}
	batch, err := s.db.NewBatch(batchBytes(o, b))
	if err != nil {
		return nil, closed(err)
	}
	defer func() { _ = batch.Close() }() // frees memory only
	w := writer{batch: batch}
	w.state(o)
	w.block(info, b, o.tree.Leaves())
	if err := s.apply(&w, o); err != nil {
		return nil, fmt.Errorf("committing block %d: %w", b.Height, closed(err))
	}
	if err := s.tree.Adopt(o.tree); err != nil {
		return nil, fmt.Errorf("adopting tree of block %d: %w", b.Height, err)
	}
	s.log.Debug("block committed", "height", b.Height, "root", root, "changed_keys", w.changed, "batch_keys", batch.Count(),
		"batch_bytes", batch.Len())
	if err := o.Drop(); err != nil {
		return nil, fmt.Errorf("closing overlay of block %d: %w", b.Height, err)
	}
	return s.publish(info)
}

// apply writes the batch and beside that enters what it changes in the cache. Nobody sees that before the block is
// published: entries are for views of their height and above.
func (s *Store) apply(w *writer, o *Overlay) error {
	if w.err != nil {
		return w.err
	}
	var done sync.WaitGroup
	done.Go(func() { s.remember(o) })
	err := s.db.Apply(w.batch, true)
	done.Wait()
	return err
}

// batchBytes is about what a commit takes, so that its memory does not grow while it is written: two records and three
// keys for a change, each long value once, the body, and 60 bytes for the index of an extrinsic.
func batchBytes(o *Overlay, b Block) int {
	size := 4096
	for i := range o.changes {
		e := o.set.touched[o.changes[i].Index]
		if len(e.now.data) > maxInline {
			size += len(e.now.data)
		}
		size += 3*len(e.key) + 2*min(len(e.now.data), maxInline) + 128
	}
	for _, extrinsic := range b.Body {
		size += len(extrinsic) + 60
	}
	return size
}

// follows checks that a block and its overlay are the next ones.
func (s *Store) follows(o *Overlay, b Block) error {
	if o.base == nil {
		return ErrClosed
	}
	latest, err := s.View()
	if err != nil {
		return err
	}
	defer func() { _ = latest.Release() }() // the store holds it too, so nothing is closed here
	if o.base.v != latest.v {
		return fmt.Errorf("%w: overlay over height %d, committed is %d", ErrNotNext, o.base.Height(), latest.Height())
	}
	if b.Height != latest.Height()+1 {
		return fmt.Errorf("%w: block %d, committed is %d", ErrNotNext, b.Height, latest.Height())
	}
	if depth := o.TransactionDepth(); depth != 0 {
		return fmt.Errorf("%w: depth %d", ErrOpenTransaction, depth)
	}
	return nil
}

// remember enters what the block changed in the cache. The overlay writes nothing afterwards, so its values can be kept.
func (s *Store) remember(o *Overlay) {
	s.cache.advance(o.height)
	for i := range o.changes {
		if o.changes[i].Outcome == tree.None {
			continue
		}
		e := o.set.touched[o.changes[i].Index]
		if e.now.kind == deleted {
			s.cache.written(o.height, e.key, nil, false)
			continue
		}
		s.cache.written(o.height, e.key, e.now.value(), true)
	}
}

// publish makes the committed block the latest view. It is called after the batch was synced and the tree adopted, so no
// reader ever sees what a crash could take back.
func (s *Store) publish(info BlockInfo) (*View, error) {
	snap, err := s.db.Snapshot()
	if err != nil {
		return nil, closed(err)
	}
	v := &version{info: info, db: s.db, snap: snap, tree: s.tree.Snapshot(), cache: s.cache, src: latest{snap}}
	s.mu.Lock()
	before := s.latest
	s.latest = newView(v)
	view := newView(v)
	s.mu.Unlock()
	if before == nil {
		return view, nil
	}
	return view, closed(before.Release())
}

// codeHash is the SHA-256 of the runtime blob after the overlay's writes.
func (o *Overlay) codeHash() primitives.Hash {
	e, _, _ := o.set.find(TreeKey([]byte(codeKey)))
	switch {
	case e == nil || e.now.kind == unwritten:
		return o.base.CodeHash()
	case e.now.kind == deleted:
		return primitives.Hash{}
	}
	return sha256.Sum256(e.now.value())
}

// writer puts a block into a batch. It keeps the first error.
type writer struct {
	batch   *kv.Batch
	buf     []byte // scratch for keys
	value   []byte // scratch for records
	changed int    // keys of the state
	bigs    uint32 // values kept apart
	err     error
}

func (w *writer) set(key, value []byte) {
	if w.err == nil {
		w.err = w.batch.Set(key, value, nil)
	}
}

func (w *writer) delete(key []byte) {
	if w.err == nil {
		w.err = w.batch.Delete(key, nil)
	}
}

func (w *writer) deleteRange(from, to []byte) {
	if w.err == nil {
		w.err = w.batch.DeleteRange(from, to, nil)
	}
}

// pending is a change of the state on its way into a batch.
type pending struct {
	*entry
	outcome tree.Outcome
	number  uint32 // of a value that is kept apart
}

// state writes what the tree says has changed: S, V, K, B and L. Each kind of key is written in its order: Pebble then looks
// for the place of a key from that of the one before, and not from the top of a memtable of a million keys.
func (w *writer) state(o *Overlay) {
	list := make([]changedKey, 0, len(o.changes))
	writes := make([]pending, 0, len(o.changes))
	for i := range o.changes {
		c := &o.changes[i]
		if c.Outcome == tree.None {
			continue
		}
		e := o.set.touched[c.Index]
		list = append(list, changedKey{e.key, c.Before, c.Outcome != tree.Inserted})
		writes = append(writes, pending{e, c.Outcome, w.apart(c, e, o.height)})
		w.preimage(c, e)
	}
	w.changed = len(writes)
	w.set(heightKey(keyChanges, o.height), encodeChangeList(list))
	slices.SortFunc(writes, func(a, b pending) int { return bytes.Compare(a.key, b.key) })
	for i := range writes {
		w.current(&writes[i], o.height)
	}
	for i := range writes {
		w.history(&writes[i], o.height)
	}
}

// apart puts a value that is long under a key of its own, whose number it returns.
func (w *writer) apart(c *tree.Change, e *entry, height uint32) uint32 {
	if c.Outcome == tree.Deleted {
		return 0
	}
	value := e.now.value()
	if len(value) <= maxInline {
		return 0
	}
	number := w.bigs
	w.set(bigKey(height, number), value)
	w.bigs++
	return number
}

// preimage keeps the names of the leaves.
func (w *writer) preimage(c *tree.Change, e *entry) {
	switch c.Outcome {
	case tree.Inserted:
		w.set(hashKey(keyPreimage, c.Path), e.key)
	case tree.Deleted:
		w.delete(hashKey(keyPreimage, c.Path))
	}
}

// current writes the key as it is after the block.
func (w *writer) current(c *pending, height uint32) {
	w.buf = append(append(w.buf[:0], keyState), c.key...)
	if c.outcome == tree.Deleted {
		w.delete(w.buf)
		return
	}
	w.value = c.appendRecord(w.value[:0], height)
	w.set(w.buf, w.value)
}

// history writes the key's version of the block.
func (w *writer) history(c *pending, height uint32) {
	w.buf = appendHistoryKey(w.buf[:0], c.key, height)
	w.value = c.appendRecord(w.value[:0], height)
	w.set(w.buf, w.value)
}

func (c *pending) appendRecord(dst []byte, height uint32) []byte {
	r := record{tag: tagDeleted}
	if c.outcome != tree.Deleted {
		value := c.now.value()
		r = record{tag: tagInline, height: height, value: value}
		if len(value) > maxInline {
			r = record{tag: tagBig, height: height, number: c.number, size: uint64(len(value)), sum: *c.sum}
		}
	}
	return r.append(dst)
}

// block writes everything of a block but its state.
func (w *writer) block(info BlockInfo, b Block, leaves int) {
	w.set(heightKey(keyBlock, b.Height), info.encode())
	w.set(heightKey(keyBody, b.Height), encodeBody(b.Body))
	w.set(hashKey(keyBlockHash, b.Hash), binary.BigEndian.AppendUint32(nil, b.Height))
	w.extrinsics(b)
	for _, extra := range b.Extra {
		key := append([]byte{keyExtra}, extra.Key...)
		if extra.Value == nil {
			w.delete(key)
			continue
		}
		w.set(key, extra.Value)
	}
	m := meta{format: formatVersion, height: b.Height, leaves: uint64(leaves), root: info.Root}
	w.set([]byte{keyMeta}, m.encode())
}

// extrinsics writes where each extrinsic of a block is, in the order of the hashes. Of equal ones the last counts.
func (w *writer) extrinsics(b Block) {
	type located struct {
		hash  primitives.Hash
		index uint32
	}
	list := make([]located, len(b.Body))
	for i, extrinsic := range b.Body {
		list[i] = located{primitives.Blake2_256(extrinsic), uint32(i)}
	}
	slices.SortFunc(list, func(a, b located) int {
		return cmp.Or(bytes.Compare(a.hash[:], b.hash[:]), cmp.Compare(a.index, b.index))
	})
	for _, l := range list {
		w.buf = append(append(w.buf[:0], keyExtrinsic), l.hash[:]...)
		w.value = scale.AppendU32(scale.AppendU32(w.value[:0], b.Height), l.index)
		w.set(w.buf, w.value)
	}
}
