// Package scale reads and writes SCALE, Substrate's binary codec: fixed-width little-endian integers, compact integers,
// length-prefixed byte strings, options.
//
// It is not a reflection codec: callers name each field in order, so the layout of a type is visible where it is used.
// A Decoder keeps its first error and returns zero values afterwards; callers check Err or Finish once at the end.
// Source of the format: https://docs.polkadot.com/polkadot-protocol/parachain-basics/data-encoding/
package scale

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"math/bits"
)

// ErrShort says that the input ended inside a value.
var ErrShort = errors.New("input ends inside a value")

// ErrTrailing says that bytes follow the value that should have been the whole input.
var ErrTrailing = errors.New("trailing bytes after the value")

// ErrNotCanonical says that a compact integer uses a longer mode than its value needs.
var ErrNotCanonical = errors.New("compact integer is not in its shortest form")

// AppendCompact appends n as a compact integer: 1, 2, 4 or 5 to 9 bytes.
func AppendCompact(dst []byte, n uint64) []byte {
	switch {
	case n < 1<<6:
		return append(dst, byte(n<<2))
	case n < 1<<14:
		return binary.LittleEndian.AppendUint16(dst, uint16(n<<2|1))
	case n < 1<<30:
		return binary.LittleEndian.AppendUint32(dst, uint32(n<<2|2))
	}
	size := max(4, (bits.Len64(n)+7)/8)
	dst = append(dst, byte((size-4)<<2|3))
	for i := range size {
		dst = append(dst, byte(n>>(8*i)))
	}
	return dst
}

// AppendBytes appends b with its compact length in front.
func AppendBytes(dst, b []byte) []byte {
	return append(AppendCompact(dst, uint64(len(b))), b...)
}

// AppendU16 appends n in 2 bytes.
func AppendU16(dst []byte, n uint16) []byte { return binary.LittleEndian.AppendUint16(dst, n) }

// AppendU32 appends n in 4 bytes.
func AppendU32(dst []byte, n uint32) []byte { return binary.LittleEndian.AppendUint32(dst, n) }

// AppendU64 appends n in 8 bytes.
func AppendU64(dst []byte, n uint64) []byte { return binary.LittleEndian.AppendUint64(dst, n) }

// Decoder reads values from the front of a byte slice. The zero Decoder reads from nothing.
type Decoder struct {
	rest []byte
	err  error
}

// NewDecoder reads from b, which it does not copy: byte strings it returns are parts of b.
func NewDecoder(b []byte) *Decoder { return &Decoder{rest: b} }

// Err is the first error met, or nil.
func (d *Decoder) Err() error { return d.err }

// Rest is what has not been read yet.
func (d *Decoder) Rest() []byte { return d.rest }

// Finish is Err, or ErrTrailing if anything is left.
func (d *Decoder) Finish() error {
	if d.err == nil && len(d.rest) != 0 {
		d.err = fmt.Errorf("%w: %d left", ErrTrailing, len(d.rest))
	}
	return d.err
}

// Fail records err unless an earlier error is there.
func (d *Decoder) Fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.rest = nil
}

// Fixed reads exactly n bytes. It returns nil after an error.
func (d *Decoder) Fixed(n int) []byte {
	if d.err != nil {
		return nil
	}
	if n < 0 || len(d.rest) < n {
		d.Fail(fmt.Errorf("%w: want %d bytes, have %d", ErrShort, n, len(d.rest)))
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

// U8 reads one byte.
func (d *Decoder) U8() uint8 {
	if b := d.Fixed(1); b != nil {
		return b[0]
	}
	return 0
}

// Bool reads one byte that must be 0 or 1.
func (d *Decoder) Bool() bool {
	b := d.U8()
	if b > 1 {
		d.Fail(fmt.Errorf("bool or option marker is %d, want 0 or 1", b))
		return false
	}
	return b == 1
}

// U16 reads 2 bytes.
func (d *Decoder) U16() uint16 {
	if b := d.Fixed(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

// U32 reads 4 bytes.
func (d *Decoder) U32() uint32 {
	if b := d.Fixed(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// U64 reads 8 bytes.
func (d *Decoder) U64() uint64 {
	if b := d.Fixed(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// U128 reads 16 bytes.
func (d *Decoder) U128() *big.Int {
	return littleEndian(d.Fixed(16))
}

// Compact reads a compact integer that must be canonical and fit 64 bits.
func (d *Decoder) Compact() uint64 {
	if d.err == nil && len(d.rest) > 0 && d.rest[0]&3 != compactBig {
		return d.compactSmall()
	}
	n := d.CompactBig()
	if !n.IsUint64() {
		d.Fail(fmt.Errorf("compact integer %s does not fit 64 bits", n))
		return 0
	}
	return n.Uint64()
}

// CompactBig reads a compact integer of any size, which must be canonical.
func (d *Decoder) CompactBig() *big.Int {
	if d.err == nil && len(d.rest) == 0 {
		d.Fail(fmt.Errorf("%w: want a compact integer", ErrShort))
	}
	if d.err != nil {
		return new(big.Int)
	}
	first := d.rest[0]
	if first&3 != compactBig {
		return new(big.Int).SetUint64(d.compactSmall())
	}
	d.U8()
	size := int(first>>2) + 4
	body := d.Fixed(size)
	shortest := max(30, 8*(size-1)) // one byte fewer, or the four-byte mode, holds this many bits
	return d.canonical(littleEndian(body), shortest)
}

// compactBig is the mode of a compact integer, the two low bits of its first byte, in which a length follows.
const compactBig = 3

// compactSmall reads a compact integer of one, two or four bytes, which its first byte tells.
func (d *Decoder) compactSmall() uint64 {
	var n uint64
	var shorterBits int // what the next shorter form holds
	switch d.rest[0] & 3 {
	case 0:
		return uint64(d.U8() >> 2)
	case 1:
		n, shorterBits = uint64(d.U16()>>2), 6
	case 2:
		n, shorterBits = uint64(d.U32()>>2), 14
	}
	if d.err == nil && n>>shorterBits == 0 {
		d.Fail(ErrNotCanonical)
		return 0
	}
	return n
}

// canonical refuses n if it would have fitted shorterBits, the capacity of the next shorter form.
func (d *Decoder) canonical(n *big.Int, shorterBits int) *big.Int {
	if d.err == nil && n.BitLen() <= shorterBits {
		d.Fail(ErrNotCanonical)
		return new(big.Int)
	}
	return n
}

// Length reads a compact count of items that take at least minItemBytes each, so that a short input cannot announce a
// huge list.
func (d *Decoder) Length(minItemBytes int) int {
	n := d.Compact()
	if d.err == nil && n > uint64(len(d.rest)/max(1, minItemBytes)) {
		d.Fail(fmt.Errorf("%w: list of %d items announced, %d bytes left", ErrShort, n, len(d.rest)))
		return 0
	}
	return int(n)
}

// Bytes reads a byte string with its compact length in front. The result is part of the input.
func (d *Decoder) Bytes() []byte {
	return d.Fixed(d.Length(1))
}

// String is Bytes as a string.
func (d *Decoder) String() string { return string(d.Bytes()) }

func littleEndian(b []byte) *big.Int {
	reversed := make([]byte, len(b))
	for i, x := range b {
		reversed[len(b)-1-i] = x
	}
	return new(big.Int).SetBytes(reversed)
}
