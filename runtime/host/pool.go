package host

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/runtime/engine"
)

// PoolConfig sets the size of a Pool.
type PoolConfig struct {
	Instances int // alive at once, over all runtimes; all pools of an engine together have at most its blob slots
	ForBlocks int // of these, how many only block execution may take
}

// Pool bounds the instances alive over all runtimes of an engine. A call waits for its turn; idle instances are kept for the
// next call of the same runtime and given up when another runtime needs the room.
//
// Block execution has a share of its own, so that no number of queries keeps a block waiting.
//
// While a pool has runtimes, its instances are reserved in their engine. So whoever has a token never waits for a slot of the
// engine that an idle instance elsewhere would hold for ever; compiling a runtime takes none of these slots.
type Pool struct {
	general  chan struct{} // a token for each instance that any call may take
	reserved chan struct{} // and for each that only block execution may take

	mu       sync.Mutex
	engine   *engine.Engine // whose slots are reserved, or nil
	runtimes int            // open ones
	busy     int            // instances in use
	idle     []idleInstance // oldest first
}

type idleInstance struct {
	of *Runtime
	in *instance
}

// NewPool makes a pool. Blocks and queries share one instance where there is only one.
func NewPool(config PoolConfig) (*Pool, error) {
	if config.Instances < 1 || config.ForBlocks < 0 || config.ForBlocks >= config.Instances {
		return nil, fmt.Errorf("a pool of %d instances with %d for blocks is not possible", config.Instances, config.ForBlocks)
	}
	p := &Pool{
		general:  make(chan struct{}, config.Instances-config.ForBlocks),
		reserved: make(chan struct{}, config.ForBlocks),
	}
	return p, nil
}

// join makes room for a runtime's instances. The error is that of whoever chose the sizes.
func (p *Pool) join(e *engine.Engine) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.engine == nil {
		if err := e.ReserveBlobSlots(p.size()); err != nil {
			return err
		}
		p.engine = e
	}
	if p.engine != e {
		return errors.New("a pool of instances serves one engine")
	}
	p.runtimes++
	return nil
}

func (p *Pool) size() int { return cap(p.general) + cap(p.reserved) }

// leave returns the reserved slots if nothing can need them any more. The lock is held.
func (p *Pool) leave() {
	if p.runtimes == 0 && p.busy == 0 && p.engine != nil {
		p.engine.ReturnBlobSlots(p.size())
		p.engine = nil
	}
}

// acquire waits for the right to run and returns an instance of the runtime, with what gives the right back.
func (p *Pool) acquire(ctx context.Context, r *Runtime, forBlock bool) (*instance, chan struct{}, error) {
	reserved := p.reserved
	if !forBlock {
		reserved = nil // never ready
	}
	var tokens chan struct{}
	select {
	case p.general <- struct{}{}:
		tokens = p.general
	case reserved <- struct{}{}:
		tokens = reserved
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("waiting for an instance: %w", context.Cause(ctx))
	}
	in, err := p.take(r)
	if err != nil {
		<-tokens
		return nil, nil, err
	}
	return in, tokens, nil
}

// take returns an idle instance of the runtime, or makes one, giving up the longest idle one of another runtime first if
// there is no room. Instances in use and idle ones together never outnumber the tokens.
func (p *Pool) take(r *Runtime) (*instance, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.idle) - 1; i >= 0; i-- {
		if p.idle[i].of == r {
			in := p.idle[i].in
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			p.busy++
			return in, nil
		}
	}
	inUse := len(p.general) + len(p.reserved) // this call's own included
	if len(p.idle) > 0 && inUse+len(p.idle) > p.size() {
		p.idle[0].in.machine.Close()
		p.idle = p.idle[1:]
	}
	machine, err := r.blob.Instantiate()
	if err != nil {
		return nil, fmt.Errorf("instantiating a blob: %w", err)
	}
	p.busy++
	return &instance{machine: machine}, nil
}

// release gives an instance and the right to run back.
func (p *Pool) release(r *Runtime, in *instance, tokens chan struct{}) {
	p.mu.Lock()
	if r.closed {
		in.machine.Close()
	} else {
		p.idle = append(p.idle, idleInstance{r, in})
	}
	p.busy--
	p.leave()
	<-tokens
	p.mu.Unlock()
}

// forget gives up the idle instances of a runtime; those in use follow when their calls end.
func (p *Pool) forget(r *Runtime) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.closed = true
	kept := p.idle[:0]
	for _, idle := range p.idle {
		if idle.of == r {
			idle.in.machine.Close()
			continue
		}
		kept = append(kept, idle)
	}
	p.idle = kept
	p.runtimes--
	p.leave()
}

// instance is an instance of the engine with the state that its calls reuse.
type instance struct {
	machine *engine.Instance
	call    call
	left    primitives.Revision // of the storage when its last call ended
}
