// Command bench prints what each kind of work costs, as multiples of one sr25519 verification measured in the same run, so
// that the figures of two machines can be compared.
//
//	go run ./test/bench            all
//	go run ./test/bench transfer   those whose name begins with "transfer"
//	go run ./test/bench -profile cpu.prof transfer
//
// It measures real parts put together as the node puts them: the released runtime, metered, on a store on disk with
// history, blocks committed with a synced batch. Nothing fails on a figure.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime/pprof"
	"sort"
	"strings"
	"time"

	"github.com/oasisprotocol/curve25519-voi/primitives/sr25519"

	"github.com/sepia-chain/sepia/internal/crypto"
	"github.com/sepia-chain/sepia/internal/keyring"
)

// figure is one line of the report.
type figure struct {
	name string
	each time.Duration
	note string
}

// bench is one measurement, which may give several figures.
type bench struct {
	name string
	run  func(dir string) ([]figure, error)
}

var benches = []bench{
	{"transfer", benchTransfers},
	{"quiet", benchQuiet},
	{"erc20", benchErc20},
	{"get", benchGet},
	{"guest", benchGuests},
	{"node", benchNode},
}

func main() {
	profile := flag.String("profile", "", "write a CPU profile of the run to this file")
	flag.Parse()
	if err := profiled(*profile, func() error { return run(flag.Arg(0)) }); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

// profiled runs work, with a CPU profile if a file is named.
func profiled(path string, work func() error) error {
	if path == "" {
		return work()
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return errors.Join(err, file.Close())
	}
	err = work()
	pprof.StopCPUProfile()
	return errors.Join(err, file.Close())
}

func run(want string) error {
	unit, err := signatureCheck()
	if err != nil {
		return err
	}
	fmt.Printf("%-34s %12s %8s  %s\n", "what", "each", "x", "")
	report(unit, figure{"sr25519 verification", unit, "the unit, measured again before and after each bench"})
	before := unit
	for _, b := range benches {
		if !strings.HasPrefix(b.name, want) {
			continue
		}
		dir, err := os.MkdirTemp("", "sepia-bench-")
		if err != nil {
			return err
		}
		figures, err := b.run(dir)
		os.RemoveAll(dir)
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		after, err := signatureCheck()
		if err != nil {
			return err
		}
		unit, before = (before+after)/2, after // the machine may have become slower or faster meanwhile
		for _, f := range figures {
			report(unit, f)
		}
	}
	return nil
}

func report(unit time.Duration, f figure) {
	fmt.Printf("%-34s %12s %8.2f  %s\n", f.name, f.each.Round(10*time.Nanosecond), float64(f.each)/float64(unit), f.note)
}

// signatureCheck is the median time of one verification.
func signatureCheck() (time.Duration, error) {
	pair, err := keyring.FromURI(keyring.Sr25519, "//Alice")
	if err != nil {
		return 0, err
	}
	message := []byte(strings.Repeat("m", 150)) // about what a transfer signs
	signature, err := pair.Sign(message)
	if err != nil {
		return 0, err
	}
	public := [sr25519.PublicKeySize]byte(pair.Public())
	var times []time.Duration
	const rounds, each = 15, 200
	for range rounds {
		start := time.Now()
		for range each {
			if !crypto.VerifySr25519((*[64]byte)(signature), message, &public) {
				return 0, fmt.Errorf("a good signature is refused")
			}
		}
		times = append(times, time.Since(start)/each)
	}
	return median(times), nil
}

func median(times []time.Duration) time.Duration {
	sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
	return times[len(times)/2]
}
