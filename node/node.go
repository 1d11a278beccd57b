// Package node wires a node: it opens state, engine, chain and RPC in order, runs them, and closes them in reverse.
//
// It holds no rules and no protocol. Everything it opens has one owner, this package, and one place that closes it. The
// command line (package cli) stands above it; nothing imports it from below.
package node

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/sepia-chain/sepia/consensus"
	"github.com/sepia-chain/sepia/consensus/comet"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/node/config"
	"github.com/sepia-chain/sepia/node/spec"
	"github.com/sepia-chain/sepia/rpc"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/host"
	"github.com/sepia-chain/sepia/runtime/vm"
	"github.com/sepia-chain/sepia/state"
)

var (
	// ErrOtherChain says that a home belongs to another chain than the one asked for.
	ErrOtherChain = errors.New("the home folder belongs to another chain")
	// ErrNotInitialised says that a home has no chain spec.
	ErrNotInitialised = errors.New("there is no chain here")
	// ErrStoreCorrupt says that the database contradicts itself.
	ErrStoreCorrupt = state.ErrCorrupt
	// ErrNotValidator says that the home's key cannot sign for the chain. A node needs no other reason to exist until it has a
	// network to follow.
	ErrNotValidator = errors.New("the validator key is not in the chain's validator set")
	// ErrConsensus says that the chain cannot go on with this node.
	ErrConsensus = errors.New("consensus failure")
)

// shutdownPatience is how long running RPC calls may take to end when the node stops.
const shutdownPatience = 5 * time.Second

// Options say which node to open.
type Options struct {
	Home   Home
	Spec   *spec.Spec
	Config *config.Config
	Logger *slog.Logger
	// Ephemeral says that the home goes with the process: see RemoveAbandoned.
	Ephemeral bool
	// Compiler makes fast code of contracts, in processes of a program that serves engine.CompileCommand. Without it contracts
	// keep their quick code where the settings leave the choice.
	Compiler *engine.Child
	// ValidatorSecret makes the validator key of a home that has none: 32 bytes. Without it the home must have a key.
	ValidatorSecret []byte
}

// Node is an open node. Make it with Open; Run closes it.
type Node struct {
	log      *slog.Logger
	chain    *consensus.Chain
	server   *rpc.Server
	listener net.Listener
	fatal    chan error
	closers  []closer // in the order of opening
}

type closer struct {
	name  string
	close func() error
}

// Open opens everything and begins to make blocks and to listen. After an error nothing is left open.
func Open(ctx context.Context, o Options) (n *Node, err error) {
	n = &Node{log: o.Logger, fatal: make(chan error, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close())
			n = nil
		}
	}()
	if err := n.openHome(o); err != nil {
		return n, err
	}
	store, err := n.openState(o)
	if err != nil {
		return n, err
	}
	machine, runtimes, err := n.openEngine(o)
	if err != nil {
		return n, err
	}
	if err := n.openChain(o, store, machine, runtimes); err != nil {
		return n, err
	}
	return n, n.openRPC(o)
}

func (n *Node) opened(name string, close func() error) {
	n.closers = append(n.closers, closer{name, close})
}

// close closes what is open, the last opened first.
func (n *Node) close() error {
	var errs []error
	for i := len(n.closers) - 1; i >= 0; i-- {
		if err := n.closers[i].close(); err != nil {
			errs = append(errs, fmt.Errorf("closing %s: %w", n.closers[i].name, err))
		}
	}
	n.closers = nil
	return errors.Join(errs...)
}

// openHome takes the home for this process and makes sure that it belongs to the chain.
func (n *Node) openHome(o Options) error {
	if err := o.Home.create(); err != nil {
		return err
	}
	unlock, err := o.Home.lock()
	if err != nil {
		return err
	}
	n.opened("home", unlock)
	if err := o.Home.settle(o.Ephemeral); err != nil {
		return err
	}
	known, err := o.Home.LoadSpec()
	if errors.Is(err, ErrNotInitialised) {
		return o.Home.saveSpec(o.Spec)
	}
	if err != nil {
		return err
	}
	if known.GenesisHash != o.Spec.GenesisHash {
		return fmt.Errorf("%w: %s holds chain %q with genesis %s, not %q with %s: choose another --base-path",
			ErrOtherChain, o.Home, known.Name, known.GenesisHash, o.Spec.Name, o.Spec.GenesisHash)
	}
	return nil
}

