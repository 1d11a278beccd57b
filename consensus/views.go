package consensus

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sepia-chain/sepia/consensus/pool"
	"github.com/sepia-chain/sepia/consensus/validity"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/host"
	"github.com/sepia-chain/sepia/state"
)

// ErrUnknownBlock says that there is no block with a hash.
var ErrUnknownBlock = errors.New("block is not known")

// CallError says why a runtime did not answer a call.
type CallError struct{ Text string }

func (e *CallError) Error() string { return e.Text }

// validateGas bounds the judging of one transaction for the pool.
const validateGas = 50_000_000_000

// GenesisHash is the hash of block 0.
func (c *Chain) GenesisHash() primitives.Hash { return c.genesis.Hash }

// Best is the latest block, which is final.
func (c *Chain) Best() (number uint32, hash primitives.Hash, err error) {
	view, err := c.store.View()
	if err != nil {
		return 0, primitives.Hash{}, fmt.Errorf("reading the latest block: %w", err)
	}
	defer c.release(view)
	return view.Height(), view.BlockHash(), nil
}

// HashAt is the hash of a block by its number.
func (c *Chain) HashAt(number uint32) (hash primitives.Hash, found bool, err error) {
	block, err := c.store.Block(number)
	if errors.Is(err, state.ErrUnknownHeight) {
		return primitives.Hash{}, false, nil
	}
	return block.Hash, err == nil, err
}

// Number is the number of a block by its hash.
func (c *Chain) Number(hash primitives.Hash) (number uint32, found bool, err error) {
	return c.store.HashToHeight(hash)
}

// Header is the header of a block.
func (c *Chain) Header(hash primitives.Hash) (*primitives.Header, bool, error) {
	number, found, err := c.store.HashToHeight(hash)
	if err != nil || !found {
		return nil, false, err
	}
	block, err := c.store.Block(number)
	if err != nil {
		return nil, false, err
	}
	header, err := primitives.DecodeHeader(block.Header)
	if err != nil {
		return nil, false, fmt.Errorf("reading block %d: %w", number, err)
	}
	return &header, true, nil
}

// Body is the extrinsics of a block, each with its length in front.
func (c *Chain) Body(hash primitives.Hash) ([][]byte, bool, error) {
	number, found, err := c.store.HashToHeight(hash)
	if err != nil || !found {
		return nil, false, err
	}
	if number == 0 {
		return nil, true, nil
	}
	body, err := c.store.Body(number)
	return body, err == nil, err
}

// StateAt is the state after a block. The caller releases it. ErrUnknownBlock if there is no such block.
func (c *Chain) StateAt(hash primitives.Hash) (*state.View, error) {
	number, found, err := c.store.HashToHeight(hash)
	if err != nil {
		return nil, fmt.Errorf("looking up block %s: %w", hash, err)
	}
	if !found {
		return nil, fmt.Errorf("%w: %s", ErrUnknownBlock, hash)
	}
	return c.store.ViewAt(number)
}

// ChangedKeys lists the keys of the top storage that a block changed.
func (c *Chain) ChangedKeys(number uint32) ([][]byte, error) { return c.store.ChangedKeys(number) }

// Place is where CometBFT's transaction i of a block stands in the block's body; found is false if it was left out.
func (c *Chain) Place(number uint32, i int) (index uint32, found bool, err error) {
	places, found, err := c.store.Extra(placesKey(number))
	if err != nil || !found || i < 0 || 4*i+4 > len(places) {
		return 0, false, err
	}
	index = binary.LittleEndian.Uint32(places[4*i:])
	return index, index != leftOutPlace, nil
}

// Call runs an export of a runtime on the state after a block, under the code that is in that state, and forgets what it
// wrote. Errors are *CallError, ErrUnknownBlock, ctx's, or faults of the node.
func (c *Chain) Call(ctx context.Context, at primitives.Hash, method string, args []byte) ([]byte, error) {
	view, err := c.StateAt(at)
	if err != nil {
		return nil, err
	}
	defer c.release(view)
	rt, done, err := c.runtimes.of(view)
	if err != nil {
		return nil, c.codeError(err)
	}
	defer done()
	options := host.CallOptions{GasLimit: readGas, DryRun: true, Log: c.runtimeLog}
	out, err := limitedCall(ctx, c.store, view, rt, method, args, options)
	if err != nil {
		return nil, c.callError(method, err)
	}
	return out, nil
}

