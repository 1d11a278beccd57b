package state

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"sync/atomic"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/state/kv"
	"github.com/sepia-chain/sepia/state/tree"
)

// version is the state after one block, shared by all views of it and closed with the last of them.
type version struct {
	info  BlockInfo
	db    *kv.DB
	snap  *kv.Snapshot
	tree  *tree.Snapshot // nil for past heights
	cache *cache         // nil for past heights
	src   source
	refs  atomic.Int32
}

func (v *version) release() error {
	if v.refs.Add(-1) > 0 {
		return nil
	}
	if v.tree != nil {
		v.tree.Release()
	}
	if v.snap == nil { // the state before genesis
		return nil
	}
	return closed(v.snap.Close())
}

// value is the value that a record holds or points to. It belongs to the caller.
func (v *version) value(r record) ([]byte, error) {
	if r.tag != tagBig {
		return r.value, nil
	}
	b, found, err := v.snap.Get(bigKey(r.height, r.number))
	if err != nil {
		return nil, closed(err)
	}
	if !found || uint64(len(b)) != r.size {
		return nil, fmt.Errorf("%w: value %d of height %d has %d bytes, want %d", ErrCorrupt, r.number, r.height, len(b), r.size)
	}
	return b, nil
}

// get is the value of a tree key. It must not be changed: the cache may hold it too.
func (v *version) get(treeKey []byte) (value []byte, found bool, err error) {
	if v.cache == nil {
		return v.read(treeKey)
	}
	if value, found, known := v.cache.get(v.info.Height, treeKey); known {
		return value, found, nil
	}
	value, found, err = v.read(treeKey)
	if err == nil {
		v.cache.fill(v.info.Height, treeKey, value, found)
	}
	return value, found, err
}

// read is get from the database.
func (v *version) read(treeKey []byte) (value []byte, found bool, err error) {
	r, err := v.src.record(treeKey)
	if err != nil || r.tag == tagDeleted {
		return nil, false, err
	}
	value, err = v.value(r)
	return value, err == nil, err
}

// own is get with a value that belongs to the caller.
func (v *version) own(treeKey []byte) (value []byte, found bool, err error) {
	value, found, err = v.get(treeKey)
	if !found {
		return nil, false, err
	}
	return append([]byte{}, value...), true, nil
}

// View is the state after one block, immutable until Release. It is safe for concurrent use. Values and keys it returns
// belong to the caller.
type View struct {
	v        *version
	released atomic.Bool
}

// newView hands out one more reference to a version that the caller knows to be open.
func newView(v *version) *View {
	v.refs.Add(1)
	return &View{v: v}
}

// Release lets go of the view. It may be called more than once.
func (w *View) Release() error {
	if w.released.Swap(true) {
		return nil
	}
	return w.v.release()
}

func (w *View) check() error {
	if w.released.Load() {
		return ErrClosed
	}
	return nil
}

// Height is the number of the block.
func (w *View) Height() uint32 { return w.v.info.Height }

// Info is what is known about the block. Its header must not be changed.
func (w *View) Info() BlockInfo { return w.v.info }

// Header is the encoded header of the block. It must not be changed.
func (w *View) Header() []byte { return w.v.info.Header }

// BlockHash is the hash of the block.
func (w *View) BlockHash() primitives.Hash { return w.v.info.Hash }

// Root is the root of the state after the block.
func (w *View) Root() primitives.Hash { return w.v.info.Root }

// CodeHash is the SHA-256 of the runtime blob after the block, zero if there is none.
func (w *View) CodeHash() primitives.Hash { return w.v.info.CodeHash }

// HostVersion is the number of the host's tables that the block ran under.
func (w *View) HostVersion() uint32 { return w.v.info.HostVersion }

// Get is the value of a key of the top storage.
func (w *View) Get(key []byte) (value []byte, found bool, err error) {
	if err := w.check(); err != nil {
		return nil, false, err
	}
	return w.v.own(TreeKey(key))
}

