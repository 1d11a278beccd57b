package primitives

import (
	"fmt"

	"github.com/sepia-chain/sepia/internal/scale"
)

// DigestKind is the variant number of a digest item in SCALE.
type DigestKind uint8

// The digest items that FRAME and clients know. The numbers are Substrate's.
const (
	DigestOther                     DigestKind = 0
	DigestConsensus                 DigestKind = 4
	DigestSeal                      DigestKind = 5
	DigestPreRuntime                DigestKind = 6
	DigestRuntimeEnvironmentUpdated DigestKind = 8
)

// DigestItem is one log of a header. Engine is set for Consensus, Seal and PreRuntime; Data for these and Other.
type DigestItem struct {
	Kind   DigestKind
	Engine [4]byte
	Data   []byte
}

// Append appends the SCALE form of the item.
func (i DigestItem) Append(dst []byte) []byte {
	dst = append(dst, byte(i.Kind))
	switch i.Kind {
	case DigestConsensus, DigestSeal, DigestPreRuntime:
		dst = append(dst, i.Engine[:]...)
		dst = scale.AppendBytes(dst, i.Data)
	case DigestOther:
		dst = scale.AppendBytes(dst, i.Data)
	}
	return dst
}

func decodeDigestItem(d *scale.Decoder) DigestItem {
	item := DigestItem{Kind: DigestKind(d.U8())}
	switch item.Kind {
	case DigestConsensus, DigestSeal, DigestPreRuntime:
		copy(item.Engine[:], d.Fixed(4))
		item.Data = append([]byte(nil), d.Bytes()...)
	case DigestOther:
		item.Data = append([]byte(nil), d.Bytes()...)
	case DigestRuntimeEnvironmentUpdated:
	default:
		d.Fail(fmt.Errorf("digest item has unknown kind %d", item.Kind))
	}
	return item
}

// Header is a Substrate block header. Its hash, BLAKE2b-256 of its SCALE form, is the block hash clients compute.
type Header struct {
	ParentHash     Hash
	Number         uint32
	StateRoot      Hash
	ExtrinsicsRoot Hash
	Digest         []DigestItem
}

// Encode is the SCALE form.
func (h *Header) Encode() []byte {
	dst := append(make([]byte, 0, 128), h.ParentHash[:]...)
	dst = scale.AppendCompact(dst, uint64(h.Number))
	dst = append(dst, h.StateRoot[:]...)
	dst = append(dst, h.ExtrinsicsRoot[:]...)
	dst = scale.AppendCompact(dst, uint64(len(h.Digest)))
	for _, item := range h.Digest {
		dst = item.Append(dst)
	}
	return dst
}

// Hash is the block hash.
func (h *Header) Hash() Hash { return Blake2_256(h.Encode()) }

// DecodeHeader reads a header that must be the whole input. The result shares nothing with the input.
func DecodeHeader(b []byte) (Header, error) {
	d := scale.NewDecoder(b)
	var h Header
	copy(h.ParentHash[:], d.Fixed(32))
	number := d.Compact()
	if number > 1<<32-1 {
		d.Fail(fmt.Errorf("block number %d does not fit 32 bits", number))
	}
	h.Number = uint32(number)
	copy(h.StateRoot[:], d.Fixed(32))
	copy(h.ExtrinsicsRoot[:], d.Fixed(32))
	for range d.Length(1) {
		h.Digest = append(h.Digest, decodeDigestItem(d))
	}
	if err := d.Finish(); err != nil {
		return Header{}, fmt.Errorf("decoding header of %d bytes: %w", len(b), err)
	}
	return h, nil
}
