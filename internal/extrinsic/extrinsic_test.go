package extrinsic

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/sepia-chain/sepia/internal/crypto"
	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/internal/primitives"
)

func TestEra_KnownVectors(t *testing.T) {
	for _, c := range []struct {
		era Era
		hex string
	}{{Era{}, "00"}, {Era{Period: 64, Birth: 42}, "a502"}, {Era{Period: 32, Birth: 42}, "a400"}} {
		if got := hex.EncodeToString(c.era.appendTo(nil)); got != c.hex {
			t.Errorf("era %+v = %s, want %s", c.era, got, c.hex)
		}
	}
}

func TestBare_CarriesLengthAndVersion(t *testing.T) {
	if got := Bare([]byte{1, 2}); !bytes.Equal(got, []byte{0x0c, 0x04, 1, 2}) {
		t.Errorf("Bare = %x", got)
	}
}

// The signature must be over the payload itself up to 256 bytes and over its hash beyond.
func TestSign_PayloadOver256BytesIsHashed(t *testing.T) {
	pair, err := keyring.FromURI(keyring.Ed25519, "//Alice")
	if err != nil {
		t.Fatal(err)
	}
	const extrasAndImplicits = 3 + 4 + 4 + 32 + 32
	for _, callBytes := range []int{10, 256 - extrasAndImplicits, 257 - extrasAndImplicits, 400} {
		call := bytes.Repeat([]byte{7}, callBytes)
		p := Params{SpecVersion: 1, TxVersion: 2, Genesis: primitives.Hash{3}, Checkpoint: primitives.Hash{4}}
		signed, err := Sign(pair, call, p)
		if err != nil {
			t.Fatal(err)
		}
		payload := append(append([]byte(nil), call...), 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0)
		payload = append(append(payload, p.Genesis[:]...), p.Checkpoint[:]...)
		if len(payload) > 256 {
			hash := primitives.Blake2_256(payload)
			payload = hash[:]
		}
		lengthBytes := 2
		start := lengthBytes + 1 + 1 + 32 + 1
		signature := signed[start : start+64]
		if !crypto.VerifyEd25519((*[64]byte)(signature), payload, (*[32]byte)(pair.Public())) {
			t.Errorf("%d bytes of call: the signature does not match", callBytes)
		}
		if !bytes.HasSuffix(signed, call) {
			t.Errorf("%d bytes of call: the call is not at the end", callBytes)
		}
	}
}
