package state

import (
	"fmt"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/state/tree"
)

// Genesis is the state a chain begins with and its block 0.
type Genesis struct {
	Pairs       []Pair // no key twice
	Hash        primitives.Hash
	Header      []byte
	HostVersion uint32
}

// GenesisRoot is the root of a genesis state, or ErrNoLeaves.
func GenesisRoot(pairs []Pair) (primitives.Hash, error) {
	o := beforeGenesis(tree.New(), pairs)
	root, err := o.Root()
	return root, firstError(err, o.Drop())
}

// beforeGenesis is an overlay over no state at all, with the pairs written.
func beforeGenesis(t *tree.Tree, pairs []Pair) *Overlay {
	o := &Overlay{base: newView(&version{tree: t.Snapshot()}), set: newChangeset()}
	for _, p := range pairs {
		o.set.set(o.set.entry(p.treeKey()), p.Value)
	}
	return o
}

func (p Pair) treeKey() []byte {
	if p.ID == nil {
		return TreeKey(p.Key)
	}
	return ChildTreeKey(p.ID, p.Key)
}

// CommitGenesis writes block 0. It may be called again while no block was committed: with the same state and header it
// does nothing, with others it replaces them. Everything else of the state's, also what an earlier chain left, is removed
// in the same batch; CometBFT's databases are not touched.
func (s *Store) CommitGenesis(g Genesis) (*View, error) {
	root, err := GenesisRoot(g.Pairs)
	if err != nil {
		return nil, err
	}
	if view, err := s.View(); err == nil {
		if view.Height() > 0 {
			defer func() { _ = view.Release() }() // the store holds it too, so nothing is closed here
			return nil, fmt.Errorf("%w: genesis, committed is %d", ErrNotNext, view.Height())
		}
		if view.Root() == root && view.BlockHash() == g.Hash {
			return view, nil
		}
		if err := view.Release(); err != nil {
			return nil, closed(err)
		}
	}
	s.commit.Lock()
	defer s.commit.Unlock()
	return s.writeGenesis(g, root)
}

// writeGenesis replaces everything of the state's. Callers hold commit.
func (s *Store) writeGenesis(g Genesis, root primitives.Hash) (*View, error) {
	fresh := tree.New()
	o := beforeGenesis(fresh, g.Pairs)
	defer func() { _ = o.Drop() }() // holds memory only
	if _, err := o.Root(); err != nil {
		return nil, err
	}
	batch, err := s.db.NewBatch(0)
	if err != nil {
		return nil, closed(err)
	}
	defer func() { _ = batch.Close() }() // frees memory only
	w := writer{batch: batch}
	for i := range len(ownKeys) {
		from := []byte{ownKeys[i]}
		w.deleteRange(from, after(from))
	}
	w.state(o)
	info := BlockInfo{Hash: g.Hash, Header: g.Header, Root: root, HostVersion: g.HostVersion, CodeHash: o.codeHash()}
	w.block(info, Block{Hash: g.Hash}, o.tree.Leaves())
	if w.err == nil {
		w.err = s.db.Apply(batch, true)
	}
	if w.err != nil {
		return nil, fmt.Errorf("committing genesis: %w", closed(w.err))
	}
	if err := fresh.Adopt(o.tree); err != nil {
		return nil, fmt.Errorf("adopting genesis tree: %w", err)
	}
	s.tree, s.cache = fresh, newCache(0)
	s.remember(o)
	return s.publish(info)
}
