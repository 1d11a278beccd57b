package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/sepia-chain/sepia/consensus/driver"
	"github.com/sepia-chain/sepia/internal/extrinsic"
	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/test/solo"
	"github.com/sepia-chain/sepia/test/wallet"
)

// What a weight should be: so many times what its extrinsic takes, because other machines are slower; and at least the gas
// divided by this. Twice the weight is the most: users fill 0.375e12 ps of a block, and a quarter of its gas is 0.75e12. The
// rest is for inherents, hooks and long extrinsics, whose bytes have gas and no weight.
const (
	weightLow     = 1.3
	gasPerWeight  = 1.8
	extrinsicsMax = 200 // in a block
)

// frameCase is a kind of extrinsic.
type frameCase struct {
	label string
	count int // in a block
	// call is the call of a sender; serial is another one each time.
	call func(sender, serial int) []byte
	from int // the first sender
}

// frame is a chain with what its extrinsics need.
type frame struct {
	chain   *solo.Chain
	unit    *unit
	senders []*keyring.Pair
	nonces  []uint32
	serial  int
	deploys uint32 // of //Alice's, whose nonce it is
}

func openFrame(dir string, u *unit) (*frame, error) {
	senders, pairs, err := solo.Senders(extrinsicsMax)
	if err != nil {
		return nil, err
	}
	for i := range accounts {
		pairs = append(pairs, solo.AccountPair(solo.Numbered(i)))
	}
	chain, err := solo.Open(dir, pairs)
	return &frame{chain: chain, unit: u, senders: senders, nonces: make([]uint32, len(senders))}, err
}

// deploy makes a contract.
func (f *frame) deploy(k *solo.Contract, input []byte) error {
	f.deploys++
	return f.chain.Deploy(k, f.deploys-1, input)
}

// block times a block of so many extrinsics.
func (f *frame) block(c frameCase, count int) (spent, error) {
	transactions := make([][]byte, count)
	for i := range transactions {
		sender := c.from + i
		signed, err := f.chain.Sign(f.senders[sender], f.nonces[sender], c.call(sender, f.serial))
		if err != nil {
			return spent{}, err
		}
		f.nonces[sender]++
		f.serial++
		transactions[i] = signed
	}
	start := cpuTime()
	result, err := f.chain.Block(transactions)
	took := cpuTime() - start
	if err != nil {
		return spent{}, err
	}
	for i, outcome := range result.Outcomes {
		if outcome.Code != driver.Applied {
			return spent{}, fmt.Errorf("transaction %d is %v: %v", i, outcome.Code, outcome.Cause)
		}
	}
	weight, err := f.weight()
	return spent{gas: float64(result.Gas), took: took, weight: weight}, err
}

// weight is that of the last block, of all three classes.
func (f *frame) weight() (float64, error) {
	value, err := f.chain.Read(primitives.StoragePrefix("System", "BlockWeight"))
	if err != nil {
		return 0, err
	}
	d := scale.NewDecoder(value)
	sum := uint64(0)
	for range 3 {
		sum += d.Compact()
		d.Compact() // proof size
	}
	return float64(sum), d.Finish()
}

func (f *frame) measure(c frameCase) (each, error) {
	return f.unit.measure(
		func(int) (spent, error) { return f.block(c, c.count) },
		func(int) (spent, error) { return f.block(c, 0) }, c.count)
}

