package main

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/sepia-chain/sepia/internal/extrinsic"
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
	senders := make([]*keyring.Pair, transfersPerBlock)
	pairs := make([]state.Pair, 0, accounts)
	for i := range senders {
		pair, err := keyring.FromURI(keyring.Sr25519, fmt.Sprintf("//bench//%d", i))
		if err != nil {
			return nil, err
		}
		senders[i] = pair
		pairs = append(pairs, accountPair(pair.Account()))
	}
	for i := len(pairs); i < accounts; i++ {
		pairs = append(pairs, accountPair(numbered(i)))
	}
	c, err := openChain(dir, pairs)
	if err != nil {
		return nil, err
	}
	if _, err := c.block(nil); err != nil { // block 1 carries the genesis time and no transactions
		return nil, err
	}
	var validate, execute, root, commit, sum []time.Duration
	for n := range transferBlocks {
		transactions, err := signTransfers(c, senders, uint32(n))
		if err != nil {
			return nil, err
		}
		begin := time.Now()
		for _, transaction := range transactions {
			if err := c.validate(transaction); err != nil {
				return nil, fmt.Errorf("block %d: %w", c.height+1, err)
			}
		}
		validated := time.Since(begin) / transfersPerBlock
		result, err := c.block(transactions)
		if err != nil {
			return nil, err
		}
		for i, outcome := range result.Outcomes {
			if outcome.Code != 0 {
				return nil, fmt.Errorf("block %d: transfer %d is %v: %v", c.height, i, outcome.Code, outcome.Cause)
			}
		}
		if n < transferWarmUp {
			continue
		}
		validate = append(validate, validated)
		execute = append(execute, c.spent.execute/transfersPerBlock)
		root = append(root, c.spent.root/transfersPerBlock)
		commit = append(commit, c.spent.commit/transfersPerBlock)
		sum = append(sum, (c.spent.execute+c.spent.root+c.spent.commit)/transfersPerBlock)
	}
	return []figure{
		{"transfer: validate in the pool", median(validate), "signature check included"},
		{"transfer: execute", median(execute), "signature known"},
		{"transfer: root", median(root), fmt.Sprintf("%d accounts", accounts)},
		{"transfer: commit", median(commit), "history on, synced"},
		{"transfer: all", median(sum), fmt.Sprintf("median of %d blocks of %d", transferBlocks-transferWarmUp, transfersPerBlock)},
	}, c.close()
}

func signTransfers(c *chain, senders []*keyring.Pair, nonce uint32) ([][]byte, error) {
	version := c.runtime.Version()
	transactions := make([][]byte, len(senders))
	for i, sender := range senders {
		receiver := numbered(transfersPerBlock + int(nonce)*transfersPerBlock + i)
		signed, err := extrinsic.Sign(sender, wallet.TransferKeepAlive(receiver, unit/1_000), extrinsic.Params{
			Nonce: nonce, SpecVersion: version.SpecVersion, TxVersion: version.TransactionVersion, Genesis: c.genesis, Checkpoint: c.genesis,
		})
		if err != nil {
			return nil, err
		}
		transactions[i] = signed
	}
	return transactions, nil
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
