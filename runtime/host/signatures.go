package host

import (
	"sync"

	"golang.org/x/crypto/blake2b"
)

// signatureGeneration is how many good signatures one generation of a memo remembers. Two generations are kept, and the
// transaction pool holds at most 8,192 transactions: what the pool has checked is still known when it comes in a block.
// An entry takes some 50 bytes, so a full memo takes 2 MiB.
const signatureGeneration = 16_384

// Signatures remembers good signatures, so that a transaction that the pool has checked is not checked again when a block
// is proposed, judged and executed. It changes speed only: a call pays the same gas whether its signature is known or not,
// and a bad signature is never remembered. One memo serves all runtimes of a node. The nil memo remembers nothing.
type Signatures struct {
	mu             sync.Mutex
	young, old     map[signatureKey]struct{}
	mostGeneration int
}

// signatureKey is the hash of everything that a check depends on.
type signatureKey [32]byte

// NewSignatures makes an empty memo.
func NewSignatures() *Signatures {
	return &Signatures{young: map[signatureKey]struct{}{}, mostGeneration: signatureGeneration}
}

// check answers from the memo, or checks and remembers.
func (s *Signatures) check(scheme byte, check schnorrCheck, signature *[64]byte, message []byte, public *[32]byte) bool {
	if s == nil {
		return check(signature, message, public)
	}
	key := keyOf(scheme, signature, message, public)
	if s.known(key) {
		return true
	}
	good := check(signature, message, public)
	if good {
		s.remember(key)
	}
	return good
}

func keyOf(scheme byte, signature *[64]byte, message []byte, public *[32]byte) signatureKey {
	buffer := make([]byte, 0, 512) // a transfer signs some 150 bytes; stays on the stack
	buffer = append(buffer, scheme)
	buffer = append(buffer, signature[:]...)
	buffer = append(buffer, public[:]...)
	return blake2b.Sum256(append(buffer, message...)) // all but the message is of fixed length, so nothing is ambiguous
}

func (s *Signatures) known(key signatureKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.young[key]; ok {
		return true
	}
	_, ok := s.old[key]
	return ok
}

func (s *Signatures) remember(key signatureKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.young) >= s.mostGeneration {
		s.old, s.young = s.young, make(map[signatureKey]struct{}, s.mostGeneration)
	}
	s.young[key] = struct{}{}
}
