package consensus

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/types"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
)

// engineComet names CometBFT in digest items.
var engineComet = [4]byte([]byte("cmbt"))

// logValidatorUpdates is the variant of a runtime's message that holds new voting powers.
const logValidatorUpdates = 0

// validatorBytes is the SCALE size of a validator: key and power.
const validatorBytes = 32 + 8

// errUpdates says that a runtime wants a change of validators that CometBFT would refuse.
var errUpdates = errors.New("validator updates are refused")

// updatesIn reads the changes of validators from a header: at most one Consensus item of engine cmbt.
func updatesIn(h *primitives.Header) ([]Validator, error) {
	var updates []Validator
	items := 0
	for _, item := range h.Digest {
		if item.Kind != primitives.DigestConsensus || item.Engine != engineComet {
			continue
		}
		if items++; items > 1 {
			return nil, fmt.Errorf("%w: the header has two items of them", errUpdates)
		}
		var err error
		if updates, err = decodeUpdates(item.Data); err != nil {
			return nil, err
		}
	}
	return updates, nil
}

func decodeUpdates(b []byte) ([]Validator, error) {
	d := scale.NewDecoder(b)
	if variant := d.U8(); d.Err() == nil && variant != logValidatorUpdates {
		return nil, fmt.Errorf("%w: message variant %d is unknown", errUpdates, variant)
	}
	list := readValidators(d)
	if err := d.Finish(); err != nil {
		return nil, fmt.Errorf("%w: %w", errUpdates, err)
	}
	return list, nil
}

func readValidators(d *scale.Decoder) []Validator {
	var list []Validator
	for range d.Length(validatorBytes) {
		var v Validator
		copy(v.PubKey[:], d.Fixed(32))
		v.Power = int64(d.U64()) // above the largest int64 it is negative, which is refused
		list = append(list, v)
	}
	return list
}

func encodeValidators(list []Validator) []byte {
	b := scale.AppendCompact(nil, uint64(len(list)))
	for _, v := range list {
		b = scale.AppendU64(append(b, v.PubKey[:]...), uint64(v.Power))
	}
	return b
}

// applyUpdates makes the checks that CometBFT makes of updates to a set (it stops for good over those that fail), and
// returns the set that results, in the order of keys.
func applyUpdates(set, updates []Validator) ([]Validator, error) {
	for _, u := range updates {
		if u.Power < 0 {
			return nil, fmt.Errorf("%w: power %d of %x", errUpdates, u.Power, u.PubKey)
		}
	}
	model := types.NewValidatorSet(cometValidators(set))
	if err := model.UpdateWithChangeSet(cometValidators(updates)); err != nil {
		return nil, fmt.Errorf("%w: %w", errUpdates, err)
	}
	var next []Validator
	for _, v := range model.Validators {
		next = append(next, Validator{PubKey: [32]byte(v.PubKey.Bytes()), Power: v.VotingPower})
	}
	return sortedByKey(next), nil
}

func cometValidators(list []Validator) []*types.Validator {
	var out []*types.Validator
	for _, v := range list {
		out = append(out, types.NewValidator(ed25519.PubKey(v.PubKey[:]), v.Power))
	}
	return out
}

func sortedByKey(list []Validator) []Validator {
	sorted := slices.Clone(list)
	slices.SortFunc(sorted, func(a, b Validator) int {
		return cmp.Or(bytes.Compare(a.PubKey[:], b.PubKey[:]), cmp.Compare(a.Power, b.Power))
	})
	return sorted
}

func abciUpdates(updates []Validator) []abci.ValidatorUpdate {
	var out []abci.ValidatorUpdate
	for _, u := range updates {
		out = append(out, abci.Ed25519ValidatorUpdate(u.PubKey[:], u.Power))
	}
	return out
}
