package main

import (
	"errors"
	"fmt"

	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/test/solo"
	"github.com/sepia-chain/sepia/test/wallet"
)

const (
	accounts          = 100_000
	transfersPerBlock = 1_000
	transferBlocks    = 12 // the first two warm up
	transferWarmUp    = 2
)

// benchTransfers times blocks of transfers between accounts that all exist, each sender and receiver once a block.
func benchTransfers(dir string) ([]figure, error) {
	senders, pairs, err := solo.Senders(transfersPerBlock)
	if err != nil {
		return nil, err
	}
	for i := len(pairs); i < accounts; i++ {
		pairs = append(pairs, solo.AccountPair(solo.Numbered(i)))
	}
	c, err := solo.Open(dir, pairs)
	if err != nil {
		return nil, err
	}
	figures, err := measure(c, blocks{
		name: "transfer", transactions: transfersPerBlock, count: transferBlocks, warmUp: transferWarmUp,
		note: fmt.Sprintf("%d accounts", accounts),
		make: func(n int) ([][]byte, error) { return signTransfers(c, senders, uint32(n)) },
	})
	return figures, errors.Join(err, c.Close())
}

func signTransfers(c *solo.Chain, senders []*keyring.Pair, nonce uint32) ([][]byte, error) {
	transactions := make([][]byte, len(senders))
	for i, sender := range senders {
		receiver := solo.Numbered(transfersPerBlock + int(nonce)*transfersPerBlock + i)
		signed, err := c.Sign(sender, nonce, wallet.TransferKeepAlive(receiver, solo.Unit/1_000))
		if err != nil {
			return nil, err
		}
		transactions[i] = signed
	}
	return transactions, nil
}
