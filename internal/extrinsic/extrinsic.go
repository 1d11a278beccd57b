// Package extrinsic builds signed and bare extrinsics of format version 4 for runtimes with the eight usual transaction
// extensions (CheckNonZeroSender, CheckSpecVersion, CheckTxVersion, CheckGenesis, CheckMortality, CheckNonce, CheckWeight,
// ChargeTransactionPayment).
//
// Tools and tests use it to speak to a chain as wallets do. The node itself never builds an extrinsic: what is in one is
// the runtime's business.
// Source: https://docs.polkadot.com/polkadot-protocol/parachain-basics/blocks-transactions-fees/transactions/
package extrinsic

import (
	"fmt"
	"math/bits"

	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
)

const (
	versionBare   = 0x04
	versionSigned = 0x84
	addressID     = 0x00 // MultiAddress::Id
	// maxRawPayloadBytes is the longest payload that is signed as it is; a longer one is signed by its BLAKE2b-256 hash.
	maxRawPayloadBytes = 256
)

// Era says how long an extrinsic may wait. The zero Era is immortal.
type Era struct {
	Period uint64 // blocks, a power of two from 4 to 65536; 0 = immortal
	Birth  uint64 // number of the block whose hash is the checkpoint
}

func (e Era) appendTo(dst []byte) []byte {
	if e.Period == 0 {
		return append(dst, 0)
	}
	quantize := max(e.Period>>12, 1)
	phase := e.Birth % e.Period / quantize
	low := uint64(min(max(bits.TrailingZeros64(e.Period)-1, 1), 15))
	return scale.AppendU16(dst, uint16(low|phase<<4))
}

// Params are what an extrinsic is signed for besides its call.
type Params struct {
	Nonce       uint32
	Tip         uint64
	Era         Era
	SpecVersion uint32
	TxVersion   uint32
	Genesis     primitives.Hash
	Checkpoint  primitives.Hash // hash of block Era.Birth; the genesis hash if immortal
}

// Bare wraps a call without a signature, as inherents are.
func Bare(call []byte) []byte {
	return scale.AppendBytes(nil, append([]byte{versionBare}, call...))
}

// Sign wraps a call and signs it. The result has its length in front, as blocks and RPC carry it.
func Sign(pair *keyring.Pair, call []byte, p Params) ([]byte, error) {
	extras := p.Era.appendTo(nil)
	extras = scale.AppendCompact(extras, uint64(p.Nonce))
	extras = scale.AppendCompact(extras, p.Tip)

	payload := append(append([]byte(nil), call...), extras...)
	payload = scale.AppendU32(payload, p.SpecVersion)
	payload = scale.AppendU32(payload, p.TxVersion)
	payload = append(payload, p.Genesis[:]...)
	payload = append(payload, p.Checkpoint[:]...)
	if len(payload) > maxRawPayloadBytes {
		hash := primitives.Blake2_256(payload)
		payload = hash[:]
	}
	signature, err := pair.MultiSignature(payload)
	if err != nil {
		return nil, fmt.Errorf("signing extrinsic: %w", err)
	}
	account := pair.Account()
	body := append([]byte{versionSigned, addressID}, account[:]...)
	body = append(body, signature...)
	body = append(body, extras...)
	body = append(body, call...)
	return scale.AppendBytes(nil, body), nil
}

// Address appends an account as MultiAddress::Id.
func Address(dst []byte, account primitives.AccountID) []byte {
	return append(append(dst, addressID), account[:]...)
}
