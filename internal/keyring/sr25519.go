package keyring

import (
	"fmt"

	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
	"github.com/oasisprotocol/curve25519-voi/primitives/merlin"
	"github.com/oasisprotocol/curve25519-voi/primitives/sr25519"
)

// deriveSr25519 is one step of schnorrkel's hierarchical derivation, with an empty index and the junction as chain code.
func deriveSr25519(key *sr25519.SecretKey, step junction) (*sr25519.SecretKey, error) {
	transcript := merlin.NewTranscript("SchnorrRistrettoHDKD")
	transcript.AppendMessage("sign-bytes", nil)
	transcript.AppendMessage("chain-code", step.code[:])
	secret, err := key.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("encoding secret key: %w", err)
	}
	if step.hard {
		return hardSr25519(transcript, secret)
	}
	public, err := key.PublicKey().MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("encoding public key: %w", err)
	}
	return softSr25519(transcript, secret, public)
}

func hardSr25519(transcript *merlin.Transcript, secret []byte) (*sr25519.SecretKey, error) {
	transcript.AppendMessage("secret-key", secret[:32])
	var mini sr25519.MiniSecretKey
	transcript.ExtractBytes(mini[:], "HDKD-hard")
	return mini.ExpandEd25519(), nil
}

// softSr25519 shifts the secret scalar by one that the public key determines, so that public keys derive alike.
func softSr25519(transcript *merlin.Transcript, secret, public []byte) (*sr25519.SecretKey, error) {
	transcript.AppendMessage("public-key", public)
	var wide [scalar.ScalarWideSize]byte
	transcript.ExtractBytes(wide[:], "HDKD-scalar")
	shift, err := scalar.NewFromBytesModOrderWide(wide[:])
	if err != nil {
		return nil, fmt.Errorf("deriving scalar: %w", err)
	}
	sum, err := scalar.NewFromCanonicalBytes(secret[:32])
	if err != nil {
		return nil, fmt.Errorf("reading secret scalar: %w", err)
	}
	sum.Add(sum, shift)
	derived, err := sum.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("encoding secret scalar: %w", err)
	}
	// The nonce half only seeds signing, together with fresh randomness; it does not influence the public key.
	nonce := transcript.BuildRng().RekeyWithWitnessBytes("HDKD-nonce", secret)
	random, err := nonce.Finalize(nil)
	if err != nil {
		return nil, fmt.Errorf("drawing nonce: %w", err)
	}
	derived = append(derived, make([]byte, sr25519.SecretKeyNonceSize)...)
	if _, err := random.Read(derived[32:]); err != nil {
		return nil, fmt.Errorf("drawing nonce: %w", err)
	}
	return sr25519.NewSecretKeyFromBytes(derived)
}
