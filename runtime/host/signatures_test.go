package host

import (
	"fmt"
	"testing"

	"github.com/sepia-chain/sepia/internal/crypto"
	"github.com/sepia-chain/sepia/internal/keyring"
)

// counted counts how often a check is really made.
func counted(n *int) schnorrCheck {
	return func(signature *[64]byte, message []byte, public *[32]byte) bool {
		*n++
		return crypto.VerifySr25519(signature, message, public)
	}
}

func TestSignatures_OnlyGoodOnesAreRemembered(t *testing.T) {
	pair, err := keyring.FromURI(keyring.Sr25519, "//Alice")
	if err != nil {
		t.Fatal(err)
	}
	message := []byte("a message")
	b, err := pair.Sign(message)
	if err != nil {
		t.Fatal(err)
	}
	good, public := [64]byte(b), [32]byte(pair.Public())
	memo, checks := NewSignatures(), 0
	check := counted(&checks)
	for _, c := range []struct {
		name    string
		scheme  byte
		change  func(signature *[64]byte, message []byte, public *[32]byte)
		message []byte
		good    bool
		checks  int // made so far
	}{
		{"first", 1, nil, message, true, 1},
		{"again", 1, nil, message, true, 1},
		{"other message", 1, nil, []byte("b message"), false, 2},
		{"other message again: bad ones are not remembered", 1, nil, []byte("b message"), false, 3},
		{"another end of the message", 1, nil, []byte("a messagf"), false, 4},
		{"a longer message", 1, nil, []byte("a messagee"), false, 5},
		{"bit of the signature", 1, func(s *[64]byte, _ []byte, _ *[32]byte) { s[0] ^= 1 }, message, false, 6},
		{"bit of the key", 1, func(_ *[64]byte, _ []byte, p *[32]byte) { p[31] ^= 1 }, message, false, 7},
		{"other scheme", 0, nil, message, true, 8},
		{"the first is still known", 1, nil, message, true, 8},
	} {
		signature, key := good, public
		if c.change != nil {
			c.change(&signature, c.message, &key)
		}
		if got := memo.check(c.scheme, check, &signature, c.message, &key); got != c.good || checks != c.checks {
			t.Errorf("%s: %v after %d checks, want %v after %d", c.name, got, checks, c.good, c.checks)
		}
	}
	var none *Signatures
	if !none.check(1, check, &good, message, &public) || checks != 9 {
		t.Errorf("without a memo: %d checks, want 9", checks)
	}
}

func TestSignatures_AreBounded(t *testing.T) {
	memo := NewSignatures()
	memo.mostGeneration = 4
	checks := 0
	always := func(*[64]byte, []byte, *[32]byte) bool { checks++; return true }
	for i := range 100 {
		memo.check(1, always, &[64]byte{}, fmt.Append(nil, i), &[32]byte{})
		if kept := len(memo.young) + len(memo.old); kept > 2*memo.mostGeneration {
			t.Fatalf("%d signatures kept, at most %d", kept, 2*memo.mostGeneration)
		}
	}
	for i := 100 - memo.mostGeneration; i < 100; i++ {
		memo.check(1, always, &[64]byte{}, fmt.Append(nil, i), &[32]byte{})
	}
	memo.check(1, always, &[64]byte{}, fmt.Append(nil, 100), &[32]byte{}) // a generation begins
	memo.check(1, always, &[64]byte{}, fmt.Append(nil, 99), &[32]byte{})
	if checks != 101 {
		t.Errorf("%d checks, want 101: a whole generation must be known", checks)
	}
	memo.check(1, always, &[64]byte{}, fmt.Append(nil, 0), &[32]byte{})
	if checks != 102 {
		t.Errorf("%d checks, want 102: the oldest must be forgotten", checks)
	}
}
