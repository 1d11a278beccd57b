package trie

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrProof is what every refusal of a proof matches with errors.Is.
var ErrProof = errors.New("proof refused")

func refuse(reason string) error { return fmt.Errorf("%w: %s", ErrProof, reason) }

// step is a node on the way from the root to the key, and the child that the way takes.
type step struct {
	node   node
	inline bool
	child  byte
}

// VerifyProof checks that key has value under root. The proof is Substrate's compact form: the nodes on the way from the
// root in order, with the proven value and the hashes of nodes that follow left out; inline nodes stay in their parents.
// Anything superfluous is refused.
func VerifyProof(root [32]byte, proof [][]byte, key, keyValue []byte, version Version, hash Hasher) error {
	steps, unused, err := descend(proof, nibblesOf(key))
	if err != nil {
		return err
	}
	if unused != 0 {
		return refuse("more nodes than the way to the key has")
	}
	last := &steps[len(steps)-1].node
	last.value = newValue(keyValue, version, hash)
	var reference []byte
	for i := len(steps) - 1; i >= 0; i-- {
		if i < len(steps)-1 {
			steps[i].node.children[steps[i].child] = reference
		}
		if reference, err = steps[i].reference(hash); err != nil {
			return err
		}
	}
	if !bytes.Equal(reference, root[:]) {
		return refuse("another root")
	}
	return nil
}

// descend walks to the node that holds the key and says how many proof nodes are left over.
func descend(proof [][]byte, key []byte) (steps []step, unused int, err error) {
	if len(proof) == 0 {
		return nil, 0, refuse("a node is missing")
	}
	data, rest, inline := proof[0], proof[1:], false
	for {
		n, err := decodeNode(data)
		if err != nil {
			return nil, 0, fmt.Errorf("%w: %w", ErrProof, err)
		}
		steps = append(steps, step{node: n, inline: inline})
		if n.empty || !bytes.HasPrefix(key, n.nibbles) {
			return nil, 0, refuse("the key is not there")
		}
		key = key[len(n.nibbles):]
		if len(key) == 0 {
			return steps, len(rest), checkOmitted(n)
		}
		if !n.branch || n.children[key[0]] == nil {
			return nil, 0, refuse("the key is not there")
		}
		steps[len(steps)-1].child = key[0]
		data, inline = n.children[key[0]], true
		key = key[1:]
		switch {
		case len(data) == hashLen:
			return nil, 0, refuse("a hash that should have been left out")
		case len(data) == 0 && len(rest) == 0:
			return nil, 0, refuse("a node is missing")
		case len(data) == 0:
			data, rest, inline = rest[0], rest[1:], false
		}
	}
}

// checkOmitted checks that the proven value is left out: no value in a branch, an empty one in a leaf.
func checkOmitted(n node) error {
	if n.branch && !n.value.present || !n.branch && !n.value.hashed && len(n.value.data) == 0 {
		return nil
	}
	return refuse("a value that should have been left out")
}

func (s *step) reference(hash Hasher) ([]byte, error) {
	children := (*[16][]byte)(nil)
	if s.node.branch {
		children = &s.node.children
		for _, child := range children {
			if len(child) > hashLen {
				return nil, refuse("a child reference longer than a hash")
			}
		}
	}
	encoded := appendNode(nil, s.node.nibbles, s.node.value, children)
	if !s.inline {
		sum := hash(encoded)
		return sum[:], nil
	}
	if len(encoded) > hashLen {
		return nil, refuse("a child reference longer than a hash")
	}
	return encoded, nil
}