// onFrame runs work on a chain that is thrown away.
func onFrame(u *unit, work func(*frame) error) error {
	dir, err := os.MkdirTemp("", "sepia-calibrate-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	f, err := openFrame(dir, u)
	if err != nil {
		return err
	}
	return errors.Join(work(f), f.chain.Close())
}

// printWeights prints a table's head; its rows are of printWeight.
func printWeights(what string) {
	fmt.Printf("\n%-34s %11s %11s %8s %11s %8s\n", what, "weight", "measured", "ratio", "gas", "gas/weight")
}

// calibrateFrame prints what extrinsics declare, what they take with their share of root and commit, and their gas.
func calibrateFrame(u *unit) error { return onFrame(u, (*frame).calibrateExtrinsics) }

func (f *frame) calibrateExtrinsics() error {
	cases, err := f.cases()
	if err != nil {
		return err
	}
	printWeights("extrinsic, signature unknown")
	empty, err := f.unit.measure(func(int) (spent, error) { return f.block(frameCase{}, 0) }, func(int) (spent, error) { return spent{}, nil }, 1)
	if err != nil {
		return err
	}
	printWeight("an empty block", empty)
	for _, c := range cases {
		found, err := f.measure(c)
		if err != nil {
			return fmt.Errorf("%s: %w", c.label, err)
		}
		printWeight(c.label, found)
	}
	return nil
}

func printWeight(label string, found each) {
	low, dear := "", ""
	if found.weight < weightLow*found.taken {
		low = "<"
	}
	if found.gas > gasPerWeight*found.weight {
		dear = ">"
	}
	fmt.Printf("%-34s %11s %11s %6.2f %1s %11s %6.2f %1s\n", label, picoseconds(found.weight), picoseconds(found.taken),
		found.weight/found.taken, low, picoseconds(found.gas), found.gas/found.weight, dear)
}

// Indexes of pallets and calls of the runtime.
var (
	callRemark   = []byte{0, 0}
	callBatch    = []byte{4, 0}
	callAsMulti  = []byte{5, 1}
	callAddProxy = []byte{6, 1}
	callUpload   = []byte{10, 3}
)

func (f *frame) cases() ([]frameCase, error) {
	plain := []frameCase{
		{label: "remark", count: extrinsicsMax, call: func(_, serial int) []byte { return remark(8, serial) }},
		{label: "remark of 4 KiB", count: extrinsicsMax, call: func(_, serial int) []byte { return remark(4<<10, serial) }},
		{label: "transfer", count: extrinsicsMax, call: func(_, serial int) []byte { return transfer(serial) }},
		{label: "transfer to a new account", count: extrinsicsMax, call: func(_, serial int) []byte { return transfer(accounts + serial) }},
		{label: "batch of 20 remarks", count: extrinsicsMax / 4, call: func(_, serial int) []byte {
			return batch(20, func(i int) []byte { return remark(8, 20*serial+i) })
		}},
		{label: "batch of 20 transfers", count: extrinsicsMax / 4, call: func(_, serial int) []byte {
			return batch(20, func(i int) []byte { return transfer(20*serial + i) })
		}},
		{label: "add a proxy", count: extrinsicsMax / 4, call: func(_, serial int) []byte {
			return binary.LittleEndian.AppendUint32(append(extrinsic.Address(callAddProxy, solo.Numbered(serial)), 0), 0)
		}},
		{label: "first approval of a multisig", count: extrinsicsMax / 4, call: func(_, serial int) []byte { return firstApproval(serial) }},
	}
	contracts, err := f.contractCases()
	return append(plain, contracts...), err
}

func remark(length, serial int) []byte {
	text := make([]byte, length)
	binary.LittleEndian.PutUint64(text, uint64(serial))
	return scale.AppendBytes(bytes.Clone(callRemark), text)
}

func transfer(to int) []byte { return wallet.TransferKeepAlive(solo.Numbered(to), solo.Unit/100) }

func batch(count int, call func(i int) []byte) []byte {
	calls := scale.AppendCompact(bytes.Clone(callBatch), uint64(count))
	for i := range count {
		calls = append(calls, call(i)...)
	}
	return calls
}

// firstApproval is as_multi: a threshold of 2, one other signatory, no timepoint, the call, and the most weight that it may have.
func firstApproval(serial int) []byte {
	other := solo.Numbered(serial)
	call := append(bytes.Clone(callAsMulti), 2, 0, 1<<2)
	call = append(append(call, other[:]...), 0)
	call = append(call, remark(8, serial)...)
	return scale.AppendCompact(scale.AppendCompact(call, 1_000_000_000), 0)
}

// Gas that the extrinsics here allow their contracts: what is not used is given back.
const contractGas = 20_000_000_000

func (f *frame) contractCases() ([]frameCase, error) {
	token, err := solo.ReadContract("erc20")
	if err != nil {
		return nil, err
	}
	flipper, err := solo.ReadContract("flipper")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.deploy(token, token.Input("new", solo.AppendU128(nil, 1<<50))), f.deploy(flipper, flipper.Input("new", []byte{1}))); err != nil {
		return nil, err
	}
	if err := f.spread(token); err != nil {
		return nil, err
	}
	return []frameCase{
		{label: "erc20 transfer", count: extrinsicsMax / 2, call: func(sender, _ int) []byte {
			receiver := f.senders[(sender+1)%len(f.senders)].Account()
			return token.Call("transfer", contractGas, solo.AppendU128(receiver[:], 1))
		}},
		{label: "flip", count: extrinsicsMax / 2, call: func(_, _ int) []byte { return flipper.Call("flip", contractGas, nil) }},
		{label: "upload of a flipper, never seen", count: extrinsicsMax / 40, call: func(_, serial int) []byte {
			call := scale.AppendBytes(bytes.Clone(callUpload), renamed(flipper.Code, "upload", serial))
			return append(call, 0, 0)
		}},
		{label: "instantiation of a flipper, salted", count: extrinsicsMax / 4, call: func(_, serial int) []byte {
			return flipper.Instantiate(contractGas, flipper.Input("new", []byte{1}), binary.LittleEndian.AppendUint64(nil, uint64(serial)))
		}},
	}, nil
}

// spread gives each sender tokens.
func (f *frame) spread(token *solo.Contract) error {
	alice, err := keyring.FromURI(keyring.Sr25519, "//Alice")
	if err != nil {
		return err
	}
	transactions := make([][]byte, len(f.senders))
	for i, sender := range f.senders {
		account := sender.Account()
		transactions[i], err = f.chain.Sign(alice, f.deploys, token.Call("transfer", contractGas, solo.AppendU128(account[:], 1_000)))
		if err != nil {
			return err
		}
		f.deploys++
	}
	return f.chain.Include(transactions)
}
