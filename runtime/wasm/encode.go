package wasm

// AppendU32 appends v as an unsigned LEB128 number in its shortest form.
func AppendU32(dst []byte, v uint32) []byte {
	for v >= 0x80 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v))
}

// AppendS64 appends v as a signed LEB128 number in its shortest form. It serves i32 values too, sign-extended.
func AppendS64(dst []byte, v int64) []byte {
	for {
		b := byte(v & 0x7f)
		v >>= 7
		if v == 0 && b&0x40 == 0 || v == -1 && b&0x40 != 0 {
			return append(dst, b)
		}
		dst = append(dst, b|0x80)
	}
}

// AppendName appends a length-prefixed string.
func AppendName(dst []byte, name string) []byte {
	return append(AppendU32(dst, uint32(len(name))), name...)
}

// AppendSection appends a section: its id, its size and its content.
func AppendSection(dst []byte, id SectionID, content []byte) []byte {
	dst = AppendU32(append(dst, byte(id)), uint32(len(content)))
	return append(dst, content...)
}

// AppendHeader appends the magic number and version 1 of the binary format.
func AppendHeader(dst []byte) []byte { return append(dst, header...) }
