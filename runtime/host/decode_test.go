package host

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

func withSections(sections map[string][]byte) []byte {
	b := wasm.AppendHeader(nil)
	for name, content := range sections {
		b = wasm.AppendSection(b, wasm.SectionCustom, append(wasm.AppendName(nil, name), content...))
	}
	return b
}

func TestVersionOf_Refuses(t *testing.T) {
	good := Version{SpecName: "a", SpecVersion: 7, APIs: []API{{ID: [8]byte{1}, Version: 2}}}
	for _, c := range []struct {
		name string
		code []byte
		text string
	}{
		{"no section", withSections(nil), "no usable custom section runtime_version"},
		{"not Wasm", []byte("text"), "no usable custom section runtime_version"},
		{"cut", withSections(map[string][]byte{"runtime_version": good.Encode()[:5]}), "no usable custom section runtime_version: decoding runtime version of 5 bytes: input ends inside a value: want 4 bytes, have 2"},
		{"longer", withSections(map[string][]byte{"runtime_version": append(good.Encode(), 0)}), "no usable custom section runtime_version: decoding runtime version of 34 bytes: trailing bytes after the value: 1 left"},
		{"half an API", withSections(map[string][]byte{"runtime_version": good.Encode(), "runtime_apis": make([]byte, 13)}), "no usable custom section runtime_version: section runtime_apis has 13 bytes, want a multiple of 12"},
	} {
		_, err := VersionOf(c.code)
		if !errors.Is(err, ErrNoVersion) || err.Error() != c.text {
			t.Errorf("%s: error %v, want %q", c.name, err, c.text)
		}
	}
	got, err := VersionOf(withSections(map[string][]byte{"runtime_version": good.Encode()}))
	if err != nil || string(got.Encode()) != string(good.Encode()) {
		t.Errorf("version %+v, %v", got, err)
	}
}

func TestMergeJSON_FollowsRFC7386(t *testing.T) {
	for _, c := range []struct{ base, patch, want string }{
		{`{"a":1,"b":{"c":2}}`, `{"b":{"d":3}}`, `{"a":1,"b":{"c":2,"d":3}}`},
		{`{"a":1,"b":2}`, `{"a":null}`, `{"b":2}`},
		{`{"a":[1]}`, `{"a":[2,3]}`, `{"a":[2,3]}`},
		{`{"a":1}`, `{"a":{"b":null,"c":1}}`, `{"a":{"c":1}}`},
		{`{}`, `{"a":340282366920938463463374607431768211455}`, `{"a":340282366920938463463374607431768211455}`},
	} {
		got, err := MergeJSON([]byte(c.base), []byte(c.patch))
		if err != nil || string(got) != c.want {
			t.Errorf("%s with %s: %s, %v, want %s", c.base, c.patch, got, err, c.want)
		}
	}
	if _, err := MergeJSON([]byte("{}"), []byte("{")); !errors.Is(err, ErrGenesis) || !strings.HasPrefix(err.Error(), "the genesis configuration is refused: reading JSON: ") {
		t.Errorf("error %v", err)
	}
}

// What decodes, re-encodes to the same bytes; nothing else is accepted.
func FuzzDecodeVersion(f *testing.F) {
	v := Version{SpecName: "sepia", APIs: []API{{}}}
	f.Add(v.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := DecodeVersion(b); err == nil && string(v.Encode()) != string(b) {
			t.Fatalf("%x becomes %x", b, v.Encode())
		}
	})
}

// Arguments may be followed by other bytes, but never announce more than there is, and cost is known before memory is taken.
func FuzzDecodeArguments(f *testing.F) {
	f.Add([]byte{1, 2, 0, 0, 0})
	f.Add([]byte{8, 4, 'a', 4, 'b'})
	f.Add([]byte{0xfe, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		paid := uint64(0)
		pay := func(items uint64) error { paid = items; return nil }
		if items, err := decodeList(b, pay); err == nil {
			again := scale.AppendCompact(nil, uint64(len(items)))
			for _, item := range items {
				again = scale.AppendBytes(again, item)
			}
			if !strings.HasPrefix(string(b), string(again)) || paid != uint64(len(items)) {
				t.Fatalf("list %x becomes %x, %d items paid", b, again, paid)
			}
		}
		if pairs, err := decodePairs(b, pay); err == nil && paid != uint64(len(pairs)) {
			t.Fatalf("%d pairs, %d paid", len(pairs), paid)
		}
		if limit, err := decodeOptionalLimit(b); err == nil && limit != nil && len(b) < 5 {
			t.Fatalf("limit %d from %x", *limit, b)
		}
	})
}

// Whatever is stored as compressed code, unpacking it ends within the limits or in words, and what was packed comes back.
func FuzzDecompress(f *testing.F) {
	f.Add([]byte("\x00asm\x01\x00\x00\x00"))
	bomb, err := Compress(make([]byte, MaxRawBytes+1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(bomb[len(compressedMagic):])
	f.Fuzz(func(t *testing.T, b []byte) {
		raw, err := Decompress(append(bytes.Clone(compressedMagic), b...))
		if err != nil && !errors.Is(err, ErrCode) {
			t.Fatalf("error %v is the node's fault", err)
		}
		if len(raw) > MaxRawBytes {
			t.Fatalf("%d bytes unpacked", len(raw))
		}
		packed, err := Compress(b)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := Decompress(packed); err != nil || !bytes.Equal(back, b) {
			t.Fatalf("%x is packed as %x and unpacked as %x, %v", b, packed, back, err)
		}
	})
}
