package vm

import (
	"bytes"
	"container/list"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// Options are the choices of NewProvider. They change speed, never results.
type Options struct {
	CacheBytes int64        // of compiled modules, estimated; 0 means DefaultCacheBytes
	Log        *slog.Logger // of failures in the background; nil drops them
}

// DefaultCacheBytes holds about 500 contracts of 20 KB.
const DefaultCacheBytes = 256 << 20

// artefactRatio estimates machine code by the bytes of Wasm: the most that was seen, and the code itself beside it.
const artefactRatio = 16 + 1

// entryBytes is what a module takes besides its code.
const entryBytes = 64 << 10

// Provider is the node's stock of compiled guests. It serves all blobs and all goroutines.
type Provider struct {
	engine *engine.Engine
	log    *slog.Logger
	limit  int64

	mu      sync.Mutex
	entries map[cacheKey]*list.Element // of *entry
	byKey   map[string]*entry          // the module that a storage key last held
	recent  *list.List                 // most recently used first
	bytes   int64

	queue   chan *entry // modules that wait for the fast tier
	workers sync.WaitGroup
}

// cacheKey names a module: its verdict and its metered form depend on the code and on the rules.
type cacheKey struct {
	code  primitives.Hash
	rules primitives.Hash
}

// entry is a module in the cache. What it was made of never changes; its compiled form is replaced once.
type entry struct {
	key     cacheKey
	code    []byte
	report  wasm.Report
	err     error // why the module is refused, or nil
	metered []byte
	imports []engine.GuestImport
	data    int    // bytes of data segments
	pages   uint32 // of initial memory
	loaded  string // the storage key in byKey that names this entry

	mu    sync.RWMutex // guards the compiled form: held while instantiating, so that a replaced one is not freed too early
	guest *engine.Guest
	users int  // sessions that hold the module, under Provider.mu
	gone  bool // evicted, under Provider.mu
}

// queueLength bounds the modules that wait for the fast tier. One that finds no place keeps the quick tier until it is loaded
// again.
const queueLength = 256

// NewProvider makes a stock and starts its background compiler. Close ends both.
func NewProvider(e *engine.Engine, o Options) *Provider {
	p := &Provider{
		engine: e, log: o.Log, limit: o.CacheBytes,
		entries: map[cacheKey]*list.Element{}, byKey: map[string]*entry{}, recent: list.New(),
		queue: make(chan *entry, queueLength),
	}
	if p.limit == 0 {
		p.limit = DefaultCacheBytes
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	p.workers.Add(1)
	go p.compileInBackground()
	return p
}

// Close waits for the background compiler and frees all modules. No session may be open.
func (p *Provider) Close() {
	close(p.queue)
	p.workers.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.recent.Len() > 0 {
		p.evictOldest()
	}
}

// acquire returns the module of a code under rules, in use until release: from the cache, or checked now.
func (p *Provider) acquire(r *Rules, code []byte) (*entry, error) {
	key := cacheKey{primitives.Blake2_256(code), r.hash}
	if e := p.find(key); e != nil {
		return e, nil
	}
	made, err := newEntry(r, key, code)
	if err != nil {
		return nil, err
	}
	return p.insert(made), nil
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

func (e *entry) size() int64 { return entryBytes + artefactRatio*int64(len(e.code)) }

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

func (e *entry) free() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.guest != nil {
		e.guest.Close()
		e.guest = nil
	}
}

// newEntry validates and meters code. A refusal is a result, kept in the entry; the error is a fault of the node.
func newEntry(r *Rules, key cacheKey, code []byte) (*entry, error) {
	e := &entry{key: key, code: bytes.Clone(code)}
	module, report, err := wasm.Validate(e.code, r.policy)
	e.report = report
	var refusal *wasm.Error
	if errors.As(err, &refusal) {
		e.err = refusal
		return e, nil
	}
	if err != nil {
		return nil, fmt.Errorf("validating a guest: %w", err)
	}
	e.pages = report.MemMin
	for i := range module.Data {
		e.data += len(module.Data[i].Bytes)
	}
	if e.metered, e.imports, err = r.instrument(module); err != nil {
		return nil, fmt.Errorf("metering a guest: %w", err)
	}
	return e, nil
}

// instantiate makes an execution, compiling the module in the quick tier first if it was never run.
func (p *Provider) instantiate(e *entry, entryPoint string) (*engine.Exec, error) {
	if err := p.compileNow(e); err != nil {
		return nil, err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.guest.Instantiate(entryPoint)
}

func (p *Provider) compileNow(e *entry) error {
	e.mu.RLock()
	compiled := e.guest != nil
	e.mu.RUnlock()
	if compiled {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.guest != nil {
		return nil
	}
	guest, err := p.engine.CompileGuest(e.metered, e.imports, engine.GuestOptions{Level: engine.LevelNone})
	if err != nil {
		return fmt.Errorf("compiling a guest: %w", err)
	}
	e.guest = guest
	p.enqueue(e)
	return nil
}

// enqueue asks for the fast tier. The entry counts as used until that is done.
func (p *Provider) enqueue(e *entry) {
	p.mu.Lock()
	e.users++
	p.mu.Unlock()
	select {
	case p.queue <- e:
	default:
		p.mu.Lock()
		e.users-- // the caller uses it too, so it cannot be the last
		p.mu.Unlock()
	}
}

// compileInBackground replaces quick code by fast code, one module at a time.
func (p *Provider) compileInBackground() {
	defer p.workers.Done()
	for e := range p.queue {
		guest, err := p.engine.CompileGuest(e.metered, e.imports, engine.GuestOptions{Level: engine.LevelSpeed})
		if err != nil {
			p.log.Error("a guest keeps its quick code", "code_hash", e.key.code.String(), "error", err)
		} else {
			e.replace(guest)
		}
		p.release(e)
	}
}

func (e *entry) replace(guest *engine.Guest) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.guest.Close()
	e.guest = guest
}
