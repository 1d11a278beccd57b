package pool

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/sepia-chain/sepia/consensus/validity"
	"github.com/sepia-chain/sepia/internal/primitives"
)

// Candidate is a ready transaction on offer for a block.
type Candidate struct {
	Hash  primitives.Hash
	Bytes []byte
}

// Best offers the transactions that were ready when it was made: highest priority first, then the oldest, and none before
// those that it requires. It is for one goroutine.
type Best struct {
	heap    bestHeap
	unmet   map[*entry]int // providers that have not been offered yet
	waiting map[*entry][]*entry
	byHash  map[primitives.Hash]*entry
	last    *entry
}

type bestHeap []*entry

func (h bestHeap) Len() int      { return len(h) }
func (h bestHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h bestHeap) Less(i, j int) bool {
	if h[i].verdict.Priority != h[j].verdict.Priority {
		return h[i].verdict.Priority > h[j].verdict.Priority
	}
	return h[i].arrival < h[j].arrival
}
func (h *bestHeap) Push(x any) { *h = append(*h, x.(*entry)) }
func (h *bestHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// Best takes a picture of the ready transactions.
func (p *Pool) Best() *Best {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := &Best{unmet: map[*entry]int{}, waiting: map[*entry][]*entry{}}
	for _, e := range p.entries {
		if !e.ready {
			continue
		}
		picture := *e // its verdict may change under the pool's lock while the block is built
		p.linkPicture(b, e, &picture)
	}
	heap.Init(&b.heap)
	return b
}

// linkPicture notes which ready transactions must be offered before e.
func (p *Pool) linkPicture(b *Best, e, picture *entry) {
	var providers []*entry
	for _, tag := range e.verdict.Requires {
		provider := p.graph.provider[string(tag)]
		if provider != nil && !e.met[string(tag)] && !contains(providers, provider) {
			providers = append(providers, provider)
			b.waiting[provider] = append(b.waiting[provider], picture)
		}
	}
	picture.watchers = nil
	if b.byHash == nil {
		b.byHash = map[primitives.Hash]*entry{}
	}
	b.byHash[e.hash] = e
	if len(providers) > 0 {
		b.unmet[picture] = len(providers)
		return
	}
	b.heap = append(b.heap, picture)
}

// Next is the best transaction left. Asking for it counts the one before as usable, unless Exclude was called.
func (b *Best) Next() (Candidate, bool) {
	b.unlock()
	if len(b.heap) == 0 {
		return Candidate{}, false
	}
	b.last = heap.Pop(&b.heap).(*entry)
	return Candidate{Hash: b.last.hash, Bytes: b.last.xt}, true
}

// Exclude says that the transaction offered last is not in the block, so those that require it cannot be either.
func (b *Best) Exclude() { b.last = nil }

func (b *Best) unlock() {
	if b.last == nil {
		return
	}
	for _, d := range b.waiting[b.byHash[b.last.hash]] {
		if b.unmet[d]--; b.unmet[d] == 0 {
			heap.Push(&b.heap, d)
		}
	}
	b.last = nil
}

// Reject takes out a transaction that the proposer found inapplicable.
func (p *Pool) Reject(hash primitives.Hash) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.entries[hash]; e != nil {
		p.remove(e, Status{Kind: Invalid})
	}
}

// Bar takes out a transaction that trapped, with all others of its sender, and keeps both out for BanBlocks blocks.
func (p *Pool) Bar(hash primitives.Hash) {
	p.mu.Lock()
	defer p.mu.Unlock()
	until := p.height + BanBlocks
	p.refused[hash] = until
	e := p.entries[hash]
	if e == nil {
		return
	}
	p.barred[e.sender] = until
	for _, other := range p.sorted() {
		if other.sender == e.sender {
			p.remove(other, Status{Kind: Invalid})
		}
	}
}

// Committed takes out what a block included. Those that waited for an included transaction need not any more.
func (p *Pool) Committed(height uint32, block primitives.Hash, included []primitives.Hash) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.height = height
	for _, hash := range included {
		e := p.entries[hash]
		if e == nil {
			continue
		}
		for _, tag := range e.verdict.Provides {
			for _, d := range p.graph.requirers[string(tag)] {
				d.met[string(tag)] = true
			}
		}
		p.remove(e, Status{Kind: InBlock, Hash: block}, Status{Kind: Finalized, Hash: block})
	}
	forget(p.barred, height)
	forget(p.refused, height)
}

func forget[K comparable](until map[K]uint32, height uint32) {
	for key, h := range until {
		if h <= height {
			delete(until, key)
		}
	}
}

// Revalidate asks the runtime again about at most limit transactions: those whose verdict has run out first, then those
// that wait for a tag, then those that were asked longest ago. Transactions judged at the present height are left alone.
func (p *Pool) Revalidate(ctx context.Context, limit int) error {
	for _, e := range p.due(limit) {
		v, at, err := p.options.Validate(ctx, e.source(), e.xt)
		if err != nil && !judged(err) {
			return fmt.Errorf("validating a waiting transaction again: %w", err)
		}
		if p.renew(e, v, at, err) && p.options.OnReady != nil {
			p.options.OnReady()
		}
	}
	return nil
}

func (e *entry) source() validity.Source {
	if e.local {
		return validity.Local
	}
	return validity.External
}

func (p *Pool) due(limit int) []*entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	var due []*entry
	for _, e := range p.entries {
		if e.checkedAt < p.height {
			due = append(due, e)
		}
	}
	urgency := func(e *entry) int {
		switch {
		case e.validUntil <= uint64(p.height):
			return 0
		case !e.ready:
			return 1
		}
		return 2
	}
	slices.SortFunc(due, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(urgency(a), urgency(b)), cmp.Compare(a.checkedAt, b.checkedAt), cmp.Compare(a.arrival, b.arrival))
	})
	return due[:min(limit, len(due))]
}

// renew applies a second verdict and says whether the transaction is ready now and was not before.
func (p *Pool) renew(e *entry, v validity.Transaction, at uint32, err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.entries[e.hash] != e || at < e.checkedAt {
		return false // it left meanwhile, or was judged at a later block
	}
	if err != nil || len(v.Provides) == 0 || selfCycle(v) {
		p.remove(e, Status{Kind: Invalid})
		return false
	}
	for _, rival := range p.graph.conflicts(v) {
		if rival != e {
			p.remove(e, Status{Kind: Usurped, Hash: rival.hash})
			return false
		}
	}
	was := e.ready
	p.relink(e, v, at)
	return e.ready && !was
}

// relink gives e a new verdict, whose tags may differ from the old one's.
func (p *Pool) relink(e *entry, v validity.Transaction, at uint32) {
	before := p.graph.dependents(e)
	p.graph.unlink(e)
	e.judge(v, at)
	p.graph.link(e)
	p.graph.spread(e)
	for _, d := range before {
		p.graph.spread(d)
	}
	for _, d := range p.graph.dependents(e) {
		p.graph.spread(d)
	}
}

// Pending lists the ready transactions, oldest first.
func (p *Pool) Pending() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list [][]byte
	for _, e := range p.sorted() {
		if e.ready {
			list = append(list, e.xt)
		}
	}
	return list
}

func (p *Pool) sorted() []*entry {
	list := make([]*entry, 0, len(p.entries))
	for _, e := range p.entries {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b *entry) int { return cmp.Compare(a.arrival, b.arrival) })
	return list
}

// Everything is a limit for Revalidate that leaves no transaction out.
const Everything = math.MaxInt
