package host

import (
	"errors"

	"github.com/sepia-chain/sepia/internal/crypto"
)

// batch is Substrate's abandoned batch verification: signatures are checked at once, and the conjunction is kept.
type batch struct{ open, good bool }

func (b *batch) add(good bool) uint64 {
	b.good = b.good && good
	return boolean(good)
}

func startBatchVerify(c *call, _ []uint64) (uint64, error) {
	if c.batch.open {
		return 0, faultf("batch verification is already started")
	}
	c.batch = batch{open: true, good: true}
	return 0, nil
}

func finishBatchVerify(c *call, _ []uint64) (uint64, error) {
	if !c.batch.open {
		return 0, faultf("batch verification was not started")
	}
	good := c.batch.good
	c.batch = batch{}
	return boolean(good), nil
}

// schnorrArguments reads signature, message and key of an sr25519 or ed25519 check.
func (c *call) schnorrArguments(a []uint64) (signature *[64]byte, message []byte, public *[32]byte, err error) {
	s, err := c.fixed(a[0], 64)
	if err != nil {
		return nil, nil, nil, err
	}
	message, err = c.input(a[1])
	if err != nil {
		return nil, nil, nil, err
	}
	p, err := c.fixed(a[2], 32)
	if err != nil {
		return nil, nil, nil, err
	}
	return (*[64]byte)(s), message, (*[32]byte)(p), nil
}

type schnorrCheck func(signature *[64]byte, message []byte, public *[32]byte) bool

// The schemes of Signatures. The deprecated form accepts more, so it is a scheme of its own.
const (
	memoEd25519 = iota
	memoSr25519
	memoSr25519Deprecated
)

func verifyWith(scheme byte, check schnorrCheck) implementation {
	return func(c *call, a []uint64) (uint64, error) {
		signature, message, public, err := c.schnorrArguments(a)
		if err != nil {
			return 0, err
		}
		return boolean(c.signatures.check(scheme, check, signature, message, public)), nil
	}
}

// inBatch adds what a checking function answers to the batch.
func inBatch(verify implementation) implementation {
	return func(c *call, a []uint64) (uint64, error) {
		good, err := verify(c, a)
		if err != nil {
			return 0, err
		}
		return c.batch.add(good != 0), nil
	}
}

func ecdsaVerify(numbers crypto.Numbers) implementation {
	return func(c *call, a []uint64) (uint64, error) {
		signature, err := c.fixed(a[0], 65)
		if err != nil {
			return 0, err
		}
		message, err := c.input(a[1])
		if err != nil {
			return 0, err
		}
		public, err := c.fixed(a[2], 33)
		if err != nil {
			return 0, err
		}
		return boolean(crypto.VerifyEcdsa((*[65]byte)(signature), message, (*[33]byte)(public), numbers)), nil
	}
}

func ecdsaVerifyPrehashed(c *call, a []uint64) (uint64, error) {
	signature, err := c.fixed(a[0], 65)
	if err != nil {
		return 0, err
	}
	digest, err := c.fixed(a[1], 32)
	if err != nil {
		return 0, err
	}
	public, err := c.fixed(a[2], 33)
	if err != nil {
		return 0, err
	}
	good := crypto.VerifyEcdsaPrehashed((*[65]byte)(signature), (*[32]byte)(digest), (*[33]byte)(public), crypto.Strict)
	return boolean(good), nil
}

// ecdsaRecover returns a SCALE Result<key, EcdsaVerifyError>.
func ecdsaRecover(numbers crypto.Numbers, encode func(crypto.PublicKey, []byte) []byte) implementation {
	return func(c *call, a []uint64) (uint64, error) {
		signature, err := c.fixed(a[0], 65)
		if err != nil {
			return 0, err
		}
		digest, err := c.fixed(a[1], 32)
		if err != nil {
			return 0, err
		}
		key, err := crypto.RecoverSecp256k1((*[65]byte)(signature), (*[32]byte)(digest), numbers)
		if reason := crypto.RecoverError(0); errors.As(err, &reason) {
			return c.machine.Return([]byte{1, byte(reason)})
		}
		c.scratch = encode(key, append(c.scratch[:0], 0))
		return c.machine.Return(c.scratch)
	}
}

func appendUncompressed(key crypto.PublicKey, dst []byte) []byte {
	b := key.Uncompressed()
	return append(dst, b[:]...)
}

func appendCompressed(key crypto.PublicKey, dst []byte) []byte {
	b := key.Compressed()
	return append(dst, b[:]...)
}

// unavailable is a function that would reveal or use something of the node; calling it ends the call.
func unavailable(why string) implementation {
	return func(*call, []uint64) (uint64, error) { return 0, faultf("%s", why) }
}