func (n *Node) openState(o Options) (*state.Store, error) {
	store, err := state.Open(state.Options{
		Path: o.Home.StateDir(), CacheBytes: int64(o.Config.StateCacheMiB) << 20, Logger: o.Logger.With("room", "state"),
		Progress: func(keys, of uint64) { o.Logger.Info("rebuilding the state tree", "keys", keys, "of", of) },
	})
	if err != nil {
		return nil, fmt.Errorf("opening state: %w", err)
	}
	n.opened("state", store.Close)
	return store, nil
}

// compileChoices are what the setting vm.compile says. Nothing else passes the settings' own check.
var compileChoices = map[string]vm.Compile{"automatic": vm.CompileAutomatic, "none": vm.CompileNone, "speed": vm.CompileSpeed}

func (n *Node) openEngine(o Options) (*engine.Engine, host.Options, error) {
	machine, err := engine.New(engine.Config{BlobSlots: blobInstances, GuestSlots: vm.GuestSlots(blobInstances)})
	if err != nil {
		return nil, host.Options{}, fmt.Errorf("opening engine: %w", err)
	}
	n.opened("engine", func() error { machine.Close(); return nil })
	cacheDir := o.Config.CompileCacheDir
	if cacheDir == "" {
		cacheDir = o.Home.CompileCacheDir()
	}
	cache, err := engine.OpenCache(cacheDir, o.Logger.With("room", "engine"))
	if err != nil {
		return nil, host.Options{}, fmt.Errorf("opening cache of compiled code: %w", err)
	}
	guestCache, err := engine.OpenGuestCache(cacheDir, o.Logger.With("room", "vm"))
	if err != nil {
		return nil, host.Options{}, fmt.Errorf("opening cache of compiled contracts: %w", err)
	}
	guests := vm.NewProvider(machine, vm.Options{
		Disk: guestCache, Compile: compileChoices[o.Config.Compile], Child: o.Compiler, Log: o.Logger.With("room", "vm"),
	})
	n.opened("guest VM", func() error { guests.Close(); return nil })
	pool, err := host.NewPool(host.PoolConfig{Instances: machine.BlobSlots(), ForBlocks: blobInstancesForBlock})
	if err != nil {
		return nil, host.Options{}, fmt.Errorf("opening pool of instances: %w", err)
	}
	return machine, host.Options{Pool: pool, Cache: cache, Guests: guests, Signatures: host.NewSignatures()}, nil
}

func (n *Node) openChain(o Options, store *state.Store, machine *engine.Engine, runtimes host.Options) error {
	genesis, err := chainGenesis(o.Spec)
	if err != nil {
		return err
	}
	signer, err := openSigner(o)
	if err != nil {
		return err
	}
	n.chain, err = consensus.Start(consensus.Options{
		Genesis: genesis, Store: store, Engine: machine, Runtimes: runtimes, Signer: signer, WALFile: o.Home.WALFile(),
		Seal: comet.Seal{Interval: o.Config.Seal.Interval}, Logger: o.Logger.With("room", "consensus"), Fatal: n.fail,
	})
	if err != nil {
		return fmt.Errorf("starting the chain: %w", err)
	}
	n.opened("chain", n.chain.Stop)
	return nil
}

// fail remembers why the node has to stop. Only the first reason counts.
func (n *Node) fail(err error) {
	select {
	case n.fatal <- err:
	default:
	}
}

func (n *Node) openRPC(o Options) error {
	views := chainView{n.chain}
	server, err := rpc.NewServer(rpc.Config{MaxConnections: o.Config.RPCConnections}, views, poolView{n.chain},
		systemView{spec: o.Spec, chain: n.chain}, o.Logger.With("room", "rpc"))
	if err != nil {
		return fmt.Errorf("opening RPC: %w", err)
	}
	n.server = server
	n.opened("RPC", func() error {
		ctx, cancel := context.WithTimeout(context.Background(), shutdownPatience)
		defer cancel()
		return server.Close(ctx)
	})
	address := net.JoinHostPort(o.Config.RPCHost, strconv.Itoa(int(o.Config.RPCPort)))
	n.listener, err = net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listening on %s: %w: another node may run there; --rpc-port 0 picks a free port", address, err)
	}
	go func() {
		if err := server.Serve(n.listener); err != nil {
			n.fail(err)
		}
	}()
	return nil
}

// RPCAddress is the host and port that RPC listens on.
func (n *Node) RPCAddress() string { return n.listener.Addr().String() }

