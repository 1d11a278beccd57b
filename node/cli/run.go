package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/node"
	"github.com/sepia-chain/sepia/node/config"
	"github.com/sepia-chain/sepia/node/spec"
	"github.com/sepia-chain/sepia/runtime/engine"
)

func newDev(io *streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run a development chain with funded accounts",
		Long: "Runs a chain with one validator and funded, well-known accounts. It makes a block when there is something to put into it.\n" +
			"Without --base-path everything is forgotten when it ends.",
		Example: `  sepia dev
  sepia dev --base-path ~/my-chain             keep the chain
  sepia dev --rpc-port 0                       pick a free port and print it
  sepia dev --seal interval=2000               a block every two seconds
  sepia dev --runtime their.wasm               another FRAME runtime, with its preset "development"
  sepia dev --runtime lean.wasm --genesis-runtime full.wasm --preset dev`,
		Args: noArguments,
	}
	addSettings(cmd)
	addHome(cmd, "")
	var foreign foreignRuntime
	cmd.Flags().StringVar(&foreign.file, "runtime", "", "runtime blob to run instead of the built-in one; without floats, as all code on chain")
	cmd.Flags().StringVar(&foreign.genesisFile, "genesis-runtime", "",
		"the same runtime built with GenesisBuilder, if --runtime has none; it is run once, off chain, and may contain floats")
	cmd.Flags().StringVar(&foreign.preset, "preset", "development", "genesis preset of --runtime")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return runDev(cmd, io, foreign)
	}
	return cmd
}

// foreignRuntime is somebody's runtime for a development chain. Without a file it is the built-in one.
type foreignRuntime struct{ file, genesisFile, preset string }

func runDev(cmd *cobra.Command, io *streams, foreign foreignRuntime) error {
	basePath, err := cmd.Flags().GetString("base-path")
	if err != nil {
		return err
	}
	ephemeral, abandoned := basePath == "", 0
	if ephemeral {
		// Whoever was killed could not remove its own, up to 300 MB each.
		abandoned = node.RemoveAbandoned(os.TempDir())
		basePath, err = os.MkdirTemp("", "sepia-dev-")
		if err != nil {
			return fmt.Errorf("making a temporary home: %w", err)
		}
		defer os.RemoveAll(basePath)
	}
	settings, err := loadSettings(cmd, basePath)
	if err != nil {
		return err
	}
	if ephemeral && settings.CompileCacheDir == "" {
		settings.CompileCacheDir = userCacheDir()
	}
	chain, err := devSpec(cmd.Context(), foreign)
	if err != nil {
		return err
	}
	log := newLogger(io.err, settings)
	if abandoned > 0 {
		log.Info("removed homes of killed development chains", "count", abandoned)
	}
	n, err := node.Open(cmd.Context(), node.Options{
		Home: node.Home(basePath), Spec: chain, Config: settings, ValidatorSecret: node.DevValidatorSecret(), Logger: log, Ephemeral: ephemeral,
		Compiler: &engine.Child{},
	})
	if err != nil {
		return err
	}
	if err := announce(io, n, chain, ephemeral, basePath); err != nil {
		return err
	}
	return n.Run(cmd.Context())
}

// userCacheDir keeps compiled runtimes of chains that are thrown away, so that the second start need not compile. Where the
// user has no cache folder the home's own is used.
func userCacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "sepia", "compiled")
}

// devSpec is the built-in chain, or one that begins with somebody's runtime.
func devSpec(ctx context.Context, foreign foreignRuntime) (*spec.Spec, error) {
	if foreign.file == "" {
		return spec.Dev()
	}
	code, err := os.ReadFile(foreign.file)
	if err != nil {
		return nil, fmt.Errorf("--runtime: %w", err)
	}
	genesis := code
	if foreign.genesisFile != "" {
		if genesis, err = os.ReadFile(foreign.genesisFile); err != nil {
			return nil, fmt.Errorf("--genesis-runtime: %w", err)
		}
	}
	if err := node.CheckRuntime(code); err != nil {
		return nil, fmt.Errorf("--runtime %s: %w", foreign.file, err)
	}
	return node.BuildSpec(ctx, node.SpecOptions{
		Name: "Development of " + filepath.Base(foreign.file), ID: "dev", ChainType: spec.Development, GenesisTime: time.Now(),
		Validators: node.DevValidators(), Preset: foreign.preset, GenesisBlob: genesis, Code: code,
	})
}

