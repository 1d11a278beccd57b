package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/meter"
	"github.com/sepia-chain/sepia/runtime/vm"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// DefaultMemoryPages is the memory of a blob where the chain says nothing else: 128 MiB, Substrate's default for heap.
const DefaultMemoryPages = 2_048

// Options are the choices of NewRuntime. They change speed, never results, except MemoryPages, which is the chain's.
type Options struct {
	MemoryPages uint32 // largest memory of the blob; 0 means DefaultMemoryPages
	Pool        *Pool  // shared by all runtimes of an engine; nil makes a pool of one instance
	Level       engine.Level
	Cache       *engine.Cache // of machine code; nil compiles each time
	Guests      *vm.Provider  // compiled contracts of the node; nil where the blob runs none
	Signatures  *Signatures   // good signatures that are known already; nil checks each
	// WithoutRoles makes Go serve each storage function at once: what the engine does with their roles is compared with it.
	WithoutRoles bool
}

// Runtime is one compiled blob. It may be used by several goroutines.
type Runtime struct {
	codeHash primitives.Hash
	version  Version
	exports  []string
	blob     *engine.Blob
	guests   *vm.Provider
	rules    *vm.Rules // nil for a blob without the guest VM
	pool     *Pool
	known    *Signatures
	closed   bool // guarded by pool.mu
}

// MissingImportsError names the functions that a blob imports and this host does not have.
type MissingImportsError struct{ Names []string }

func (e *MissingImportsError) Error() string {
	return "the blob imports functions that this host does not have: " + strings.Join(e.Names, ", ")
}

// NewRuntime checks, meters and compiles the code that a chain stores under :code, compressed or not. Errors that are not
// engine.ErrFault are the code's: errors.Is ErrCode.
func NewRuntime(e *engine.Engine, code []byte, o Options) (*Runtime, error) {
	checked, err := check(code, o.memoryPages())
	if err != nil {
		return nil, err
	}
	metered, err := checked.instrument(o.memoryPages())
	if err != nil {
		return nil, err
	}
	blob, err := e.CompileBlob(metered, hostFunctions(!o.WithoutRoles), engine.BlobOptions{Level: o.Level, Cache: o.Cache})
	if err != nil {
		return nil, codeError("compiling", err)
	}
	r := &Runtime{codeHash: primitives.Blake2_256(code), version: checked.version, exports: blob.Exports(), blob: blob, pool: o.Pool, guests: o.Guests, rules: checked.rules, known: o.Signatures}
	if r.pool == nil {
		r.pool = &Pool{general: make(chan struct{}, 1)}
	}
	if err := r.pool.join(e); err != nil {
		blob.Close()
		return nil, err
	}
	return r, nil
}

// Check says whether NewRuntime would accept code, without compiling it: the verdict that consensus may use.
func Check(code []byte, memoryPages uint32) (Version, error) {
	checked, err := check(code, Options{MemoryPages: memoryPages}.memoryPages())
	if err != nil {
		return Version{}, err
	}
	return checked.version, nil
}

func (o Options) memoryPages() uint32 {
	if o.MemoryPages == 0 {
		return DefaultMemoryPages
	}
	return o.MemoryPages
}

// codeError keeps faults of the engine apart from faults of the code.
func codeError(doing string, err error) error {
	if errors.Is(err, engine.ErrFault) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return fmt.Errorf("%w: %s: %w", ErrCode, doing, err)
}

type checkedCode struct {
	module  *wasm.Module
	version Version
	rules   *vm.Rules
}

func check(code []byte, memoryPages uint32) (checkedCode, error) {
	raw, err := Decompress(code)
	if err != nil {
		return checkedCode{}, err
	}
	decoded, err := wasm.Decode(raw)
	if err != nil {
		return checkedCode{}, codeError("decoding", err)
	}
	if missing := missingImports(decoded); len(missing) > 0 {
		return checkedCode{}, codeError("linking", &MissingImportsError{missing})
	}
	imports, err := importTable()
	if err != nil {
		return checkedCode{}, err
	}
	module, _, err := wasm.Validate(raw, wasm.BlobPolicy(memoryPages, imports))
	if err != nil {
		return checkedCode{}, codeError("validating", err)
	}
	if err := checkHeapBase(module); err != nil {
		return checkedCode{}, codeError("finding the heap", err)
	}
	version, err := rawVersion(raw)
	if err != nil {
		return checkedCode{}, codeError("reading the version", err)
	}
	rules, err := guestRules(raw, module)
	if err != nil {
		return checkedCode{}, codeError("reading the rules for guests", err)
	}
	return checkedCode{module, version, rules}, nil
}

// checkHeapBase looks for the constant from which the allocator serves.
func checkHeapBase(m *wasm.Module) error {
	for _, e := range m.Exports {
		if e.Name != "__heap_base" || e.Kind != wasm.KindGlobal || int(e.Index) >= len(m.Globals) {
			continue
		}
		if g := m.Globals[e.Index]; g.Type == wasm.I32 && !g.Mutable {
			return nil
		}
	}
	return errors.New("the blob does not export the constant i32 __heap_base")
}

