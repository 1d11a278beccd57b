package pool

import "github.com/sepia-chain/sepia/internal/primitives"

// StatusKind says what happened to a transaction.
type StatusKind uint8

// The steps of a transaction's life that a watcher sees. From Finalized on nothing follows.
const (
	Future StatusKind = iota
	Ready
	InBlock
	Finalized
	Usurped
	Dropped
	Invalid
)

var statusNames = [...]string{"future", "ready", "inBlock", "finalized", "usurped", "dropped", "invalid"}

func (k StatusKind) String() string { return statusNames[k] }

// Status is one step. Hash is the block for InBlock and Finalized, the replacing transaction for Usurped.
type Status struct {
	Kind StatusKind
	Hash primitives.Hash
}

// watchBuffer is the room for steps that a watcher has not read: two are kept for the last ones (inBlock and finalized),
// so a watcher that is late loses only a "ready" or "future" in between, and the pool never waits for it.
const (
	watchBuffer = 16
	watchLast   = 2
)

// tell gives a step that others may follow to the watchers of e.
func (e *entry) tell(s Status) {
	for _, w := range e.watchers {
		if len(w) < watchBuffer-watchLast {
			w <- s
		}
	}
}

// end gives the last steps to the watchers of e and lets them go.
func (e *entry) end(steps ...Status) {
	for _, w := range e.watchers {
		for _, s := range steps {
			w <- s
		}
		close(w)
	}
	e.watchers = nil
}
