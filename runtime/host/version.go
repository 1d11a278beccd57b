package host

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// Custom sections that Substrate's build puts into a blob.
const (
	versionSection = "runtime_version"
	apisSection    = "runtime_apis"
)

// apiEntryBytes is the size of one entry of the runtime_apis section: an 8-byte id and a 4-byte version.
const apiEntryBytes = 12

// ErrNoVersion says that code carries no version that can be read without running it.
var ErrNoVersion = errors.New("no usable custom section " + versionSection)

// API is a runtime API that a blob offers: the hash of its name, and its version.
type API struct {
	ID      [8]byte
	Version uint32
}

// Version is Substrate's RuntimeVersion.
type Version struct {
	SpecName           string
	ImplName           string
	AuthoringVersion   uint32
	SpecVersion        uint32
	ImplVersion        uint32
	APIs               []API
	TransactionVersion uint32
	SystemVersion      uint8
}

// Encode is the SCALE form, as Core_version returns it.
func (v *Version) Encode() []byte {
	b := scale.AppendBytes(nil, []byte(v.SpecName))
	b = scale.AppendBytes(b, []byte(v.ImplName))
	b = scale.AppendU32(b, v.AuthoringVersion)
	b = scale.AppendU32(b, v.SpecVersion)
	b = scale.AppendU32(b, v.ImplVersion)
	b = scale.AppendCompact(b, uint64(len(v.APIs)))
	for _, api := range v.APIs {
		b = append(b, api.ID[:]...)
		b = scale.AppendU32(b, api.Version)
	}
	b = scale.AppendU32(b, v.TransactionVersion)
	return append(b, v.SystemVersion)
}

// DecodeVersion reads what Encode writes. It must be the whole input.
func DecodeVersion(b []byte) (Version, error) {
	d := scale.NewDecoder(b)
	v := Version{
		SpecName: d.String(), ImplName: d.String(),
		AuthoringVersion: d.U32(), SpecVersion: d.U32(), ImplVersion: d.U32(),
	}
	for range d.Length(apiEntryBytes) {
		v.APIs = append(v.APIs, API{ID: [8]byte(d.Fixed(8)), Version: d.U32()})
	}
	v.TransactionVersion = d.U32()
	v.SystemVersion = d.U8()
	if err := d.Finish(); err != nil {
		return Version{}, fmt.Errorf("decoding runtime version of %d bytes: %w", len(b), err)
	}
	return v, nil
}

// VersionOf reads the version from the custom sections of code, which may be compressed. It runs nothing.
func VersionOf(code []byte) (Version, error) {
	raw, err := Decompress(code)
	if err != nil {
		return Version{}, err
	}
	return rawVersion(raw)
}

func rawVersion(raw []byte) (Version, error) {
	section, ok := wasm.CustomSection(raw, versionSection)
	if !ok {
		return Version{}, ErrNoVersion
	}
	v, err := DecodeVersion(section)
	if err != nil {
		return Version{}, fmt.Errorf("%w: %w", ErrNoVersion, err)
	}
	apis, ok := wasm.CustomSection(raw, apisSection)
	if !ok {
		return v, nil
	}
	if len(apis)%apiEntryBytes != 0 {
		return Version{}, fmt.Errorf("%w: section %s has %d bytes, want a multiple of %d", ErrNoVersion, apisSection, len(apis), apiEntryBytes)
	}
	v.APIs = nil
	for ; len(apis) > 0; apis = apis[apiEntryBytes:] {
		v.APIs = append(v.APIs, API{ID: [8]byte(apis[:8]), Version: binary.LittleEndian.Uint32(apis[8:])})
	}
	return v, nil
}
