// Command build compiles an unmodified ink! crate (4 or 5) into what the chain and ink! tools take: NAME.wasm, NAME.json
// (the metadata) and NAME.contract (both in one bundle). scripts/build-contract calls it.
//
// It needs no cargo-contract: it runs a plain cargo with the flags that such contracts are built with, asks the crate for
// its metadata by building it once more for this machine, strips the module (module.go) and joins all (bundle.go).
// The order of things is cargo.go.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// settings of one build.
type settings struct {
	crate      string
	out        string
	optimise   string // level of wasm-opt, or none
	suffix     string // put behind the name, for several builds of one crate
	cargo      string
	rustc      string
	wasmOpt    string
	debug      bool // with ink!'s debug messages
	noMetadata bool
}

func main() {
	s, err := parseFlags(os.Args[1:])
	if err == nil {
		err = build(s)
	}
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(0)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build-contract:", err)
		os.Exit(1)
	}
}

func parseFlags(arguments []string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("build-contract", flag.ContinueOnError)
	flags.StringVar(&s.out, "out", "", "folder for the results (default: target/ink of the crate)")
	flags.StringVar(&s.optimise, "optimise", "z", "level of wasm-opt: 0, 1, 2, 3, 4, s, z, or none")
	flags.StringVar(&s.suffix, "suffix", "", "text to put behind the name of the results, as in .o4")
	flags.BoolVar(&s.debug, "debug", false, "keep the texts of panics and send them to the chain's debug messages")
	flags.BoolVar(&s.noMetadata, "wasm-only", false, "write NAME.wasm only")
	flags.StringVar(&s.cargo, "cargo", "/usr/bin/cargo", "cargo to use")
	flags.StringVar(&s.rustc, "rustc", "/usr/bin/rustc", "Rust compiler to use, with its library sources")
	flags.StringVar(&s.wasmOpt, "wasm-opt", "wasm-opt", "Binaryen's optimiser to use")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "Compiles an ink! 4 or 5 crate.\n\nUsage: scripts/build-contract [flags] CRATE_FOLDER\nExample: scripts/build-contract contracts/ink5/flipper")
		flags.PrintDefaults()
	}
	if err := flags.Parse(arguments); err != nil {
		return s, err
	}
	if flags.NArg() != 1 {
		return s, errors.New("name one crate folder, as in: scripts/build-contract contracts/ink5/flipper")
	}
	if !slices.Contains([]string{"0", "1", "2", "3", "4", "s", "z", "none"}, s.optimise) {
		return s, fmt.Errorf("there is no optimisation level %q: use 0, 1, 2, 3, 4, s, z or none", s.optimise)
	}
	var err error
	if s.crate, err = filepath.Abs(flags.Arg(0)); err != nil {
		return s, fmt.Errorf("finding %s: %w", flags.Arg(0), err)
	}
	return s, nil
}
