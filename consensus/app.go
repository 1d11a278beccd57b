package consensus

import (
	"context"
	"errors"
	"fmt"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/sepia-chain/sepia/consensus/comet"
	"github.com/sepia-chain/sepia/consensus/driver"
	"github.com/sepia-chain/sepia/runtime/host"
	"github.com/sepia-chain/sepia/state"
)

// application is what CometBFT drives. CometBFT calls the methods that change anything one after the other.
type application struct {
	abci.BaseApplication
	chain    *Chain
	sealer   *comet.Sealer
	open     openBlocks
	decided  *openBlock // finalized, to be committed
	now      func() time.Time
	deadline time.Duration // for building a proposal
}

// proposeTime is how long a proposer looks for transactions. CometBFT waits 3 s for a proposal, which the others have to
// execute too.
const proposeTime = time.Second

// Info tells CometBFT how far the application is.
func (a *application) Info(context.Context, *abci.RequestInfo) (*abci.ResponseInfo, error) {
	view, err := a.chain.store.View()
	if err != nil {
		return nil, a.chain.fault("telling the last block", err)
	}
	defer a.chain.release(view)
	info := &abci.ResponseInfo{Version: hostName, AppVersion: appVersion, LastBlockHeight: int64(view.Height())}
	if view.Height() > 0 { // before, CometBFT has to call InitChain
		root := view.Root()
		info.LastBlockAppHash = root[:]
	}
	return info, nil
}

const hostName = "sepia"

// InitChain checks that CometBFT begins with our genesis. It may be called again as long as no block is committed.
func (a *application) InitChain(_ context.Context, r *abci.RequestInitChain) (*abci.ResponseInitChain, error) {
	g := &a.chain.genesis
	if err := g.checkInit(r); err != nil {
		return nil, a.chain.fault("starting the chain", err)
	}
	if err := g.settle(a.chain.store); err != nil {
		return nil, a.chain.fault("starting the chain", err)
	}
	view, err := a.chain.store.View()
	if err != nil {
		return nil, a.chain.fault("starting the chain", err)
	}
	defer a.chain.release(view)
	if err := a.chain.checkValidators(view); err != nil {
		return nil, a.chain.fault("starting the chain", err)
	}
	root := view.Root()
	return &abci.ResponseInitChain{AppHash: root[:]}, nil
}

// PrepareProposal builds a block out of the pool.
func (a *application) PrepareProposal(_ context.Context, r *abci.RequestPrepareProposal) (*abci.ResponsePrepareProposal, error) {
	p := proposal{r.Height, r.Time, r.ProposerAddress, extendedVotesOf(r.LocalLastCommit), r.Misbehavior}
	var offered driver.Candidates = nothing{}
	if a.sealer.TakeTransactions() {
		offered = a.chain.candidates(a.now, a.deadline)
	}
	txs, err := a.build(p, offered, r.MaxTxBytes)
	var rejected *driver.Rejection
	if errors.As(err, &rejected) {
		// A hook fails with these transactions. Without them it may not, and then the chain goes on.
		a.chain.log.Error("a block with transactions cannot be built, trying without", "height", r.Height, "err", rejected)
		txs, err = a.build(p, nothing{}, r.MaxTxBytes)
	}
	if errors.As(err, &rejected) {
		a.chain.log.Error("no block can be built: the runtime fails even without transactions", "height", r.Height, "err", rejected)
		return &abci.ResponsePrepareProposal{}, nil
	}
	if err != nil {
		return nil, a.chain.fault("building a block", err)
	}
	return &abci.ResponsePrepareProposal{Txs: txs}, nil
}

func (a *application) build(p proposal, offered driver.Candidates, maxBytes int64) ([][]byte, error) {
	var txs [][]byte
	block, err := a.execute(p, func(m driver.Machine, in driver.Input) (driver.Result, error) {
		result, chosen, err := driver.Build(m, in, offered, maxBytes)
		txs = chosen
		return result, err
	})
	if err != nil {
		return nil, err
	}
	block.content = p.content(txs)
	return txs, a.open.keep(block)
}

