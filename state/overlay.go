package state

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/state/tree"
	"golang.org/x/crypto/blake2b"
)

// Overlay is pending writes over a view, with nested transactions. It is what a block, a proposal or a call is executed
// on. It must end in Store.Commit or Drop. It is not safe for concurrent use; several may be open over one view.
//
// Values it returns are valid until its next write and must not be changed. Keys and values it is given are copied.
type Overlay struct {
	base   *View  // nil once closed
	height uint32 // of the block that the writes would make
	set    changeset
	walks  map[string]walker // by domain, for NextKey
	key    []byte            // scratch: the tree key of the running call

	tree    *tree.Overlay // made by the first Root
	changes []tree.Change // of the last Root, Index counting set.touched
	root    primitives.Hash
	rooted  bool // root and changes are those of the present writes
	walked  uint64

	revision primitives.Revision
}

// NewOverlay opens an overlay over a view, which it holds for itself. A view of a past height serves as well, but has no
// root.
func (*Store) NewOverlay(base *View) (*Overlay, error) {
	if err := base.check(); err != nil {
		return nil, err
	}
	return &Overlay{base: newView(base.v), height: base.Height() + 1, set: newChangeset(), revision: primitives.NewRevision()}, nil
}

// Drop forgets the overlay. It may be called more than once, and after a commit.
func (o *Overlay) Drop() error {
	if o.base == nil {
		return nil
	}
	if o.tree != nil {
		o.tree.Drop()
	}
	err := firstError(o.closeWalks(), o.base.Release())
	*o = Overlay{}
	return err
}

func (o *Overlay) closeWalks() error {
	var errs []error
	for _, w := range o.walks {
		errs = append(errs, w.close())
	}
	clear(o.walks)
	return errors.Join(errs...)
}

// Base is the height of the view below.
func (o *Overlay) Base() (uint32, error) {
	if o.base == nil {
		return 0, ErrClosed
	}
	return o.base.Height(), nil
}

// treeKey builds a tree key in the scratch space.
func (o *Overlay) treeKey(domain, key []byte) []byte {
	o.key = append(append(o.key[:0], domain...), key...)
	return o.key
}

var top = topDomain()

// Get is the value of a key of the top storage.
func (o *Overlay) Get(key []byte) (value []byte, found bool, err error) { return o.get(top, key) }

func (o *Overlay) get(domain, key []byte) ([]byte, bool, error) {
	if o.base == nil {
		return nil, false, ErrClosed
	}
	e := o.set.entry(o.treeKey(domain, key))
	c := &e.now
	if c.kind == unwritten {
		if err := o.load(e); err != nil {
			return nil, false, err
		}
		c = &e.base
	}
	if c.kind == deleted {
		return nil, false, nil
	}
	return c.value(), true, nil
}

// load asks the base for an entry, once.
func (o *Overlay) load(e *entry) error {
	if e.base.kind != unwritten {
		return nil
	}
	value, found, err := o.base.v.get(e.key)
	if err != nil {
		return err
	}
	e.base = cell{kind: deleted}
	if found {
		e.base = cell{kind: plain, data: value}
	}
	return nil
}

// Set writes a key of the top storage. As in Substrate, keys reserved for child storage are left alone without a word.
func (o *Overlay) Set(key, value []byte) error {
	if isChildStorageKey(key) {
		return o.check()
	}
	return o.put(top, key, value)
}

func (o *Overlay) check() error {
	if o.base == nil {
		return ErrClosed
	}
	return nil
}

// changing comes before each change of what the overlay holds.
func (o *Overlay) changing() {
	o.rooted = false
	o.revision = o.revision.Next()
}

// Revision names what the overlay holds now. A closed one holds nothing that has a name.
func (o *Overlay) Revision() primitives.Revision { return o.revision }

func (o *Overlay) put(domain, key, value []byte) error {
	if o.base == nil {
		return ErrClosed
	}
	o.changing()
	o.set.set(o.set.entry(o.treeKey(domain, key)), value)
	return nil
}

// Clear deletes a key of the top storage. Keys reserved for child storage are left alone.
func (o *Overlay) Clear(key []byte) error {
	if isChildStorageKey(key) {
		return o.check()
	}
	return o.clear(top, key)
}

func (o *Overlay) clear(domain, key []byte) error {
	if o.base == nil {
		return ErrClosed
	}
	o.changing()
	o.set.write(o.set.entry(o.treeKey(domain, key)), cell{kind: deleted})
	return nil
}

