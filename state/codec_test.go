package state

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

func TestRule4_TreeKeysOfDifferentKeysDiffer(t *testing.T) {
	seen := map[string]string{}
	for _, c := range []struct{ id, key, name string }{
		{"a", "bc", "child a, key bc"}, {"ab", "c", "child ab, key c"}, {"abc", "", "child abc, empty key"}, {"", "abc", "empty child, key abc"},
	} {
		k := string(ChildTreeKey([]byte(c.id), []byte(c.key)))
		if other, ok := seen[k]; ok {
			t.Errorf("%s and %s have one tree key", c.name, other)
		}
		seen[k] = c.name
		id, key, err := splitTreeKey([]byte(k))
		if err != nil || string(id) != c.id || string(key) != c.key {
			t.Errorf("%s comes back as %q, %q, %v", c.name, id, key, err)
		}
		if id, top, err := splitTreeKey(TreeKey([]byte(k))); err != nil || id != nil || string(top) != k {
			t.Errorf("top key %q comes back as %q, %q, %v", k, id, top, err)
		}
	}
	for _, bad := range [][]byte{nil, {2}, {1, 0, 0, 0}, {1, 0, 0, 0, 2, 'a'}, {1, 255, 255, 255, 255}} {
		if _, _, err := splitTreeKey(bad); !errors.Is(err, ErrCorrupt) {
			t.Errorf("tree key %x: %v, want ErrCorrupt", bad, err)
		}
	}
}

func TestRule2_HistoryKeysSortByKeyThenNewestFirst(t *testing.T) {
	type version struct {
		key    string
		height uint32
	}
	var all []version
	for _, k := range []string{"", "\x00", "\x00\x00", "\x00\x01", "\x00\xff", "\x01", "a", "a\x00", "a\x00\x00", "a\x00b", "a\x01", "ab", "\xff", "\xff\x00", "\xff\xff"} {
		for _, h := range []uint32{0, 1, 255, 256, 1<<32 - 1} {
			all = append(all, version{k, h})
		}
	}
	for _, a := range all {
		for _, b := range all {
			want := bytes.Compare([]byte(a.key), []byte(b.key))
			if want == 0 && a.height != b.height {
				want = 1
				if a.height > b.height {
					want = -1
				}
			}
			got := bytes.Compare(appendHistoryKey(nil, []byte(a.key), a.height), appendHistoryKey(nil, []byte(b.key), b.height))
			if got != want {
				t.Fatalf("%q at %d against %q at %d sorts %d, want %d", a.key, a.height, b.key, b.height, got, want)
			}
		}
		skip := append(appendEscaped([]byte{keyHistory}, []byte(a.key)), 0, escSkip)
		for _, b := range all {
			key := appendHistoryKey(nil, []byte(b.key), b.height)
			if below := bytes.Compare(key, skip) < 0; below != (b.key <= a.key) {
				t.Fatalf("skipping the versions of %q: %q is below %v", a.key, b.key, below)
			}
		}
	}
}

func TestAfter_IsTheEndOfAPrefix(t *testing.T) {
	for _, c := range []struct{ prefix, want []byte }{
		{[]byte{1}, []byte{2}}, {[]byte{1, 255}, []byte{2}}, {[]byte{255, 255}, nil}, {nil, nil}, {[]byte{0, 0}, []byte{0, 1}},
	} {
		if got := after(c.prefix); !bytes.Equal(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("after(%x) = %x, want %x", c.prefix, got, c.want)
		}
	}
}

func TestDecoders_RefuseWhatWasNeverWritten(t *testing.T) {
	list := encodeChangeList([]changedKey{{[]byte("\x00a"), 3, true}})
	for i := range list {
		for bit := range 8 {
			broken := bytes.Clone(list)
			broken[i] ^= 1 << bit
			if _, err := decodeChangeList(broken); !errors.Is(err, ErrCorrupt) {
				t.Errorf("change list with bit %d of byte %d flipped: %v, want ErrCorrupt", bit, i, err)
			}
		}
	}
	decode := map[string]func([]byte) error{
		"record":      func(b []byte) error { _, err := parseRecord(b); return err },
		"change list": func(b []byte) error { _, err := decodeChangeList(b); return err },
		"meta":        func(b []byte) error { _, err := decodeMeta(b); return err },
		"block":       func(b []byte) error { _, err := decodeBlockInfo(b); return err },
		"body":        func(b []byte) error { _, err := decodeBody(b); return err },
		"history key": func(b []byte) error { _, _, err := parseHistoryKey(b); return err },
	}
	bigRecord := (&record{tag: tagBig, size: maxInline}).append(nil)
	for name, inputs := range map[string][][]byte{
		"record":      {nil, {0, 0}, {1, 0, 0, 0}, append([]byte{1, 0, 0, 0, 0}, make([]byte, maxInline+1)...), {2, 0}, {3, 0, 0, 0, 0}, bigRecord},
		"change list": {nil, {0, 0, 0}},
		"meta":        {nil, make([]byte, 47), make([]byte, 49)},
		"block":       {nil, make([]byte, 20)},
		"body":        {nil, {4}, {0, 0}, {0xfe, 0xff, 0xff, 0xff}},
		"history key": {nil, {keyHistory}, {keyHistory, 0}, {keyHistory, 0, 7}, {keyHistory, 0, escEnd}, {keyState, 0, escEnd, 0, 0, 0, 0, 0, 0, 0, 0}, append([]byte{keyHistory, 0, escEnd}, make([]byte, 8)...)},
	} {
		for _, input := range inputs {
			if err := decode[name](input); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s %x: %v, want ErrCorrupt", name, input, err)
			}
		}
	}
	if _, err := decodeMeta(meta{format: formatVersion + 1}.encode()); err == nil || errors.Is(err, ErrCorrupt) {
		t.Errorf("store of a later format: %v, want an error that is not ErrCorrupt", err)
	}
}

