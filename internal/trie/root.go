package trie

import (
	"bytes"
	"slices"

	"github.com/sepia-chain/sepia/internal/scale"
)

// Pair is an entry of a tree.
type Pair struct{ Key, Value []byte }

// OrderedRoot is the root over a list whose keys are its indices as compact integers: the extrinsics root of a block.
func OrderedRoot(values [][]byte, version Version, hash Hasher) [32]byte {
	pairs := make([]Pair, len(values))
	for i, v := range values {
		pairs[i] = Pair{scale.AppendCompact(nil, uint64(i)), v}
	}
	return Root(pairs, version, hash)
}

// Root is the root over pairs in any order. Of pairs with equal keys the last one counts.
func Root(pairs []Pair, version Version, hash Hasher) [32]byte {
	sorted := slices.Clone(pairs)
	slices.SortStableFunc(sorted, func(a, b Pair) int { return bytes.Compare(a.Key, b.Key) })
	entries := make([]entry, 0, len(sorted))
	for i, pair := range sorted {
		if i+1 < len(sorted) && bytes.Equal(pair.Key, sorted[i+1].Key) {
			continue
		}
		entries = append(entries, entry{nibblesOf(pair.Key), pair.Value})
	}
	if len(entries) == 0 {
		return hash([]byte{emptyNode})
	}
	b := builder{version, hash}
	return hash(b.node(entries, 0))
}

type entry struct{ nibbles, value []byte }

func nibblesOf(key []byte) []byte {
	nibbles := make([]byte, 0, 2*len(key))
	for _, b := range key {
		nibbles = append(nibbles, b>>4, b&0xf)
	}
	return nibbles
}

type builder struct {
	version Version
	hash    Hasher
}

// node encodes the subtree of entries, which are sorted, distinct, not empty and equal in their first depth nibbles.
//
// It calls itself once for each branch on the way to an entry: at most as deep as a key has nibbles. An adversary may give
// long keys, each the beginning of the next; Go's stack grows for that, and the depth is bounded by the square root of the
// input's length.
func (b builder) node(entries []entry, depth int) []byte {
	first := entries[0]
	if len(entries) == 1 {
		return appendNode(nil, first.nibbles[depth:], newValue(first.value, b.version, b.hash), nil)
	}
	shared := commonPrefix(first.nibbles, entries[len(entries)-1].nibbles) // of all, because they are sorted
	var v value
	if len(first.nibbles) == shared {
		v = newValue(first.value, b.version, b.hash)
		entries = entries[1:]
	}
	var children [16][]byte
	for len(entries) > 0 {
		nibble := entries[0].nibbles[shared]
		end := 1
		for end < len(entries) && entries[end].nibbles[shared] == nibble {
			end++
		}
		children[nibble] = b.reference(b.node(entries[:end], shared+1))
		entries = entries[end:]
	}
	return appendNode(nil, first.nibbles[depth:shared], v, &children)
}

// reference is how a parent names a child: by hash, or by the encoding itself if that is shorter than a hash.
func (b builder) reference(encoded []byte) []byte {
	if len(encoded) < hashLen {
		return encoded
	}
	sum := b.hash(encoded)
	return sum[:]
}

func commonPrefix(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
