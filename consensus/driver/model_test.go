package driver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/sepia-chain/sepia/consensus/validity"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
)

// The model runtime: sixteen accounts with a balance and a nonce, one inherent that must come once a block, and calls that
// behave in every way a runtime's can. It is deterministic and small enough to be read.

type op byte

const (
	opRemark op = iota
	opTransferAll
	opFailing
	opTrapping
	opExhausting
	opBurning // uses ten times the gas
	opCloseBlocks
	opEnd
)

const (
	signedV4   = 0x84
	bareV4     = 0x04
	bareV5     = 0x05
	modelFee   = 10
	modelGas   = 1000
	modelStart = 100
)

// signedTx is [0x84 sender nonce op], with its length in front.
func signedTx(sender, nonce byte, o op) []byte {
	return scale.AppendBytes(nil, []byte{signedV4, sender, nonce, byte(o)})
}

func bareTx(version, call byte) []byte { return scale.AppendBytes(nil, []byte{version, call}) }

const (
	callInherent = 1 // dispatches for anybody, but validates for nobody
	callOpen     = 2 // accepted from outside
)

type modelState struct {
	balance, nonce map[byte]uint64
	number         uint32
	parent         primitives.Hash
	digest         []primitives.DigestItem
	inherentSeen   bool
	body           [][]byte
}

func (s *modelState) clone() *modelState {
	c := *s
	c.balance, c.nonce, c.body = maps.Clone(s.balance), maps.Clone(s.nonce), slices.Clone(s.body)
	return &c
}

func genesisState() *modelState {
	s := &modelState{balance: map[byte]uint64{}, nonce: map[byte]uint64{}}
	for account := range byte(16) {
		s.balance[account] = modelStart
	}
	return s
}

func (s *modelState) root() primitives.Hash {
	b := binary.LittleEndian.AppendUint32(nil, s.number)
	for account := range byte(16) {
		b = binary.LittleEndian.AppendUint64(b, s.balance[account])
		b = binary.LittleEndian.AppendUint64(b, s.nonce[account])
	}
	return primitives.Blake2_256(b)
}

// model is a Machine. Its hooks let a test break one function.
type model struct {
	parent, state *modelState
	layers        []*modelState
	hooks         map[string]func(input []byte) ([]byte, error)
	mode          []byte // answer of Core_initialize_block
	storageErr    error
	calls         []string
}

func newModel(parent *modelState) *model {
	return &model{parent: parent, state: parent.clone(), mode: []byte{0}, hooks: map[string]func([]byte) ([]byte, error){}}
}

func (m *model) Begin() { m.layers = append(m.layers, m.state.clone()) }

func (m *model) Commit() error {
	m.layers = m.layers[:len(m.layers)-1]
	return m.storageErr
}

func (m *model) Rollback() error {
	m.state, m.layers = m.layers[len(m.layers)-1], m.layers[:len(m.layers)-1]
	return nil
}

func (m *model) Root() (primitives.Hash, error) { return m.state.root(), nil }

func (m *model) CallParent(method string, input []byte, gas int64) ([]byte, int64, error) {
	m.calls = append(m.calls, "parent:"+method)
	if method != "TaggedTransactionQueue_validate_transaction" {
		return nil, 0, fmt.Errorf("the model has no %s", method)
	}
	xt := input[1 : len(input)-32]
	if xt[2] == callInherent {
		return []byte{1, 0, validity.InvalidMandatory}, modelGas, nil
	}
	answer := scale.AppendU64([]byte{0}, 1)
	answer = append(answer, 0, 0)
	answer = scale.AppendU64(answer, 64)
	return append(answer, 1), modelGas, nil
}

var errModelTrap = &Failure{Class: "unreachable", Reason: "model trap"}

