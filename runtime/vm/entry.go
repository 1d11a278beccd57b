package vm

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// Compile says in which tier guests run. It changes speed, never results.
type Compile uint8

// The choices.
const (
	CompileAutomatic Compile = iota // the quick tier at once, the fast one as soon as it is ready
	CompileNone                     // always the quick tier
	CompileSpeed                    // always the fast tier: a call waits until it is compiled
)

// compileTiers are the tiers of each choice, best first: what is looked for on disk, the last of them what a call compiles.
var compileTiers = [...][]engine.Level{
	CompileAutomatic: {engine.LevelSpeed, engine.LevelNone},
	CompileNone:      {engine.LevelNone},
	CompileSpeed:     {engine.LevelSpeed},
}

const (
	// entryBytes is what a module takes besides its code: the fixed parts of machine code and of what links it.
	entryBytes = 64 << 10
	// artefactRatio is the most machine code by the bytes of Wasm that was seen of code within the limits. What is longer
	// than that in the fast tier is not taken from the compiler, and nothing longer is kept on disk.
	artefactRatio = 16
)

// mostCode bounds the machine code of a contract.
func mostCode(code []byte) int { return entryBytes + artefactRatio*len(code) }

// entry is a module in the cache. What it was made of never changes; its compiled form is replaced by a faster one.
type entry struct {
	key     cacheKey
	rules   *Rules
	code    []byte
	report  wasm.Report
	err     error // why the module is refused, or nil
	imports []engine.GuestImport
	data    int    // bytes of data segments
	pages   uint32 // of initial memory

	mu      sync.RWMutex // guards what follows: held while instantiating, so that a replaced guest is not freed too early
	metered []byte       // nil where the guest came from disk, or is of the fast tier
	guest   *engine.Guest
	level   engine.Level // of the guest
	kept    bool         // the guest is on disk, or too long for it

	// guarded by Provider.mu
	loaded string // the storage key in byKey that names this entry
	users  int    // sessions that hold the module, and the background compiler
	gone   bool   // evicted
	asked  bool   // the fast tier was asked for
}

// newEntry validates and meters code. A refusal is a result, kept in the entry; the error is a fault of the node.
func newEntry(r *Rules, key cacheKey, code []byte) (*entry, error) {
	e := &entry{key: key, rules: r, code: bytes.Clone(code)}
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

func (e *entry) size() int64 { return int64(mostCode(e.code) + len(e.code)) }

func (e *entry) free() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.guest != nil {
		e.guest.Close()
		e.guest = nil
	}
}

// meteredForm is the module as the compiler takes it. It is made again where the guest came from disk.
func (e *entry) meteredForm() ([]byte, error) {
	e.mu.RLock()
	metered := e.metered
	e.mu.RUnlock()
	if metered != nil {
		return metered, nil
	}
	again, err := newEntry(e.rules, e.key, e.code)
	if err != nil {
		return nil, err
	}
	if again.err != nil {
		return nil, fmt.Errorf("%w: a guest on disk is refused by its own rules: %w", engine.ErrFault, again.err)
	}
	return again.metered, nil
}

// ready compiles the module if it has no machine code yet.
func (p *Provider) ready(e *entry) error {
	e.mu.RLock()
	compiled := e.guest != nil
	e.mu.RUnlock()
	if compiled {
		return nil
	}
	metered, err := e.meteredForm()
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.guest != nil {
		return nil
	}
	tiers := compileTiers[p.compile]
	e.level = tiers[len(tiers)-1]
	if e.guest, err = p.engine.CompileGuest(metered, e.imports, engine.GuestOptions{Level: e.level}); err != nil {
		return fmt.Errorf("compiling a guest: %w", err)
	}
	return nil
}

// instantiate makes an execution of a module that is ready.
func (e *entry) instantiate(entryPoint string) (*engine.Exec, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.guest.Instantiate(entryPoint)
}

// replace gives the module a guest of the fast tier.
func (e *entry) replace(guest *engine.Guest) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.guest != nil {
		e.guest.Close()
	}
	e.guest, e.level, e.kept = guest, engine.LevelSpeed, true
	e.metered = nil // nothing faster will be asked for
}
