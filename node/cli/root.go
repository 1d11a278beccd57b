// Package cli is Sepia's command line: it turns arguments into settings and calls, and results into text or JSON.
//
// Data goes to standard output, everything else to standard error; with --json each command prints one JSON object. Exit
// codes are listed at Exit. It holds no logic of the node: commands call package node and its neighbours.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/sepia-chain/sepia/node"
	"github.com/sepia-chain/sepia/node/config"
	"github.com/sepia-chain/sepia/node/spec"
	"github.com/sepia-chain/sepia/runtime/engine"
)

// Exit is a process exit code.
type Exit int

// The exit codes. Supervisors should not restart a node that ended with 70, 71 or 78: a person must look first.
const (
	ExitOK          Exit = 0
	ExitFailure     Exit = 1
	ExitUsage       Exit = 2
	ExitUnreachable Exit = 3   // no node answers at the address
	ExitConsensus   Exit = 70  // the chain cannot go on with this node
	ExitStore       Exit = 71  // the store is corrupt
	ExitConfig      Exit = 78  // settings or chain spec are unusable
	ExitInterrupted Exit = 130 // ended by SIGINT
)

var (
	errUsage       = errors.New("usage")
	errUnreachable = errors.New("no node answers")
)

// exitCodes maps errors to exit codes; the first match counts.
var exitCodes = []struct {
	is   error
	code Exit
}{
	{errUsage, ExitUsage},
	{node.ErrPreset, ExitUsage},
	{errUnreachable, ExitUnreachable},
	{config.ErrInvalid, ExitConfig},
	{spec.ErrInvalid, ExitConfig},
	{node.ErrOtherChain, ExitConfig},
	{node.ErrNotInitialised, ExitConfig},
	{node.ErrNotValidator, ExitConfig},
	{node.ErrStoreCorrupt, ExitStore},
	{node.ErrConsensus, ExitConsensus},
}

func exitCode(err error) Exit {
	if err == nil {
		return ExitOK
	}
	for _, row := range exitCodes {
		if errors.Is(err, row.is) {
			return row.code
		}
	}
	return ExitFailure
}

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
	json     bool
}

// print writes a result: the text, or with --json the value.
func (s *streams) print(value any, text string) error {
	if !s.json {
		_, err := io.WriteString(s.out, text)
		return err
	}
	encoder := json.NewEncoder(s.out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// Main runs the command line and returns the exit code. Interrupting it ends a running node cleanly. A process that a node
// started to compile a contract is no command line: it serves its request, and an interrupt simply ends it.
func Main(args []string) Exit {
	if engine.IsCompileCommand(args) {
		return Exit(engine.ServeCompile(os.Stdin, os.Stdout, os.Stderr))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return Run(ctx, args, os.Stdin, os.Stdout, os.Stderr)
}

// Run runs the command line with the given streams.
func Run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) Exit {
	io := &streams{in: in, out: out, err: errOut}
	root := newRoot(io)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	if err != nil {
		reportError(io, err)
	}
	return exitCode(err)
}

func reportError(io *streams, err error) {
	if io.json {
		_ = json.NewEncoder(io.err).Encode(map[string]any{"error": err.Error(), "exitCode": exitCode(err)})
		return
	}
	fmt.Fprintf(io.err, "sepia: %v\n", err)
}

func newRoot(io *streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "sepia",
		Short: "A smart-contract node: CometBFT orders, a FRAME runtime rules, ink! contracts run as machine code",
		Example: `  sepia dev                         run a development chain with funded accounts
  sepia init --chain testnet        make a home folder for a chain of your own
  sepia start                       run the node of the home folder
  sepia status                      ask a running node how it is`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		Args:              noArguments,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().BoolVar(&io.json, "json", false, "print one JSON object instead of text")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w: %w%s: `%s --help` lists the flags", errUsage, err, suggestFlag(cmd, err), cmd.CommandPath())
	})
	root.AddCommand(newDev(io), newInit(io), newStart(io), newStatus(io), newKeys(io), newVersion(io), newSettingsHelp())
	return root
}

// noArguments refuses what is not a flag, with a suggestion where a subcommand was mistyped.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("%q is no command of `%s`", args[0], cmd.CommandPath())
	var names []string
	for _, sub := range cmd.Commands() {
		names = append(names, sub.Name())
	}
	if near := config.Nearest(args[0], names); near != "" {
		text += ": did you mean " + near + "?"
	}
	return fmt.Errorf("%w: %s: `%s --help` lists what there is", errUsage, text, cmd.CommandPath())
}

func suggestFlag(cmd *cobra.Command, err error) string {
	name, ok := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !ok {
		return ""
	}
	var names []string
	cmd.Flags().VisitAll(flagNames(&names))
	if near := config.Nearest(name, names); near != "" {
		return ": did you mean --" + near + "?"
	}
	return ""
}
