package crypto

import (
	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
	"github.com/oasisprotocol/curve25519-voi/primitives/merlin"
	"github.com/oasisprotocol/curve25519-voi/primitives/sr25519"
)

// SigningContext is the sr25519 context of every Substrate chain.
const SigningContext = "substrate"

// Verifying clones the transcript inside, so one context serves all goroutines.
var substrateContext = sr25519.NewSigningContext([]byte(SigningContext))

var zip215 = &ed25519.Options{Verify: ed25519.VerifyOptionsZIP_215}

// VerifyEd25519 checks an ed25519 signature by ZIP-215: cofactored, non-canonical points accepted, s canonical.
func VerifyEd25519(signature *[64]byte, message []byte, public *[32]byte) bool {
	return ed25519.VerifyWithOptions(public[:], message, signature[:], zip215)
}

// VerifySr25519 checks a Schnorr signature over Ristretto. The mark bit of schnorrkel must be set.
func VerifySr25519(signature *[64]byte, message []byte, public *[32]byte) bool {
	key, err := sr25519.NewPublicKeyFromBytes(public[:])
	if err != nil {
		return false
	}
	return verifyMarked(signature, message, key)
}

// VerifySr25519Deprecated accepts, besides what VerifySr25519 does, the unmarked signatures that wallets made before
// schnorrkel's audit. Only the first version of the host function wants it.
func VerifySr25519Deprecated(signature *[64]byte, message []byte, public *[32]byte) bool {
	key, err := sr25519.NewPublicKeyFromBytes(public[:])
	if err != nil {
		return false
	}
	marked := *signature
	marked[63] |= 0x80
	if _, err := sr25519.NewSignatureFromBytes(marked[:]); err != nil {
		return false
	}
	if signature[63]&0x80 != 0 {
		return verifyMarked(signature, message, key)
	}
	return verifyPreAudit(signature, message, public)
}

func verifyMarked(signature *[64]byte, message []byte, key *sr25519.PublicKey) bool {
	parsed, err := sr25519.NewSignatureFromBytes(signature[:])
	if err != nil {
		return false
	}
	return key.Verify(substrateContext.NewTranscriptBytes(message), parsed)
}

// verifyPreAudit recomputes R from the challenge of the older transcript and compares it. s is known to be canonical.
func verifyPreAudit(signature *[64]byte, message []byte, public *[32]byte) bool {
	transcript := merlin.NewTranscript(SigningContext)
	transcript.AppendMessage("sign-bytes", message)
	transcript.AppendMessage("proto-name", []byte("Schnorr-sig"))
	transcript.AppendMessage("pk", public[:])
	transcript.AppendMessage("no", signature[:32])
	var wide [scalar.ScalarWideSize]byte
	transcript.ExtractBytes(wide[:], "")
	challenge, err := scalar.NewFromBytesModOrderWide(wide[:])
	if err != nil {
		return false
	}
	s, err := scalar.NewFromCanonicalBytes(signature[32:])
	if err != nil {
		return false
	}
	var compressed curve.CompressedRistretto
	if err := compressed.UnmarshalBinary(public[:]); err != nil {
		return false
	}
	var key, r curve.RistrettoPoint
	if _, err := key.SetCompressed(&compressed); err != nil {
		return false
	}
	r.DoubleScalarMulBasepointVartime(challenge, key.Neg(&key), s)
	var got curve.CompressedRistretto
	got.SetRistrettoPoint(&r)
	return [32]byte(got[:]) == [32]byte(signature[:32])
}
