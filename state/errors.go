package state

import (
	"errors"
	"fmt"

	"github.com/sepia-chain/sepia/state/kv"
)

var (
	// ErrClosed says that the store was closed, or that this view or overlay was released, dropped or committed.
	ErrClosed = errors.New("state is closed")
	// ErrNoTransaction is returned when a storage transaction is ended that was never started: a guest's fault.
	ErrNoTransaction = errors.New("no storage transaction is open")
	// ErrRootUnavailable says that roots and proofs exist for the latest height only: a caller's fault.
	ErrRootUnavailable = errors.New("root and proofs are available at the latest height only")
	// ErrNoLeaves says that a state would be empty. It stops the node: nothing could be proven about such a state.
	ErrNoLeaves = errors.New("state has no keys")
	// ErrNoGenesis says that the store has no state yet.
	ErrNoGenesis = errors.New("store has no genesis state")
	// ErrUnknownHeight says that no block of that height was committed.
	ErrUnknownHeight = errors.New("height is not in the store")
	// ErrNotNext says that a block or an overlay does not follow the committed block.
	ErrNotNext = errors.New("block does not follow the committed one")
	// ErrOpenTransaction says that an overlay cannot be committed because a storage transaction is open.
	ErrOpenTransaction = errors.New("a storage transaction is still open")
	// ErrCorrupt says that the database holds something that was never written so.
	ErrCorrupt = kv.ErrCorrupt
)

// CorruptionError says what in the database contradicts itself. It is ErrCorrupt.
type CorruptionError struct {
	What      string
	Height    uint32
	Got, Want string
}

// Error tells what was found and what was expected.
func (e *CorruptionError) Error() string {
	return fmt.Sprintf("%s at height %d: %s is %s, want %s", ErrCorrupt, e.Height, e.What, e.Got, e.Want)
}

// Is makes errors.Is(err, ErrCorrupt) true.
func (e *CorruptionError) Is(target error) bool { return target == ErrCorrupt }

// closed turns the database's own error into the package's.
func closed(err error) error {
	if errors.Is(err, kv.ErrClosed) {
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
	return err
}
