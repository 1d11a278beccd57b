package consensus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/types"

	"github.com/sepia-chain/sepia/consensus/comet"
	"github.com/sepia-chain/sepia/consensus/pool"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/host"
	"github.com/sepia-chain/sepia/state"
)

// Options of a chain. The store and the engine are the caller's: they are closed after the chain.
type Options struct {
	Genesis  Genesis
	Store    *state.Store
	Engine   *engine.Engine
	Runtimes host.Options
	Signer   types.PrivValidator // as LoadSigner of package comet opens it
	WALFile  string              // of CometBFT's consensus, in a folder that exists
	Seal     comet.Seal
	Logger   *slog.Logger
	// Fatal is told once, from any goroutine, why the node has to stop. It must not block.
	Fatal func(error)
	// Tap stands between CometBFT and the application, for tests that record what passes. nil is nothing between.
	Tap func(abci.Application) abci.Application
}

func (o Options) tapped(app abci.Application) abci.Application {
	if o.Tap == nil {
		return app
	}
	return o.Tap(app)
}

// Chain is a chain that makes blocks and answers questions. All methods are safe for concurrent use.
type Chain struct {
	genesis    Genesis
	store      *state.Store
	runtimes   *runtimes
	pool       *pool.Pool
	engine     *comet.Engine
	log        *slog.Logger
	runtimeLog host.LogSink
	fatal      func(error)
	failed     atomic.Pointer[error]

	committed   *broadcast    // wakes subscribers
	upkeep      chan struct{} // wakes the pool's upkeep
	purge       atomic.Bool   // the code changed: all of the pool is to be judged again
	stop        context.CancelFunc
	stopped     context.Context
	workers     sync.WaitGroup
	subscribing sync.Mutex // no worker is added after stop
}

// Start opens the chain, replays what its store has not seen, and begins to make blocks.
func Start(o Options) (*Chain, error) {
	c, app, err := prepare(o)
	if err != nil {
		return nil, err
	}
	c.engine, err = c.startEngine(o, app, o.tapped(app))
	if err != nil {
		c.close()
		return nil, errors.Join(err, app.open.clear())
	}
	return c, nil
}

// prepare opens all of the chain but CometBFT.
func prepare(o Options) (*Chain, *application, error) {
	if len(o.Genesis.Validators) != 1 {
		return nil, nil, fmt.Errorf("%w: it names %d validators, this node runs chains of one", ErrGenesis, len(o.Genesis.Validators))
	}
	if err := o.Genesis.settle(o.Store); err != nil {
		return nil, nil, fmt.Errorf("opening the chain: %w", err)
	}
	c := &Chain{
		genesis: o.Genesis, store: o.Store, runtimes: newRuntimes(o.Engine, o.Runtimes),
		log: o.Logger, runtimeLog: runtimeLog(o.Logger), fatal: o.Fatal,
		committed: newBroadcast(), upkeep: make(chan struct{}, 1),
	}
	c.stopped, c.stop = context.WithCancel(context.Background())
	app, err := c.prepareApplication(o)
	if err != nil {
		c.close()
		return nil, nil, err
	}
	c.workers.Add(1)
	go c.keepUp()
	return c, app, nil
}

func (c *Chain) prepareApplication(o Options) (*application, error) {
	seal, err := c.sealFor(o.Seal)
	if err != nil {
		return nil, err
	}
	height, err := c.height()
	if err != nil {
		return nil, err
	}
	app := &application{chain: c, now: time.Now, deadline: proposeTime}
	c.pool = pool.New(height, pool.Options{Validate: c.validate, OnReady: func() { app.sealer.Ready() }})
	app.sealer = comet.NewSealer(seal, comet.SystemClock{}, c.pool.HasReady)
	return app, nil
}

// startEngine starts CometBFT over an application.
func (c *Chain) startEngine(o Options, app *application, asked abci.Application) (*comet.Engine, error) {
	document, err := o.Genesis.document()
	if err != nil {
		return nil, err
	}
	return comet.Start(comet.Options{
		Genesis: document, App: asked, Signer: o.Signer, Sealer: app.sealer, AppHash: c.appHash, DB: c.store.CometDB,
		WALFile: o.WALFile, Logger: o.Logger, Fatal: func(err error) { _ = c.fault("making blocks", err) },
	})
}

