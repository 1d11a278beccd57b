package host

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/sepia-chain/sepia/internal/primitives"
	"golang.org/x/crypto/sha3"
)

// hashing is a hash function of the host API. On chain the engine serves it in C; this form serves the building of a
// genesis, and is what the C form is compared with.
func hashing(hash func([]byte) []byte) implementation {
	return func(c *call, a []uint64) (uint64, error) {
		input, err := c.input(a[0])
		if err != nil {
			return 0, err
		}
		return c.pointer(hash(input))
	}
}

func blake2_128(b []byte) []byte {
	sum := primitives.Blake2_128(b)
	return sum[:]
}

func blake2_256(b []byte) []byte {
	sum := primitives.Blake2_256(b)
	return sum[:]
}

func sha2_256(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:]
}

func keccak256(b []byte) []byte {
	h := sha3.NewLegacyKeccak256()
	h.Write(b)
	return h.Sum(nil)
}

func keccak512(b []byte) []byte {
	h := sha3.NewLegacyKeccak512()
	h.Write(b)
	return h.Sum(nil)
}

// twox is XXH64 with the seeds 0, 1, ... one after another, each little-endian.
func twox(words int) func([]byte) []byte {
	return func(b []byte) []byte {
		out := make([]byte, 0, 8*words)
		for seed := range words {
			out = binary.LittleEndian.AppendUint64(out, primitives.Twox64(b, uint64(seed)))
		}
		return out
	}
}

// keccakNode and blake2Node hash the nodes of a tree.
func keccakNode(b []byte) [32]byte { return [32]byte(keccak256(b)) }

func blake2Node(b []byte) [32]byte { return primitives.Blake2_256(b) }

// malloc and free exist in Go only for the building of a genesis, whose machine allocates without reuse.
func malloc(c *call, a []uint64) (uint64, error) {
	address, err := c.machine.Alloc(uint32(a[0]))
	return uint64(address), err
}
