package main

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/sepia-chain/sepia/internal/extrinsic"
	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
)

const (
	contractsPallet     = 10
	callContract        = 6
	instantiateWithCode = 7

	callGas   = 5_000_000_000  // 5 ms
	deployGas = 50_000_000_000 // 50 ms

	holders       = 500
	erc20Blocks   = 12
	erc20WarmUp   = 2
	erc20Supply   = 1 << 50
	erc20PerBlock = holders
)

// contract is a bundle of contracts/prebuilt, and where it was deployed.
type contract struct {
	code      []byte
	selectors map[string][]byte
	address   primitives.AccountID
}

// readContract reads a bundle. The bench runs in the repository's root.
func readContract(name string) (*contract, error) {
	text, err := os.ReadFile("contracts/prebuilt/ink5/" + name + "/" + name + ".contract")
	if err != nil {
		return nil, err
	}
	type message struct{ Label, Selector string }
	var bundle struct {
		Source struct{ Wasm string }
		Spec   struct{ Constructors, Messages []message }
	}
	if err := json.Unmarshal(text, &bundle); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	unhex := func(s string) []byte {
		b, decodeErr := hex.DecodeString(strings.TrimPrefix(s, "0x"))
		err = errors.Join(err, decodeErr)
		return b
	}
	k := &contract{code: unhex(bundle.Source.Wasm), selectors: map[string][]byte{}}
	for _, m := range append(bundle.Spec.Constructors, bundle.Spec.Messages...) {
		k.selectors[m.Label] = unhex(m.Selector)
	}
	return k, err
}

func (k *contract) input(label string, arguments []byte) []byte {
	return append(append([]byte{}, k.selectors[label]...), arguments...)
}

// call is the call of a message without value.
func (k *contract) call(label string, arguments []byte) []byte {
	call := extrinsic.Address([]byte{contractsPallet, callContract}, k.address)
	return scale.AppendBytes(limits(call, callGas), k.input(label, arguments))
}

// limits appends value, gas, and no limit on deposits.
func limits(dst []byte, gas uint64) []byte {
	dst = scale.AppendCompact(dst, 0)
	dst = scale.AppendCompact(scale.AppendCompact(dst, gas), 0)
	return append(dst, 0)
}

// deploy has //Alice make the contract in a block of its own and finds its address by the rule for addresses.
func (c *chain) deploy(k *contract, constructor string, arguments []byte) error {
	alice, err := keyring.FromURI(keyring.Sr25519, "//Alice")
	if err != nil {
		return err
	}
	input := k.input(constructor, arguments)
	call := scale.AppendBytes(limits([]byte{contractsPallet, instantiateWithCode}, deployGas), k.code)
	call = scale.AppendBytes(scale.AppendBytes(call, input), nil) // no salt
	transaction, err := c.sign(alice, 0, call)
	if err != nil {
		return err
	}
	account, hash := alice.Account(), primitives.Blake2_256(k.code)
	seed := append(append([]byte("contract_addr_v1"), account[:]...), hash[:]...)
	k.address = primitives.AccountID(primitives.Blake2_256(scale.AppendBytes(scale.AppendBytes(seed, input), nil)))
	return c.include([][]byte{transaction})
}

// appendU128 appends a balance.
func appendU128(dst []byte, v uint64) []byte {
	return append(binary.LittleEndian.AppendUint64(dst, v), make([]byte, 8)...)
}

// benchErc20 times blocks of transfers of a token between its holders, each sending and receiving once a block.
func benchErc20(dir string) ([]figure, error) {
	token, err := readContract("erc20")
	if err != nil {
		return nil, err
	}
	senders, pairs, err := benchPairs(holders)
	if err != nil {
		return nil, err
	}
	c, err := openChain(dir, pairs)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(c.deploy(token, "new", appendU128(nil, erc20Supply)), c.spread(token, senders)); err != nil {
		return nil, err
	}
	figures, err := c.measure(blocks{
		name: "erc20 transfer", transactions: erc20PerBlock, count: erc20Blocks, warmUp: erc20WarmUp,
		note: fmt.Sprintf("%d holders", holders),
		make: func(n int) ([][]byte, error) {
			transactions := make([][]byte, len(senders))
			for i, sender := range senders {
				receiver := senders[(i+1)%len(senders)].Account()
				transactions[i], err = c.sign(sender, uint32(n), token.call("transfer", appendU128(receiver[:], 1)))
				if err != nil {
					return nil, err
				}
			}
			return transactions, nil
		},
	})
	return figures, errors.Join(err, c.close())
}

// spread gives each holder tokens of //Alice's.
func (c *chain) spread(token *contract, to []*keyring.Pair) error {
	alice, err := keyring.FromURI(keyring.Sr25519, "//Alice")
	if err != nil {
		return err
	}
	transactions := make([][]byte, len(to))
	for i, holder := range to {
		account := holder.Account()
		transactions[i], err = c.sign(alice, uint32(1+i), token.call("transfer", appendU128(account[:], 1_000)))
		if err != nil {
			return err
		}
	}
	return c.include(transactions)
}

// benchGet times the dry run of a message that reads one value.
func benchGet(dir string) ([]figure, error) {
	flipper, err := readContract("flipper")
	if err != nil {
		return nil, err
	}
	c, err := openChain(dir, nil)
	if err != nil {
		return nil, err
	}
	if err := c.deploy(flipper, "new", []byte{1}); err != nil {
		return nil, err
	}
	caller := numbered(0)
	input := append(append([]byte{}, caller[:]...), flipper.address[:]...)
	input = append(appendU128(input, 0), 0, 0) // no value, no limit of gas, none of deposits
	input = scale.AppendBytes(input, flipper.input("get", nil))
	var times []time.Duration
	const rounds, each, warmUp = 25, 100, 5
	for round := range rounds {
		start := time.Now()
		for range each {
			output, err := c.ask("ContractsApi_call", input, askGas)
			if err != nil {
				return nil, err
			}
			if err := wantTrue(output); err != nil {
				return nil, err
			}
		}
		if round >= warmUp {
			times = append(times, time.Since(start)/each)
		}
	}
	return []figure{{"get: dry run", median(times), "ContractsApi_call of a flipper"}}, c.close()
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