// ready is what `sepia dev --json` prints when the chain runs.
type ready struct {
	RPC         string       `json:"rpc"`
	Chain       string       `json:"chain"`
	GenesisHash string       `json:"genesisHash"`
	BasePath    string       `json:"basePath,omitempty"`
	Accounts    []devAccount `json:"accounts"`
}

type devAccount struct {
	URI     string `json:"uri"`
	Address string `json:"address"`
}

func announce(io *streams, n *node.Node, chain *spec.Spec, ephemeral bool, basePath string) error {
	accounts, err := keyring.DevAccounts()
	if err != nil {
		return err
	}
	r := ready{RPC: "ws://" + n.RPCAddress(), Chain: chain.Name, GenesisHash: chain.GenesisHash.String()}
	if !ephemeral {
		r.BasePath = basePath
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s is running.\n\n  rpc      %s  (HTTP too)\n  genesis  %s\n", chain.Name, r.RPC, r.GenesisHash)
	if ephemeral {
		text.WriteString("  data     EPHEMERAL: forgotten when this ends; --base-path FOLDER keeps it\n")
	} else {
		fmt.Fprintf(&text, "  data     %s\n", basePath)
	}
	text.WriteString("\nFunded accounts (their secrets are public: never send anything of value here):\n\n")
	for _, account := range accounts {
		address := account.Pair.Account().String()
		r.Accounts = append(r.Accounts, devAccount{account.URI, address})
		fmt.Fprintf(&text, "  %-16s %s\n", account.URI, address)
	}
	fmt.Fprintf(&text, "\nTry, in another terminal:  go run ./test/transfer -url %s\n", r.RPC)
	return io.print(r, text.String())
}

func newInit(io *streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "init",
		Short:   "Make a home folder with a validator key and the spec of a new chain, or of an existing one",
		Example: "  sepia init\n  sepia init --chain testnet --base-path ~/net\n  sepia init --spec chain-spec.json",
		Args:    noArguments,
	}
	addHome(cmd, defaultHome())
	chain := cmd.Flags().String("chain", "testnet", "preset of a new chain: testnet or dev")
	specFile := cmd.Flags().String("spec", "", "raw spec of an existing chain, instead of making a new one")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		basePath, err := cmd.Flags().GetString("base-path")
		if err != nil {
			return err
		}
		made, err := node.Init(cmd.Context(), node.InitOptions{Home: node.Home(basePath), Preset: *chain, SpecFile: *specFile, Now: time.Now()})
		if err != nil {
			return err
		}
		result := map[string]any{"basePath": basePath, "chain": made.Name, "genesisHash": made.GenesisHash, "specFile": node.Home(basePath).SpecFile()}
		return io.print(result, fmt.Sprintf("Made %s for chain %q.\n\n  genesis  %s\n  spec     %s\n  key      %s  (keep it secret, and on one machine only)\n\nNext:  sepia start --base-path %s\n",
			basePath, made.Name, made.GenesisHash, node.Home(basePath).SpecFile(), node.Home(basePath).ValidatorKeyFile(), basePath))
	}
	return cmd
}

func newStart(io *streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "start",
		Short:   "Run the node of a home folder",
		Example: "  sepia start\n  sepia start --base-path ~/net --rpc-port 9954",
		Args:    noArguments,
	}
	addSettings(cmd)
	addHome(cmd, defaultHome())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		basePath, err := cmd.Flags().GetString("base-path")
		if err != nil {
			return err
		}
		settings, err := loadSettings(cmd, basePath)
		if err != nil {
			return err
		}
		home := node.Home(basePath)
		chain, err := home.LoadSpec()
		if err != nil {
			return err
		}
		n, err := node.Open(cmd.Context(), node.Options{Home: home, Spec: chain, Config: settings, Logger: newLogger(io.err, settings), Compiler: &engine.Child{}})
		if err != nil {
			return err
		}
		address := "ws://" + n.RPCAddress()
		if err := io.print(map[string]string{"rpc": address, "chain": chain.Name}, fmt.Sprintf("%s is running.\n\n  rpc  %s\n", chain.Name, address)); err != nil {
			return err
		}
		return n.Run(cmd.Context())
	}
	return cmd
}

// newLogger logs as the settings say.
func newLogger(w io.Writer, settings *config.Config) *slog.Logger {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	options := &slog.HandlerOptions{Level: levels[settings.LogLevel]}
	if settings.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
