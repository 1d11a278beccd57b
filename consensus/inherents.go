package consensus

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/sepia-chain/sepia/consensus/driver"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/runtime/host"
	"github.com/sepia-chain/sepia/state"
)

// proposal is what CometBFT says about a block, in the one form that its three requests share.
type proposal struct {
	height      int64
	time        time.Time
	proposer    []byte
	votes       []vote
	misbehavior []abci.Misbehavior
}

// vote is one validator's part in the parent's commit.
type vote struct {
	address []byte
	power   int64
	flag    int32 // CometBFT's BlockIDFlag
}

func votesOf(info abci.CommitInfo) []vote {
	var votes []vote
	for _, v := range info.Votes {
		votes = append(votes, vote{v.Validator.Address, v.Validator.Power, int32(v.BlockIdFlag)})
	}
	return votes
}

func extendedVotesOf(info abci.ExtendedCommitInfo) []vote {
	var votes []vote
	for _, v := range info.Votes {
		votes = append(votes, vote{v.Validator.Address, v.Validator.Power, int32(v.BlockIdFlag)})
	}
	return votes
}

// addressBytes is the length of CometBFT's addresses.
const addressBytes = 20

func appendAddress(dst, address []byte) []byte {
	var fixed [addressBytes]byte
	copy(fixed[:], address)
	return append(dst, fixed[:]...)
}

// commitInfo is the inherent data "cometbft", SCALE: proposer, then votes (address, power u64, flag u8), then misbehaviour
// (kind u8, address, height u64, time in ms u64, total power u64). The runtime's side of it is
// runtime/blob/primitives/comet.
func (p *proposal) commitInfo() []byte {
	b := appendAddress(nil, p.proposer)
	b = scale.AppendCompact(b, uint64(len(p.votes)))
	for _, v := range p.votes {
		b = scale.AppendU64(appendAddress(b, v.address), uint64(v.power))
		b = append(b, byte(v.flag))
	}
	b = scale.AppendCompact(b, uint64(len(p.misbehavior)))
	for _, m := range p.misbehavior {
		b = appendAddress(append(b, byte(m.Type)), m.Validator.Address)
		b = scale.AppendU64(b, uint64(m.Height))
		b = scale.AppendU64(b, uint64(m.Time.UnixMilli()))
		b = scale.AppendU64(b, uint64(m.TotalVotingPower))
	}
	return b
}

// Ids of inherent data. The data is a map, written in the order of its keys: "cometbft" is before "timstap0".
var (
	inherentComet = [8]byte([]byte("cometbft"))
	inherentTime  = [8]byte([]byte("timstap0"))
)

// inherentData is the SCALE map of inherent data: the time for every runtime, CometBFT's part for those that take it.
func (p *proposal) inherentData(withComet bool) []byte {
	now := scale.AppendU64(nil, uint64(p.time.UnixMilli()))
	if !withComet {
		return appendInherent(scale.AppendCompact(nil, 1), inherentTime, now)
	}
	b := appendInherent(scale.AppendCompact(nil, 2), inherentComet, p.commitInfo())
	return appendInherent(b, inherentTime, now)
}

func appendInherent(dst []byte, id [8]byte, data []byte) []byte {
	return scale.AppendBytes(append(dst, id[:]...), data)
}

// engineAura is the engine of a slot in the digest.
var engineAura = [4]byte([]byte("aura"))

// readGas bounds a call of a runtime API by the node itself or by a client.
const readGas = 10_000_000_000_000

// auraSlotDuration is the slot of an Aura runtime, 0 for others. Its on_initialize wants a slot that rises with every block
// and agrees with the time.
func auraSlotDuration(store *state.Store, view *state.View, rt *host.Runtime) (time.Duration, error) {
	if apiVersion(rt, apiAura) == 0 {
		return 0, nil
	}
	out, err := blockCall(context.Background(), store, view, rt, "AuraApi_slot_duration", nil)
	if err != nil {
		return 0, fmt.Errorf("asking for the slot duration: %w", err)
	}
	if len(out) != 8 || binary.LittleEndian.Uint64(out) == 0 || binary.LittleEndian.Uint64(out) > uint64(time.Hour.Milliseconds()) {
		return 0, fmt.Errorf("slot duration %x is not one to an hour's milliseconds", out)
	}
	return time.Duration(binary.LittleEndian.Uint64(out)) * time.Millisecond, nil
}

// digest is the PreRuntime items of a block's header.
func (p *proposal) digest(slot time.Duration) []primitives.DigestItem {
	if slot == 0 {
		return nil
	}
	number := uint64(p.time.UnixMilli()) / uint64(slot.Milliseconds())
	return []primitives.DigestItem{{Kind: primitives.DigestPreRuntime, Engine: engineAura, Data: scale.AppendU64(nil, number)}}
}

// hostVersion is the only set of host tables that this binary has.
const hostVersion = 1

var (
	budgetsKey     = []byte(driver.BudgetsKey)
	hostVersionKey = []byte(":sepia:host_version")
)

// ErrHostVersion says that a chain wants host tables that this binary does not have.
var ErrHostVersion = errors.New("the chain needs a newer node")

// budgetsOf reads the gas budgets that a state sets for the block after it.
func budgetsOf(view *state.View) (driver.Budgets, error) {
	b, found, err := view.Get(budgetsKey)
	if err != nil {
		return driver.Budgets{}, fmt.Errorf("reading gas budgets: %w", err)
	}
	if !found {
		return driver.DefaultBudgets, nil
	}
	budgets, err := driver.DecodeBudgets(b)
	if err != nil { // a runtime wrote nonsense there: every node falls back alike
		return driver.DefaultBudgets, nil
	}
	return budgets, nil
}

func checkHostVersion(view *state.View) error {
	b, found, err := view.Get(hostVersionKey)
	if err != nil {
		return fmt.Errorf("reading the host version: %w", err)
	}
	if found && (len(b) != 4 || binary.LittleEndian.Uint32(b) != hostVersion) {
		return fmt.Errorf("%w: block %d sets host version %x, this node has %d", ErrHostVersion, view.Height(), b, hostVersion)
	}
	return nil
}
