package vm

import (
	"context"
	"slices"
	"sync"

	"github.com/sepia-chain/sepia/runtime/engine"
)

// ahead is the background compiler: one process at a time at the lowest priority, the module with the lowest score first, so
// that a bomb keeps nobody waiting.
//
// The fast tier is asked for by calls whose result counts, for code that they checked or loaded. Code that only a dry run
// brought with it is nobody's: whoever asks questions cannot keep the compiler busy. Code that was pushed out of the cache
// while it waited is dropped: no open call uses it, and none has for long.
type ahead struct {
	// guarded by Provider.mu
	waiting []*entry // in the order of asking
	running bool     // a module is being compiled
	closed  bool

	work   *sync.Cond // something of the above changed
	ended  sync.WaitGroup
	cancel context.CancelFunc
	warned bool // that the fast tier fails; only the worker looks at it
}

// mostWaiting bounds the modules that wait, and with them their code in memory: 256 of at most 256 KiB, metered as well.
// When there are more, the one with the highest score is dropped; it may ask again.
const mostWaiting = 256

func (p *Provider) startAhead() {
	p.ahead.work = sync.NewCond(&p.mu)
	if p.child == nil || p.compile != CompileAutomatic {
		p.ahead.closed = true
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.ahead.cancel = cancel
	p.ahead.ended.Go(func() {
		for {
			e := p.nextAhead()
			if e == nil {
				return
			}
			p.compileFast(ctx, e)
			p.release(e)
		}
	})
}

func (p *Provider) stopAhead() {
	p.mu.Lock()
	p.ahead.closed = true
	p.ahead.waiting = nil
	p.mu.Unlock()
	p.ahead.work.Broadcast()
	if p.ahead.cancel != nil {
		p.ahead.cancel()
	}
	p.ahead.ended.Wait()
}

// askFast asks for the fast tier of a module that is in use.
func (p *Provider) askFast(e *entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.asked || e.gone || p.ahead.closed {
		return
	}
	e.asked = true
	p.ahead.waiting = append(p.ahead.waiting, e)
	if len(p.ahead.waiting) > mostWaiting {
		worst := slices.MaxFunc(p.ahead.waiting, byScore)
		p.ahead.drop(worst)
		worst.asked = false
	}
	p.ahead.work.Broadcast()
}

func byScore(a, b *entry) int { return int(int64(a.report.Score) - int64(b.report.Score)) }

// drop forgets a module that waits. Provider.mu is held.
func (a *ahead) drop(e *entry) {
	a.waiting = slices.DeleteFunc(a.waiting, func(other *entry) bool { return other == e })
}

// nextAhead waits for a module to compile and takes it into use. It is nil when the provider closes.
func (p *Provider) nextAhead() *entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ahead.running = false
	p.ahead.work.Broadcast()
	for len(p.ahead.waiting) == 0 && !p.ahead.closed {
		p.ahead.work.Wait()
	}
	if p.ahead.closed {
		return nil
	}
	e := slices.MinFunc(p.ahead.waiting, byScore)
	p.ahead.drop(e)
	e.users++
	p.ahead.running = true
	return e
}

// compileFast replaces a module's quick code. A failure leaves it: it is as good, only slower.
func (p *Provider) compileFast(ctx context.Context, e *entry) {
	guestCode, guest, err := p.fastGuest(ctx, e)
	if err != nil {
		if ctx.Err() == nil {
			p.complain(e, err)
		}
		return
	}
	p.log.Debug("a contract has its fast code", "code_hash", e.key.code.String())
	e.replace(guest)
	p.write(e, engine.LevelSpeed, guestCode)
	p.disk.Remove(e.key.diskKey(engine.LevelNone))
}

func (p *Provider) fastGuest(ctx context.Context, e *entry) ([]byte, *engine.Guest, error) {
	metered, err := e.meteredForm()
	if err != nil {
		return nil, nil, err
	}
	guestCode, err := p.child.Compile(ctx, metered, engine.LevelSpeed, mostCode(e.code))
	if err != nil {
		return nil, nil, err
	}
	guest, err := p.engine.LoadGuest(guestCode, e.imports)
	return guestCode, guest, err
}

// complain warns the first time. What keeps one module from compiling often keeps all.
func (p *Provider) complain(e *entry, err error) {
	log := p.log.Warn
	if p.ahead.warned {
		log = p.log.Debug
	}
	p.ahead.warned = true
	log("contracts keep their quick code: the fast tier could not be compiled", "code_hash", e.key.code.String(), "error", err)
}
