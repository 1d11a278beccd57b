package main

import (
	"fmt"

	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/meter"
)

// calibrateOpcodes prints what loops that consist mostly of one class of instructions are charged, by both tiers' tables, and
// what they take. Compiled code is the same in both tiers, so it is measured once, as a guest's; calls of imports differ.
func calibrateOpcodes(u *unit) error {
	e, err := engine.New(engine.Config{})
	if err != nil {
		return err
	}
	defer e.Close()
	fmt.Printf("\n%-18s %12s %12s %10s %10s\n", "mostly", "charged", "measured", "contract", "blob")
	for _, l := range loops {
		taken, err := l.measure(e, u)
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		contract, err := gasOfTurn(e, l, meter.ContractWeights())
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		gas, err := gasOfTurn(e, l, meter.BlobWeights())
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		inBlob := ratio(gas / taken)
		if l.guestOnly {
			inBlob = "-"
		}
		n := float64(l.each)
		fmt.Printf("%-18s %12s %12s %10s %10s\n", l.name, picoseconds(contract/n), picoseconds(taken/n), ratio(contract/taken), inBlob)
	}
	return nil
}

// measure is the time of one turn in ps.
func (l loop) measure(e *engine.Engine, u *unit) (float64, error) {
	var guests [2]*engine.Guest
	for i, turns := range []int{1, l.turns} {
		guest, err := compile(e, l, turns, meter.ContractWeights())
		if err != nil {
			return 0, err
		}
		defer guest.Close()
		guests[i] = guest
	}
	finishing := func(g *engine.Guest) work {
		return func(int) (spent, error) { return finish(g) }
	}
	found, err := u.measure(finishing(guests[1]), finishing(guests[0]), l.turns-1)
	return found.taken, err
}

// gasOfTurn is what a turn is charged, from the difference of two runs.
func gasOfTurn(e *engine.Engine, l loop, w meter.Weights) (float64, error) {
	var gas [2]float64
	for i, turns := range []int{1, 2} {
		guest, err := compile(e, l, turns, w)
		if err != nil {
			return 0, err
		}
		found, err := finish(guest)
		guest.Close()
		if err != nil {
			return 0, err
		}
		gas[i] = found.gas
	}
	return gas[1] - gas[0], nil
}

// finish runs a guest to its end, answering its calls.
func finish(g *engine.Guest) (spent, error) {
	exec, err := g.Instantiate("call")
	if err != nil {
		return spent{}, err
	}
	defer exec.Drop()
	const limit = int64(1) << 60
	left := limit
	start := cpuTime()
	for {
		step, err := exec.Run(left, 1)
		if err != nil {
			return spent{}, err
		}
		left = step.GasLeft
		switch step.Kind {
		case engine.StepFinished:
			return spent{gas: float64(limit - left), took: cpuTime() - start}, nil
		case engine.StepSyscall:
		default:
			return spent{}, fmt.Errorf("the loop ends with step %d, trap %d", step.Kind, step.Trap)
		}
	}
}