func TestRecords_RoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 31))
	for range 200 {
		r := record{tag: tagInline, height: rng.Uint32(), value: make([]byte, rng.IntN(maxInline+1))}
		if rng.IntN(2) == 0 {
			r = record{tag: tagBig, height: rng.Uint32(), number: rng.Uint32(), size: maxInline + 1 + uint64(rng.Uint32()), sum: [32]byte{byte(rng.Uint32())}}
		}
		if back, err := parseRecord(r.append(nil)); err != nil || !reflect.DeepEqual(back, r) {
			t.Fatalf("record %+v comes back as %+v, %v", r, back, err)
		}
		i := BlockInfo{rng.Uint32(), blockHash(1), []byte("h"), blockHash(2), blockHash(3), rng.Uint32()}
		if back, err := decodeBlockInfo(i.encode()); err != nil || !reflect.DeepEqual(back, i) {
			t.Fatalf("block %+v comes back as %+v, %v", i, back, err)
		}
		m := meta{formatVersion, rng.Uint32(), rng.Uint64(), blockHash(4)}
		if back, err := decodeMeta(m.encode()); err != nil || back != m {
			t.Fatalf("meta %+v comes back as %+v, %v", m, back, err)
		}
	}
}

func FuzzEscape(f *testing.F) {
	f.Add([]byte("a\x00\x00\xff"), []byte{0, 1})
	f.Add([]byte{}, []byte{0})
	f.Fuzz(func(t *testing.T, key, rest []byte) {
		escaped := append(appendEscaped(nil, key), 0, escEnd)
		back, after, err := unescape(append(slices.Clip(escaped), rest...))
		if err != nil || !bytes.Equal(back, key) || !bytes.Equal(after, rest) {
			t.Fatalf("key %x comes back as %x with %x, %v", key, back, after, err)
		}
		other := append(appendEscaped(nil, rest), 0, escEnd)
		if bytes.Compare(escaped, other) != bytes.Compare(key, rest) {
			t.Fatalf("%x and %x sort differently when escaped", key, rest)
		}
		if parsed, tail, err := unescape(rest); err == nil {
			if again := append(append(appendEscaped(nil, parsed), 0, escEnd), tail...); !bytes.Equal(again, rest) {
				t.Fatalf("%x unescapes to %x and escapes to %x", rest, parsed, again)
			}
		}
	})
}

func FuzzChangeList(f *testing.F) {
	f.Add(encodeChangeList(nil))
	f.Add(encodeChangeList([]changedKey{{[]byte("\x00a"), 3, true}, {nil, 0, false}}))
	f.Fuzz(func(t *testing.T, input []byte) {
		keys, err := decodeChangeList(input)
		if err == nil && !bytes.Equal(encodeChangeList(keys), input) {
			t.Fatalf("change list %x decodes to %v and encodes to %x", input, keys, encodeChangeList(keys))
		}
		if len(input) < 4 {
			return
		}
		body := encodeChangeList([]changedKey{{input, uint32(len(input)), len(input)%2 == 0}})
		back, err := decodeChangeList(body)
		want := changedKey{input, uint32(len(input)), len(input)%2 == 0}
		if !want.existed {
			want.before = 0
		}
		if err != nil || len(back) != 1 || !reflect.DeepEqual(back[0], want) {
			t.Fatalf("change list comes back as %v, %v", back, err)
		}
	})
}

// What is stored about values and blocks is read as it was written; anything else is corruption, in words.
func FuzzRecord(f *testing.F) {
	f.Add([]byte{tagInline, 1, 0, 0, 0, 9})
	f.Add((&meta{format: formatVersion, height: 3}).encode())
	f.Add((&BlockInfo{Height: 2, Header: []byte("h")}).encode())
	f.Add(encodeBody([][]byte{{1}, nil, {2, 3}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		same := func(what string, again []byte) {
			if !bytes.Equal(again, b) {
				t.Fatalf("%s %x is read as what is written as %x", what, b, again)
			}
		}
		if r, err := parseRecord(b); err == nil {
			same("record", r.append(nil))
		} else if !errors.Is(err, ErrCorrupt) {
			t.Fatal(err)
		}
		if m, err := decodeMeta(b); err == nil {
			same("meta", m.encode())
		}
		if i, err := decodeBlockInfo(b); err == nil {
			same("block", i.encode())
		} else if !errors.Is(err, ErrCorrupt) {
			t.Fatal(err)
		}
		if body, err := decodeBody(b); err == nil {
			same("body", encodeBody(body))
		} else if !errors.Is(err, ErrCorrupt) {
			t.Fatal(err)
		}
	})
}
