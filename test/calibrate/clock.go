package main

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sepia-chain/sepia/internal/crypto"
	"github.com/sepia-chain/sepia/internal/keyring"
)

// unitPs is what one sr25519 verification takes on the machine that prices are for, an idle 2.6 GHz server core. Times are
// scaled by it: what is measured is how many verifications something takes.
const unitPs = 36_000_000

// cpuTime is what this thread has used of its processor. Unlike the clock it does not grow while others have the processor.
// What collector and database do in the background is not in it: nothing waits for that.
func cpuTime() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &now); err != nil {
		panic("the system does not say how much time the thread used: " + err.Error())
	}
	return time.Duration(now.Nano())
}

// unit measures signature checks.
type unit struct {
	signature [64]byte
	public    [32]byte
	message   []byte
}

func newUnit() (*unit, error) {
	pair, err := keyring.FromURI(keyring.Sr25519, "//Alice")
	if err != nil {
		return nil, err
	}
	u := &unit{message: []byte(strings.Repeat("m", 150)), public: [32]byte(pair.Public())} // about what a transfer signs
	signature, err := pair.Sign(u.message)
	if err != nil {
		return nil, err
	}
	u.signature = [64]byte(signature)
	return u, nil
}

// take is the time of one verification now.
func (u *unit) take() (time.Duration, error) {
	const checks = 40
	start := cpuTime()
	for range checks {
		if !crypto.VerifySr25519(&u.signature, u.message, &u.public) {
			return 0, fmt.Errorf("a good signature is refused")
		}
	}
	return (cpuTime() - start) / checks, nil
}

// spent is what some work used.
type spent struct {
	gas    float64
	took   time.Duration
	weight float64 // what was declared for it, where that is another figure than gas
}

// work does something, in a round of its own.
type work func(round int) (spent, error)

// each is what one of several equal things costs, in ps.
type each struct{ gas, taken, weight float64 }

const (
	rounds   = 9
	warmUp   = 2
	attempts = rounds + warmUp
)

// measure is the difference of two pieces of work, by times: medians over rounds in which both alternate with the unit.
func (u *unit) measure(long, short work, times int) (each, error) {
	var gas, taken, weight []float64
	for round := range attempts {
		less, err := short(round)
		if err != nil {
			return each{}, err
		}
		before, err := u.take()
		if err != nil {
			return each{}, err
		}
		more, err := long(round)
		if err != nil {
			return each{}, err
		}
		after, err := u.take()
		if err != nil {
			return each{}, err
		}
		if round < warmUp {
			continue
		}
		scale := unitPs / (float64(before+after) / 2)
		taken = append(taken, float64(more.took-less.took)*scale/float64(times))
		gas = append(gas, (more.gas-less.gas)/float64(times))
		weight = append(weight, (more.weight-less.weight)/float64(times))
	}
	return each{median(gas), median(taken), median(weight)}, nil
}

func median(values []float64) float64 {
	sorted := append([]float64(nil), values...)
	sort.Float64s(sorted)
	return sorted[len(sorted)/2]
}
