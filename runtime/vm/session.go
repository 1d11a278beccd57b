package vm

import (
	"errors"
	"fmt"

	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// Storage is where Load finds code: the main state of the running blob call.
type Storage interface {
	Get(key []byte) (value []byte, found bool, err error)
}

// Session is the guest VM of one blob call. It is used by one goroutine.
type Session struct {
	provider *Provider
	rules    *Rules
	storage  Storage
	explain  bool

	modules []*entry
	execs   []execution
	live    int
	brought map[cacheKey]struct{} // code that a call that explains has checked: it may be in no state but this call's own
	refused error                 // why the code was refused that was refused last, or nil
}

type execution struct {
	exec *engine.Exec // nil once dropped
	last engine.Step
	ran  bool
}

// NewSession begins a blob call. A session that explains gives words for people; its call's result must not reach consensus.
func (p *Provider) NewSession(r *Rules, storage Storage, explain bool) *Session {
	return &Session{provider: p, rules: r, storage: storage, explain: explain, brought: map[cacheKey]struct{}{}}
}

// Close ends the call: every execution is dropped, in whatever state it is.
func (s *Session) Close() {
	for i := range s.execs {
		s.drop(&s.execs[i])
	}
	for _, e := range s.modules {
		s.provider.release(e)
	}
	s.modules, s.execs = nil, nil
}

func trapf(format string, args ...any) error {
	return &engine.HostTrap{Text: fmt.Sprintf(format, args...)}
}

// Validate checks code and fills the report in either case. The answer is ValidateOK or ValidateRejected.
func (s *Session) Validate(code []byte, report *[ReportBytes]byte) (int32, error) {
	e, err := s.provider.acquire(s.rules, code)
	if err != nil {
		return 0, err
	}
	defer s.provider.release(e)
	encodeReport(report, &e.report, len(code))
	if e.err != nil {
		s.refused = e.err
		return ValidateRejected, nil
	}
	if s.explain {
		s.brought[e.key] = struct{}{}
	} else {
		s.provider.askFast(e)
	}
	return ValidateOK, nil
}

// Load finds the SCALE byte string under a key of the state and returns a module handle, LoadNotFound or LoadInvalid. pay is
// called with the length of the code before anything is done with it.
func (s *Session) Load(key []byte, report *[ReportBytes]byte, pay func(bytes int) error) (int64, error) {
	*report = [ReportBytes]byte{}
	value, found, err := s.storage.Get(key)
	if err != nil {
		return 0, fmt.Errorf("reading code: %w", err)
	}
	if err := pay(len(value)); err != nil {
		return 0, err
	}
	if !found {
		return LoadNotFound, nil
	}
	d := scale.NewDecoder(value)
	code := d.Bytes()
	if err := d.Finish(); err != nil {
		s.refused = fmt.Errorf("what is stored is not code with its length: %w", err)
		return LoadInvalid, nil
	}
	e, err := s.provider.acquireLoaded(s.rules, key, code)
	if err != nil {
		return 0, err
	}
	encodeReport(report, &e.report, len(code))
	if e.err != nil {
		s.refused = e.err
		s.provider.release(e)
		return LoadInvalid, nil
	}
	s.modules = append(s.modules, e)
	return int64(len(s.modules) - 1), nil
}

// entryPoints are the exports that an execution can begin with, by their number in the interface.
var entryPoints = [...]string{"deploy", "call"}

// Instantiate makes an execution of a module and returns its handle, or InstantiateTooMany. pay is called with the bytes of
// initial memory and data before anything is done.
func (s *Session) Instantiate(module, entryPoint uint32, pay func(bytes int) error) (int64, error) {
	if module >= uint32(len(s.modules)) {
		return 0, trapf("there is no module %d", module)
	}
	if entryPoint >= uint32(len(entryPoints)) {
		return 0, trapf("there is no entry point %d", entryPoint)
	}
	e := s.modules[module]
	if err := pay(int(e.pages)*wasmPage + e.data); err != nil {
		return 0, err
	}
	if s.live == MaxLive {
		return InstantiateTooMany, nil
	}
	exec, err := s.instantiate(e, entryPoints[entryPoint])
	if err != nil {
		return 0, fmt.Errorf("instantiating a guest: %w", err)
	}
	s.live++
	s.execs = append(s.execs, execution{exec: exec})
	return int64(len(s.execs) - 1), nil
}

const wasmPage = 64 << 10

func (s *Session) instantiate(e *entry, entryPoint string) (*engine.Exec, error) {
	if err := s.provider.ready(e); err != nil {
		return nil, err
	}
	if _, brought := s.brought[e.key]; !brought {
		if err := s.provider.keep(e); err != nil {
			return nil, err
		}
		s.provider.askFast(e)
	}
	return e.instantiate(entryPoint)
}

func (s *Session) execution(handle uint32) (*execution, error) {
	if handle >= uint32(len(s.execs)) || s.execs[handle].exec == nil {
		return nil, trapf("there is no execution %d", handle)
	}
	return &s.execs[handle], nil
}

// Run goes on with an execution: it gives the guest gas, and the answer to the import that it called last. The guest never
// gets more than one unit above what the blob call has left; used is what the blob call must be charged, and where the guest
// got less than it was given the charge ends the blob call.
func (s *Session) Run(handle uint32, gas, answer, blobGas int64) (step engine.Step, used int64, err error) {
	x, err := s.execution(handle)
	if err != nil {
		return engine.Step{}, 0, err
	}
	if x.over() {
		return engine.Step{}, 0, trapf("execution %d is over", handle)
	}
	gas = min(max(gas, 0), engine.MaxGas)
	given := min(gas, max(blobGas, 0)+1)
	step, err = x.exec.Run(given, answer)
	if err != nil {
		return engine.Step{}, 0, fmt.Errorf("running a guest: %w", err)
	}
	used = given - step.GasLeft
	step.GasLeft = gas - used
	if step.Kind == engine.StepOutOfGas {
		step.GasLeft = 0
	}
	x.last, x.ran = step, true
	return step, used, nil
}

func (x *execution) over() bool { return x.ran && x.last.Kind != engine.StepSyscall }

// Read copies guest memory to dst, all or nothing.
func (s *Session) Read(handle, at uint32, dst []byte) (int32, error) {
	x, err := s.execution(handle)
	if err != nil {
		return 0, err
	}
	return access(x.exec.Read(at, dst)), nil
}

// Write copies src to guest memory, all or nothing.
func (s *Session) Write(handle, at uint32, src []byte) (int32, error) {
	x, err := s.execution(handle)
	if err != nil {
		return 0, err
	}
	return access(x.exec.Write(at, src)), nil
}

func access(inside bool) int32 {
	if inside {
		return AccessOK
	}
	return AccessOutOfBounds
}

// Drop ends an execution in any state.
func (s *Session) Drop(handle uint32) error {
	x, err := s.execution(handle)
	if err != nil {
		return err
	}
	s.drop(x)
	return nil
}

func (s *Session) drop(x *execution) {
	if x.exec == nil {
		return
	}
	x.exec.Drop()
	x.exec = nil
	s.live--
}

// Explain says in words how an execution ended, or under the handle ExplainRefusal why code was refused, cut to fit dst, and
// returns the length. It says nothing in calls whose result can reach consensus.
func (s *Session) Explain(handle uint32, dst []byte) (int, error) {
	words := s.refusalWords
	if handle != ExplainRefusal {
		x, err := s.execution(handle)
		if err != nil {
			return 0, err
		}
		words = x.words
	}
	if !s.explain {
		return 0, nil
	}
	return copy(dst, words()), nil
}

func (s *Session) refusalWords() string {
	var refusal *wasm.Error
	switch {
	case s.refused == nil:
		return ""
	case errors.As(s.refused, &refusal):
		return refusal.Words()
	}
	return s.refused.Error()
}

func (x *execution) words() string {
	switch {
	case !x.ran:
		return ""
	case x.last.Kind == engine.StepTrapped:
		return "the contract trapped: " + x.last.Trap.String()
	case x.last.Kind == engine.StepOutOfGas:
		return "the contract ran out of gas"
	}
	return ""
}
