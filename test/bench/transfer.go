package main

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/state"
	"github.com/sepia-chain/sepia/test/wallet"
)

const (
	accounts          = 100_000
	transfersPerBlock = 1_000
	transferBlocks    = 12 // the first two warm up
	transferWarmUp    = 2
	unit              = 1_000_000_000_000
)

// benchTransfers times blocks of transfers between accounts that all exist, each sender and receiver once a block.
func benchTransfers(dir string) ([]figure, error) {
	senders, pairs, err := benchPairs(transfersPerBlock)
	if err != nil {
		return nil, err
	}
	for i := len(pairs); i < accounts; i++ {
		pairs = append(pairs, accountPair(numbered(i)))
	}
	c, err := openChain(dir, pairs)
	if err != nil {
		return nil, err
	}
	figures, err := c.measure(blocks{
		name: "transfer", transactions: transfersPerBlock, count: transferBlocks, warmUp: transferWarmUp,
		note: fmt.Sprintf("%d accounts", accounts),
		make: func(n int) ([][]byte, error) { return signTransfers(c, senders, uint32(n)) },
	})
	return figures, errors.Join(err, c.close())
}

func signTransfers(c *chain, senders []*keyring.Pair, nonce uint32) ([][]byte, error) {
	transactions := make([][]byte, len(senders))
	for i, sender := range senders {
		receiver := numbered(transfersPerBlock + int(nonce)*transfersPerBlock + i)
		signed, err := c.sign(sender, nonce, wallet.TransferKeepAlive(receiver, unit/1_000))
		if err != nil {
			return nil, err
		}
		transactions[i] = signed
	}
	return transactions, nil
}

// benchPairs are senders with keys of their own, and their accounts.
func benchPairs(count int) ([]*keyring.Pair, []state.Pair, error) {
	senders := make([]*keyring.Pair, count)
	pairs := make([]state.Pair, 0, count)
	for i := range senders {
		pair, err := keyring.FromURI(keyring.Sr25519, fmt.Sprintf("//bench//%d", i))
		if err != nil {
			return nil, nil, err
		}
		senders[i] = pair
		pairs = append(pairs, accountPair(pair.Account()))
	}
	return senders, pairs, nil
}

// numbered is the i-th account that nobody has a key of.
func numbered(i int) primitives.AccountID {
	return primitives.AccountID(primitives.Blake2_256(binary.LittleEndian.AppendUint64(nil, uint64(i))))
}

// accountPair is an account with 1,000 UNIT as FRAME stores it: nonce, consumers, providers, sufficients, then free, reserved,
// frozen and flags.
func accountPair(account primitives.AccountID) state.Pair {
	hash := primitives.Blake2_128(account[:])
	key := append(append(primitives.StoragePrefix("System", "Account"), hash[:]...), account[:]...)
	value := make([]byte, 80)
	value[8] = 1 // one provider
	binary.LittleEndian.PutUint64(value[16:], 1_000*unit)
	value[79] = 0x80 // the flag of the new logic
	return state.Pair{Key: key, Value: value}
}
