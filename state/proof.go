package state

import (
	"fmt"

	ics23 "github.com/cosmos/ics23/go"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/state/tree"
)

// Proof proves that a tree key has a value, or that it is absent, under a root. It verifies with
// ics23.VerifyMembership(ics23.SmtSpec, Root, ICS23, TreeKey, StoredForm), or VerifyNonMembership without a form.
type Proof struct {
	Height     uint32 // of the block after which the state has the root
	Root       primitives.Hash
	TreeKey    []byte
	Exists     bool
	StoredForm []byte // if it exists
	ICS23      *ics23.CommitmentProof
}

// Proof proves a key of the top storage. Only views that were the latest when they were taken can prove; others return
// ErrRootUnavailable.
func (w *View) Proof(key []byte) (Proof, error) { return w.proof(TreeKey(key)) }

// ProofChild proves a key of a child storage.
func (w *View) ProofChild(id, key []byte) (Proof, error) { return w.proof(ChildTreeKey(id, key)) }

func (w *View) proof(treeKey []byte) (Proof, error) {
	if err := w.check(); err != nil {
		return Proof{}, err
	}
	if w.v.tree == nil {
		return Proof{}, ErrRootUnavailable
	}
	found, err := w.v.tree.Find(pathOf(treeKey))
	if err != nil {
		return Proof{}, fmt.Errorf("proving %x: %w", treeKey, err)
	}
	p := Proof{Height: w.Height(), Root: w.Root(), TreeKey: treeKey}
	if found.Found != nil {
		exist, err := w.existence(found.Found)
		if err != nil {
			return Proof{}, fmt.Errorf("proving %x: %w", treeKey, err)
		}
		p.Exists, p.StoredForm = true, exist.Value
		p.ICS23 = &ics23.CommitmentProof{Proof: &ics23.CommitmentProof_Exist{Exist: exist}}
		return p, nil
	}
	absent := &ics23.NonExistenceProof{Key: treeKey}
	for _, side := range []struct {
		place *tree.Place
		proof **ics23.ExistenceProof
	}{{found.Left, &absent.Left}, {found.Right, &absent.Right}} {
		if side.place == nil {
			continue
		}
		if *side.proof, err = w.existence(side.place); err != nil {
			return Proof{}, fmt.Errorf("proving absence of %x: %w", treeKey, err)
		}
	}
	p.ICS23 = &ics23.CommitmentProof{Proof: &ics23.CommitmentProof_Nonexist{Nonexist: absent}}
	return p, nil
}

// existence is the proof of a leaf that is in the tree, whose key and value must then be in the database.
func (w *View) existence(place *tree.Place) (*ics23.ExistenceProof, error) {
	treeKey, found, err := w.v.snap.Get(hashKey(keyPreimage, place.Path))
	if err != nil {
		return nil, closed(err)
	}
	if !found {
		return nil, fmt.Errorf("%w: leaf %x has no key", ErrCorrupt, place.Path)
	}
	r, err := w.v.src.record(treeKey)
	if err != nil {
		return nil, err
	}
	if r.tag == tagDeleted {
		return nil, fmt.Errorf("%w: leaf %x has no value under key %x", ErrCorrupt, place.Path, treeKey)
	}
	return &ics23.ExistenceProof{Key: treeKey, Value: r.form(), Leaf: tree.LeafOp(), Path: place.Steps}, nil
}
