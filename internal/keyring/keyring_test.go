package keyring

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/sepia-chain/sepia/internal/crypto"
)

func TestFromURI_KnownPublicKeys(t *testing.T) {
	for _, c := range []struct {
		scheme Scheme
		uri    string
		public string
	}{
		{Sr25519, "//Alice", "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"},
		{Sr25519, DevPhrase + "//Alice", "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"},
		{Sr25519, "0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a", "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"},
		{Sr25519, "//Bob", "8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48"},
		{Sr25519, "//Alice//stash", "be5ddb1579b72e84524fc29e78609e3caf42e85aa118ebfe0b0ad404b5bdd25f"},
		{Sr25519, "/Alice", "d6c71059dbbe9ad2b0ed3f289738b800836eb425544ce694825285b958ca755e"},
		{Ed25519, "//Alice", "88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee"},
		{Ecdsa, "//Alice", "020a1091341fe5664bfa1782d5e04779689068c916b04cb365ec3153755684d9a1"},
		{Ed25519, "0x9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"},
	} {
		pair, err := FromURI(c.scheme, c.uri)
		if err != nil {
			t.Errorf("%s %q: %v", c.scheme, c.uri, err)
			continue
		}
		if got := hex.EncodeToString(pair.Public()); got != c.public {
			t.Errorf("%s %q: public key %s, want %s", c.scheme, c.uri, got, c.public)
		}
	}
}

func TestDevAccounts_KnownAddresses(t *testing.T) {
	want := []string{
		"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
		"5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
		"5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y",
		"5DAAnrj7VHTznn2AWBemMuyBwZWs6FNFjdyVXUeYum3PTXFy",
		"5HGjWAeFDfFCWPsjFQdVV2Msvz2XtMktvgocEZcCj68kUMaw",
		"5CiPPseXPECbkjWCa6MnjNokrgYjMqmKndv2rSnekmSK2DjL",
		"5GNJqTPyNqANBkUVMN1LPPrxXnFouWXoe2wNSmmEoLctxiZY",
	}
	accounts, err := DevAccounts()
	if err != nil {
		t.Fatal(err)
	}
	if len(accounts) != 12 {
		t.Fatalf("%d accounts, want 12", len(accounts))
	}
	for i, address := range want {
		if got := accounts[i].Pair.Account().String(); got != address {
			t.Errorf("%s: %s, want %s", accounts[i].URI, got, address)
		}
	}
}

// The public vectors of substrate-bip39: the seed is stretched from the entropy, with the password "Substrate".
func TestMnemonicSeed_KnownVectors(t *testing.T) {
	for phrase, seed := range map[string]string{
		"abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about": "44e9d125f037ac1d51f0a7d3649689d422c2af8b1ec8e00d71db4d7bf6d127e3",
		"ozone drill grab fiber curtain grace pudding thank cruise elder eight picnic":                  "f4956be6960bc145cdab782e649a5056598fd07cd3f32ceb73421c3da2783324",
	} {
		got, err := MnemonicSeed(phrase, "Substrate")
		if err != nil || hex.EncodeToString(got[:]) != seed {
			t.Errorf("%q: seed %x, %v, want %s", phrase, got, err, seed)
		}
	}
}

func TestFromURI_PasswordAndJunctionsChangeTheKey(t *testing.T) {
	seen := map[string]string{}
	for _, uri := range []string{"//Alice", "//Alice///x", "/Alice", "//1", "/1", "//alice", "//" + strings.Repeat("a", 40), "//Alice/1"} {
		pair, err := FromURI(Sr25519, uri)
		if err != nil {
			t.Fatalf("%q: %v", uri, err)
		}
		key := string(pair.Public())
		if other, ok := seen[key]; ok {
			t.Errorf("%q and %q give one key", uri, other)
		}
		seen[key] = uri
	}
}

