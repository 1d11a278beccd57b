package primitives

import (
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestHeader_AllZeroHashIsKnown(t *testing.T) {
	var h Header
	if len(h.Encode()) != 98 {
		t.Fatalf("all-zero header takes %d bytes, want 98", len(h.Encode()))
	}
	const want = "0xdcdd89927d8a348e00257e1ecc8617f45edb5118efff3ea2f9961b2ad9b7690a"
	if got := h.Hash().String(); got != want {
		t.Fatalf("hash %s, want %s", got, want)
	}
}

func TestHeader_RoundTrip(t *testing.T) {
	h := Header{Number: 70000, StateRoot: Hash{1}, Digest: []DigestItem{
		{Kind: DigestPreRuntime, Engine: [4]byte{'c', 'm', 'b', 't'}, Data: []byte{1, 2}},
		{Kind: DigestRuntimeEnvironmentUpdated}, {Kind: DigestOther, Data: []byte{9}},
	}}
	back, err := DecodeHeader(h.Encode())
	if err != nil || !reflect.DeepEqual(back, h) {
		t.Fatalf("decoded %+v, %v, want %+v", back, err, h)
	}
}

func TestDecodeHeader_Refuses(t *testing.T) {
	good := (&Header{}).Encode()
	for name, input := range map[string][]byte{
		"cut": good[:97], "trailing byte": append(append([]byte(nil), good...), 0),
		"unknown digest kind": append(append([]byte(nil), good[:97]...), 4, 7),
	} {
		if _, err := DecodeHeader(input); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestAccountID_SS58(t *testing.T) {
	for ss58, key := range map[string]string{
		"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY": "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d",
		"5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty": "8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48",
	} {
		account, err := ParseAddress(ss58)
		if err != nil || hex.EncodeToString(account[:]) != key {
			t.Errorf("ParseAddress(%s) = %x, %v, want %s", ss58, account, err, key)
		}
		if account.String() != ss58 {
			t.Errorf("String() = %s, want %s", account, ss58)
		}
		for _, prefix := range []uint16{0, 63, 64, 255, 16383} {
			if back, err := ParseAddress(EncodeSS58(account, prefix)); err != nil || back != account {
				t.Errorf("prefix %d: %v, %v", prefix, back, err)
			}
		}
		wrong := strings.Replace(ss58, "G", "H", 1)
		if _, err := ParseAddress(wrong); !errors.Is(err, ErrAddress) {
			t.Errorf("ParseAddress(%s) error %v, want ErrAddress", wrong, err)
		}
	}
}

func TestStoragePrefix_KnownKeys(t *testing.T) {
	for _, c := range [][3]string{
		{"System", "Account", "26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9"},
		{"Timestamp", "Now", "f0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb"},
	} {
		if got := hex.EncodeToString(StoragePrefix(c[0], c[1])); got != c[2] {
			t.Errorf("StoragePrefix(%s, %s) = %s, want %s", c[0], c[1], got, c[2])
		}
	}
}

func FuzzDecodeHeader(f *testing.F) {
	f.Add((&Header{}).Encode())
	f.Fuzz(func(t *testing.T, input []byte) {
		if h, err := DecodeHeader(input); err == nil && string(h.Encode()) != string(input) {
			t.Fatalf("header %x re-encodes to %x", input, h.Encode())
		}
	})
}

func FuzzParseAddress(f *testing.F) {
	f.Add("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY")
	f.Add("0x" + strings.Repeat("ab", 32))
	f.Fuzz(func(t *testing.T, text string) {
		account, err := ParseAddress(text)
		if err != nil {
			if !errors.Is(err, ErrAddress) {
				t.Fatalf("%q: error %v", text, err)
			}
			return
		}
		if again, err := ParseAddress(account.String()); err != nil || again != account {
			t.Fatalf("%q is %x, which reads as %x, %v", text, account, again, err)
		}
	})
}
