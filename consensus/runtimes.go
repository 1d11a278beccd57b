package consensus

import (
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/host"
	"github.com/sepia-chain/sepia/state"
)

// maxRuntimes is how many compiled runtimes are kept: the present one, and those of past heights that clients read.
const maxRuntimes = 4

// codeKey is where a chain keeps its runtime.
var codeKey = []byte(":code")

// runtimes are the compiled runtimes by the hash of their code. Compiling one takes seconds, so whoever asks for one that is
// being compiled waits for it. Safe for concurrent use.
type runtimes struct {
	engine  *engine.Engine
	options host.Options

	mu     sync.Mutex
	byCode map[primitives.Hash]*compiled
	clock  uint64
}

// compiled is one runtime, or why its code cannot be one.
type compiled struct {
	ready chan struct{} // closed when rt and err are set
	rt    *host.Runtime
	err   error

	// guarded by runtimes.mu
	used  uint64
	users int
	given bool // up: the last user closes it
}

func newRuntimes(e *engine.Engine, o host.Options) *runtimes {
	return &runtimes{engine: e, options: o, byCode: map[primitives.Hash]*compiled{}}
}

// of lends the runtime that is in the state of a view; done gives it back. An error that is not host.ErrCode is a fault of
// the node.
func (r *runtimes) of(view *state.View) (rt *host.Runtime, done func(), err error) {
	hash := view.CodeHash()
	c, fresh := r.borrow(hash)
	if fresh {
		c.rt, c.err = r.compile(view)
		close(c.ready)
	}
	<-c.ready
	if c.err != nil {
		r.giveBack(c)
		if !errors.Is(c.err, host.ErrCode) {
			r.forget(hash, c) // the node's fault may pass
		}
		return nil, nil, c.err
	}
	return c.rt, func() { r.giveBack(c) }, nil
}

// borrow finds the place of a runtime. Fresh says that the caller has to fill it.
func (r *runtimes) borrow(hash primitives.Hash) (c *compiled, fresh bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clock++
	c = r.byCode[hash]
	if c == nil {
		fresh = true
		c = &compiled{ready: make(chan struct{})}
		r.byCode[hash] = c
	}
	c.users++
	c.used = r.clock
	for fresh && len(r.byCode) > maxRuntimes {
		r.giveUp(r.oldest())
	}
	return c, fresh
}

func (r *runtimes) oldest() primitives.Hash {
	var oldest primitives.Hash
	var least uint64 = math.MaxUint64
	for hash, c := range r.byCode {
		if c.used < least {
			oldest, least = hash, c.used
		}
	}
	return oldest
}

func (r *runtimes) giveUp(hash primitives.Hash) {
	c := r.byCode[hash]
	delete(r.byCode, hash)
	c.given = true
	c.closeUnused()
}

func (r *runtimes) giveBack(c *compiled) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c.users--
	c.closeUnused()
}

func (r *runtimes) forget(hash primitives.Hash, c *compiled) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byCode[hash] == c {
		r.giveUp(hash)
	}
}

func (c *compiled) closeUnused() {
	if c.given && c.users == 0 && c.rt != nil {
		c.rt.Close()
		c.rt = nil
	}
}

func (r *runtimes) compile(view *state.View) (*host.Runtime, error) {
	code, found, err := view.Get(codeKey)
	if err != nil {
		return nil, fmt.Errorf("reading the code of block %d: %w", view.Height(), err)
	}
	if !found {
		return nil, fmt.Errorf("%w: block %d has no code", host.ErrCode, view.Height())
	}
	rt, err := host.NewRuntime(r.engine, code, r.options)
	if err != nil {
		return nil, fmt.Errorf("preparing the code of block %d: %w", view.Height(), err)
	}
	return rt, nil
}

// close gives up all runtimes.
func (r *runtimes) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for hash := range r.byCode {
		r.giveUp(hash)
	}
}
