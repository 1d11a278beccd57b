package scale

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

// The vectors are those of the SCALE specification, plus the edges of each mode.
func TestCompact_KnownVectors(t *testing.T) {
	for _, c := range []struct {
		value uint64
		hex   string
	}{
		{0, "00"}, {1, "04"}, {42, "a8"}, {63, "fc"}, {64, "0101"}, {69, "1501"}, {16383, "fdff"}, {16384, "02000100"},
		{65535, "feff0300"}, {1<<30 - 1, "feffffff"}, {1 << 30, "0300000040"}, {1<<32 - 1, "03ffffffff"},
		{1 << 32, "070000000001"}, {100000000000000, "0b00407a10f35a"}, {1<<64 - 1, "13ffffffffffffffff"},
	} {
		got := AppendCompact(nil, c.value)
		if hex.EncodeToString(got) != c.hex {
			t.Errorf("AppendCompact(%d) = %x, want %s", c.value, got, c.hex)
		}
		d := NewDecoder(got)
		if back := d.Compact(); back != c.value || d.Finish() != nil {
			t.Errorf("Compact(%x) = %d, %v, want %d", got, back, d.Err(), c.value)
		}
	}
}

func TestDecoder_Refuses(t *testing.T) {
	for _, c := range []struct {
		name string
		hex  string
		read func(*Decoder)
		want error
	}{
		{"no input", "", func(d *Decoder) { d.Compact() }, ErrShort},
		{"two-byte mode for a small value", "0100", func(d *Decoder) { d.Compact() }, ErrNotCanonical},
		{"four-byte mode for a small value", "02000000", func(d *Decoder) { d.Compact() }, ErrNotCanonical},
		{"two-byte mode for the largest of one byte", "fd00", func(d *Decoder) { d.Compact() }, ErrNotCanonical},
		{"four-byte mode for the largest of two bytes", "feff0000", func(d *Decoder) { d.Compact() }, ErrNotCanonical},
		{"two-byte mode cut short", "15", func(d *Decoder) { d.Compact() }, ErrShort},
		{"four-byte mode cut short", "020000", func(d *Decoder) { d.Compact() }, ErrShort},
		{"big mode for a small value", "0300000000", func(d *Decoder) { d.Compact() }, ErrNotCanonical},
		{"big mode with a zero top byte", "070000000000", func(d *Decoder) { d.Compact() }, ErrNotCanonical},
		{"big mode cut short", "0b00", func(d *Decoder) { d.Compact() }, ErrShort},
		{"byte string cut short", "10aabb", func(d *Decoder) { d.Bytes() }, ErrShort},
		{"huge list announced", "fefffffff0", func(d *Decoder) { d.Length(1) }, ErrShort},
		{"trailing byte", "0401ff", func(d *Decoder) { d.Bytes() }, ErrTrailing},
		{"u32 cut short", "010203", func(d *Decoder) { d.U32() }, ErrShort},
	} {
		input, _ := hex.DecodeString(c.hex)
		d := NewDecoder(input)
		c.read(d)
		if err := d.Finish(); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", c.name, err, c.want)
		}
	}
}

// FuzzDecoder checks that no input panics and that what decodes re-encodes to the same bytes.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte{0x13, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0x0c, 1, 2, 3})
	f.Fuzz(func(t *testing.T, input []byte) {
		d := NewDecoder(input)
		if n := d.Compact(); d.Err() == nil {
			used := input[:len(input)-len(d.Rest())]
			if again := AppendCompact(nil, n); !bytes.Equal(again, used) {
				t.Fatalf("compact %x decodes to %d and encodes to %x", used, n, again)
			}
		}
		d = NewDecoder(input)
		if b := d.Bytes(); d.Err() == nil {
			used := input[:len(input)-len(d.Rest())]
			if again := AppendBytes(nil, b); !bytes.Equal(again, used) {
				t.Fatalf("bytes %x re-encode to %x", used, again)
			}
		}
	})
}

// TestCompact_TakesNoMemory: each transaction of a block is decoded by several readers.
func TestCompact_TakesNoMemory(t *testing.T) {
	for _, value := range []uint64{1, 1 << 8, 1 << 20} {
		encoded := AppendCompact(nil, value)
		if n := testing.AllocsPerRun(10, func() {
			d := Decoder{rest: encoded}
			if d.Compact() != value {
				t.Errorf("Compact(%x) is not %d", encoded, value)
			}
		}); n != 0 {
			t.Errorf("Compact(%x) takes %.0f allocations, want none", encoded, n)
		}
	}
}
