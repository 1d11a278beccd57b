package chaintest

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sepia-chain/sepia/internal/extrinsic"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
)

// Unit is a whole token of the dev chain.
const Unit = 1_000_000_000_000

// Millisecond of gas: gas is picoseconds.
const Millisecond = 1_000_000_000

// Indexes of pallets of the dev chain.
const (
	system    = 0
	sudo      = 7
	utility   = 4
	contracts = 10
)

// depositLimit is what calls here allow for deposits; accounts of the dev chain have more.
const depositLimit = 10_000 * Unit

// EventsKey is where the events of a block are.
var EventsKey = primitives.StoragePrefix("System", "Events")

// Bundle is a contract of contracts/prebuilt/ink5.
type Bundle struct {
	Code      []byte
	selectors map[string][]byte
}

// Load reads a contract from a package two folders below the root of the repository.
func Load(tb testing.TB, name string) Bundle {
	tb.Helper()
	path := "../../contracts/prebuilt/ink5/" + name + "/" + name
	code, err := os.ReadFile(path + ".wasm")
	must(tb, err)
	text, err := os.ReadFile(path + ".json")
	must(tb, err)
	type message struct{ Label, Selector string }
	var metadata struct {
		Spec struct{ Constructors, Messages []message }
	}
	must(tb, json.Unmarshal(text, &metadata))
	b := Bundle{code, map[string][]byte{}}
	for _, m := range append(metadata.Spec.Constructors, metadata.Spec.Messages...) {
		b.selectors[m.Label], err = hex.DecodeString(strings.TrimPrefix(m.Selector, "0x"))
		must(tb, err)
	}
	return b
}

// Input encodes a message or constructor with arguments that are encoded already.
func (b Bundle) Input(label string, arguments ...[]byte) []byte {
	selector, ok := b.selectors[label]
	if !ok {
		panic("the contract has no message " + label)
	}
	return append(bytes.Clone(selector), bytes.Join(arguments, nil)...)
}

func weight(dst []byte, gas uint64) []byte {
	return scale.AppendCompact(scale.AppendCompact(dst, gas), 0)
}

func limits(dst []byte, value, gas uint64) []byte {
	dst = weight(scale.AppendCompact(dst, value), gas)
	return scale.AppendCompact(append(dst, 1), depositLimit)
}

// UploadCode is the call that stores code.
func UploadCode(code []byte) []byte {
	const upload, noDepositLimit, enforced = 3, 0, 0
	return append(scale.AppendBytes([]byte{contracts, upload}, code), noDepositLimit, enforced)
}

// Call is the call of a contract.
func Call(contract primitives.AccountID, value, gas uint64, input []byte) []byte {
	const call = 6
	return scale.AppendBytes(limits(extrinsic.Address([]byte{contracts, call}, contract), value, gas), input)
}

// InstantiateWithCode is the call that stores code and makes a contract of it.
func InstantiateWithCode(value, gas uint64, code, input, salt []byte) []byte {
	const instantiateWithCode = 7
	call := scale.AppendBytes(limits([]byte{contracts, instantiateWithCode}, value, gas), code)
	return scale.AppendBytes(scale.AppendBytes(call, input), salt)
}

// SudoBatch is the call that has root do several calls; a failing one ends it.
func SudoBatch(calls ...[]byte) []byte {
	const sudoSudo = 0
	return append([]byte{sudo, sudoSudo}, Batch(calls...)...)
}

// Batch is the call that does several calls.
func Batch(calls ...[]byte) []byte {
	const batch = 0
	call := scale.AppendCompact([]byte{utility, batch}, uint64(len(calls)))
	return append(call, bytes.Join(calls, nil)...)
}

// Remark is the call that does nothing.
func Remark(text string) []byte { return scale.AppendBytes([]byte{system, 0}, []byte(text)) }

// ContractAddress is the account of a contract.
func ContractAddress(deployer primitives.AccountID, code, input, salt []byte) primitives.AccountID {
	hash := primitives.Blake2_256(code)
	seed := append([]byte("contract_addr_v1"), deployer[:]...)
	seed = append(seed, hash[:]...)
	return primitives.AccountID(primitives.Blake2_256(scale.AppendBytes(scale.AppendBytes(seed, input), salt)))
}

// DryCall is the input of ContractsApi_call. Without gas there is no limit but the block's.
func DryCall(origin, contract primitives.AccountID, gas uint64, input []byte) []byte {
	data := append(append([]byte{}, origin[:]...), contract[:]...)
	return scale.AppendBytes(dryLimits(data, gas), input)
}

func dryLimits(dst []byte, gas uint64) []byte {
	dst = append(dst, make([]byte, 16)...) // value
	if gas == 0 {
		dst = append(dst, 0)
	} else {
		dst = weight(append(dst, 1), gas)
	}
	return append(dst, 0) // no limit on deposits
}

