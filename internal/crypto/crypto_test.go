package crypto

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/oasisprotocol/curve25519-voi/primitives/sr25519"
	"golang.org/x/crypto/blake2b"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The public vector of RFC 8032 (test 1, empty message).
func TestVerifyEd25519_KnownVector(t *testing.T) {
	public := [32]byte(unhex(t, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))
	signature := [64]byte(unhex(t, "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"))
	if !VerifyEd25519(&signature, nil, &public) {
		t.Fatal("good signature refused")
	}
	if VerifyEd25519(&signature, []byte{0}, &public) {
		t.Fatal("another message accepted")
	}
	signature[40] ^= 1
	if VerifyEd25519(&signature, nil, &public) {
		t.Fatal("changed signature accepted")
	}
}

// ZIP-215 accepts the small-order key and R of all zero bytes with s = 0 for every message; RFC 8032 libraries differ.
func TestVerifyEd25519_FollowsZIP215OnSmallOrderPoints(t *testing.T) {
	var public [32]byte
	var signature [64]byte
	if !VerifyEd25519(&signature, []byte("anything"), &public) {
		t.Fatal("small-order point refused")
	}
	identityNonCanonical := [32]byte(unhex(t, "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"))
	if !VerifyEd25519(&signature, nil, &identityNonCanonical) {
		t.Fatal("non-canonical point refused")
	}
	copy(signature[32:], unhex(t, "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")) // the group order
	if VerifyEd25519(&signature, nil, &public) {
		t.Fatal("s that is not canonical accepted")
	}
}

// Made by schnorrkel before its audit, in sp-core's tests.
func TestVerifySr25519_OldSignatureOnlyInDeprecatedForm(t *testing.T) {
	public := [32]byte(unhex(t, "b4bfa1f7a5166695eb75299fd1c4c03ea212871c342f2c5dfea0902b2c246918"))
	signature := [64]byte(unhex(t, "5a9755f069939f45d96aaf125cf5ce7ba1db998686f87f2fb3cbdea922078741a73891ba265f70c31436e18a9acd14d189d73c12317ab6c313285cd938453202"))
	message := []byte("Verifying that I am the owner of 5G9hQLdsKQswNPgB499DeA5PkFBbgkLPJWkkS6FAM6xGQ8xD. Hash: 221455a3\n")
	if !VerifySr25519Deprecated(&signature, message, &public) {
		t.Error("deprecated form refuses an old signature")
	}
	if VerifySr25519(&signature, message, &public) {
		t.Error("current form accepts an old signature")
	}
	if VerifySr25519Deprecated(&signature, message[1:], &public) {
		t.Error("deprecated form accepts another message")
	}
}

