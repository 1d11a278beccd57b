package consensus

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cometbft/cometbft/types"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
)

func validator(b byte, power int64) Validator { return Validator{[32]byte{b}, power} }

func cmbt(updates ...Validator) primitives.DigestItem {
	return primitives.DigestItem{
		Kind: primitives.DigestConsensus, Engine: engineComet,
		Data: append([]byte{logValidatorUpdates}, encodeValidators(updates)...),
	}
}

func TestValidatorUpdates_WhatCometBFTWouldRefuseIsDroppedWhole(t *testing.T) {
	set := []Validator{validator(1, 10), validator(2, 20)}
	for name, c := range map[string]struct {
		updates []Validator
		ok      bool
	}{
		"none":            {nil, true},
		"new":             {[]Validator{validator(3, 5)}, true},
		"changed":         {[]Validator{validator(1, 11)}, true},
		"removed":         {[]Validator{validator(1, 0)}, true},
		"unknown removal": {[]Validator{validator(3, 0)}, false},
		"duplicate":       {[]Validator{validator(1, 5), validator(1, 6)}, false},
		"empty result":    {[]Validator{validator(1, 0), validator(2, 0)}, false},
		"too much power":  {[]Validator{validator(3, math.MaxInt64/8)}, false},
		"negative":        {[]Validator{validator(3, -1)}, false},
		"good and bad":    {[]Validator{validator(1, 11), validator(3, 0)}, false},
	} {
		next, err := applyUpdates(set, c.updates)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, errUpdates) || err == nil && len(next) == 0 {
			t.Errorf("%s: %v, %v", name, next, err)
		}
	}
}

func TestValidatorUpdates_DigestForms(t *testing.T) {
	other := cmbt(validator(1, 1))
	other.Engine = [4]byte{'x'}
	for name, c := range map[string]struct {
		digest []primitives.DigestItem
		want   int
		ok     bool
	}{
		"no item":         {nil, 0, true},
		"another engine":  {[]primitives.DigestItem{other}, 0, true},
		"one":             {[]primitives.DigestItem{other, cmbt(validator(1, 1), validator(2, 2))}, 2, true},
		"two items":       {[]primitives.DigestItem{cmbt(validator(1, 1)), cmbt()}, 0, false},
		"unknown variant": {[]primitives.DigestItem{{Kind: primitives.DigestConsensus, Engine: engineComet, Data: []byte{9, 0}}}, 0, false},
		"cut":             {[]primitives.DigestItem{{Kind: primitives.DigestConsensus, Engine: engineComet, Data: []byte{0, 4, 1}}}, 0, false},
		"empty data":      {[]primitives.DigestItem{{Kind: primitives.DigestConsensus, Engine: engineComet}}, 0, false},
	} {
		got, err := updatesIn(&primitives.Header{Digest: c.digest})
		if len(got) != c.want || (err == nil) != c.ok {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// The host's copy of the set stays equal to what CometBFT makes of the same updates.
func TestValidatorUpdates_SetFollowsCometBFT(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 3))
		ours := []Validator{validator(1, 10)}
		theirs := types.NewValidatorSet(cometValidators(ours))
		for range 30 {
			var updates []Validator
			for range random.IntN(4) {
				updates = append(updates, validator(byte(1+random.IntN(5)), random.Int64N(4)))
			}
			next, err := applyUpdates(ours, updates)
			trial := theirs.Copy()
			if errTheirs := trial.UpdateWithChangeSet(cometValidators(updates)); (err == nil) != (errTheirs == nil) {
				t.Fatalf("seed %d: ours %v, CometBFT %v", seed, err, errTheirs)
			}
			if err == nil {
				ours, theirs = next, trial
			}
			if string(types.NewValidatorSet(cometValidators(ours)).Hash()) != string(theirs.Hash()) {
				t.Fatalf("seed %d: the sets differ", seed)
			}
		}
	}
}

func TestValidatorUpdates_BadOnesAreLeftOutOfTheAnswer(t *testing.T) {
	h := newHand(t)
	h.block()
	for _, c := range []struct {
		item primitives.DigestItem
		want int
	}{{cmbt(validator(9, 0)), 0}, {cmbt(validator(9, 5)), 1}} {
		b := &openBlock{height: 2}
		b.result.Header.Digest = []primitives.DigestItem{c.item}
		if err := h.decideUpdates(b); err != nil || len(b.updates) != c.want || (b.next != nil) != (c.want > 0) {
			t.Errorf("updates %v, next %v, %v", b.updates, b.next, err)
		}
	}
}

// setPower is Comet.set_validator_power.
func setPower(v Validator) []byte {
	return scale.AppendU64(append([]byte{8, 1}, v.PubKey[:]...), uint64(v.Power))
}

func TestValidatorUpdates_ReachCometBFTTwoBlocksLater(t *testing.T) {
	n := newHome(t).start(t)
	n.next()
	own := n.genesis.Validators[0]
	own.Power = 77
	at := n.land(n.submit(n.signed("//Alice", 0, sudo(setPower(own)), 0)))
	number, _, err := n.Number(at)
	if err != nil {
		t.Fatal(err)
	}
	for nonce := uint32(1); n.engine.Height() < int64(number)+3; nonce++ {
		n.land(n.submit(n.signed("//Alice", nonce, remark("x"), 0)))
	}
	for height, want := range map[int64]int64{int64(number) + 1: 10, int64(number) + 2: 77, int64(number) + 3: 77} {
		set, err := n.engine.Validators(height)
		if err != nil || set.Validators[0].VotingPower != want {
			t.Errorf("height %d: %v (%v), want power %d", height, set, err, want)
		}
	}
	if set, err := n.nextValidators(); err != nil || len(set) != 1 || set[0].Power != 77 {
		t.Errorf("the store has %v, %v", set, err)
	}
	n.stop()
}
