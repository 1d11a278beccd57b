package primitives

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/mr-tron/base58"
	"golang.org/x/crypto/blake2b"
)

// AccountID is an account: a 32-byte public key, or the BLAKE2b-256 hash of an ECDSA key.
type AccountID [32]byte

// SS58Generic is the address prefix of chains without one of their own; this chain uses it.
const SS58Generic = 42

// ErrAddress says that a text is neither a valid SS58 address nor the hex of a public key.
var ErrAddress = errors.New("not an address")

// String is the account in SS58 with the generic prefix.
func (a AccountID) String() string { return EncodeSS58(a, SS58Generic) }

// EncodeSS58 writes an account for the given prefix, which must be below 16384.
func EncodeSS58(a AccountID, prefix uint16) string {
	head := []byte{byte(prefix)}
	if prefix >= 64 {
		head = []byte{byte(prefix&0xfc)>>2 | 0x40, byte(prefix>>8) | byte(prefix&3)<<6}
	}
	body := append(head, a[:]...)
	sum := ss58Checksum(body)
	return base58.Encode(append(body, sum[:2]...))
}

// ParseAddress reads SS58 with any prefix, or 0x and 64 hex digits.
func ParseAddress(text string) (AccountID, error) {
	if digits, ok := strings.CutPrefix(text, "0x"); ok {
		b, err := hex.DecodeString(digits)
		if err != nil || len(b) != 32 {
			return AccountID{}, fmt.Errorf("%w: %q: want 0x and 64 hex digits", ErrAddress, text)
		}
		return AccountID(b), nil
	}
	b, err := base58.Decode(text)
	if err != nil {
		return AccountID{}, fmt.Errorf("%w: %q: not base58", ErrAddress, text)
	}
	headLen := 1
	if len(b) > 0 && b[0]&0x40 != 0 {
		headLen = 2
	}
	if len(b) != headLen+32+2 {
		return AccountID{}, fmt.Errorf("%w: %q: %d bytes, want %d", ErrAddress, text, len(b), headLen+34)
	}
	body, want := b[:headLen+32], b[headLen+32:]
	if sum := ss58Checksum(body); sum[0] != want[0] || sum[1] != want[1] {
		return AccountID{}, fmt.Errorf("%w: %q: checksum does not match, a letter may be wrong", ErrAddress, text)
	}
	return AccountID(body[headLen:]), nil
}

func ss58Checksum(body []byte) [64]byte {
	return blake2b.Sum512(append([]byte("SS58PRE"), body...))
}