// Append appends an item to the SCALE list that a key of the top storage holds. A value that is no list, and none at all,
// count as the empty list. The cost is that of the item, except for the first append to a value that was not written by
// appends. Unlike Set it takes reserved keys, as Substrate's does: here they are keys of the top storage like others.
func (o *Overlay) Append(key, item []byte) error {
	if o.base == nil {
		return ErrClosed
	}
	o.changing()
	e := o.set.entry(o.treeKey(top, key))
	from := &e.now
	if from.kind == unwritten {
		if err := o.load(e); err != nil {
			return err
		}
		from = &e.base
	}
	have, ok := from.asList()
	if !ok {
		o.set.write(e, newList(item))
		return nil
	}
	*from = have // the same value in another form: kept, so that a roll-back does not make the next append copy it again
	o.set.write(e, have.appended(item))
	return nil
}

// NextKey is the key of the top storage that follows the given one.
func (o *Overlay) NextKey(key []byte) (next []byte, found bool, err error) { return o.next(top, key) }

func (o *Overlay) next(domain, key []byte) ([]byte, bool, error) {
	if o.base == nil {
		return nil, false, ErrClosed
	}
	from := append(o.treeKey(domain, key), 0)
	o.key = from
	found, err := o.seek(domain, from)
	if err != nil || found == nil {
		return nil, false, err
	}
	return bytes.Clone(found[len(domain):]), true, nil
}

// seek is the first present tree key of a domain that is not below from, or nil.
func (o *Overlay) seek(domain, from []byte) ([]byte, error) {
	walk, err := o.walk(domain)
	if err != nil {
		return nil, err
	}
	parent, err := walk.seek(from)
	if err != nil {
		return nil, err
	}
	for {
		o.walked++
		pending := o.set.from(from, domain)
		if pending == nil || parent != nil && bytes.Compare(parent, pending.key) < 0 {
			return parent, nil
		}
		if pending.now.kind != deleted {
			return pending.key, nil
		}
		from = append(append(from[:0:0], pending.key...), 0)
		if parent == nil || !bytes.Equal(parent, pending.key) {
			continue
		}
		if parent, err = walk.seek(from); err != nil {
			return nil, err
		}
	}
}

// maxWalks is how many walks an overlay keeps open: the top storage's and those of a few children. Each holds an iterator
// of the database with its buffers, some 10 KB, and a guest could ask for the next key in any number of children.
const maxWalks = 8

// walk is the walk over the base's keys of a domain, kept for the next call.
func (o *Overlay) walk(domain []byte) (walker, error) {
	if w, ok := o.walks[string(domain)]; ok {
		return w, nil
	}
	if len(o.walks) == maxWalks {
		if err := o.closeWalks(); err != nil {
			return nil, err
		}
	}
	w, err := o.base.v.src.walk(domain)
	if err != nil {
		return nil, err
	}
	if o.walks == nil {
		o.walks = map[string]walker{}
	}
	o.walks[string(domain)] = w
	return w, nil
}

// WalkedKeys counts the keys that NextKey, ClearPrefix and child roots passed since the overlay was opened, so that a
// host can charge for them.
func (o *Overlay) WalkedKeys() uint64 { return o.walked }

// ClearPrefix deletes keys of the top storage that begin with prefix: every pending one, and of the base's at most limit,
// in order. Prefixes that touch the reserved keys of child storage, so also the empty one, delete nothing.
func (o *Overlay) ClearPrefix(prefix []byte, limit *uint32) (primitives.Removal, error) {
	if touchesChildStorage(prefix) {
		return primitives.Removal{AllRemoved: true}, o.check()
	}
	return o.clearPrefix(top, prefix, limit)
}

func (o *Overlay) clearPrefix(domain, prefix []byte, limit *uint32) (r primitives.Removal, err error) {
	if o.base == nil {
		return r, ErrClosed
	}
	o.changing()
	under := append(bytes.Clone(domain), prefix...)
	for _, e := range o.set.under(under) {
		o.walked++
		if e.now.kind != deleted {
			r.Unique++
			o.set.write(e, cell{kind: deleted})
		}
	}
	walk, err := o.base.v.src.walk(under)
	if err != nil {
		return r, err
	}
	if err := o.clearBase(walk, domain, under, limit, &r); err != nil {
		return r, firstError(err, walk.close())
	}
	r.Unique += r.Backend
	return r, closed(walk.close())
}

