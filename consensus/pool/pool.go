package pool

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/sepia-chain/sepia/consensus/validity"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
)

// Limits of the pool.
const (
	MaxTransactions = 8_192
	MaxPerSender    = 64
	MaxBytes        = 64 << 20 // 8,192 transactions of 8 KiB, or 25 runtime blobs of the largest size
	BanBlocks       = 32       // how long a sender whose transaction trapped stays out: as long as a short-lived signature
)

// validationRounds bounds how often a transaction is judged again because a block was committed meanwhile.
const validationRounds = 3

// Validate asks the runtime of the latest committed block about one transaction and says which block that was. Refusals
// are *validity.Error or *Trap; any other error is a fault of the node.
type Validate func(ctx context.Context, source validity.Source, xt []byte) (v validity.Transaction, at uint32, err error)

// Options of a pool.
type Options struct {
	Validate Validate
	OnReady  func()           // called, without the lock, when a transaction became ready; may be nil
	Now      func() time.Time // for the gossip interval; nil: the clock
}

// Pool is the set of waiting transactions.
type Pool struct {
	options Options

	mu       sync.Mutex
	graph    graph
	entries  map[primitives.Hash]*entry
	perOwner map[string]int
	bytes    int
	barred   map[string]uint32          // sender -> first height at which it may send again
	refused  map[primitives.Hash]uint32 // transactions that trapped -> the same
	height   uint32
	arrivals uint64
}

// New makes an empty pool over the chain at the given height.
func New(height uint32, o Options) *Pool {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Pool{
		options: o, graph: newGraph(), height: height,
		entries: map[primitives.Hash]*entry{}, perOwner: map[string]int{},
		barred: map[string]uint32{}, refused: map[primitives.Hash]uint32{},
	}
}

// Submit takes a transaction of this node's clients. A refusal is an *Error.
func (p *Pool) Submit(ctx context.Context, xt []byte) (primitives.Hash, error) {
	return p.add(ctx, xt, validity.Local, nil)
}

// Watch is Submit, and tells what happens to the transaction until it has left the pool; then the channel is closed.
func (p *Pool) Watch(ctx context.Context, xt []byte) (primitives.Hash, <-chan Status, error) {
	watcher := make(chan Status, watchBuffer)
	hash, err := p.add(ctx, xt, validity.Local, watcher)
	if err != nil {
		return hash, nil, err
	}
	return hash, watcher, nil
}

func (p *Pool) add(ctx context.Context, xt []byte, source validity.Source, watcher chan Status) (primitives.Hash, error) {
	if err := validity.CheckFormat(xt); err != nil {
		return primitives.Hash{}, errBadFormat(err)
	}
	hash := primitives.Blake2_256(xt)
	if err := p.refuseKnown(hash); err != nil {
		return hash, err
	}
	for round := 1; ; round++ {
		v, at, err := p.options.Validate(ctx, source, xt)
		if err != nil {
			return hash, refusal(err)
		}
		done, err := p.insert(hash, xt, v, at, source == validity.Local, watcher, round == validationRounds)
		if err != nil {
			return hash, err
		}
		if done {
			return hash, nil
		}
	}
}

func (p *Pool) refuseKnown(hash primitives.Hash) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.entries[hash] != nil {
		return errAlreadyImported(hash)
	}
	if until, ok := p.refused[hash]; ok && p.height < until {
		return errBanned()
	}
	return nil
}

// insert puts a judged transaction in. It answers false if the verdict is about an older block and may be asked again.
func (p *Pool) insert(hash primitives.Hash, xt []byte, v validity.Transaction, at uint32, local bool, watcher chan Status, last bool) (bool, error) {
	becameReady, done, err := func() (bool, bool, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if at < p.height && !last {
			return false, false, nil
		}
		e := &entry{hash: hash, xt: append([]byte(nil), xt...), local: local}
		e.judge(v, at)
		if err := p.admit(e); err != nil {
			return false, true, err
		}
		if watcher != nil {
			e.watchers = append(e.watchers, watcher)
		}
		p.place(e)
		return e.ready, true, nil
	}()
	if becameReady && p.options.OnReady != nil {
		p.options.OnReady()
	}
	return done, err
}

// judge records a verdict about the state at the given height.
func (e *entry) judge(v validity.Transaction, at uint32) {
	e.verdict, e.checkedAt, e.met = v, at, map[string]bool{}
	e.validUntil = math.MaxUint64
	if left := math.MaxUint64 - uint64(at); v.Longevity < left {
		e.validUntil = uint64(at) + v.Longevity
	}
}

