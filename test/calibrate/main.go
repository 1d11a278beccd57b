// Command calibrate compares what Wasm instructions are charged with what they take on this machine.
//
//	go run ./test/calibrate
//
// For each class of instructions it runs a metered loop that consists mostly of them, and prints the gas of one turn, the
// time of one turn, and their ratio for both tiers' tables: gas is picoseconds on the reference machine. Rows that are off by
// more than the double are marked. Compiled code is the same in both tiers, so it is measured once, as a guest's; calls of
// imports differ, and the row is a guest's. Weights are consensus: nothing here changes them.
package main

import (
	"fmt"
	"os"
	"sort"
	"time"

	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/meter"
)

// off is the ratio from which on, either way, a row is marked.
const off = 2

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "calibrate: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	e, err := engine.New(engine.Config{})
	if err != nil {
		return err
	}
	defer e.Close()
	fmt.Printf("%-16s %14s %14s %10s %10s\n", "mostly", "takes ps/turn", "gas contract", "contract", "blob")
	for _, l := range loops {
		taken, err := measure(e, l)
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		contract, err := gasOfTurn(e, l, meter.ContractWeights())
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		blob, err := gasOfTurn(e, l, meter.BlobWeights())
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		inBlob := ratio(blob / taken)
		if l.guestOnly {
			inBlob = "-"
		}
		fmt.Printf("%-16s %14.0f %14.0f %10s %10s\n", l.name, taken, contract, ratio(contract/taken), inBlob)
	}
	fmt.Printf("ratios are charged/taken; %q marks those off by more than %d times\n", "!", off)
	return nil
}

func ratio(r float64) string {
	mark := " "
	if r > off || r < 1.0/off {
		mark = "!"
	}
	return fmt.Sprintf("%.2f%s", r, mark)
}

// measure is the median time of one turn in ps, less what a run without turns takes.
func measure(e *engine.Engine, l loop) (float64, error) {
	long, err := compile(e, l, l.turns, meter.ContractWeights())
	if err != nil {
		return 0, err
	}
	defer long.Close()
	short, err := compile(e, l, 1, meter.ContractWeights())
	if err != nil {
		return 0, err
	}
	defer short.Close()
	var times []float64
	const rounds = 9
	for range rounds {
		_, all, err := finish(long)
		if err != nil {
			return 0, err
		}
		_, one, err := finish(short)
		if err != nil {
			return 0, err
		}
		times = append(times, float64((all-one).Nanoseconds())*1000/float64(l.turns-1))
	}
	sort.Float64s(times)
	return times[rounds/2], nil
}

// gasOfTurn is what a turn is charged, from the difference of two runs.
func gasOfTurn(e *engine.Engine, l loop, w meter.Weights) (float64, error) {
	var gas [2]int64
	for i, turns := range []int{1, 2} {
		guest, err := compile(e, l, turns, w)
		if err != nil {
			return 0, err
		}
		gas[i], _, err = finish(guest)
		guest.Close()
		if err != nil {
			return 0, err
		}
	}
	return float64(gas[1] - gas[0]), nil
}

// finish runs a guest to its end, answering its calls.
func finish(g *engine.Guest) (gas int64, taken time.Duration, err error) {
	exec, err := g.Instantiate("call")
	if err != nil {
		return 0, 0, err
	}
	defer exec.Drop()
	const limit = int64(1) << 60
	left := limit
	start := time.Now()
	for {
		step, err := exec.Run(left, 1)
		if err != nil {
			return 0, 0, err
		}
		left = step.GasLeft
		switch step.Kind {
		case engine.StepFinished:
			return limit - left, time.Since(start), nil
		case engine.StepSyscall:
		default:
			return 0, 0, fmt.Errorf("the loop ends with step %d, trap %d", step.Kind, step.Trap)
		}
	}
}
