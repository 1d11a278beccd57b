package host

import (
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/internal/trie"
)

// layout reads a StateVersion argument.
func layout(argument uint64) (trie.Version, error) {
	switch version := uint32(argument); version {
	case 0:
		return trie.V0, nil
	case 1:
		return trie.V1, nil
	default:
		return 0, faultf("state version %d does not exist", version)
	}
}

// versionOf reads the layout at an argument position; the first versions of the functions have none and mean V0.
func versionOf(a []uint64, at int) (trie.Version, error) {
	if len(a) <= at {
		return trie.V0, nil
	}
	return layout(a[at])
}

func trieRoot(hash trie.Hasher) implementation {
	return func(c *call, a []uint64) (uint64, error) {
		version, err := versionOf(a, 1)
		if err != nil {
			return 0, err
		}
		input, err := c.input(a[0])
		if err != nil {
			return 0, err
		}
		pairs, err := decodePairs(input, c.keys)
		if err != nil {
			return 0, err
		}
		root := trie.Root(pairs, version, hash)
		return c.pointer(root[:])
	}
}

func trieOrderedRoot(hash trie.Hasher) implementation {
	return func(c *call, a []uint64) (uint64, error) {
		version, err := versionOf(a, 1)
		if err != nil {
			return 0, err
		}
		values, err := c.list(a[0])
		if err != nil {
			return 0, err
		}
		root := trie.OrderedRoot(values, version, hash)
		return c.pointer(root[:])
	}
}

func trieVerifyProof(hash trie.Hasher) implementation {
	return func(c *call, a []uint64) (uint64, error) {
		version, err := versionOf(a, 4)
		if err != nil {
			return 0, err
		}
		root, err := c.fixed(a[0], 32)
		if err != nil {
			return 0, err
		}
		proof, err := c.list(a[1])
		if err != nil {
			return 0, err
		}
		key, err := c.input(a[2])
		if err != nil {
			return 0, err
		}
		value, err := c.input(a[3])
		if err != nil {
			return 0, err
		}
		return boolean(trie.VerifyProof([32]byte(root), proof, key, value, version, hash) == nil), nil
	}
}

// list reads a SCALE Vec<Vec<u8>>.
func (c *call) list(fat uint64) ([][]byte, error) {
	input, err := c.input(fat)
	if err != nil {
		return nil, err
	}
	return decodeList(input, c.keys)
}

// decodeList reads a SCALE Vec<Vec<u8>>. The items are paid for when their number is known, before memory is taken.
func decodeList(input []byte, pay func(items uint64) error) ([][]byte, error) {
	d := scale.NewDecoder(input)
	count := d.Length(1)
	if err := pay(uint64(count)); err != nil {
		return nil, err
	}
	items := make([][]byte, count)
	for i := range items {
		items[i] = d.Bytes()
	}
	return items, decodeFault("Vec<Vec<u8>>", d)
}

// decodePairs is decodeList for a SCALE Vec<(Vec<u8>, Vec<u8>)>.
func decodePairs(input []byte, pay func(items uint64) error) ([]trie.Pair, error) {
	d := scale.NewDecoder(input)
	count := d.Length(2)
	if err := pay(uint64(count)); err != nil {
		return nil, err
	}
	pairs := make([]trie.Pair, count)
	for i := range pairs {
		pairs[i] = trie.Pair{Key: d.Bytes(), Value: d.Bytes()}
	}
	return pairs, decodeFault("Vec<(Vec<u8>, Vec<u8>)>", d)
}
