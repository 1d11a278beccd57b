package wasm

import "unicode/utf8"

// A LEB128 number of n bits has at most ceil(n/7) bytes.
const (
	maxLEB32 = 5
	maxLEB64 = 10
)

// reader walks bytes. base is the file offset of b[0], so that errors name places in the file.
type reader struct {
	b    []byte
	pos  int
	base int
}

func (r *reader) offset() int { return r.base + r.pos }

func (r *reader) left() int { return len(r.b) - r.pos }

func (r *reader) byte() (byte, *Error) {
	if r.pos >= len(r.b) {
		return 0, r.truncated()
	}
	b := r.b[r.pos]
	r.pos++
	return b, nil
}

func (r *reader) truncated() *Error {
	return fail(Truncated, r.base+len(r.b), "the input ends inside an item")
}

// bytes returns the next n bytes without copying them.
func (r *reader) bytes(n uint32) ([]byte, *Error) {
	if uint64(n) > uint64(r.left()) {
		return nil, fail(Truncated, r.offset(), "%d bytes are announced but %d are left", n, r.left())
	}
	b := r.b[r.pos : r.pos+int(n) : r.pos+int(n)]
	r.pos += int(n)
	return b, nil
}

// u32 reads an unsigned LEB128 number. Longer encodings than needed are allowed up to five bytes: linkers pad with them.
func (r *reader) u32() (uint32, *Error) {
	if r.pos < len(r.b) && r.b[r.pos] < 0x80 {
		r.pos++
		return uint32(r.b[r.pos-1]), nil
	}
	return r.longU32()
}

func (r *reader) longU32() (uint32, *Error) {
	start := r.offset()
	var v uint32
	for i := range maxLEB32 {
		b, err := r.byte()
		if err != nil {
			return 0, err
		}
		if i == maxLEB32-1 && b > 0x0f {
			break
		}
		v |= uint32(b&0x7f) << (7 * i)
		if b < 0x80 {
			return v, nil
		}
	}
	return 0, fail(BadNumber, start, "a number does not fit 32 bits")
}

func (r *reader) s32() (int32, *Error) {
	start := r.offset()
	v, err := r.signed(maxLEB32, 32)
	if err != nil {
		return 0, err
	}
	if v != int64(int32(v)) {
		return 0, fail(BadNumber, start, "a number does not fit 32 bits")
	}
	return int32(v), nil
}

func (r *reader) s64() (int64, *Error) { return r.signed(maxLEB64, 64) }

// signed reads a signed LEB128 number of at most maxBytes bytes. The last byte's unused bits must repeat the sign.
func (r *reader) signed(maxBytes, bits int) (int64, *Error) {
	start := r.offset()
	var v int64
	for i := range maxBytes {
		b, err := r.byte()
		if err != nil {
			return 0, err
		}
		v |= int64(b&0x7f) << (7 * i)
		if b >= 0x80 {
			continue
		}
		if i == maxBytes-1 && bits == 64 && b != 0 && b != 0x7f {
			break
		}
		if shift := 7 * (i + 1); shift < 64 && b&0x40 != 0 {
			v |= -1 << shift
		}
		return v, nil
	}
	return 0, fail(BadNumber, start, "a number does not fit %d bits", bits)
}

func (r *reader) name() (string, *Error) {
	start := r.offset()
	n, err := r.u32()
	if err != nil {
		return "", err
	}
	b, err := r.bytes(n)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(b) {
		return "", fail(BadText, start, "a name is not valid UTF-8")
	}
	return string(b), nil
}

// count reads the length of a vector whose items take at least minSize bytes each, so that the caller may allocate it.
func (r *reader) count(what string, minSize int) (uint32, *Error) {
	start := r.offset()
	n, err := r.u32()
	if err != nil {
		return 0, err
	}
	if uint64(n)*uint64(minSize) > uint64(r.left()) {
		return 0, fail(Truncated, start, "%d %s are announced but only %d bytes are left", n, what, r.left())
	}
	return n, nil
}