// Run waits until ctx is done or the node cannot go on, and then closes everything.
func (n *Node) Run(ctx context.Context) error {
	var cause error
	select {
	case <-ctx.Done():
		n.log.Info("stopping")
	case cause = <-n.fatal:
		n.log.Error("the node cannot go on", "cause", cause)
		cause = fmt.Errorf("%w: %w", ErrConsensus, cause)
	}
	return errors.Join(cause, n.close())
}

// openSigner opens the validator's key, or makes it where the options say of what.
func openSigner(o Options) (signer signer, err error) {
	keyFile, stateFile := o.Home.ValidatorKeyFile(), o.Home.ValidatorStateFile()
	if _, statErr := os.Stat(keyFile); errors.Is(statErr, os.ErrNotExist) && o.ValidatorSecret != nil {
		if _, err := comet.CreateSigner(keyFile, stateFile, o.ValidatorSecret); err != nil {
			return nil, fmt.Errorf("making validator key: %w", err)
		}
	}
	signer, err = comet.LoadSigner(keyFile, stateFile)
	if err != nil {
		return nil, fmt.Errorf("opening validator key: %w", err)
	}
	return signer, checkValidator(signer, o)
}

// checkValidator refuses a key that would never make a block: the chain would stand still without a word.
func checkValidator(signer signer, o Options) error {
	public, err := signer.GetPubKey()
	if err != nil {
		return fmt.Errorf("reading validator key: %w", err)
	}
	for _, v := range o.Spec.Validators {
		if bytes.Equal(v.PubKey[:], public.Bytes()) {
			return nil
		}
	}
	return fmt.Errorf("%w: %s has public key 0x%x, %s does not: use the home that the chain was made in, or make a chain with `sepia init`",
		ErrNotValidator, o.Home.ValidatorKeyFile(), public.Bytes(), o.Home.SpecFile())
}

// chainGenesis is the spec as the chain wants it.
func chainGenesis(s *spec.Spec) (consensus.Genesis, error) {
	g := consensus.Genesis{ChainID: s.ID, Time: s.GenesisTime, Hash: s.GenesisHash}
	top, err := s.TopPairs()
	if err != nil {
		return g, err
	}
	for _, p := range top {
		g.Pairs = append(g.Pairs, state.Pair{Key: p.Key, Value: p.Value})
	}
	children, err := s.Children()
	if err != nil {
		return g, err
	}
	for _, child := range children {
		for _, p := range child.Pairs {
			g.Pairs = append(g.Pairs, state.Pair{ID: child.ID, Key: p.Key, Value: p.Value})
		}
	}
	for _, v := range s.Validators {
		g.Validators = append(g.Validators, consensus.Validator{PubKey: v.PubKey, Power: v.Power})
	}
	return g, nil
}

// InitOptions say what home to make.
type InitOptions struct {
	Home     Home
	Preset   string // of a new chain, one of the built-in genesis blob's
	SpecFile string // of an existing chain; then Preset does not count
	Now      time.Time
}

// ErrHomeExists says that a home has a chain already.
var ErrHomeExists = errors.New("there is a chain here already")

// Init makes a home: folders, validator key and chain spec.
func Init(ctx context.Context, o InitOptions) (*spec.Spec, error) {
	if _, err := o.Home.LoadSpec(); !errors.Is(err, ErrNotInitialised) {
		return nil, fmt.Errorf("%w: %s: choose another --base-path, or remove that folder", ErrHomeExists, o.Home)
	}
	var known *spec.Spec
	if o.SpecFile != "" {
		var err error
		if known, err = spec.Load(o.SpecFile); err != nil {
			return nil, err
		}
	}
	if err := o.Home.create(); err != nil {
		return nil, err
	}
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil, fmt.Errorf("drawing validator key: %w", err)
	}
	public, err := comet.CreateSigner(o.Home.ValidatorKeyFile(), o.Home.ValidatorStateFile(), secret)
	if err != nil {
		return nil, fmt.Errorf("making validator key: %w", err)
	}
	if known == nil {
		validators := []spec.Validator{{PubKey: primitives.Hash(public), Power: 1}}
		if known, err = newChain(ctx, o.Preset, validators, o.Now); err != nil {
			return nil, err
		}
	}
	return known, o.Home.saveSpec(known)
}

// Blob instances alive at once. An instance takes 128 MiB of address space and what the runtime touches of it, some MiB.
const (
	blobInstances         = 8 // queries wait for one another beyond that
	blobInstancesForBlock = 2 // one executes a block, one judges a proposal
)