func TestFromURI_Refuses(t *testing.T) {
	for _, c := range []struct {
		scheme Scheme
		uri    string
		want   error
		text   string
	}{
		{Sr25519, "not a mnemonic", ErrURI, "not a secret URI: reading mnemonic: Invalid mnenomic"},
		{Sr25519, "0x12", ErrURI, "not a secret URI: a seed is 0x and 64 hex digits"},
		{Sr25519, "Alice/", ErrURI, "not a secret URI: want PHRASE or 0xSEED, then /soft and //hard junctions, then ///PASSWORD"},
		{Ed25519, "/Alice", ErrSoftJunction, "deriving ed25519 key: soft derivation exists only for sr25519"},
		{Ecdsa, "//Alice/1", ErrSoftJunction, "deriving ecdsa key: soft derivation exists only for sr25519"},
		{Ecdsa, "0x" + strings.Repeat("00", 32), ErrURI, "deriving ecdsa key: not a secret URI: the seed is not a number between 0 and the group order"},
	} {
		_, err := FromURI(c.scheme, c.uri)
		if !errors.Is(err, c.want) || err.Error() != c.text {
			t.Errorf("%s %q: error %v, want %q", c.scheme, c.uri, err, c.text)
		}
	}
	if _, err := FromURI(3, "//Alice"); err == nil {
		t.Error("an unknown scheme is accepted")
	}
}

// Signatures of every scheme, also of softly derived keys, verify under the rules that the chain uses.
func TestPair_SignaturesVerify(t *testing.T) {
	message := []byte("a message")
	for _, c := range []struct {
		scheme Scheme
		uri    string
		verify func(signature, public []byte) bool
	}{
		{Sr25519, "//Alice", verifySr25519(message)},
		{Sr25519, "/soft/7//hard", verifySr25519(message)},
		{Ed25519, "//Alice//1", func(s, p []byte) bool {
			return crypto.VerifyEd25519((*[64]byte)(s), message, (*[32]byte)(p))
		}},
		{Ecdsa, "//Alice", func(s, p []byte) bool {
			return crypto.VerifyEcdsa((*[65]byte)(s), message, (*[33]byte)(p), crypto.Strict)
		}},
	} {
		pair, err := FromURI(c.scheme, c.uri)
		if err != nil {
			t.Fatal(err)
		}
		signature, err := pair.MultiSignature(message)
		if err != nil || signature[0] != byte(c.scheme) || !c.verify(signature[1:], pair.Public()) {
			t.Errorf("%s %s: signature does not verify (%v)", c.scheme, c.uri, err)
		}
	}
}

func verifySr25519(message []byte) func(signature, public []byte) bool {
	return func(signature, public []byte) bool {
		return crypto.VerifySr25519((*[64]byte)(signature), message, (*[32]byte)(public))
	}
}

func TestNewMnemonic_IsReadable(t *testing.T) {
	phrase, err := NewMnemonic()
	if err != nil || len(strings.Fields(phrase)) != 12 {
		t.Fatalf("%q, %v", phrase, err)
	}
	if _, err := FromURI(Sr25519, phrase); err != nil {
		t.Fatal(err)
	}
}

func TestScheme_NamesRoundTrip(t *testing.T) {
	for _, s := range []Scheme{Ed25519, Sr25519, Ecdsa} {
		if back, err := ParseScheme(s.String()); err != nil || back != s {
			t.Errorf("%s: %v, %v", s, back, err)
		}
	}
	if _, err := ParseScheme("rsa"); err == nil || err.Error() != `unknown signature scheme "rsa": want sr25519, ed25519 or ecdsa` {
		t.Errorf("error %v", err)
	}
}

func FuzzFromURI(f *testing.F) {
	f.Add("//Alice///pw")
	f.Add("0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a/1")
	f.Fuzz(func(t *testing.T, uri string) {
		pair, err := FromURI(Sr25519, uri)
		if err == nil && len(pair.Public()) != 32 {
			t.Fatalf("%q: public key of %d bytes", uri, len(pair.Public()))
		}
	})
}