// sealFor adapts the sealing to the runtime: an Aura runtime wants its blocks a slot apart.
func (c *Chain) sealFor(seal comet.Seal) (comet.Seal, error) {
	view, err := c.store.View()
	if err != nil {
		return seal, fmt.Errorf("reading the latest block: %w", err)
	}
	defer c.release(view)
	rt, done, err := c.runtimes.of(view)
	if err != nil {
		return seal, err
	}
	defer done()
	slot, err := auraSlotDuration(c.store, view, rt)
	if err != nil {
		return seal, err
	}
	if slot > seal.Interval {
		seal.Interval = slot
	}
	return seal, nil
}

// Stop ends the making of blocks after the step that it is in, then everything else. The store can be closed afterwards.
func (c *Chain) Stop() error {
	err := c.engine.Stop()
	c.close()
	if err != nil {
		return fmt.Errorf("stopping the chain: %w", err)
	}
	return nil
}

// close ends everything but CometBFT.
func (c *Chain) close() {
	c.subscribing.Lock()
	c.stop()
	c.subscribing.Unlock()
	c.workers.Wait()
	if c.pool != nil {
		c.pool.Close()
	}
	c.runtimes.close()
}

// fault records why the node has to stop and tells the node, once. It returns the error with what was being done.
func (c *Chain) fault(doing string, err error) error {
	err = fmt.Errorf("%s: %w", doing, err)
	if c.failed.CompareAndSwap(nil, &err) {
		c.log.Error("the node has to stop", "err", err)
		c.fatal(err)
	}
	return err
}