// guestRules reads the section that a blob with the guest VM must have.
func guestRules(raw []byte, m *wasm.Module) (*vm.Rules, error) {
	section, ok := wasm.CustomSection(raw, vm.SectionName)
	if ok {
		return vm.ReadRules(section)
	}
	for _, imported := range m.Imports {
		if strings.HasPrefix(imported.Name, guestPrefix) {
			return nil, fmt.Errorf("%w is missing, and the blob imports %s", vm.ErrRules, imported.Name)
		}
	}
	return nil, nil
}

func missingImports(m *wasm.Module) []string {
	var missing []string
	for _, i := range m.Imports {
		if i.Module != ImportModule || rowNamed(i.Name) == nil {
			missing = append(missing, i.Module+"."+i.Name)
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}

func (c checkedCode) instrument(memoryPages uint32) ([]byte, error) {
	prices := make([]uint64, len(c.module.Imports))
	fixed := make([]bool, len(c.module.Imports))
	for i, imported := range c.module.Imports {
		r := rowNamed(imported.Name)
		prices[i], fixed[i] = r.price.Base, r.fixedPrice()
	}
	metered, err := meter.Instrument(c.module, meter.Options{
		Weights:        meter.BlobWeights(),
		ImportPrices:   prices,
		FixedImports:   fixed,
		MemoryMaxPages: memoryPages,
		StackLimit:     meter.BlobStackLimit,
	})
	if err != nil {
		return nil, codeError("metering", err)
	}
	return metered, nil
}

// CodeHash is the BLAKE2b-256 hash of the code as stored.
func (r *Runtime) CodeHash() primitives.Hash { return r.codeHash }

// Version is the blob's version, from its custom sections.
func (r *Runtime) Version() Version { return r.version }

// VersionBytes is the SCALE form of Version.
func (r *Runtime) VersionBytes() []byte { return r.version.Encode() }

// HasExport says whether the blob exports a method.
func (r *Runtime) HasExport(method string) bool {
	_, found := slices.BinarySearch(r.exports, method)
	return found
}

// Close gives the runtime up: idle instances now, those in use when their calls end.
func (r *Runtime) Close() {
	r.pool.forget(r)
	r.blob.Close()
}

// CallOptions say what one call runs on.
type CallOptions struct {
	Storage  Storage
	GasLimit int64   // in ps of ref_time
	Log      LogSink // of what the blob logs; nil drops it
	// ForBlock says that the call is part of executing a block, which has instances of its own.
	ForBlock bool
	// DryRun says that the result cannot reach consensus: the guest VM may then explain traps in words.
	DryRun bool
}

// Result is the end of a successful call.
type Result struct {
	Output  []byte
	GasUsed int64
}

// CallError is the failure of a call by the blob's own doing. Only Class is the same on every node.
type CallError struct {
	Method  string
	Class   engine.TrapClass
	Text    string // what the engine or a host function says about it
	Reason  string // the last line that the blob logged as an error, or its panic
	GasUsed int64
}

func (e *CallError) Error() string {
	text := e.Class.String()
	if e.Text != "" {
		text += ": " + e.Text
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return fmt.Sprintf("calling %s: %s", e.Method, text)
}

// Call runs an exported method. Storage transactions that it leaves open, in success or failure, are rolled back. The error is
// a *CallError for a failure of the blob, engine.ErrNoExport for a method that does not exist, ctx's cause if no instance was
// free in time, and anything else is a fault of the node.
func (r *Runtime) Call(ctx context.Context, method string, input []byte, o CallOptions) (Result, error) {
	if !r.HasExport(method) {
		return Result{}, fmt.Errorf("%w: %s", engine.ErrNoExport, method)
	}
	in, tokens, err := r.pool.acquire(ctx, r, o.ForBlock)
	if err != nil {
		return Result{}, err
	}
	defer r.pool.release(r, in, tokens)
	c := &in.call
	c.begin(in.machine, o)
	c.signatures = r.known
	defer c.end()
	if r.rules != nil && r.guests != nil {
		c.guests = r.guests.NewSession(r.rules, o.Storage, o.DryRun)
		defer c.guests.Close()
	}
	if revisionOf(o.Storage).Same(in.left) {
		in.machine.SameStorage()
	}
	result, err := in.machine.Call(method, input, o.GasLimit, c)
	in.left = revisionOf(o.Storage)
	if unwindErr := c.unwind(); unwindErr != nil {
		return Result{}, fmt.Errorf("rolling back what %s left open: %w: %w", method, engine.ErrFault, unwindErr)
	}
	var trap *engine.Trap
	if errors.As(err, &trap) && !errors.Is(err, engine.ErrFault) {
		return Result{}, &CallError{Method: method, Class: trap.Class, Text: trap.Text, Reason: c.reason, GasUsed: result.GasUsed}
	}
	if err != nil {
		return Result{}, fmt.Errorf("calling %s: %w", method, err)
	}
	return Result{Output: result.Output, GasUsed: result.GasUsed}, nil
}

func (c *call) begin(m machine, o CallOptions) {
	*c = call{machine: m, storage: o.Storage, log: o.Log, entryDepth: o.Storage.TransactionDepth(), scratch: c.scratch}
}

// end drops what the call refers to, so that an idle instance keeps no state alive.
func (c *call) end() { *c = call{scratch: c.scratch} }

// unwind rolls back the transactions that the call opened and did not close.
func (c *call) unwind() error {
	for c.storage.TransactionDepth() > c.entryDepth {
		if err := c.storage.RollbackTransaction(); err != nil {
			return err
		}
	}
	return nil
}
