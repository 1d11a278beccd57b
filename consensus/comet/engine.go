package comet

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	dbm "github.com/cometbft/cometbft-db"
	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/config"
	cs "github.com/cometbft/cometbft/consensus"
	"github.com/cometbft/cometbft/evidence"
	cmtlog "github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/mempool"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/proxy"
	sm "github.com/cometbft/cometbft/state"
	"github.com/cometbft/cometbft/store"
	"github.com/cometbft/cometbft/types"
)

// Options of an engine.
type Options struct {
	Genesis *types.GenesisDoc
	App     abci.Application
	Signer  types.PrivValidator
	Sealer  *Sealer
	AppHash func() []byte // of the last committed block
	// DB opens CometBFT's databases: "blockstore", "state", "evidence". The engine never closes them: they share one
	// instance with the application.
	DB      func(name string) dbm.DB
	WALFile string
	Logger  *slog.Logger
	// Fatal is told, at most once, that consensus has ended by itself. It must not block.
	Fatal func(error)
}

// ErrHalted says that CometBFT's consensus ended by itself. The log has the reason.
var ErrHalted = errors.New("consensus has stopped by itself")

// Engine is a running CometBFT.
type Engine struct {
	events   *types.EventBus
	app      proxy.AppConns
	blocks   *store.BlockStore
	states   sm.Store
	state    *cs.State
	reactor  *cs.Reactor
	stopping atomic.Bool
	replayed int
}

// Start opens CometBFT's stores, brings the application up to them, and starts consensus. CometBFT panics over a store that
// it cannot read and over an application that has parted from it; here these are errors like any other.
func Start(o Options) (*Engine, error) {
	log := newLogger(o.Logger)
	e := &Engine{
		events: types.NewEventBus(),
		app:    proxy.NewAppConns(proxy.NewConnSyncLocalClientCreator(o.App), proxy.NopMetrics()),
	}
	e.events.SetLogger(log)
	e.app.SetLogger(log)
	if err := e.startServices(); err != nil {
		return nil, err
	}
	if err := e.startConsensus(o, log); err != nil {
		return nil, errors.Join(err, e.stopServices())
	}
	go e.watch(o.Fatal)
	return e, nil
}

func (e *Engine) startServices() error {
	if err := e.events.Start(); err != nil {
		return fmt.Errorf("starting CometBFT's event bus: %w", err)
	}
	if err := e.app.Start(); err != nil {
		return errors.Join(fmt.Errorf("connecting CometBFT to the application: %w", err), e.events.Stop())
	}
	return nil
}

func (e *Engine) startConsensus(o Options, log cmtlog.Logger) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("starting CometBFT: %v", cause)
		}
	}()
	e.blocks = store.NewBlockStore(o.DB("blockstore"))
	e.states = sm.NewStore(o.DB("state"), sm.StoreOptions{DiscardABCIResponses: true})
	state, err := e.handshake(o, log)
	if err != nil {
		return err
	}
	evidencePool, err := evidence.NewPool(o.DB("evidence"), e.states, e.blocks)
	if err != nil {
		return fmt.Errorf("opening CometBFT's evidence pool: %w", err)
	}
	evidencePool.SetLogger(log)
	settings := consensusSettings(o.Sealer.seal, o.WALFile)
	// Transactions never pass through CometBFT's mempool: PrepareProposal takes them from the application's pool.
	executor := sm.NewBlockExecutor(e.states, log, e.app.Consensus(), &mempool.NopMempool{}, evidencePool, e.blocks,
		sm.BlockExecutorWithBlockTimeTolerance(settings.BlockTimeTolerance))
	e.state = cs.NewState(settings, state, executor, idleStore{e.blocks, o.AppHash}, o.Sealer, evidencePool)
	e.state.SetLogger(log)
	e.state.SetPrivValidator(o.Signer)
	e.reactor = cs.NewReactor(e.state, false)
	e.reactor.SetLogger(log)
	e.state.SetEventBus(e.events)
	e.reactor.SetEventBus(e.events)
	e.reactor.SetSwitch(p2p.NewSwitch(config.DefaultP2PConfig(), nil))
	if err := e.reactor.Start(); err != nil {
		return fmt.Errorf("starting consensus: %w", err)
	}
	return nil
}

// handshake replays to the application what it has not seen, and returns the state that consensus goes on from.
func (e *Engine) handshake(o Options, log cmtlog.Logger) (sm.State, error) {
	state, err := e.states.LoadFromDBOrGenesisDoc(o.Genesis)
	if err != nil {
		return sm.State{}, fmt.Errorf("loading CometBFT's state: %w", err)
	}
	shaker := cs.NewHandshaker(e.states, state, e.blocks, o.Genesis)
	shaker.SetLogger(log)
	shaker.SetEventBus(e.events)
	if err := shaker.Handshake(e.app); err != nil {
		return sm.State{}, fmt.Errorf("bringing the application up to CometBFT's blocks: %w", err)
	}
	e.replayed = shaker.NBlocks()
	o.Sealer.forget()
	state, err = e.states.Load()
	if err != nil {
		return sm.State{}, fmt.Errorf("loading CometBFT's state after the handshake: %w", err)
	}
	return state, nil
}

// consensusSettings are CometBFT's defaults without the pause after a commit, which is there for a network's votes to
// arrive, and with the chain's own interval.
func consensusSettings(seal Seal, walFile string) *config.ConsensusConfig {
	settings := config.DefaultConsensusConfig()
	settings.SetWalFile(walFile)
	settings.TimeoutCommit = 0
	settings.SkipTimeoutCommit = true
	settings.CreateEmptyBlocks = true
	settings.CreateEmptyBlocksInterval = seal.wait()
	return settings
}

// watch waits for consensus to end, and calls fatal if nobody asked it to.
func (e *Engine) watch(fatal func(error)) {
	e.state.Wait()
	if !e.stopping.Load() {
		fatal(ErrHalted)
	}
}

// Replayed is how many blocks the handshake executed.
func (e *Engine) Replayed() int { return e.replayed }

// Stop ends consensus, after the step that it is in, and then everything else. The databases stay open.
func (e *Engine) Stop() error {
	e.stopping.Store(true)
	err := e.reactor.Stop() // waits for the consensus state and its write-ahead log
	return errors.Join(err, e.stopServices())
}

func (e *Engine) stopServices() error {
	return errors.Join(e.events.Stop(), e.app.Stop())
}

// Block is CometBFT's block of a height, nil if there is none.
func (e *Engine) Block(height int64) *types.Block { return e.blocks.LoadBlock(height) }

// Height is the height of CometBFT's last block.
func (e *Engine) Height() int64 { return e.blocks.Height() }

// Validators is the set that may sign the block of a height.
func (e *Engine) Validators(height int64) (*types.ValidatorSet, error) {
	set, err := e.states.LoadValidators(height)
	if err != nil {
		return nil, fmt.Errorf("loading validators of height %d: %w", height, err)
	}
	return set, nil
}
