// Package hosttest holds a plain in-memory Storage for tests of host functions and blobs: maps that are copied when a
// transaction begins. It is a model to compare with, not a database: every operation is written for plainness, and costs
// what it costs. Its roots are hashes over all pairs, not those of the chain's state.
package hosttest

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/runtime/host"
)

// emptyChildRoot is the root of a child without keys: that of an empty tree in Substrate.
var emptyChildRoot = primitives.Blake2_256([]byte{0})

// tree maps keys to values. In pending changes a nil value means: deleted.
type tree map[string][]byte

// changes are the pending writes of one transaction level.
type changes struct {
	top      tree
	children map[string]tree
}

func newChanges() changes { return changes{tree{}, map[string]tree{}} }

func (c changes) clone() changes {
	children := map[string]tree{}
	for id, child := range c.children {
		children[id] = maps.Clone(child)
	}
	return changes{maps.Clone(c.top), children}
}

// Storage is a state in memory with pending changes.
type Storage struct {
	committed changes
	levels    []changes // the last is the innermost open transaction; the first is outside of all
	revision  primitives.Revision
	// Err, if set, is what every operation fails with: a broken disk.
	Err error
}

var (
	_ host.Storage = (*Storage)(nil)
	_ host.Revised = (*Storage)(nil)
)

// Revision implements host.Revised.
func (s *Storage) Revision() primitives.Revision { return s.revision }

func (s *Storage) changing() { s.revision = s.revision.Next() }

// New makes a storage whose committed state is the pairs given.
func New(pairs map[string][]byte) *Storage {
	s := &Storage{committed: newChanges(), levels: []changes{newChanges()}, revision: primitives.NewRevision()}
	for key, value := range pairs {
		s.committed.top[key] = bytes.Clone(value)
	}
	return s
}

// Commit makes the pending changes part of the committed state. It fails on open transactions.
func (s *Storage) Commit() error {
	if len(s.levels) != 1 {
		return host.ErrNoTransaction
	}
	apply(s.committed.top, s.levels[0].top)
	for id, pending := range s.levels[0].children {
		if s.committed.children[id] == nil {
			s.committed.children[id] = tree{}
		}
		apply(s.committed.children[id], pending)
	}
	s.levels[0] = newChanges()
	return nil
}

func apply(committed, pending tree) {
	for key, value := range pending {
		if value == nil {
			delete(committed, key)
			continue
		}
		committed[key] = value
	}
}

// Pairs is the whole top tree, pending changes included.
func (s *Storage) Pairs() map[string][]byte {
	return merged(s.committed.top, s.now().top)
}

func (s *Storage) now() *changes { return &s.levels[len(s.levels)-1] }

func merged(committed, pending tree) tree {
	all := maps.Clone(committed)
	if all == nil {
		all = tree{}
	}
	apply(all, pending)
	return all
}

// view is one tree of the storage: the top or a child.
type view struct {
	s         *Storage
	committed tree
	pending   tree
}

func (s *Storage) top() view { return view{s, s.committed.top, s.now().top} }

// Get implements host.Storage.
func (s *Storage) Get(key []byte) ([]byte, bool, error) { return s.top().Get(key) }

// Set implements host.Storage.
func (s *Storage) Set(key, value []byte) error { return s.top().Set(key, value) }

// Clear implements host.Storage.
func (s *Storage) Clear(key []byte) error { return s.top().Clear(key) }

// NextKey implements host.Storage.
func (s *Storage) NextKey(key []byte) ([]byte, bool, error) { return s.top().NextKey(key) }

// ClearPrefix implements host.Storage.
func (s *Storage) ClearPrefix(prefix []byte, limit *uint32) (host.Removal, error) {
	return s.top().ClearPrefix(prefix, limit)
}

// Append implements host.Storage.
func (s *Storage) Append(key, item []byte) error {
	value, _, err := s.Get(key)
	if err != nil {
		return err
	}
	d := scale.NewDecoder(value)
	count := d.Compact()
	if d.Err() != nil || count >= 1<<32-1 {
		return s.Set(key, append(scale.AppendCompact(nil, 1), item...))
	}
	list := append(scale.AppendCompact(nil, count+1), d.Rest()...)
	return s.Set(key, append(list, item...))
}

