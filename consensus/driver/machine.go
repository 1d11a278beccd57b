package driver

import (
	"errors"
	"fmt"

	"github.com/sepia-chain/sepia/internal/primitives"
)

// Machine is a runtime over one pending state.
type Machine interface {
	// Call runs an exported function with its own gas. What it used is told even if it failed. Failing undoes the storage
	// transactions that it left open.
	Call(method string, input []byte, gas int64) (output []byte, used int64, err error)
	// CallParent runs an exported function over the parent state and forgets what it wrote.
	CallParent(method string, input []byte, gas int64) (output []byte, used int64, err error)
	// Begin, Commit and Rollback bracket a storage transaction of the pending state.
	Begin()
	Commit() error
	Rollback() error
	// Root is the root of the pending state.
	Root() (primitives.Hash, error)
}

// Failure says that the runtime failed in a way that every node sees alike.
type Failure struct {
	Method string
	Class  string // which way, in a word
	Reason string // what the runtime logged last, may be empty; never part of consensus
}

func (f *Failure) Error() string {
	if f.Reason == "" {
		return fmt.Sprintf("%s: %s", f.Method, f.Class)
	}
	return fmt.Sprintf("%s: %s: %s", f.Method, f.Class, f.Reason)
}

// Rejection says why a block cannot be, alike on every node.
type Rejection struct {
	Phase string
	Err   error
}

func (r *Rejection) Error() string { return fmt.Sprintf("block refused in %s: %v", r.Phase, r.Err) }

// Unwrap is the cause.
func (r *Rejection) Unwrap() error { return r.Err }

// FirstBlockFailure says that the first block under new code failed, so the upgrade has to be undone. It is no Rejection: no
// other block would do better.
type FirstBlockFailure struct {
	Phase string
	Err   error
}

func (f *FirstBlockFailure) Error() string {
	return fmt.Sprintf("the first block under the new code failed in %s: %v", f.Phase, f.Err)
}

// Unwrap is the cause.
func (f *FirstBlockFailure) Unwrap() error { return f.Err }

// BadCode is the failure of a first block whose code cannot run at all.
func BadCode(err error) *FirstBlockFailure { return &FirstBlockFailure{Phase: phaseLoad, Err: err} }

// reject turns a runtime's failure into a rejection and passes faults of the node on.
func reject(phase string, err error) error {
	if failed(err) {
		return &Rejection{Phase: phase, Err: err}
	}
	return fmt.Errorf("%s: %w", phase, err)
}

// failed says whether err is the runtime's doing, not the node's.
func failed(err error) bool {
	if err == nil {
		return false
	}
	var f *Failure
	return errors.As(err, &f)
}

// phases of a block, as they appear in messages.
const (
	phaseLoad       = "load"
	phaseInitialize = "initialize"
	phaseInherents  = "inherents"
	phaseExtrinsics = "transactions"
	phaseFinalize   = "finalize"
	phaseCheck      = "checks of the new code"
)