// GetChild is the value of a key of a child storage.
func (w *View) GetChild(id, key []byte) (value []byte, found bool, err error) {
	if err := w.check(); err != nil {
		return nil, false, err
	}
	return w.v.own(ChildTreeKey(id, key))
}

// NextKey is the key of the top storage that follows the given one.
func (w *View) NextKey(key []byte) (next []byte, found bool, err error) {
	return w.next(topDomain(), key)
}

// NextChildKey is the key of a child storage that follows the given one.
func (w *View) NextChildKey(id, key []byte) (next []byte, found bool, err error) {
	return w.next(childDomain(id), key)
}

func (w *View) next(domain, key []byte) ([]byte, bool, error) {
	keys, err := w.page(domain, nil, 1, key, true)
	if err != nil || len(keys) == 0 {
		return nil, false, err
	}
	return keys[0], true, nil
}

// KeysPaged is up to count keys of the top storage that begin with prefix and sort after the key start, in order. With a
// nil start they begin with the first.
func (w *View) KeysPaged(prefix []byte, count int, start []byte) ([][]byte, error) {
	return w.page(topDomain(), prefix, count, start, start != nil)
}

// ChildKeysPaged is KeysPaged for a child storage.
func (w *View) ChildKeysPaged(id, prefix []byte, count int, start []byte) ([][]byte, error) {
	return w.page(childDomain(id), prefix, count, start, start != nil)
}

func (w *View) page(domain, prefix []byte, count int, start []byte, skip bool) (keys [][]byte, err error) {
	if err := w.check(); err != nil {
		return nil, err
	}
	under := append(bytes.Clone(domain), prefix...)
	walk, err := w.v.src.walk(under)
	if err != nil {
		return nil, err
	}
	from := under
	if later := append(bytes.Clone(domain), start...); skip && bytes.Compare(later, under) >= 0 {
		from = append(later, 0)
	}
	for len(keys) < count {
		found, err := walk.seek(from)
		if err != nil {
			return nil, fmt.Errorf("listing keys: %w", firstError(err, walk.close()))
		}
		if found == nil {
			break
		}
		keys = append(keys, bytes.Clone(found[len(domain):]))
		from = append(append(from[:0:0], found...), 0)
	}
	return keys, closed(walk.close())
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Pair is a tree key and its value.
type Pair struct {
	ID    []byte // of the child storage; nil is the top storage
	Key   []byte
	Value []byte
}

// Pairs calls do for every key of the state, top storage first, in order, until do fails.
func (w *View) Pairs(do func(Pair) error) error {
	if err := w.check(); err != nil {
		return err
	}
	walk, err := w.v.src.walk(nil)
	if err != nil {
		return err
	}
	if err := w.pairs(walk, do); err != nil {
		return firstError(err, walk.close())
	}
	return closed(walk.close())
}

func (w *View) pairs(walk walker, do func(Pair) error) error {
	var from []byte
	for {
		found, err := walk.seek(from)
		if err != nil || found == nil {
			return err
		}
		from = append(append(from[:0], found...), 0)
		id, key, err := splitTreeKey(bytes.Clone(found))
		if err != nil {
			return err
		}
		r, err := walk.record()
		if err != nil {
			return err
		}
		value, err := w.v.value(r)
		if err != nil {
			return err
		}
		if err := do(Pair{id, key, bytes.Clone(value)}); err != nil {
			return err
		}
	}
}

// pathOf is where a tree key is in the tree.
func pathOf(treeKey []byte) tree.Hash { return sha256.Sum256(treeKey) }

// leafOf is the path and the leaf hash of a tree key with a stored form.
func leafOf(treeKey, form []byte) (path, leaf tree.Hash) {
	path = pathOf(treeKey)
	return path, tree.LeafHash(path, sha256.Sum256(form))
}