// ProcessProposal executes a proposal before this node votes for it.
func (a *application) ProcessProposal(_ context.Context, r *abci.RequestProcessProposal) (*abci.ResponseProcessProposal, error) {
	p := proposal{r.Height, r.Time, r.ProposerAddress, votesOf(r.ProposedLastCommit), r.Misbehavior}
	content := p.content(r.Txs)
	if block := a.open.find(content); block != nil {
		block.hash = string(r.Hash)
		return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_ACCEPT}, nil
	}
	block, err := a.execute(p, func(m driver.Machine, in driver.Input) (driver.Result, error) {
		return driver.Judge(m, in, r.Txs)
	})
	var rejected *driver.Rejection
	if errors.As(err, &rejected) {
		a.chain.log.Warn("proposal refused", "height", r.Height, "proposer", fmt.Sprintf("%X", r.ProposerAddress), "err", rejected)
		return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_REJECT}, nil
	}
	if err != nil {
		return nil, a.chain.fault("judging a proposal", err)
	}
	block.content, block.hash = content, string(r.Hash)
	if err := a.open.keep(block); err != nil {
		return nil, a.chain.fault("keeping a proposal", err)
	}
	return &abci.ResponseProcessProposal{Status: abci.ResponseProcessProposal_ACCEPT}, nil
}

// FinalizeBlock executes a decided block, unless it was executed as a proposal.
func (a *application) FinalizeBlock(_ context.Context, r *abci.RequestFinalizeBlock) (*abci.ResponseFinalizeBlock, error) {
	p := proposal{r.Height, r.Time, r.ProposerAddress, votesOf(r.DecidedLastCommit), r.Misbehavior}
	block := a.open.findHash(string(r.Hash))
	if block == nil {
		var err error
		block, err = a.execute(p, func(m driver.Machine, in driver.Input) (driver.Result, error) {
			return driver.Apply(m, in, r.Txs)
		})
		if err != nil {
			return nil, a.chain.fault("executing a decided block", err)
		}
		block.content, block.hash = p.content(r.Txs), string(r.Hash)
		if err := a.open.keep(block); err != nil {
			return nil, a.chain.fault("keeping a decided block", err)
		}
	}
	if err := a.chain.decideUpdates(block); err != nil {
		return nil, a.chain.fault("reading validator updates", err)
	}
	block.txs = r.Txs
	a.decided = block
	root := block.result.Header.StateRoot
	return &abci.ResponseFinalizeBlock{
		TxResults: results(block.result.Outcomes), ValidatorUpdates: abciUpdates(block.updates), AppHash: root[:],
	}, nil
}

// results are part of consensus but for their log: the code comes from the driver's table, and there are no data and no gas.
func results(outcomes []driver.Outcome) []*abci.ExecTxResult {
	list := make([]*abci.ExecTxResult, len(outcomes))
	for i, o := range outcomes {
		list[i] = &abci.ExecTxResult{Code: uint32(o.Code)}
		if o.Code != driver.Applied {
			list[i].Log = o.Code.String()
		}
	}
	return list
}

// Commit writes the decided block. When it returns, the block can be read.
func (a *application) Commit(context.Context, *abci.RequestCommit) (*abci.ResponseCommit, error) {
	block := a.decided
	if block == nil {
		return nil, a.chain.fault("committing", errors.New("no block was finalized"))
	}
	a.decided = nil
	codeChanged, err := a.chain.commit(block)
	if err != nil {
		return nil, a.chain.fault("committing", err)
	}
	if err := a.open.clear(); err != nil {
		return nil, a.chain.fault("dropping proposals", err)
	}
	a.chain.announce(block, codeChanged)
	a.sealer.Committed(len(block.txs) == 0, codeChanged)
	return &abci.ResponseCommit{}, nil
}

// CheckTx is refused: clients submit through Chain.Submit.
func (a *application) CheckTx(context.Context, *abci.RequestCheckTx) (*abci.ResponseCheckTx, error) {
	return &abci.ResponseCheckTx{Code: abci.CodeTypeRetry, Log: "submit through JSON-RPC"}, nil
}

// InsertTx takes a peer's transaction into the pool.
func (a *application) InsertTx(ctx context.Context, r *abci.RequestInsertTx) (*abci.ResponseInsertTx, error) {
	code, err := a.chain.pool.Insert(ctx, r.Tx)
	if err != nil {
		return nil, a.chain.readFault("taking a peer's transaction", err)
	}
	return &abci.ResponseInsertTx{Code: code}, nil
}

// ReapTxs lists transactions for peers.
func (a *application) ReapTxs(_ context.Context, r *abci.RequestReapTxs) (*abci.ResponseReapTxs, error) {
	return &abci.ResponseReapTxs{Txs: a.chain.pool.Reap(r.MaxBytes)}, nil
}

