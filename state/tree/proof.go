package tree

import (
	"bytes"
	"slices"

	ics23 "github.com/cosmos/ics23/go"
)

// Steps is the way from a leaf up to the root: the inner operations of an ICS23 existence proof.
type Steps []*ics23.InnerOp

// Neighbours is what a search for a path found. Exactly one of two cases holds: the path is there (Found), or Left and
// Right are the nearest leaves on either side, of which at least one exists.
type Neighbours struct {
	Found       *Place
	Left, Right *Place
}

// Place is a leaf and its way to the root.
type Place struct {
	Path  Hash
	Steps Steps
}

// LeafOp is the leaf operation of every proof: SmtSpec's, in memory of its own.
func LeafOp() *ics23.LeafOp {
	return &ics23.LeafOp{
		Hash:         ics23.HashOp_SHA256,
		PrehashKey:   ics23.HashOp_SHA256,
		PrehashValue: ics23.HashOp_SHA256,
		Length:       ics23.LengthOp_NO_PREFIX,
		Prefix:       []byte{0},
	}
}

// turn is one inner node passed on the way down.
type turn struct {
	node ref
	side byte // 0 went left, 1 went right
}

// Find looks for a path and returns what a proof of its presence or absence is made of, or ErrEmpty.
func (s *Snapshot) Find(path Hash) (Neighbours, error) {
	if s.version.leaves == 0 {
		return Neighbours{}, ErrEmpty
	}
	var way []turn
	at := s.version.root.ref
	for at != 0 && at&leafBit == 0 {
		side := bit(&path, len(way))
		way = append(way, turn{at, side})
		at = s.half(at, side)
	}
	if at == 0 {
		return Neighbours{Left: s.nearest(way, 1), Right: s.nearest(way, 0)}, nil
	}
	place := s.place(way, at)
	switch {
	case place.Path == path:
		return Neighbours{Found: place}, nil
	case bytes.Compare(place.Path[:], path[:]) < 0:
		return Neighbours{Left: place, Right: s.nearest(way, 0)}, nil
	}
	return Neighbours{Left: s.nearest(way, 1), Right: place}, nil
}

func (s *Snapshot) half(r ref, side byte) ref {
	n := s.tree.arena.inners.at(r)
	if side == 0 {
		return n.left
	}
	return n.right
}

// nearest is the leaf closest to a way on one side: where the way last turned to side although the other half is not
// empty, take that half and keep to side. Side 0 finds the leaf to the right, side 1 the one to the left.
func (s *Snapshot) nearest(way []turn, side byte) *Place {
	for i := len(way) - 1; i >= 0; i-- {
		other := s.half(way[i].node, 1-way[i].side)
		if way[i].side != side || other == 0 {
			continue
		}
		down := append([]turn(nil), way[:i]...)
		down = append(down, turn{way[i].node, 1 - side})
		at := other
		for at&leafBit == 0 {
			turned := side
			if s.half(at, side) == 0 {
				turned = 1 - side
			}
			down = append(down, turn{at, turned})
			at = s.half(at, turned)
		}
		return s.place(down, at)
	}
	return nil
}

// place is the leaf r with its steps, which go from the leaf up.
func (s *Snapshot) place(way []turn, r ref) *Place {
	steps := make(Steps, 0, len(way))
	for i := len(way) - 1; i >= 0; i-- {
		n := s.tree.arena.inners.at(way[i].node)
		op := &ics23.InnerOp{Hash: ics23.HashOp_SHA256, Prefix: []byte{1}}
		if way[i].side == 0 {
			op.Suffix = append([]byte(nil), n.rightHash[:]...)
		} else {
			// Clipped, as the verifier appends to the prefix: spare capacity would be shared by concurrent verifiers.
			op.Prefix = slices.Clip(append(op.Prefix, n.leftHash[:]...))
		}
		steps = append(steps, op)
	}
	return &Place{s.tree.arena.leaves.at(r &^ leafBit).path, steps}
}