// admit checks e against the rules and the other transactions and makes room for it.
func (p *Pool) admit(e *entry) error {
	if p.entries[e.hash] != nil {
		return errAlreadyImported(e.hash)
	}
	if len(e.verdict.Provides) == 0 {
		return errNoTags()
	}
	if selfCycle(e.verdict) {
		return errCycle()
	}
	e.sender = senderOf(e.verdict)
	if until, ok := p.barred[e.sender]; ok && p.height < until {
		return errBanned()
	}
	rivals := p.graph.conflicts(e.verdict)
	for _, r := range rivals {
		if r.verdict.Priority >= e.verdict.Priority {
			return errPriorityTooLow(r.verdict.Priority, e.verdict.Priority)
		}
	}
	if err := p.makeRoom(e, rivals); err != nil {
		return err
	}
	for _, r := range rivals {
		p.remove(r, Status{Kind: Usurped, Hash: e.hash})
	}
	return nil
}

// makeRoom drops the least transaction for a better one until e fits, counting the rivals that e replaces as gone. When e
// itself is the least, nothing is dropped.
func (p *Pool) makeRoom(e *entry, rivals []*entry) error {
	count, size, own := len(p.entries)+1, p.bytes+len(e.xt), p.perOwner[e.sender]+1
	for _, r := range rivals {
		count, size = count-1, size-len(r.xt)
		if r.sender == e.sender {
			own--
		}
	}
	if own > MaxPerSender || len(e.xt) > MaxBytes {
		return errImmediatelyDropped()
	}
	var dropped []*entry
	for count > MaxTransactions || size > MaxBytes {
		least := p.least(append(dropped, rivals...))
		if least == nil || least.verdict.Priority >= e.verdict.Priority {
			return errImmediatelyDropped()
		}
		dropped = append(dropped, least)
		count, size = count-1, size-len(least.xt)
	}
	for _, d := range dropped {
		p.remove(d, Status{Kind: Dropped})
	}
	return nil
}

// least is the transaction to give up first: one that is not ready, of the lowest priority, the latest to come.
func (p *Pool) least(except []*entry) *entry {
	var least *entry
	for _, e := range p.entries {
		if !contains(except, e) && (least == nil || e.lessThan(least)) {
			least = e
		}
	}
	return least
}

func (e *entry) lessThan(o *entry) bool {
	if e.ready != o.ready {
		return o.ready
	}
	if e.verdict.Priority != o.verdict.Priority {
		return e.verdict.Priority < o.verdict.Priority
	}
	return e.arrival > o.arrival
}

func (p *Pool) place(e *entry) {
	p.arrivals++
	e.arrival = p.arrivals
	p.entries[e.hash] = e
	p.perOwner[e.sender]++
	p.bytes += len(e.xt)
	p.graph.link(e)
	p.graph.spread(e)
	if !e.ready {
		e.tell(Status{Kind: Future})
	}
}

// remove takes e out, tells its watchers why, and brings those that depended on it up to date.
func (p *Pool) remove(e *entry, why ...Status) {
	delete(p.entries, e.hash)
	p.bytes -= len(e.xt)
	if p.perOwner[e.sender]--; p.perOwner[e.sender] == 0 {
		delete(p.perOwner, e.sender)
	}
	dependents := p.graph.dependents(e)
	p.graph.unlink(e)
	e.end(why...)
	for _, d := range dependents {
		p.graph.spread(d)
	}
}

// Len is the number of transactions.
func (p *Pool) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.entries)
}

// HasReady says whether a transaction could go into the next block.
func (p *Pool) HasReady() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.entries {
		if e.ready {
			return true
		}
	}
	return false
}

// NextIndex is the nonce for the account's next transaction: that of its state, and one more for each that waits here in
// an unbroken row.
func (p *Pool) NextIndex(account []byte, onchain uint32) uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := onchain
	for next < math.MaxUint32 {
		tag := scale.AppendU32(append(make([]byte, 0, len(account)+nonceBytes), account...), next)
		if p.graph.provider[string(tag)] == nil {
			return next
		}
		next++
	}
	return next
}

// Close lets go of all watchers. The pool is empty afterwards.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.entries {
		e.end()
	}
	p.entries, p.perOwner, p.bytes, p.graph = map[primitives.Hash]*entry{}, map[string]int{}, 0, newGraph()
}

// String says how full the pool is.
func (p *Pool) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Sprintf("%d transactions, %d bytes, at block %d", len(p.entries), p.bytes, p.height)
}
