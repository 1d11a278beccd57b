package host

import (
	"maps"
	"slices"
	"strings"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
)

// fakeStorage is the least that host functions can run on: all of it is committed, and transactions only count. (Package
// hosttest has a better one, which tests inside this package cannot import.)
type fakeStorage struct {
	fakeTree
	children map[string]fakeTree
	depth    int
}

type fakeTree struct{ top map[string][]byte }

func newFakeStorage() *fakeStorage {
	return &fakeStorage{fakeTree{map[string][]byte{}}, map[string]fakeTree{}, 0}
}

func (s *fakeStorage) Child(id []byte) ChildStorage {
	if _, ok := s.children[string(id)]; !ok {
		s.children[string(id)] = fakeTree{map[string][]byte{}}
	}
	return s.children[string(id)]
}

func (s *fakeStorage) Append(key, item []byte) error {
	d := scale.NewDecoder(s.top[string(key)])
	count := d.Compact()
	s.top[string(key)] = append(append(scale.AppendCompact(nil, count+1), d.Rest()...), item...)
	return nil
}

func (s *fakeStorage) StartTransaction() { s.depth++ }

func (s *fakeStorage) CommitTransaction() error {
	s.depth--
	return nil
}

func (s *fakeStorage) RollbackTransaction() error {
	s.depth--
	return nil
}

func (s *fakeStorage) TransactionDepth() int { return s.depth }

func (s fakeTree) Get(key []byte) ([]byte, bool, error) {
	value, found := s.top[string(key)]
	return value, found, nil
}

func (s fakeTree) Set(key, value []byte) error {
	s.top[string(key)] = slices.Clone(value)
	return nil
}

func (s fakeTree) Clear(key []byte) error {
	delete(s.top, string(key))
	return nil
}

func (s fakeTree) NextKey(key []byte) ([]byte, bool, error) {
	for _, next := range slices.Sorted(maps.Keys(s.top)) {
		if next > string(key) {
			return []byte(next), true, nil
		}
	}
	return nil, false, nil
}

func (s fakeTree) ClearPrefix(prefix []byte, limit *uint32) (Removal, error) {
	removal := Removal{AllRemoved: true}
	for _, key := range slices.Sorted(maps.Keys(s.top)) {
		if !strings.HasPrefix(key, string(prefix)) {
			continue
		}
		if limit != nil && removal.Loops == *limit {
			removal.AllRemoved = false
			break
		}
		delete(s.top, key)
		removal.Loops++
	}
	return removal, nil
}

func (s fakeTree) Kill(limit *uint32) (Removal, error) { return s.ClearPrefix(nil, limit) }

func (s fakeTree) Root() (primitives.Hash, error) {
	var all []byte
	for _, key := range slices.Sorted(maps.Keys(s.top)) {
		all = scale.AppendBytes(scale.AppendBytes(all, []byte(key)), s.top[key])
	}
	return primitives.Blake2_256(all), nil
}