// codeError is for a state whose code cannot run, which is no fault of the node.
func (c *Chain) codeError(err error) error {
	if errors.Is(err, host.ErrCode) {
		return &CallError{err.Error()}
	}
	return c.readFault("preparing a runtime", err)
}

func (c *Chain) callError(method string, err error) error {
	var failed *host.CallError
	switch {
	case errors.As(err, &failed):
		return &CallError{failed.Error()}
	case errors.Is(err, engine.ErrNoExport):
		return &CallError{fmt.Sprintf("the runtime has no export %q: export not found", method)}
	case errors.Is(err, state.ErrRootUnavailable):
		return &CallError{err.Error()}
	}
	return c.readFault("calling the runtime", err)
}

// readFault passes an error of a read on. A broken engine stops the node; an ended context or a closed store does not.
func (c *Chain) readFault(doing string, err error) error {
	if errors.Is(err, engine.ErrFault) || errors.Is(err, state.ErrCorrupt) {
		return c.fault(doing, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// blockCall runs an export whose answer a block depends on.
func blockCall(ctx context.Context, store *state.Store, view *state.View, rt *host.Runtime, method string, args []byte) ([]byte, error) {
	return limitedCall(ctx, store, view, rt, method, args, host.CallOptions{GasLimit: readGas, ForBlock: true})
}

// limitedCall runs an export on an overlay that is dropped.
func limitedCall(ctx context.Context, store *state.Store, view *state.View, rt *host.Runtime, method string, args []byte, o host.CallOptions) ([]byte, error) {
	overlay, err := store.NewOverlay(view)
	if err != nil {
		return nil, fmt.Errorf("opening an overlay: %w", err)
	}
	o.Storage = overlayStorage{overlay}
	result, err := rt.Call(ctx, method, args, o)
	if drop := overlay.Drop(); drop != nil {
		return nil, errors.Join(err, fmt.Errorf("dropping an overlay: %w", drop))
	}
	return result.Output, err
}

// RuntimeVersion is the version of the code in the state after a block.
func (c *Chain) RuntimeVersion(at primitives.Hash) (host.Version, error) {
	view, err := c.StateAt(at)
	if err != nil {
		return host.Version{}, err
	}
	defer c.release(view)
	rt, done, err := c.runtimes.of(view)
	if err != nil {
		return host.Version{}, c.codeError(err)
	}
	defer done()
	return rt.Version(), nil
}

// Submit puts a transaction into the pool. A refusal is a *pool.Error.
func (c *Chain) Submit(ctx context.Context, xt []byte) (primitives.Hash, error) {
	return c.pool.Submit(ctx, xt)
}

// Watch is Submit, and tells what happens to the transaction. A block is told after it can be read.
func (c *Chain) Watch(ctx context.Context, xt []byte) (primitives.Hash, <-chan pool.Status, error) {
	return c.pool.Watch(ctx, xt)
}

// Pending lists the transactions that could go into the next block.
func (c *Chain) Pending() [][]byte { return c.pool.Pending() }

// NextIndex is the nonce for an account's next transaction, given that of its state.
func (c *Chain) NextIndex(account primitives.AccountID, onchain uint32) uint32 {
	return c.pool.NextIndex(account[:], onchain)
}

// validate asks the latest runtime about a transaction, for the pool.
func (c *Chain) validate(ctx context.Context, source validity.Source, xt []byte) (validity.Transaction, uint32, error) {
	view, err := c.store.View()
	if err != nil {
		return validity.Transaction{}, 0, fmt.Errorf("reading the latest block: %w", err)
	}
	defer c.release(view)
	rt, done, err := c.runtimes.of(view)
	if err != nil {
		return validity.Transaction{}, 0, err
	}
	defer done()
	request := validity.EncodeRequest(source, xt, view.BlockHash())
	out, err := limitedCall(ctx, c.store, view, rt, "TaggedTransactionQueue_validate_transaction", request, host.CallOptions{GasLimit: validateGas})
	var failed *host.CallError
	switch {
	case errors.As(err, &failed):
		return validity.Transaction{}, view.Height(), &pool.Trap{Text: failed.Error()}
	case errors.Is(err, engine.ErrNoExport):
		return validity.Transaction{}, view.Height(), &pool.Trap{Text: err.Error()}
	case err != nil:
		return validity.Transaction{}, 0, c.readFault("judging a transaction", err)
	}
	v, err := validity.DecodeAnswer(out)
	var refused *validity.Error
	if err != nil && !errors.As(err, &refused) {
		err = &pool.Trap{Text: err.Error()}
	}
	return v, view.Height(), err
}