func (m *model) Call(method string, input []byte, gas int64) ([]byte, int64, error) {
	m.calls = append(m.calls, method)
	if hook := m.hooks[method]; hook != nil {
		out, err := hook(input)
		return out, modelGas, err
	}
	switch method {
	case "Core_initialize_block":
		h, err := primitives.DecodeHeader(input)
		if err != nil {
			return nil, 0, err
		}
		m.state.number, m.state.parent, m.state.digest, m.state.inherentSeen, m.state.body = h.Number, h.ParentHash, h.Digest, false, nil
		return m.mode, modelGas, nil
	case "BlockBuilder_inherent_extrinsics":
		m.state.balance[0]++ // what this function writes must not stay
		return append(scale.AppendCompact(nil, 1), bareTx(bareV4, callInherent)...), modelGas, nil
	case "BlockBuilder_apply_extrinsic":
		return m.apply(input, gas)
	case "BlockBuilder_finalize_block":
		if !m.state.inherentSeen {
			return nil, modelGas, errModelTrap
		}
		h := primitives.Header{
			ParentHash: m.state.parent, Number: m.state.number, StateRoot: m.state.root(),
			ExtrinsicsRoot: ExtrinsicsRoot(m.state.body, 1), Digest: m.state.digest,
		}
		return h.Encode(), modelGas, nil
	case "Core_version":
		return []byte("version"), modelGas, nil
	case "Metadata_metadata_at_version":
		return append([]byte{1, 5 << 2}, append([]byte("meta"), input[0])...), modelGas, nil
	case "UpgradeApi_check":
		return []byte{0}, modelGas, nil
	}
	return nil, 0, fmt.Errorf("the model has no %s", method)
}

func refuse(variant uint8) []byte { return []byte{1, 0, variant} }

func (m *model) apply(input []byte, gas int64) ([]byte, int64, error) {
	body := scale.NewDecoder(input).Bytes()
	if body[0] == bareV4 || body[0] == bareV5 {
		m.state.body, m.state.inherentSeen = append(m.state.body, input), true
		return []byte{0, 0}, modelGas, nil
	}
	sender, nonce, o := body[1], uint64(body[2]), op(body[3])
	m.state.nonce[sender]++ // written before the checks, so that a refusal must be undone
	switch {
	case nonce < m.state.nonce[sender]-1:
		return refuse(validity.InvalidStale), modelGas, nil
	case nonce > m.state.nonce[sender]-1:
		return refuse(validity.InvalidFuture), modelGas, nil
	case m.state.balance[sender] < modelFee:
		return refuse(validity.InvalidPayment), modelGas, nil
	case o == opExhausting:
		return refuse(validity.InvalidExhaustsResources), modelGas, nil
	case o == opTrapping:
		return nil, 5 * modelGas, errModelTrap
	}
	m.state.balance[sender] -= modelFee
	m.state.body = append(m.state.body, input)
	switch o {
	case opTransferAll:
		m.state.balance[(sender+1)%16] += m.state.balance[sender]
		m.state.balance[sender] = 0
	case opFailing:
		return []byte{0, 1, 3, 5, 0, 0, 0, 0}, modelGas, nil
	case opBurning:
		return []byte{0, 0}, 10 * modelGas, nil
	}
	return []byte{0, 0}, modelGas, nil
}

var errDisk = errors.New("disk is gone")

var modelBudgets = Budgets{
	Initialize: 2 * modelGas, Inherent: 2 * modelGas, Extrinsic: 20 * modelGas, Finalize: 2 * modelGas,
	FirstBlock: 20 * modelGas, Total: 60 * modelGas,
}

func modelInput(height uint32) Input {
	return Input{
		Parent: primitives.Hash{1}, Height: height, Budgets: modelBudgets,
		Runtime: Runtime{CheckVersion: checkModelVersion, SystemVersion: 1, MetadataAPI: 2, ChecksUpgrade: true},
	}
}

func checkModelVersion(answer []byte) error {
	if string(answer) != "version" {
		return errors.New("another version")
	}
	return nil
}