// Err is why the node has to stop, nil while all is well.
func (c *Chain) Err() error {
	if err := c.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// release closes a view. It fails only when the database does.
func (c *Chain) release(view *state.View) {
	if err := view.Release(); err != nil {
		_ = c.fault("closing a view", err)
	}
}

func (c *Chain) height() (uint32, error) {
	view, err := c.store.View()
	if err != nil {
		return 0, fmt.Errorf("reading the latest block: %w", err)
	}
	defer c.release(view)
	return view.Height(), nil
}

// appHash is the app hash after the last committed block.
func (c *Chain) appHash() []byte {
	view, err := c.store.View()
	if err != nil {
		_ = c.fault("reading the app hash", err)
		return nil
	}
	defer c.release(view)
	root := view.Root()
	return root[:]
}

// checkInit compares what CometBFT begins with to the genesis.
func (g *Genesis) checkInit(r *abci.RequestInitChain) error {
	var note genesisNote
	if err := json.Unmarshal(r.AppStateBytes, &note); err != nil {
		return fmt.Errorf("%w: reading CometBFT's note of it: %w", ErrGenesis, err)
	}
	switch {
	case note.GenesisHash != g.Hash:
		return fmt.Errorf("%w: CometBFT began with the chain %s, the spec is of %s", ErrGenesis, note.GenesisHash, g.Hash)
	case r.ChainId != g.ChainID:
		return fmt.Errorf("%w: CometBFT began with the chain id %q, the spec is of %q", ErrGenesis, r.ChainId, g.ChainID)
	case r.InitialHeight != 1:
		return fmt.Errorf("%w: the first height is %d, want 1", ErrGenesis, r.InitialHeight)
	}
	got := make([]Validator, len(r.Validators))
	for i, v := range r.Validators {
		key := v.PubKey.GetEd25519()
		if len(key) != 32 {
			return fmt.Errorf("%w: validator %d has no ed25519 key", ErrGenesis, i)
		}
		got[i] = Validator{[32]byte(key), v.Power}
	}
	return sameValidators("CometBFT", got, g.Validators)
}

func sameValidators(who string, got, want []Validator) error {
	a, b := encodeValidators(sortedByKey(got)), encodeValidators(sortedByKey(want))
	if string(a) != string(b) {
		return fmt.Errorf("%w: %s has the validators %x, the spec %x", ErrGenesis, who, a, b)
	}
	return nil
}

// checkValidators compares the genesis with the runtime's own list, if it has one.
func (c *Chain) checkValidators(view *state.View) error {
	rt, done, err := c.runtimes.of(view)
	if err != nil {
		return err
	}
	defer done()
	if apiVersion(rt, apiComet) == 0 {
		return nil
	}
	out, err := blockCall(c.stopped, c.store, view, rt, "CometApi_validators", nil)
	if err != nil {
		return fmt.Errorf("asking the runtime for its validators: %w", err)
	}
	d := scale.NewDecoder(out)
	list := readValidators(d)
	if err := d.Finish(); err != nil {
		return fmt.Errorf("%w: decoding the runtime's validators: %w", ErrGenesis, err)
	}
	return sameValidators("the runtime", list, c.genesis.Validators)
}

// nextKey holds the validator set after all updates of committed blocks, as the store's own note.
var nextValidatorsKey = []byte("next-validators")

// decideUpdates takes the changes of validators out of a block's header. Changes that CometBFT would refuse are left out
// whole, by every node alike: CometBFT would never start again after them.
func (c *Chain) decideUpdates(b *openBlock) error {
	set, err := c.nextValidators()
	if err != nil {
		return err
	}
	updates, err := updatesIn(&b.result.Header)
	if err == nil && len(updates) > 0 {
		b.next, err = applyUpdates(set, updates)
	}
	if err != nil {
		c.log.Error("validator updates are left out", "height", b.height, "err", err)
		b.updates, b.next = nil, nil
		return nil
	}
	b.updates = updates
	return nil
}

func (c *Chain) nextValidators() ([]Validator, error) {
	b, found, err := c.store.Extra(nextValidatorsKey)
	if err != nil {
		return nil, fmt.Errorf("reading the validator set: %w", err)
	}
	if !found {
		return c.genesis.Validators, nil
	}
	d := scale.NewDecoder(b)
	list := readValidators(d)
	if err := d.Finish(); err != nil {
		return nil, fmt.Errorf("decoding the validator set: %w", err)
	}
	return list, nil
}

// placesKey is where the store keeps what became of the CometBFT transactions of a block.
func placesKey(height uint32) []byte {
	return scale.AppendU32([]byte("places/"), height)
}

// leftOutPlace stands for a transaction that is not in the body.
const leftOutPlace = ^uint32(0)

// extras are the store's notes that come with a block.
func (b *openBlock) extras() []state.KV {
	places := make([]byte, 0, 4*len(b.result.Outcomes))
	for _, o := range b.result.Outcomes {
		place := leftOutPlace
		if o.Code.InBody() {
			place = uint32(o.Index)
		}
		places = scale.AppendU32(places, place)
	}
	var list []state.KV
	if len(places) > 0 {
		list = append(list, state.KV{Key: placesKey(uint32(b.height)), Value: places})
	}
	if b.next != nil {
		list = append(list, state.KV{Key: nextValidatorsKey, Value: encodeValidators(b.next)})
	}
	return list
}

// commit writes a decided block and says whether it changed the code.
func (c *Chain) commit(b *openBlock) (codeChanged bool, err error) {
	before, err := c.store.Block(uint32(b.height) - 1)
	if err != nil {
		return false, fmt.Errorf("reading the parent: %w", err)
	}
	view, err := c.store.Commit(b.overlay, state.Block{
		Height: uint32(b.height), Hash: b.result.Hash, Header: b.result.Encoded, HostVersion: hostVersion,
		Body: b.result.Body, Extra: b.extras(),
	})
	if err != nil {
		return false, err
	}
	defer c.release(view)
	return view.CodeHash() != before.CodeHash, nil
}

// announce tells the pool, then the subscribers, of a committed block.
func (c *Chain) announce(b *openBlock, codeChanged bool) {
	included := make([]primitives.Hash, 0, len(b.result.Body))
	for _, xt := range b.result.Body {
		included = append(included, primitives.Blake2_256(xt))
	}
	for i, o := range b.result.Outcomes {
		if !o.Code.InBody() {
			discard(c.pool, pool.Candidate{Hash: primitives.Blake2_256(b.txs[i])}, o)
		}
	}
	c.pool.Committed(uint32(b.height), b.result.Hash, included)
	if codeChanged {
		c.purge.Store(true)
	}
	select {
	case c.upkeep <- struct{}{}:
	default:
	}
	c.committed.wake()
}

// upkeepBatch is how many waiting transactions are judged again after a block: 256 of 100 us take 26 ms of one core.
const upkeepBatch = 256

// keepUp judges waiting transactions again after each block, all of them when the code changed. Its first call of a new
// runtime also compiles it, ahead of the next proposal.
func (c *Chain) keepUp() {
	defer c.workers.Done()
	for {
		select {
		case <-c.stopped.Done():
			return
		case <-c.upkeep:
		}
		limit := upkeepBatch
		if c.purge.Swap(false) {
			limit = pool.Everything
		}
		if err := c.pool.Revalidate(c.stopped, limit); err != nil && c.stopped.Err() == nil {
			_ = c.readFault("judging waiting transactions", err)
		}
	}
}
