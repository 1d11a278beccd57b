package validity

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/sepia-chain/sepia/internal/scale"
)

func TestDecodeAnswer_Vectors(t *testing.T) {
	valid := append(scale.AppendU64([]byte{0}, 5), 4, 8, 0xaa, 0xbb, 8, 4, 1, 4, 2)
	valid = append(scale.AppendU64(valid, 64), 1)
	got, err := DecodeAnswer(valid)
	want := Transaction{Priority: 5, Requires: [][]byte{{0xaa, 0xbb}}, Provides: [][]byte{{1}, {2}}, Longevity: 64, Propagate: true}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v, %v, want %+v", got, err, want)
	}
	for name, c := range map[string]struct {
		input []byte
		want  Error
	}{
		"stale":          {[]byte{1, 0, 3}, Error{Invalid, InvalidStale, 0}},
		"custom":         {[]byte{1, 0, 7, 9}, Error{Invalid, InvalidCustom, 9}},
		"unknown":        {[]byte{1, 1, 1}, Error{Unknown, 1, 0}},
		"unknown custom": {[]byte{1, 1, 2, 9}, Error{Unknown, 2, 9}},
	} {
		_, err := DecodeAnswer(c.input)
		var refused *Error
		if !errors.As(err, &refused) || *refused != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, input := range map[string][]byte{
		"empty": nil, "cut": valid[:len(valid)-1], "trailing": append(bytes.Clone(valid), 0), "result marker": {2},
		"error cut": {1, 0}, "error trailing": {1, 0, 3, 0}, "kind": {1, 2, 0}, "variant": {1, 0, 13}, "unknown variant": {1, 1, 3},
		"custom cut": {1, 0, 7}, "huge list": append(scale.AppendU64([]byte{0}, 5), 0xfe, 0xff, 0xff, 0xff),
	} {
		_, err := DecodeAnswer(input)
		var refused *Error
		if err == nil || errors.As(err, &refused) {
			t.Errorf("%s: %v, want a malformed answer", name, err)
		}
	}
}

func TestError_Texts(t *testing.T) {
	for want, e := range map[string]Error{
		"Custom error: 7":                 {Invalid, InvalidCustom, 7},
		"Custom error: 8":                 {Unknown, 2, 8},
		"Transaction has a bad signature": {Invalid, InvalidBadProof, 0},
		"Could not lookup information required to validate the transaction": {Unknown, 0, 0},
		"Unnamed error 0.200": {Invalid, 200, 0},
	} {
		if got := e.Error(); got != want {
			t.Errorf("%+v: %q, want %q", e, got, want)
		}
	}
}

func TestCheckFormat(t *testing.T) {
	largest := scale.AppendBytes(nil, make([]byte, MaxExtrinsicBytes-4))
	for name, c := range map[string]struct {
		input []byte
		ok    bool
	}{
		"one byte": {[]byte{4, 9}, true}, "largest": {largest, true}, "over": {append(largest, 0), false}, "nothing": {nil, false},
		"empty body": {[]byte{0}, false}, "trailing": {[]byte{4, 9, 9}, false}, "cut": {[]byte{8, 9}, false},
		"two spellings of a length": {[]byte{4 | 1, 0, 9}, false},
	} {
		if err := CheckFormat(c.input); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestIsBare(t *testing.T) {
	for first, want := range map[byte]bool{0x04: true, 0x05: true, 0x84: false, 0x45: false} {
		if got := IsBare([]byte{8, first, 0}); got != want {
			t.Errorf("%#x: %v, want %v", first, got, want)
		}
	}
}

func TestEncodeRequest(t *testing.T) {
	got := EncodeRequest(External, []byte{4, 9}, [32]byte{7})
	if len(got) != 1+2+32 || got[0] != 2 || got[1] != 4 || got[3] != 7 {
		t.Fatalf("%x", got)
	}
}

func FuzzDecodeAnswer(f *testing.F) {
	f.Add([]byte{1, 0, 3})
	f.Add(append(scale.AppendU64([]byte{0}, 5), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := DecodeAnswer(b)
		var refused *Error
		if err != nil && errors.As(err, &refused) && refused.Error() == "" {
			t.Fatal("an error without a text")
		}
		if size := len(v.Requires) + len(v.Provides); size > len(b) {
			t.Fatalf("%d tags out of %d bytes", size, len(b))
		}
	})
}

func FuzzCheckFormat(f *testing.F) {
	f.Add([]byte{4, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		if CheckFormat(b) == nil && !bytes.Equal(scale.AppendBytes(nil, scale.NewDecoder(b).Bytes()), b) {
			t.Fatalf("%x is accepted and has another spelling", b)
		}
	})
}