// clearBase deletes the base's keys that a walk finds. Each counts against the limit, whether it was deleted already or
// not: so a limit means the same in each transaction of a block.
func (o *Overlay) clearBase(walk walker, domain, from []byte, limit *uint32, r *primitives.Removal) error {
	for {
		found, err := walk.seek(from)
		if err != nil {
			return err
		}
		if found == nil {
			r.AllRemoved = true
			return nil
		}
		if limit != nil && r.Loops == *limit {
			r.NextPending = bytes.Clone(found[len(domain):])
			return nil
		}
		o.walked++
		r.Loops++
		if e := o.set.entry(found); e.now.kind != deleted {
			r.Backend++
			o.set.write(e, cell{kind: deleted})
		}
		from = append(append(from[:0:0], found...), 0)
	}
}

// StartTransaction opens a storage transaction inside the open ones.
func (o *Overlay) StartTransaction() { o.set.start() }

// CommitTransaction keeps what was written since the innermost transaction was started, or is ErrNoTransaction.
func (o *Overlay) CommitTransaction() error { return o.set.commit() }

// RollbackTransaction takes back what was written since the innermost transaction was started, or is ErrNoTransaction.
func (o *Overlay) RollbackTransaction() error {
	o.changing()
	return o.set.rollback()
}

// TransactionDepth is the number of open transactions.
func (o *Overlay) TransactionDepth() int { return o.set.depth() }

// Child is the child storage of an id, what follows ":child_storage:default:" in its key.
func (o *Overlay) Child(id []byte) *ChildOverlay {
	return &ChildOverlay{overlay: o, domain: childDomain(id)}
}

// ChildOverlay is a child storage of an overlay, in the same transactions. It exists as long as it has keys.
type ChildOverlay struct {
	overlay *Overlay
	domain  []byte
}

// Get is the value of a key.
func (c *ChildOverlay) Get(key []byte) (value []byte, found bool, err error) {
	return c.overlay.get(c.domain, key)
}

// Set writes a key.
func (c *ChildOverlay) Set(key, value []byte) error { return c.overlay.put(c.domain, key, value) }

// Clear deletes a key.
func (c *ChildOverlay) Clear(key []byte) error { return c.overlay.clear(c.domain, key) }

// NextKey is the key that follows the given one.
func (c *ChildOverlay) NextKey(key []byte) (next []byte, found bool, err error) {
	return c.overlay.next(c.domain, key)
}

// ClearPrefix is Overlay.ClearPrefix, with nothing reserved.
func (c *ChildOverlay) ClearPrefix(prefix []byte, limit *uint32) (primitives.Removal, error) {
	return c.overlay.clearPrefix(c.domain, prefix, limit)
}

// Kill deletes the child storage, within the limit.
func (c *ChildOverlay) Kill(limit *uint32) (primitives.Removal, error) {
	return c.overlay.clearPrefix(c.domain, nil, limit)
}

// emptyChildRoot is the root of a child storage without keys: that of an empty Substrate trie, which runtimes know.
var emptyChildRoot = primitives.Blake2_256([]byte{0})

// Root is the BLAKE2b-256 of the child's sorted pairs, each key and value with its length in 4 bytes, big-endian, in
// front. It costs a walk over all of them. A child without keys has the root of an empty Substrate trie.
func (c *ChildOverlay) Root() (primitives.Hash, error) {
	o := c.overlay
	if o.base == nil {
		return primitives.Hash{}, ErrClosed
	}
	h, err := blake2b.New256(nil)
	if err != nil {
		return primitives.Hash{}, fmt.Errorf("hashing child storage: %w", err)
	}
	from, empty := bytes.Clone(c.domain), true
	var length [4]byte
	for {
		found, err := o.seek(c.domain, from)
		if err != nil {
			return primitives.Hash{}, err
		}
		if found == nil {
			break
		}
		empty = false
		from = append(append(from[:0:0], found...), 0)
		key := from[len(c.domain) : len(from)-1]
		value, _, err := o.get(c.domain, key)
		if err != nil {
			return primitives.Hash{}, err
		}
		for _, part := range [][]byte{key, value} {
			binary.BigEndian.PutUint32(length[:], uint32(len(part)))
			h.Write(length[:])
			h.Write(part)
		}
	}
	if empty {
		return emptyChildRoot, nil
	}
	return primitives.Hash(h.Sum(nil)), nil
}