// DryInstantiate is the input of ContractsApi_instantiate with code that is not stored.
func DryInstantiate(origin primitives.AccountID, code, input, salt []byte) []byte {
	const upload = 0
	data := append(dryLimits(append([]byte{}, origin[:]...), 0), upload)
	return scale.AppendBytes(scale.AppendBytes(scale.AppendBytes(data, code), input), salt)
}

// DryUpload is the input of ContractsApi_upload_code.
func DryUpload(origin primitives.AccountID, code []byte) []byte {
	const noDepositLimit, enforced = 0, 0
	return append(scale.AppendBytes(bytes.Clone(origin[:]), code), noDepositLimit, enforced)
}

// DecodeDryUpload reads why a dry upload is refused; nil if it works.
func DecodeDryUpload(answer []byte) (*ModuleError, error) {
	d := scale.NewDecoder(answer)
	if ok := d.U8() == 0; ok {
		return nil, d.Err()
	}
	failure := decodeError(d)
	return failure, d.Err()
}

// Dry is the result of a dry run.
type Dry struct {
	GasConsumed, GasRequired uint64
	Debug                    string
	Error                    *ModuleError // nil if it worked
	Reverted                 bool
	Data                     []byte
}

// DecodeDry reads the answer to a dry run.
func DecodeDry(answer []byte) (Dry, error) {
	d := scale.NewDecoder(answer)
	r := Dry{GasConsumed: d.Compact()}
	d.Compact()
	r.GasRequired = d.Compact()
	d.Compact()
	d.U8() // charge or refund
	d.U128()
	r.Debug = d.String()
	if d.U8() == 1 {
		r.Error = decodeError(d)
		return r, d.Err()
	}
	r.Reverted = d.U32() != 0
	r.Data = bytes.Clone(d.Bytes())
	return r, d.Err()
}

// ModuleError is why a call failed: error number of a pallet, or another kind of DispatchError, as Pallet -1.
type ModuleError struct{ Pallet, Number int }

func (e *ModuleError) Error() string { return e.String() }

// String names the errors of the contracts pallet, and gives the numbers of others.
func (e *ModuleError) String() string {
	switch {
	case e == nil:
		return "ok"
	case e.Pallet == contracts && e.Number < len(contractErrors):
		return contractErrors[e.Number]
	case e.Pallet < 0:
		return fmt.Sprintf("DispatchError %d", e.Number)
	}
	return fmt.Sprintf("pallet %d, error %d", e.Pallet, e.Number)
}

var contractErrors = strings.Fields(`InvalidSchedule InvalidCallFlags OutOfGas OutputBufferTooSmall TransferFailed MaxCallDepthReached
	ContractNotFound CodeTooLarge CodeNotFound CodeInfoNotFound OutOfBounds DecodingFailed ContractTrapped ValueTooLarge
	TerminatedWhileReentrant InputForwarded RandomSubjectTooLong TooManyTopics NoChainExtension XCMDecodeFailed DuplicateContract
	TerminatedInConstructor ReentranceDenied StateChangeDenied StorageDepositNotEnoughFunds StorageDepositLimitExhausted CodeInUse
	ContractReverted CodeRejected`)

func decodeError(d *scale.Decoder) *ModuleError {
	const module = 3
	kind := d.U8()
	if kind != module {
		return &ModuleError{-1, int(kind)}
	}
	pallet := int(d.U8())
	number := d.Fixed(4)
	if d.Err() != nil {
		return nil
	}
	return &ModuleError{pallet, int(number[0])}
}

// Failure looks how the extrinsic at a place of a block ended: its last event is System.ExtrinsicSuccess or ExtrinsicFailed.
func Failure(events []byte, index uint32) (*ModuleError, error) {
	const applyExtrinsic, success, failed = 0, 0, 1
	phase := scale.AppendU32([]byte{applyExtrinsic}, index)
	if bytes.Contains(events, append(bytes.Clone(phase), system, success)) {
		return nil, nil
	}
	mark := append(phase, system, failed)
	at := bytes.Index(events, mark)
	if at < 0 {
		return nil, fmt.Errorf("no event says how extrinsic %d ended", index)
	}
	d := scale.NewDecoder(events[at+len(mark):])
	failure := decodeError(d)
	return failure, d.Err()
}

// ContractInfoKey is where the record of a contract is.
func ContractInfoKey(contract primitives.AccountID) []byte {
	key := scale.AppendU64(primitives.StoragePrefix("Contracts", "ContractInfoOf"), primitives.Twox64(contract[:], 0))
	return append(key, contract[:]...)
}
