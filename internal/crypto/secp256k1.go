package crypto

import (
	"fmt"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"golang.org/x/crypto/blake2b"
)

// RecoverError says why no key could be recovered. The numbers are those of sp_io::EcdsaVerifyError.
type RecoverError uint8

// The reasons, in the order of the host interface.
const (
	BadRS RecoverError = iota
	BadV
	BadSignature
)

var recoverErrorTexts = [...]string{
	BadRS:        "r or s is out of range",
	BadV:         "recovery id is not 0 to 3",
	BadSignature: "no key recovers from the signature",
}

// Error is the reason in words.
func (e RecoverError) Error() string {
	if int(e) < len(recoverErrorTexts) {
		return recoverErrorTexts[e]
	}
	return fmt.Sprintf("recover error %d", uint8(e))
}

// Numbers says what becomes of an r or s that is not below the group order.
type Numbers uint8

const (
	// Strict refuses such numbers with BadRS.
	Strict Numbers = iota
	// Overflowing reduces them, as the first versions of the host functions do.
	Overflowing
)

// PublicKey is a point on secp256k1 in affine form.
type PublicKey struct{ key *secp256k1.PublicKey }

// Compressed is the 33-byte form.
func (p PublicKey) Compressed() [33]byte { return [33]byte(p.key.SerializeCompressed()) }

// Uncompressed is x then y, without the leading 0x04.
func (p PublicKey) Uncompressed() [64]byte { return [64]byte(p.key.SerializeUncompressed()[1:]) }

// RecoverSecp256k1 recovers the key that signed a 32-byte digest. The signature is r, s, v with v from 0 to 3 or 27 to 30.
// The error is always a RecoverError.
func RecoverSecp256k1(signature *[65]byte, digest *[32]byte, numbers Numbers) (PublicKey, error) {
	v := signature[64]
	if v > 26 {
		v -= 27
	}
	return recoverSecp256k1(signature, v, digest, numbers)
}

func recoverSecp256k1(signature *[65]byte, v byte, digest *[32]byte, numbers Numbers) (PublicKey, error) {
	if v > 3 {
		return PublicKey{}, BadV
	}
	var r, s secp256k1.ModNScalar
	overflow := r.SetByteSlice(signature[:32])
	overflow = s.SetByteSlice(signature[32:64]) || overflow
	if overflow && numbers == Strict {
		return PublicKey{}, BadRS
	}
	// The library wants the header first, counted from 27.
	var compact [65]byte
	compact[0] = 27 + v
	r.PutBytesUnchecked(compact[1:33])
	s.PutBytesUnchecked(compact[33:])
	key, _, err := ecdsa.RecoverCompact(compact[:], digest[:])
	if err != nil {
		return PublicKey{}, BadSignature
	}
	return PublicKey{key}, nil
}

// VerifyEcdsa checks a signature over the BLAKE2b-256 hash of a message by recovering its key. Here v is 0 to 3 only.
func VerifyEcdsa(signature *[65]byte, message []byte, public *[33]byte, numbers Numbers) bool {
	digest := blake2b.Sum256(message)
	return VerifyEcdsaPrehashed(signature, &digest, public, numbers)
}

// VerifyEcdsaPrehashed is VerifyEcdsa for a digest that the caller made.
func VerifyEcdsaPrehashed(signature *[65]byte, digest *[32]byte, public *[33]byte, numbers Numbers) bool {
	key, err := recoverSecp256k1(signature, signature[64], digest, numbers)
	return err == nil && key.Compressed() == *public
}
