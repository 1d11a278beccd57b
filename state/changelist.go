package state

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/sepia-chain/sepia/internal/scale"
)

// changedKey is one entry of a block's change list.
type changedKey struct {
	treeKey []byte
	before  uint32 // height of the version that this block replaced
	existed bool   // false: there was none, and before means nothing
}

// castagnoli is the polynomial that processors compute in hardware.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encodeChangeList writes the list of a block. Form: count, then for each key 0 or 1 and the height before, then the key
// with its length in front; at the end the CRC-32C of all that. Values are not in it: the history has them.
func encodeChangeList(keys []changedKey) []byte {
	size := 16
	for i := range keys {
		size += 10 + len(keys[i].treeKey)
	}
	b := scale.AppendCompact(make([]byte, 0, size), uint64(len(keys)))
	for i := range keys {
		if keys[i].existed {
			b = scale.AppendU32(append(b, 1), keys[i].before)
		} else {
			b = append(b, 0)
		}
		b = scale.AppendBytes(b, keys[i].treeKey)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// decodeChangeList undoes encodeChangeList. The keys are parts of b.
func decodeChangeList(b []byte) ([]changedKey, error) {
	if len(b) < 4 {
		return nil, fmt.Errorf("%w: change list of %d bytes", ErrCorrupt, len(b))
	}
	body, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	if got := crc32.Checksum(body, castagnoli); got != sum {
		return nil, fmt.Errorf("%w: change list has checksum %08x, want %08x", ErrCorrupt, got, sum)
	}
	d := scale.NewDecoder(body)
	keys := make([]changedKey, 0, d.Length(2))
	for range cap(keys) {
		var k changedKey
		if k.existed = d.Bool(); k.existed {
			k.before = d.U32()
		}
		k.treeKey = d.Bytes()
		keys = append(keys, k)
	}
	if err := d.Finish(); err != nil {
		return nil, fmt.Errorf("%w: change list: %w", ErrCorrupt, err)
	}
	return keys, nil
}
