// Command calibrate compares what things are charged with what they take on this machine.
//
//	go run ./test/calibrate          all
//	go run ./test/calibrate host     one part: opcodes, host, frame or seal
//
// Rows show gas, measured time and their ratio; what is charged below 1.2 or above 4 times of what it takes is marked. Times
// are those of the processor that does the work, as medians of rounds that alternate with checks of an sr25519 signature, and
// scaled to a machine on which such a check takes 36 us: so a busy machine gives about the same figures as an idle one.
// Prices are consensus: nothing here changes them. docs/profile.md says how they follow from the figures.
package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"
)

// Ratios of charged to measured outside of which a row is marked.
const (
	chargedLow  = 1.2
	chargedHigh = 4
)

var parts = []struct {
	name string
	run  func(*unit) error
}{
	{"opcodes", calibrateOpcodes},
	{"host", calibrateHost},
	{"frame", calibrateFrame},
	{"seal", calibrateSeal},
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "calibrate: %v\n", err)
		os.Exit(1)
	}
}

func run(wanted []string) error {
	runtime.LockOSThread() // times are those of one thread
	u, err := newUnit()
	if err != nil {
		return err
	}
	now, err := u.take()
	if err != nil {
		return err
	}
	fmt.Printf("an sr25519 check takes %v now; figures are scaled to %s\n", now.Round(100*time.Nanosecond), picoseconds(unitPs))
	for _, part := range parts {
		if len(wanted) > 0 && !slices.Contains(wanted, part.name) {
			continue
		}
		if err := part.run(u); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

func printHeader(what, note string) {
	fmt.Printf("\n%-46s %12s %12s %8s   %s\n", what, "charged", "measured", "ratio", note)
}

func printRow(name string, charged, taken float64) {
	fmt.Printf("%-46s %12s %12s %8s\n", name, picoseconds(charged), picoseconds(taken), ratio(charged/taken))
}

// picoseconds is a readable time.
func picoseconds(ps float64) string {
	switch {
	case ps < 1e6:
		return fmt.Sprintf("%.1f ns", ps/1e3)
	case ps < 1e9:
		return fmt.Sprintf("%.2f us", ps/1e6)
	}
	return fmt.Sprintf("%.2f ms", ps/1e9)
}

func ratio(r float64) string {
	switch {
	case r < chargedLow:
		return fmt.Sprintf("%.2f <", r)
	case r > chargedHigh:
		return fmt.Sprintf("%.2f >", r)
	}
	return fmt.Sprintf("%.2f  ", r)
}
