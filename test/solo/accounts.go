package solo

import (
	"encoding/binary"
	"fmt"

	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/state"
)

// Unit is a whole token of the chain.
const Unit = 1_000_000_000_000

// Senders are senders with keys of their own, and their accounts.
func Senders(count int) ([]*keyring.Pair, []state.Pair, error) {
	senders := make([]*keyring.Pair, count)
	pairs := make([]state.Pair, 0, count)
	for i := range senders {
		pair, err := keyring.FromURI(keyring.Sr25519, fmt.Sprintf("//bench//%d", i))
		if err != nil {
			return nil, nil, err
		}
		senders[i] = pair
		pairs = append(pairs, AccountPair(pair.Account()))
	}
	return senders, pairs, nil
}

// Numbered is the i-th account that nobody has a key of.
func Numbered(i int) primitives.AccountID {
	return primitives.AccountID(primitives.Blake2_256(binary.LittleEndian.AppendUint64(nil, uint64(i))))
}

// AccountPair is an account with 1,000 units as FRAME stores it: nonce, consumers, providers, sufficients, then free, reserved,
// frozen and flags.
func AccountPair(account primitives.AccountID) state.Pair {
	hash := primitives.Blake2_128(account[:])
	key := append(append(primitives.StoragePrefix("System", "Account"), hash[:]...), account[:]...)
	value := make([]byte, 80)
	value[8] = 1 // one provider
	binary.LittleEndian.PutUint64(value[16:], 1_000*Unit)
	value[79] = 0x80 // the flag of the new logic
	return state.Pair{Key: key, Value: value}
}
