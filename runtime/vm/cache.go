package vm

import (
	"bytes"
	"container/list"
	"log/slog"
	"sync"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/runtime/engine"
)

// Options are the choices of NewProvider. They change speed, never results.
type Options struct {
	CacheBytes int64         // of compiled modules in memory, estimated; 0 means DefaultCacheBytes
	Disk       *engine.Cache // of compiled modules; nil keeps none
	Compile    Compile       // which tier; the zero value is the node's own choice
	Child      *engine.Child // compiles the fast tier ahead; nil leaves the quick tier where Compile is automatic
	Log        *slog.Logger  // of failures in the background; nil drops them
}

// DefaultCacheBytes holds about 600 contracts of 20 KB.
const DefaultCacheBytes = 256 << 20

// Provider is the node's stock of compiled guests. It serves all blobs and all goroutines.
type Provider struct {
	engine  *engine.Engine
	disk    *engine.Cache
	compile Compile
	child   *engine.Child
	log     *slog.Logger
	limit   int64

	mu      sync.Mutex
	entries map[cacheKey]*list.Element // of *entry
	byKey   map[string]*entry          // the module that a storage key last held
	recent  *list.List                 // most recently used first
	bytes   int64
	ahead   ahead
}

// cacheKey names a module: its verdict and its metered form depend on the code and on the rules.
type cacheKey struct {
	code  primitives.Hash
	rules primitives.Hash
}

// NewProvider makes a stock and starts its background compiler. Close ends both.
func NewProvider(e *engine.Engine, o Options) *Provider {
	p := &Provider{
		engine: e, disk: o.Disk, compile: o.Compile, child: o.Child, log: o.Log, limit: o.CacheBytes,
		entries: map[cacheKey]*list.Element{}, byKey: map[string]*entry{}, recent: list.New(),
	}
	if p.limit == 0 {
		p.limit = DefaultCacheBytes
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	p.startAhead()
	return p
}

// Close ends the background compiler, in the middle of what it does, and frees all modules. No session may be open.
func (p *Provider) Close() {
	p.stopAhead()
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.recent.Len() > 0 {
		p.evictOldest()
	}
}

// acquire returns the module of a code under rules, in use until release: from memory, from disk, or checked now.
func (p *Provider) acquire(r *Rules, code []byte) (*entry, error) {
	key := cacheKey{primitives.Blake2_256(code), r.hash}
	if e := p.find(key); e != nil {
		return e, nil
	}
	made := p.fromDisk(r, key, code)
	if made == nil {
		var err error
		if made, err = newEntry(r, key, code); err != nil {
			return nil, err
		}
	}
	e := p.insert(made)
	if e != made {
		made.free()
	}
	return e, nil
}

// acquireLoaded is acquire for what a storage key holds. The bytes are compared, not hashed, with what the key held last.
func (p *Provider) acquireLoaded(r *Rules, storageKey, code []byte) (*entry, error) {
	p.mu.Lock()
	last := p.byKey[string(storageKey)]
	if last != nil && last.key.rules == r.hash && bytes.Equal(last.code, code) {
		p.use(last)
		p.mu.Unlock()
		return last, nil
	}
	p.mu.Unlock()
	e, err := p.acquire(r, code)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !e.gone && e.loaded == "" {
		e.loaded = string(storageKey)
		p.byKey[e.loaded] = e
	}
	return e, nil
}

func (p *Provider) find(key cacheKey) *entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	element := p.entries[key]
	if element == nil {
		return nil
	}
	e := element.Value.(*entry)
	p.use(e)
	return e
}

// use marks an entry as used by one more session. The lock is held.
func (p *Provider) use(e *entry) {
	e.users++
	if element := p.entries[e.key]; element != nil {
		p.recent.MoveToFront(element)
	}
}

// insert puts an entry into the cache unless another goroutine was faster, and returns the one that is there, in use.
func (p *Provider) insert(made *entry) *entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	if element := p.entries[made.key]; element != nil {
		e := element.Value.(*entry)
		p.use(e)
		return e
	}
	made.users = 1
	p.entries[made.key] = p.recent.PushFront(made)
	p.bytes += made.size()
	for p.bytes > p.limit && p.recent.Len() > 1 {
		p.evictOldest()
	}
	return made
}

// evictOldest takes the least recently used entry out of the cache. The lock is held.
func (p *Provider) evictOldest() {
	element := p.recent.Back()
	e := p.recent.Remove(element).(*entry)
	delete(p.entries, e.key)
	if e.loaded != "" && p.byKey[e.loaded] == e {
		delete(p.byKey, e.loaded)
	}
	p.bytes -= e.size()
	e.gone = true
	p.ahead.drop(e)
	if e.users == 0 {
		e.free()
	}
}

func (p *Provider) release(e *entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.users--
	if e.gone && e.users == 0 {
		e.free()
	}
}
