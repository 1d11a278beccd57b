package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/test/solo"
)

const (
	callGas = 5_000_000_000 // 5 ms

	holders       = 500
	erc20Blocks   = 12
	erc20WarmUp   = 2
	erc20Supply   = 1 << 50
	erc20PerBlock = holders
)

// benchErc20 times blocks of transfers of a token between its holders, each sending and receiving once a block.
func benchErc20(dir string) ([]figure, error) {
	token, err := solo.ReadContract("erc20")
	if err != nil {
		return nil, err
	}
	senders, pairs, err := solo.Senders(holders)
	if err != nil {
		return nil, err
	}
	c, err := solo.Open(dir, pairs)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(c.Deploy(token, 0, token.Input("new", solo.AppendU128(nil, erc20Supply))), spread(c, token, senders)); err != nil {
		return nil, err
	}
	figures, err := measure(c, blocks{
		name: "erc20 transfer", transactions: erc20PerBlock, count: erc20Blocks, warmUp: erc20WarmUp,
		note: fmt.Sprintf("%d holders", holders),
		make: func(n int) ([][]byte, error) {
			transactions := make([][]byte, len(senders))
			for i, sender := range senders {
				receiver := senders[(i+1)%len(senders)].Account()
				transactions[i], err = c.Sign(sender, uint32(n), token.Call("transfer", callGas, solo.AppendU128(receiver[:], 1)))
				if err != nil {
					return nil, err
				}
			}
			return transactions, nil
		},
	})
	return figures, errors.Join(err, c.Close())
}

// spread gives each holder tokens of //Alice's.
func spread(c *solo.Chain, token *solo.Contract, to []*keyring.Pair) error {
	alice, err := keyring.FromURI(keyring.Sr25519, "//Alice")
	if err != nil {
		return err
	}
	transactions := make([][]byte, len(to))
	for i, holder := range to {
		account := holder.Account()
		transactions[i], err = c.Sign(alice, uint32(1+i), token.Call("transfer", callGas, solo.AppendU128(account[:], 1_000)))
		if err != nil {
			return err
		}
	}
	return c.Include(transactions)
}

// benchGet times the dry run of a message that reads one value.
func benchGet(dir string) ([]figure, error) {
	flipper, err := solo.ReadContract("flipper")
	if err != nil {
		return nil, err
	}
	c, err := solo.Open(dir, nil)
	if err != nil {
		return nil, err
	}
	if err := c.Deploy(flipper, 0, flipper.Input("new", []byte{1})); err != nil {
		return nil, err
	}
	caller := solo.Numbered(0)
	input := append(append([]byte{}, caller[:]...), flipper.Address[:]...)
	input = append(solo.AppendU128(input, 0), 0, 0) // no value, no limit of gas, none of deposits
	input = scale.AppendBytes(input, flipper.Input("get", nil))
	var times []time.Duration
	const rounds, each, warmUp = 25, 100, 5
	for round := range rounds {
		start := time.Now()
		for range each {
			result, err := c.Ask("ContractsApi_call", input, solo.AskGas)
			if err != nil {
				return nil, err
			}
			if err := wantTrue(result.Output); err != nil {
				return nil, err
			}
		}
		if round >= warmUp {
			times = append(times, time.Since(start)/each)
		}
	}
	return []figure{{"get: dry run", median(times), "ContractsApi_call of a flipper"}}, c.Close()
}

// wantTrue checks the answer of a dry run: gas and deposits, no debug text, then Ok with no flags and the bytes Ok(true).
func wantTrue(answer []byte) error {
	d := scale.NewDecoder(answer)
	for range 4 { // gas consumed and required, each with a size of proof
		d.Compact()
	}
	d.U8()
	d.U128()  // deposit
	d.Bytes() // debug text
	if failed, reverted := d.U8(), d.U32(); failed != 0 || reverted != 0 {
		return fmt.Errorf("the dry run fails: %x", answer)
	}
	if data := d.Bytes(); string(data) != "\x00\x01" {
		return fmt.Errorf("the contract answers %x", data)
	}
	return d.Err()
}
