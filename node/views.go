package node

import (
	"context"
	"errors"

	"github.com/sepia-chain/sepia/consensus"
	"github.com/sepia-chain/sepia/consensus/pool"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/node/spec"
	"github.com/sepia-chain/sepia/rpc"
	"github.com/sepia-chain/sepia/state"
)

// chainView shows the chain to RPC, which declares what it wants to see and knows nothing of consensus.
type chainView struct{ chain *consensus.Chain }

var _ rpc.Chain = chainView{}

func (v chainView) Genesis() primitives.Hash { return v.chain.GenesisHash() }

func (v chainView) Best() rpc.Block { return best(v.chain) }

// best is the latest block. A chain that is closing has none to show; it is asked only by calls that are cut off anyway.
func best(chain *consensus.Chain) rpc.Block {
	number, hash, err := chain.Best()
	if err != nil {
		return rpc.Block{Hash: chain.GenesisHash()}
	}
	return rpc.Block{Hash: hash, Number: number}
}

func (v chainView) HashAt(number uint32) (primitives.Hash, bool, error) {
	return v.chain.HashAt(number)
}

func (v chainView) Header(hash primitives.Hash) (*primitives.Header, bool, error) {
	return v.chain.Header(hash)
}

func (v chainView) Body(hash primitives.Hash) ([][]byte, bool, error) { return v.chain.Body(hash) }

func (v chainView) StateAt(hash primitives.Hash) (rpc.State, error) {
	view, err := v.chain.StateAt(hash)
	if err != nil {
		return nil, viewError(err)
	}
	return stateView{view}, nil
}

func (v chainView) Call(ctx context.Context, at primitives.Hash, method string, args []byte) ([]byte, error) {
	output, err := v.chain.Call(ctx, at, method, args)
	return output, viewError(err)
}

func (v chainView) RuntimeVersion(at primitives.Hash) (rpc.RuntimeVersion, error) {
	version, err := v.chain.RuntimeVersion(at)
	if err != nil {
		return rpc.RuntimeVersion{}, viewError(err)
	}
	shown := rpc.RuntimeVersion{
		SpecName: version.SpecName, ImplName: version.ImplName, AuthoringVersion: version.AuthoringVersion,
		SpecVersion: version.SpecVersion, ImplVersion: version.ImplVersion, TransactionVersion: version.TransactionVersion,
		StateVersion: version.SystemVersion,
	}
	for _, api := range version.APIs {
		shown.Apis = append(shown.Apis, rpc.RuntimeAPI{ID: api.ID, Version: api.Version})
	}
	return shown, nil
}

// Subscribe passes the chain's events on until either side ends.
func (v chainView) Subscribe() (<-chan rpc.Event, func()) {
	shown := make(chan rpc.Event)
	events, cancel, err := v.chain.Subscribe()
	if err != nil {
		close(shown)
		return shown, func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(shown)
		for event := range events {
			header := event.Header
			select {
			case shown <- rpc.Event{
				Block: rpc.Block{Hash: event.Hash, Number: event.Number}, Header: &header,
				ChangedKeys: event.ChangedKeys, NewRuntime: event.NewRuntime,
			}:
			case <-done:
				return
			}
		}
	}()
	return shown, func() { cancel(); close(done) }
}

// viewError says in RPC's words what is wrong with a question.
func viewError(err error) error {
	var call *consensus.CallError
	switch {
	case errors.Is(err, consensus.ErrUnknownBlock):
		return rpc.ErrUnknownBlock
	case errors.As(err, &call):
		return &rpc.CallError{Text: call.Text}
	}
	return err
}

// stateView is a state as RPC wants it.
type stateView struct{ *state.View }

func (v stateView) ChildGet(id, key []byte) ([]byte, bool, error) { return v.GetChild(id, key) }

// Release lets go of the view; that it was closed meanwhile is no matter to a reader who is done.
func (v stateView) Release() { _ = v.View.Release() }

// poolView shows the transaction pool to RPC.
type poolView struct{ chain *consensus.Chain }

func (v poolView) Submit(ctx context.Context, xt []byte) (primitives.Hash, error) {
	hash, err := v.chain.Submit(ctx, xt)
	return hash, poolError(err)
}

func (v poolView) Watch(ctx context.Context, xt []byte) (primitives.Hash, <-chan rpc.TxStatus, error) {
	hash, statuses, err := v.chain.Watch(ctx, xt)
	if err != nil {
		return hash, nil, poolError(err)
	}
	shown := make(chan rpc.TxStatus)
	go func() {
		defer close(shown)
		for status := range statuses {
			select {
			case shown <- rpc.TxStatus{Kind: statusKinds[status.Kind], Hash: status.Hash}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return hash, shown, nil
}

// statusKinds translates what happened to a transaction.
var statusKinds = map[pool.StatusKind]rpc.TxStatusKind{
	pool.Future: rpc.TxFuture, pool.Ready: rpc.TxReady, pool.InBlock: rpc.TxInBlock, pool.Finalized: rpc.TxFinalized,
	pool.Usurped: rpc.TxUsurped, pool.Dropped: rpc.TxDropped, pool.Invalid: rpc.TxInvalid,
}

func poolError(err error) error {
	var refusal *pool.Error
	if errors.As(err, &refusal) {
		return &rpc.Error{Code: refusal.Code, Message: refusal.Message, Data: refusal.Data}
	}
	return err
}

func (v poolView) Pending() [][]byte { return v.chain.Pending() }

func (v poolView) NextIndex(account primitives.AccountID, onChain uint32) uint32 {
	return v.chain.NextIndex(account, onChain)
}

// systemView tells RPC about the node.
type systemView struct {
	spec  *spec.Spec
	chain *consensus.Chain
}

func (v systemView) Name() string      { return Name }
func (v systemView) Version() string   { return Version }
func (v systemView) ChainName() string { return v.spec.Name }
func (v systemView) ChainType() string { return string(v.spec.ChainType) }

func (v systemView) Properties() rpc.Properties {
	p := v.spec.Properties
	return rpc.Properties{SS58Format: p.SS58Format, TokenDecimals: p.TokenDecimals, TokenSymbol: p.TokenSymbol, IsEthereum: p.IsEthereum}
}

// Health of a chain with one validator: there are no peers to have, and nobody to catch up with.
func (v systemView) Health() rpc.Health { return rpc.Health{} }

func (v systemView) SyncState() rpc.SyncState {
	number := best(v.chain).Number
	return rpc.SyncState{CurrentBlock: number, HighestBlock: number}
}