// execute runs a block on a fresh overlay over the latest state, which must be its parent's.
func (a *application) execute(p proposal, run func(driver.Machine, driver.Input) (driver.Result, error)) (*openBlock, error) {
	c := a.chain
	view, err := c.store.View()
	if err != nil {
		return nil, fmt.Errorf("reading the parent: %w", err)
	}
	defer c.release(view)
	if int64(view.Height())+1 != p.height {
		return nil, fmt.Errorf("CometBFT is at block %d, the store at %d", p.height, view.Height())
	}
	rt, done, err := c.runtimes.of(view)
	if err != nil {
		return nil, c.codeFailure(view, err)
	}
	defer done()
	in, err := c.input(&p, view, rt)
	if err != nil {
		return nil, err
	}
	overlay, err := c.store.NewOverlay(view)
	if err != nil {
		return nil, fmt.Errorf("opening an overlay: %w", err)
	}
	result, err := run(&machine{c.store, view, rt, overlay, c.runtimeLog}, in)
	if err != nil {
		return nil, errors.Join(err, overlay.Drop())
	}
	return &openBlock{height: p.height, overlay: overlay, result: result}, nil
}

// input gathers what decides how a block executes.
func (c *Chain) input(p *proposal, view *state.View, rt *host.Runtime) (driver.Input, error) {
	if err := checkHostVersion(view); err != nil {
		return driver.Input{}, err
	}
	budgets, err := budgetsOf(view)
	if err != nil {
		return driver.Input{}, err
	}
	slot, err := auraSlotDuration(c.store, view, rt)
	if err != nil {
		return driver.Input{}, err
	}
	first, err := c.isFirst(view)
	if err != nil {
		return driver.Input{}, err
	}
	return driver.Input{
		Parent: view.BlockHash(), Height: uint32(p.height), Digest: p.digest(slot),
		Inherents: p.inherentData(apiVersion(rt, apiComet) > 0), Budgets: budgets, Runtime: describe(rt), First: first,
	}, nil
}

// isFirst says whether the block after a view is the first under new code: whether the view's block changed the code.
func (c *Chain) isFirst(view *state.View) (bool, error) {
	if view.Height() == 0 {
		return false, nil
	}
	before, err := c.store.Block(view.Height() - 1)
	if err != nil {
		return false, fmt.Errorf("reading block %d: %w", view.Height()-1, err)
	}
	return before.CodeHash != view.CodeHash(), nil
}

// codeFailure is a first block that fails because its code is none.
func (c *Chain) codeFailure(view *state.View, err error) error {
	first, problem := c.isFirst(view)
	if problem != nil {
		return problem
	}
	if first && errors.Is(err, host.ErrCode) {
		return driver.BadCode(err)
	}
	return err
}

// openBlock is an executed block that may be committed.
type openBlock struct {
	height  int64
	content [32]byte // what it was executed from
	hash    string   // CometBFT's block hash, empty while only the proposer knows the block
	overlay *state.Overlay
	result  driver.Result

	// set when it is decided
	txs     [][]byte
	updates []Validator
	next    []Validator // the validator set after the updates
}

// maxOpenBlocks bounds the executed proposals that wait for a decision. Each holds its writes in memory.
const maxOpenBlocks = 4

// openBlocks are the executed proposals over the committed state, the latest last.
type openBlocks struct{ list []*openBlock }

// keep adds a block and drops the oldest if there are too many.
func (o *openBlocks) keep(b *openBlock) error {
	o.list = append(o.list, b)
	if len(o.list) <= maxOpenBlocks {
		return nil
	}
	oldest := o.list[0]
	o.list = o.list[1:]
	return oldest.overlay.Drop()
}

func (o *openBlocks) find(content [32]byte) *openBlock {
	for _, b := range o.list {
		if b.content == content {
			return b
		}
	}
	return nil
}

func (o *openBlocks) findHash(hash string) *openBlock {
	for _, b := range o.list {
		if b.hash != "" && b.hash == hash {
			return b
		}
	}
	return nil
}

// clear drops all.
func (o *openBlocks) clear() error {
	var errs []error
	for _, b := range o.list {
		errs = append(errs, b.overlay.Drop())
	}
	o.list = nil
	return errors.Join(errs...)
}
