package state

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
)

// maxInline is the longest value that is hashed and stored as it is. A proof of absence carries the stored forms of two
// neighbours, so without a limit it could carry a megabyte of runtime code; 1,024 keeps it below 4 KB.
const maxInline = 1024

// Tags of stored forms and of records.
const (
	tagDeleted byte = 0
	tagInline  byte = 1
	tagBig     byte = 2
)

// StoredForm is what is hashed and proven in place of a value: short values as they are, long ones by length and SHA-256.
// It exists in hashes and proofs only.
func StoredForm(value []byte) []byte {
	if len(value) <= maxInline {
		return append([]byte{tagInline}, value...)
	}
	return bigForm(uint64(len(value)), sha256.Sum256(value))
}

func bigForm(size uint64, sum [32]byte) []byte {
	form := append(make([]byte, 0, 41), tagBig)
	form = binary.BigEndian.AppendUint64(form, size)
	return append(form, sum[:]...)
}

// record is what the database holds for one version of a key: the value, or where the value is. Sizes: inline 5 bytes and
// the value, big 49 bytes, deleted 1 byte.
type record struct {
	tag    byte
	height uint32 // written at
	value  []byte // inline only

	// big only: the value is under bigKey(height, number)
	number uint32
	size   uint64
	sum    [32]byte
}

func (r *record) append(dst []byte) []byte {
	dst = append(dst, r.tag)
	if r.tag == tagDeleted {
		return dst
	}
	dst = binary.BigEndian.AppendUint32(dst, r.height)
	if r.tag == tagInline {
		return append(dst, r.value...)
	}
	dst = binary.BigEndian.AppendUint32(dst, r.number)
	dst = binary.BigEndian.AppendUint64(dst, r.size)
	return append(dst, r.sum[:]...)
}

// form is the stored form of the value.
func (r *record) form() []byte {
	if r.tag == tagBig {
		return bigForm(r.size, r.sum)
	}
	return append([]byte{tagInline}, r.value...)
}

// parseRecord undoes append. The value is part of b.
func parseRecord(b []byte) (record, error) {
	switch {
	case len(b) == 1 && b[0] == tagDeleted:
		return record{}, nil
	case len(b) >= 5 && len(b) <= 5+maxInline && b[0] == tagInline:
		return record{tag: tagInline, height: binary.BigEndian.Uint32(b[1:]), value: b[5:]}, nil
	case len(b) == 49 && b[0] == tagBig:
		r := record{tag: tagBig, height: binary.BigEndian.Uint32(b[1:]), number: binary.BigEndian.Uint32(b[5:]),
			size: binary.BigEndian.Uint64(b[9:])}
		copy(r.sum[:], b[17:])
		if r.size <= maxInline {
			return record{}, fmt.Errorf("%w: record of a value of %d bytes kept apart", ErrCorrupt, r.size)
		}
		return r, nil
	}
	return record{}, fmt.Errorf("%w: record of %d bytes is of no known kind", ErrCorrupt, len(b))
}

// formatVersion is the version of everything this package writes. A store of another version is refused.
const formatVersion = 1

// meta is what the store says about itself.
type meta struct {
	format uint32
	height uint32
	leaves uint64
	root   primitives.Hash
}

func (m meta) encode() []byte {
	b := scale.AppendU32(nil, m.format)
	b = scale.AppendU32(b, m.height)
	b = scale.AppendU64(b, m.leaves)
	return append(b, m.root[:]...)
}

func decodeMeta(b []byte) (meta, error) {
	d := scale.NewDecoder(b)
	m := meta{format: d.U32(), height: d.U32(), leaves: d.U64()}
	copy(m.root[:], d.Fixed(32))
	if err := d.Finish(); err != nil {
		return meta{}, fmt.Errorf("%w: meta record: %w", ErrCorrupt, err)
	}
	if m.format != formatVersion {
		return meta{}, fmt.Errorf("store has format %d, this program reads %d", m.format, formatVersion)
	}
	return m, nil
}

// BlockInfo is what is kept about a committed block beside its body.
type BlockInfo struct {
	Height      uint32
	Hash        primitives.Hash
	Header      []byte
	Root        primitives.Hash // of the state after the block
	CodeHash    primitives.Hash // SHA-256 of :code after the block; zero if there is none
	HostVersion uint32
}

func (i *BlockInfo) encode() []byte {
	b := scale.AppendU32(nil, i.Height)
	for _, h := range []primitives.Hash{i.Hash, i.Root, i.CodeHash} {
		b = append(b, h[:]...)
	}
	b = scale.AppendU32(b, i.HostVersion)
	return scale.AppendBytes(b, i.Header)
}

func decodeBlockInfo(b []byte) (BlockInfo, error) {
	d := scale.NewDecoder(b)
	i := BlockInfo{Height: d.U32()}
	for _, h := range []*primitives.Hash{&i.Hash, &i.Root, &i.CodeHash} {
		copy(h[:], d.Fixed(32))
	}
	i.HostVersion = d.U32()
	i.Header = append([]byte(nil), d.Bytes()...)
	if err := d.Finish(); err != nil {
		return BlockInfo{}, fmt.Errorf("%w: block record: %w", ErrCorrupt, err)
	}
	return i, nil
}

func encodeBody(body [][]byte) []byte {
	b := scale.AppendCompact(nil, uint64(len(body)))
	for _, extrinsic := range body {
		b = scale.AppendBytes(b, extrinsic)
	}
	return b
}

func decodeBody(b []byte) ([][]byte, error) {
	d := scale.NewDecoder(b)
	body := make([][]byte, 0, d.Length(1))
	for range cap(body) {
		body = append(body, d.Bytes())
	}
	if err := d.Finish(); err != nil {
		return nil, fmt.Errorf("%w: block body: %w", ErrCorrupt, err)
	}
	return body, nil
}