// Root implements host.Storage.
func (s *Storage) Root() (primitives.Hash, error) { return hashOf(s.Pairs()), s.Err }

// Child implements host.Storage.
func (s *Storage) Child(id []byte) host.ChildStorage {
	pending := s.now().children[string(id)]
	if pending == nil {
		pending = tree{}
		s.now().children[string(id)] = pending
	}
	return child{view{s, s.committed.children[string(id)], pending}}
}

// StartTransaction implements host.Storage.
func (s *Storage) StartTransaction() { s.levels = append(s.levels, s.now().clone()) }

// CommitTransaction implements host.Storage.
func (s *Storage) CommitTransaction() error {
	if len(s.levels) == 1 {
		return host.ErrNoTransaction
	}
	inner := *s.now()
	s.levels = s.levels[:len(s.levels)-1]
	*s.now() = inner
	return s.Err
}

// RollbackTransaction implements host.Storage.
func (s *Storage) RollbackTransaction() error {
	s.changing()
	if len(s.levels) == 1 {
		return host.ErrNoTransaction
	}
	s.levels = s.levels[:len(s.levels)-1]
	return s.Err
}

// TransactionDepth implements host.Storage.
func (s *Storage) TransactionDepth() int { return len(s.levels) - 1 }

func (v view) Get(key []byte) ([]byte, bool, error) {
	if value, pending := v.pending[string(key)]; pending {
		return value, value != nil, v.s.Err
	}
	value, found := v.committed[string(key)]
	return value, found, v.s.Err
}

func (v view) Set(key, value []byte) error {
	v.s.changing()
	v.pending[string(key)] = append([]byte{}, value...)
	return v.s.Err
}

func (v view) Clear(key []byte) error {
	v.s.changing()
	v.pending[string(key)] = nil
	return v.s.Err
}

func (v view) NextKey(key []byte) ([]byte, bool, error) {
	for _, next := range slices.Sorted(maps.Keys(merged(v.committed, v.pending))) {
		if next > string(key) {
			return []byte(next), true, v.s.Err
		}
	}
	return nil, false, v.s.Err
}

func (v view) ClearPrefix(prefix []byte, limit *uint32) (host.Removal, error) {
	v.s.changing()
	removal := host.Removal{AllRemoved: true}
	for key, value := range v.pending {
		if strings.HasPrefix(key, string(prefix)) {
			if value != nil {
				removal.Unique++
			}
			v.pending[key] = nil
		}
	}
	for _, key := range slices.Sorted(maps.Keys(v.committed)) {
		if !strings.HasPrefix(key, string(prefix)) {
			continue
		}
		if limit != nil && removal.Loops == *limit {
			removal.AllRemoved, removal.NextPending = false, []byte(key)
			break
		}
		if value, pending := v.pending[key]; !pending || value != nil {
			removal.Backend++
			removal.Unique++
		}
		v.pending[key] = nil
		removal.Loops++
	}
	return removal, v.s.Err
}

type child struct{ view }

func (c child) Kill(limit *uint32) (host.Removal, error) { return c.ClearPrefix(nil, limit) }

func (c child) Root() (primitives.Hash, error) {
	pairs := merged(c.committed, c.pending)
	if len(pairs) == 0 {
		return emptyChildRoot, c.s.Err
	}
	return hashOf(pairs), c.s.Err
}

// hashOf hashes sorted pairs, each string with its length in front in big-endian.
func hashOf(pairs tree) primitives.Hash {
	var all []byte
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		for _, part := range []string{key, string(pairs[key])} {
			all = binary.BigEndian.AppendUint32(all, uint32(len(part)))
			all = append(all, part...)
		}
	}
	return primitives.Blake2_256(all)
}

// FromHex makes pairs of hex strings, as a raw chain spec holds them. It panics on bad hex: it is for test data.
func FromHex(pairs map[string]string) map[string][]byte {
	decode := func(text string) []byte {
		b, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
		if err != nil {
			panic("hosttest: " + err.Error())
		}
		return b
	}
	decoded := map[string][]byte{}
	for key, value := range pairs {
		decoded[string(decode(key))] = decode(value)
	}
	return decoded
}