func TestVerifySr25519_ContextIsSubstrate(t *testing.T) {
	mini, err := sr25519.NewMiniSecretKeyFromBytes(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	pair := mini.ExpandEd25519().KeyPair()
	publicBytes, _ := pair.PublicKey().MarshalBinary()
	public, message := [32]byte(publicBytes), []byte("a message")
	for context, want := range map[string]bool{"substrate": true, "": false, "Substrate": false} {
		signed, err := pair.Sign(nil, sr25519.NewSigningContext([]byte(context)).NewTranscriptBytes(message))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := signed.MarshalBinary()
		signature := [64]byte(b)
		if got := VerifySr25519(&signature, message, &public); got != want {
			t.Errorf("context %q: %v, want %v", context, got, want)
		}
		if got := VerifySr25519Deprecated(&signature, message, &public); got != want {
			t.Errorf("context %q, deprecated form: %v, want %v", context, got, want)
		}
		signature[63] &= 0x7f
		if VerifySr25519(&signature, message, &public) {
			t.Errorf("context %q: unmarked signature accepted", context)
		}
	}
	notAPoint := [32]byte(bytes.Repeat([]byte{0xff}, 32))
	var signature [64]byte
	if VerifySr25519(&signature, message, &notAPoint) || VerifySr25519Deprecated(&signature, message, &notAPoint) {
		t.Error("a key that is no point is accepted")
	}
}

func ecdsaFixture() (signature [65]byte, digest [32]byte) {
	key := secp256k1.PrivKeyFromBytes(bytes.Repeat([]byte{9}, 32))
	digest = sha256.Sum256([]byte("digest"))
	compact := ecdsa.SignCompact(key, digest[:], false)
	copy(signature[:], compact[1:])
	signature[64] = compact[0] - 27
	return signature, digest
}

func TestRecoverSecp256k1_FindsTheSigner(t *testing.T) {
	key := secp256k1.PrivKeyFromBytes(bytes.Repeat([]byte{9}, 32))
	public := PublicKey{key.PubKey()}
	seen := map[byte]bool{}
	for i := range byte(16) {
		digest := sha256.Sum256([]byte{i})
		compact := ecdsa.SignCompact(key, digest[:], false)
		v := compact[0] - 27
		seen[v] = true
		for _, numbers := range []Numbers{Strict, Overflowing} {
			for _, offset := range []byte{0, 27} {
				form := [65]byte(append(append([]byte(nil), compact[1:]...), v+offset))
				got, err := RecoverSecp256k1(&form, &digest, numbers)
				if err != nil || got.Compressed() != public.Compressed() || got.Uncompressed() != public.Uncompressed() {
					t.Errorf("numbers %d, v %d: %v", numbers, v+offset, err)
				}
			}
		}
	}
	if !seen[0] || !seen[1] {
		t.Errorf("recovery ids seen: %v, want 0 and 1", seen)
	}
}

func TestRecoverSecp256k1_Refuses(t *testing.T) {
	signature, digest := ecdsaFixture()
	change := func(at int, with []byte) [65]byte {
		changed := signature
		copy(changed[at:], with)
		return changed
	}
	ones := bytes.Repeat([]byte{0xff}, 32)
	for _, c := range []struct {
		name      string
		signature [65]byte
		strict    error
		overflow  error
	}{
		{"v is 4", change(64, []byte{4}), BadV, BadV},
		{"v is 26", change(64, []byte{26}), BadV, BadV},
		{"v is 31", change(64, []byte{31}), BadV, BadV},
		{"r is the group order and more", change(0, ones), BadRS, nil},
		{"s is the group order and more", change(32, ones), BadRS, nil},
		{"r is zero", change(0, make([]byte, 32)), BadSignature, BadSignature},
		{"s is zero", change(32, make([]byte, 32)), BadSignature, BadSignature},
	} {
		if _, err := RecoverSecp256k1(&c.signature, &digest, Strict); !errors.Is(err, c.strict) {
			t.Errorf("%s, strict: %v, want %v", c.name, err, c.strict)
		}
		_, err := RecoverSecp256k1(&c.signature, &digest, Overflowing)
		// Reduced numbers are another signature: it may recover some key or none, but it is not out of range.
		if c.overflow != nil && !errors.Is(err, c.overflow) || c.overflow == nil && errors.Is(err, BadRS) {
			t.Errorf("%s, overflowing: %v, want %v", c.name, err, c.overflow)
		}
	}
}

func TestVerifyEcdsa_HashesWithBlake2AndTakesNoOffset(t *testing.T) {
	key := secp256k1.PrivKeyFromBytes(bytes.Repeat([]byte{9}, 32))
	public := PublicKey{key.PubKey()}.Compressed()
	message := []byte("a message")
	digest := blake2b.Sum256(message)
	compact := ecdsa.SignCompact(key, digest[:], false)
	var signature [65]byte
	copy(signature[:], compact[1:])
	signature[64] = compact[0] - 27
	for _, numbers := range []Numbers{Strict, Overflowing} {
		if !VerifyEcdsa(&signature, message, &public, numbers) {
			t.Errorf("numbers %d: good signature refused", numbers)
		}
		shifted := signature
		shifted[64] += 27
		if VerifyEcdsa(&shifted, message, &public, numbers) {
			t.Errorf("numbers %d: v counted from 27 accepted", numbers)
		}
		if VerifyEcdsa(&signature, message[1:], &public, numbers) {
			t.Errorf("numbers %d: another message accepted", numbers)
		}
	}
}

func BenchmarkVerifySr25519(b *testing.B) {
	mini, _ := sr25519.NewMiniSecretKeyFromBytes(bytes.Repeat([]byte{7}, 32))
	pair := mini.ExpandEd25519().KeyPair()
	message := bytes.Repeat([]byte{1}, 100)
	signed, _ := pair.Sign(nil, substrateContext.NewTranscriptBytes(message))
	signatureBytes, _ := signed.MarshalBinary()
	publicBytes, _ := pair.PublicKey().MarshalBinary()
	signature, public := [64]byte(signatureBytes), [32]byte(publicBytes)
	for b.Loop() {
		if !VerifySr25519(&signature, message, &public) {
			b.Fatal("refused")
		}
	}
}
