package trie

import (
	"errors"
	"fmt"

	"github.com/sepia-chain/sepia/internal/scale"
)

// Hasher hashes nodes and long values.
type Hasher func([]byte) [32]byte

// Version is the layout of the tree. The numbers are those of the host interface (StateVersion).
type Version uint8

// The layouts.
const (
	V0 Version = 0
	V1 Version = 1
)

// hashedValueFrom is the length from which layout V1 keeps a value's hash in the node.
const hashedValueFrom = 33

const hashLen = 32

// emptyNode is the encoding of a tree without entries.
const emptyNode = 0x00

// nodeKind is what the first byte of a node says: prefix bits, and how many bits they are.
type nodeKind struct {
	prefix    byte
	bits      uint
	branch    bool
	value     bool
	hashValue bool
}

// The kinds of node. No prefix is the beginning of another; 0x00 alone is the empty tree.
var (
	leaf             = nodeKind{prefix: 0b01 << 6, bits: 2, value: true}
	branch           = nodeKind{prefix: 0b10 << 6, bits: 2, branch: true}
	branchWithValue  = nodeKind{prefix: 0b11 << 6, bits: 2, branch: true, value: true}
	leafWithHash     = nodeKind{prefix: 0b001 << 5, bits: 3, value: true, hashValue: true}
	branchWithHash   = nodeKind{prefix: 0b0001 << 4, bits: 4, branch: true, value: true, hashValue: true}
	nodeKindsInOrder = [...]nodeKind{leaf, branch, branchWithValue, leafWithHash, branchWithHash}
)

// value is what a node holds: nothing, the bytes themselves, or their hash.
type value struct {
	present bool
	hashed  bool
	data    []byte
}

func newValue(data []byte, version Version, hash Hasher) value {
	if version == V1 && len(data) >= hashedValueFrom {
		sum := hash(data)
		return value{present: true, hashed: true, data: sum[:]}
	}
	return value{present: true, data: data}
}

func (v value) kind(isBranch bool) nodeKind {
	switch {
	case isBranch && !v.present:
		return branch
	case isBranch && v.hashed:
		return branchWithHash
	case isBranch:
		return branchWithValue
	case v.hashed:
		return leafWithHash
	}
	return leaf
}

func (v value) append(dst []byte) []byte {
	if !v.present {
		return dst
	}
	if v.hashed {
		return append(dst, v.data...)
	}
	return scale.AppendBytes(dst, v.data)
}

// appendHeader appends kind, number of nibbles and the nibbles, two a byte; an odd one comes first, alone.
func appendHeader(dst []byte, kind nodeKind, nibbles []byte) []byte {
	limit := 0xff >> kind.bits
	count := len(nibbles)
	if count < limit {
		dst = append(dst, kind.prefix|byte(count))
	} else {
		dst = append(dst, kind.prefix|byte(limit))
		for count -= limit; count >= 255; count -= 255 {
			dst = append(dst, 255)
		}
		dst = append(dst, byte(count))
	}
	if len(nibbles)%2 == 1 {
		dst = append(dst, nibbles[0])
		nibbles = nibbles[1:]
	}
	for i := 0; i < len(nibbles); i += 2 {
		dst = append(dst, nibbles[i]<<4|nibbles[i+1])
	}
	return dst
}

// appendNode appends a whole node. children is nil for a leaf; a nil element is an absent child, an empty one a child left
// out of a proof.
func appendNode(dst, nibbles []byte, v value, children *[16][]byte) []byte {
	dst = appendHeader(dst, v.kind(children != nil), nibbles)
	if children == nil {
		return v.append(dst)
	}
	var bitmap uint16
	for i, child := range children {
		if child != nil {
			bitmap |= 1 << i
		}
	}
	dst = scale.AppendU16(dst, bitmap)
	dst = v.append(dst)
	for _, child := range children {
		if child != nil {
			dst = scale.AppendBytes(dst, child)
		}
	}
	return dst
}

// node is a decoded node. Its slices are parts of the input, except the nibbles.
type node struct {
	empty    bool
	branch   bool
	nibbles  []byte
	value    value
	children [16][]byte
}

var errNode = errors.New("not a trie node")

func decodeNode(b []byte) (node, error) {
	d := scale.NewDecoder(b)
	first := d.U8()
	if err := d.Err(); err != nil {
		return node{}, fmt.Errorf("%w: %w", errNode, err)
	}
	if first == emptyNode {
		return node{empty: true}, nil
	}
	kind, ok := kindOf(first)
	if !ok {
		return node{}, fmt.Errorf("%w: header byte %#02x", errNode, first)
	}
	n := node{branch: kind.branch, nibbles: decodeNibbles(d, decodeCount(d, first, kind))}
	if n.branch {
		n.decodeBranch(d, kind)
	} else {
		n.value = decodeValue(d, kind)
	}
	// Bytes after the node are ignored, as in Substrate: re-encoding drops them, and then the hash cannot match.
	if err := d.Err(); err != nil {
		return node{}, fmt.Errorf("%w: %w", errNode, err)
	}
	return n, nil
}

func kindOf(first byte) (nodeKind, bool) {
	for _, kind := range nodeKindsInOrder {
		if first>>(8-kind.bits) == kind.prefix>>(8-kind.bits) {
			return kind, true
		}
	}
	return nodeKind{}, false
}

func decodeCount(d *scale.Decoder, first byte, kind nodeKind) int {
	limit := 0xff >> kind.bits
	count := int(first) & limit
	if count < limit {
		return count
	}
	for d.Err() == nil {
		more := int(d.U8())
		count += more
		if more < 255 {
			break
		}
	}
	return count
}

func decodeNibbles(d *scale.Decoder, count int) []byte {
	packed := d.Fixed((count + 1) / 2)
	nibbles := make([]byte, 0, 2*len(packed))
	for _, b := range packed {
		nibbles = append(nibbles, b>>4, b&0xf)
	}
	if count%2 == 0 || len(nibbles) == 0 {
		return nibbles
	}
	if nibbles[0] != 0 {
		d.Fail(fmt.Errorf("%w: padding of the partial key is not zero", errNode))
	}
	return nibbles[1:]
}

func decodeValue(d *scale.Decoder, kind nodeKind) value {
	if !kind.value {
		return value{}
	}
	if kind.hashValue {
		return value{present: true, hashed: true, data: d.Fixed(hashLen)}
	}
	return value{present: true, data: d.Bytes()}
}

func (n *node) decodeBranch(d *scale.Decoder, kind nodeKind) {
	bitmap := d.U16()
	if bitmap == 0 {
		d.Fail(fmt.Errorf("%w: branch without a child", errNode))
	}
	n.value = decodeValue(d, kind)
	for i := range n.children {
		if bitmap&(1<<i) == 0 {
			continue
		}
		child := d.Bytes()
		if child == nil {
			child = []byte{} // present, but left out
		}
		n.children[i] = child
	}
}
