package host

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// Limits of a blob's size. What is stored is small enough to travel in one block (block.max_bytes is 4 MiB); what it
// unpacks to bounds the work of validating it.
const (
	MaxCodeBytes = 2 << 20
	MaxRawBytes  = 8 << 20
)

// compressedMagic is what Substrate puts before compressed code.
var compressedMagic = []byte{0x52, 0xbc, 0x53, 0x76, 0x46, 0xdb, 0x8e, 0x05}

// ErrCode says that the bytes of :code cannot be a blob.
var ErrCode = errors.New("not a usable blob")

func isCompressed(code []byte) bool { return bytes.HasPrefix(code, compressedMagic) }

// Decompress gives the Wasm of code, which may be stored compressed. Code that is not compressed is returned as it is.
func Decompress(code []byte) ([]byte, error) {
	if len(code) > MaxCodeBytes {
		return nil, fmt.Errorf("%w: %d bytes are stored, at most %d are allowed", ErrCode, len(code), MaxCodeBytes)
	}
	if !isCompressed(code) {
		return code, nil
	}
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxRawBytes))
	if err != nil {
		return nil, fmt.Errorf("making a decompressor: %w", err)
	}
	defer decoder.Close()
	raw, err := decoder.DecodeAll(code[len(compressedMagic):], nil)
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
		return nil, fmt.Errorf("%w: it unpacks to more than %d bytes", ErrCode, MaxRawBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: unpacking: %w", ErrCode, err)
	}
	return raw, nil
}

// Compress stores Wasm the way Substrate compresses code. The result depends on the library's version, so it is for tools,
// never for consensus.
func Compress(raw []byte) ([]byte, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("making a compressor: %w", err)
	}
	defer encoder.Close()
	return encoder.EncodeAll(raw, bytes.Clone(compressedMagic)), nil
}
