package primitives

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/crypto/blake2b"
)

// Hash is a 32-byte hash: of a block, an extrinsic, a code, a state.
type Hash [32]byte

// String is the hash as 0x-prefixed lower-case hex.
func (h Hash) String() string { return "0x" + hex.EncodeToString(h[:]) }

// MarshalText makes JSON show a hash as hex.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (h *Hash) UnmarshalText(text []byte) error {
	parsed, err := ParseHash(string(text))
	if err != nil {
		return err
	}
	*h = parsed
	return nil
}

// ParseHash reads 0x-prefixed hex of exactly 32 bytes.
func ParseHash(text string) (Hash, error) {
	digits, ok := strings.CutPrefix(text, "0x")
	if !ok {
		return Hash{}, fmt.Errorf("hash %q: want 0x and 64 hex digits", text)
	}
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != 32 {
		return Hash{}, fmt.Errorf("hash %q: want 0x and 64 hex digits", text)
	}
	return Hash(b), nil
}

// Blake2_256 is BLAKE2b with a 32-byte output: Substrate's block, extrinsic and code hash.
func Blake2_256(data []byte) Hash { return blake2b.Sum256(data) }

// Blake2_128 is BLAKE2b with a 16-byte output, which is not a prefix of the longer one.
func Blake2_128(data []byte) [16]byte {
	h, err := blake2b.New(16, nil)
	if err != nil {
		panic("primitives: blake2b refuses a 16-byte output, which its documentation allows: " + err.Error())
	}
	h.Write(data)
	return [16]byte(h.Sum(nil))
}

// Twox64 is XXH64 with the given seed.
func Twox64(data []byte, seed uint64) uint64 {
	d := xxhash.NewWithSeed(seed)
	_, _ = d.Write(data) // never fails, by its documentation
	return d.Sum64()
}

// Twox128 is XXH64 with seeds 0 and 1, each little-endian: the hash of pallet and item names in storage keys.
func Twox128(data []byte) [16]byte {
	var out [16]byte
	binary.LittleEndian.PutUint64(out[:8], Twox64(data, 0))
	binary.LittleEndian.PutUint64(out[8:], Twox64(data, 1))
	return out
}

// StoragePrefix is the storage key of a FRAME item without map keys: twox128(pallet) then twox128(item).
func StoragePrefix(pallet, item string) []byte {
	p, i := Twox128([]byte(pallet)), Twox128([]byte(item))
	return append(p[:], i[:]...)
}
