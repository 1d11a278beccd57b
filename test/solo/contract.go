package solo

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/sepia-chain/sepia/internal/extrinsic"
	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
)

const (
	contractsPallet     = 10
	callContract        = 6
	instantiateWithCode = 7
	instantiate         = 8

	deployGas = 50_000_000_000 // 50 ms
)

// Contract is a bundle of contracts/prebuilt, and where it was deployed.
type Contract struct {
	Code      []byte
	selectors map[string][]byte
	Address   primitives.AccountID
}

// ReadContract reads a bundle. Tools run in the repository's root.
func ReadContract(name string) (*Contract, error) {
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
	k := &Contract{Code: unhex(bundle.Source.Wasm), selectors: map[string][]byte{}}
	for _, m := range append(bundle.Spec.Constructors, bundle.Spec.Messages...) {
		k.selectors[m.Label] = unhex(m.Selector)
	}
	return k, err
}

// Input is a message or a constructor with its arguments.
func (k *Contract) Input(label string, arguments []byte) []byte {
	return append(append([]byte{}, k.selectors[label]...), arguments...)
}

// Call is the call of a message without value.
func (k *Contract) Call(label string, gas uint64, arguments []byte) []byte {
	return k.CallRaw(gas, k.Input(label, arguments))
}

// CallRaw is the call with this input.
func (k *Contract) CallRaw(gas uint64, input []byte) []byte {
	call := extrinsic.Address([]byte{contractsPallet, callContract}, k.Address)
	return scale.AppendBytes(limits(call, gas), input)
}

// Instantiate is the call that makes another contract of the code, which is stored already.
func (k *Contract) Instantiate(gas uint64, input, salt []byte) []byte {
	hash := primitives.Blake2_256(k.Code)
	call := append(limits([]byte{contractsPallet, instantiate}, gas), hash[:]...)
	return scale.AppendBytes(scale.AppendBytes(call, input), salt)
}

// limits appends value, gas, and no limit on deposits.
func limits(dst []byte, gas uint64) []byte {
	dst = scale.AppendCompact(dst, 0)
	dst = scale.AppendCompact(scale.AppendCompact(dst, gas), 0)
	return append(dst, 0)
}

// Deploy has //Alice make the contract in a block of its own, with this nonce, and finds its address by the rule for addresses.
func (c *Chain) Deploy(k *Contract, nonce uint32, input []byte) error {
	alice, err := keyring.FromURI(keyring.Sr25519, "//Alice")
	if err != nil {
		return err
	}
	call := scale.AppendBytes(limits([]byte{contractsPallet, instantiateWithCode}, deployGas), k.Code)
	call = scale.AppendBytes(scale.AppendBytes(call, input), nil) // no salt
	transaction, err := c.Sign(alice, nonce, call)
	if err != nil {
		return err
	}
	account, hash := alice.Account(), primitives.Blake2_256(k.Code)
	seed := append(append([]byte("contract_addr_v1"), account[:]...), hash[:]...)
	k.Address = primitives.AccountID(primitives.Blake2_256(scale.AppendBytes(scale.AppendBytes(seed, input), nil)))
	return c.Include([][]byte{transaction})
}

// AppendU128 appends a balance.
func AppendU128(dst []byte, v uint64) []byte {
	return append(binary.LittleEndian.AppendUint64(dst, v), make([]byte, 8)...)
}
