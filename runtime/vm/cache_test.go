package vm

import (
	"fmt"
	"sync"
	"testing"

	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

var testEngine = sync.OnceValues(func() (*engine.Engine, error) { return engine.New(engine.Config{}) })

func newTestProvider(t testing.TB, o Options) *Provider {
	t.Helper()
	e, err := testEngine()
	if err != nil {
		t.Fatal(err)
	}
	p := NewProvider(e, o)
	t.Cleanup(p.Close)
	return p
}

func testRules(t testing.TB) *Rules {
	t.Helper()
	r, err := ReadRules(goodSection().encode())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// counting is a guest whose entry points count from 0 to a number: any number makes another module.
func counting(to int) []byte {
	body := []byte{1, 1, byte(wasm.I32), 0x03, 0x40, 0x20, 0, 0x41, 1, 0x6a, 0x22, 0, 0x41}
	body = wasm.AppendS64(body, int64(to))
	body = append(body, 0x49, 0x0d, 0, 0x0b, 0x0b) // i32.lt_u, br_if 0, end, end
	code := append(wasm.AppendU32([]byte{1}, uint32(len(body))), body...)

	b := wasm.AppendSection(wasm.AppendHeader(nil), wasm.SectionType, []byte{1, 0x60, 0, 0})
	memory := append(wasm.AppendName(wasm.AppendName([]byte{1}, "env"), "memory"), byte(wasm.KindMemory), 1, 1, 1)
	b = wasm.AppendSection(b, wasm.SectionImport, memory)
	b = wasm.AppendSection(b, wasm.SectionFunction, []byte{1, 0})
	exports := append(wasm.AppendName([]byte{2}, "call"), byte(wasm.KindFunction), 0)
	exports = append(wasm.AppendName(exports, "deploy"), byte(wasm.KindFunction), 0)
	b = wasm.AppendSection(b, wasm.SectionExport, exports)
	return wasm.AppendSection(b, wasm.SectionCode, code)
}

// pairs is a state for Load.
type pairs map[string][]byte

func (p pairs) Get(key []byte) ([]byte, bool, error) {
	value, found := p[string(key)]
	return value, found, nil
}

func free(int) error { return nil }

// runLoaded loads a key and runs the module to its end.
func runLoaded(t testing.TB, s *Session, key string) engine.Step {
	t.Helper()
	var report [ReportBytes]byte
	module, err := s.Load([]byte(key), &report, free)
	if err != nil || module < 0 {
		t.Fatalf("load %q: %d, %v, reason %d", key, module, err, report[0])
	}
	exec, err := s.Instantiate(uint32(module), 1, free)
	if err != nil || exec < 0 {
		t.Fatalf("instantiate: %d, %v", exec, err)
	}
	step, used, err := s.Run(uint32(exec), 1e9, 0, 1e12)
	if err != nil || step.Kind != engine.StepFinished || used <= 0 || step.GasLeft != 1e9-used {
		t.Fatalf("run: %+v, %d used, %v", step, used, err)
	}
	return step
}

// A cache with room for one module serves many at once: what is in use lives on, and results do not change.
func TestProvider_EvictionNeverShows(t *testing.T) {
	const modules = 6
	state := pairs{}
	for i := range modules {
		state[fmt.Sprint(i)] = scale.AppendBytes(nil, counting(100*(i+1)))
	}
	rules := testRules(t)
	run := func(o Options) (left []int64) {
		s := newTestProvider(t, o).NewSession(rules, state, false)
		defer s.Close()
		for i := range 3 * modules {
			left = append(left, runLoaded(t, s, fmt.Sprint(i%modules)).GasLeft)
		}
		return left
	}
	roomy, tight := run(Options{}), run(Options{CacheBytes: 1})
	for i := range roomy {
		if roomy[i] != tight[i] || roomy[i] != roomy[i%modules] {
			t.Fatalf("run %d: %d ps left with room, %d without, %d the first time", i, roomy[i], tight[i], roomy[i%modules])
		}
	}
}

func TestProvider_CacheIsBounded(t *testing.T) {
	p := newTestProvider(t, Options{CacheBytes: 5 * (entryBytes + (artefactRatio+1)*300)})
	rules := testRules(t)
	for i := range 40 {
		s := p.NewSession(rules, pairs{"key": scale.AppendBytes(nil, counting(i+1))}, false)
		runLoaded(t, s, "key")
		s.Close()
		p.mu.Lock()
		entries, bytes, keys := p.recent.Len(), p.bytes, len(p.byKey)
		p.mu.Unlock()
		if bytes > p.limit || entries > 5 || keys > entries {
			t.Fatalf("after %d modules: %d entries, %d bytes of %d, %d keys", i+1, entries, bytes, p.limit, keys)
		}
	}
}

// A key that holds other code is noticed, also when the old code comes back and when two keys hold one code.
func TestProvider_KeysAreOnlyAHint(t *testing.T) {
	p := newTestProvider(t, Options{})
	rules := testRules(t)
	first, second := scale.AppendBytes(nil, counting(10)), scale.AppendBytes(nil, counting(2_000))
	left := func(state pairs, key string) int64 {
		s := p.NewSession(rules, state, false)
		defer s.Close()
		return runLoaded(t, s, key).GasLeft
	}
	want := [2]int64{left(pairs{"a": first}, "a"), left(pairs{"a": second}, "a")}
	if want[0] == want[1] {
		t.Fatal("both modules use the same gas")
	}
	for i, got := range []int64{left(pairs{"a": first}, "a"), left(pairs{"b": second}, "b"), left(pairs{"b": first}, "b"), left(pairs{"a": second}, "a")} {
		if got != want[i%2] {
			t.Errorf("step %d: %d ps left, want %d", i, got, want[i%2])
		}
	}
}

// Sessions of many goroutines run modules while their code is replaced by the fast tier; an execution that began in the
// quick tier ends there.
func TestProvider_TiersChangeUnderRunningGuests(t *testing.T) {
	p := newTestProvider(t, Options{CacheBytes: 4 * entryBytes, Child: &engine.Child{}})
	rules := testRules(t)
	state := pairs{}
	for i := range 8 {
		state[fmt.Sprint(i)] = scale.AppendBytes(nil, counting(50+i))
	}
	var group sync.WaitGroup
	results := make([][]int64, 4)
	for g := range results {
		group.Add(1)
		go func() {
			defer group.Done()
			for round := range 12 {
				s := p.NewSession(rules, state, false)
				results[g] = append(results[g], runLoaded(t, s, fmt.Sprint(round%8)).GasLeft)
				s.Close()
			}
		}()
	}
	group.Wait()
	for g := range results {
		for i, left := range results[g] {
			if left != results[0][i] || left != results[0][i%8] {
				t.Fatalf("goroutine %d, round %d: %d ps left, another had %d", g, i, left, results[0][i])
			}
		}
	}
}

// The same module, run before and after its code was replaced, leaves the same gas.
func TestProvider_BothTiersAgree(t *testing.T) {
	p := newTestProvider(t, Options{})
	s := p.NewSession(testRules(t), pairs{"key": scale.AppendBytes(nil, counting(1_000))}, false)
	defer s.Close()
	quick := runLoaded(t, s, "key")
	e := s.modules[0]
	e.mu.RLock()
	before := e.guest
	e.mu.RUnlock()
	p.recompile(t, e)
	e.mu.RLock()
	after := e.guest
	e.mu.RUnlock()
	if before == after {
		t.Fatal("the code was not replaced")
	}
	if fast := runLoaded(t, s, "key"); fast != quick {
		t.Fatalf("quick %+v, fast %+v", quick, fast)
	}
}

// A guest with more gas than its blob call has left uses at most one unit more than that, which the blob call cannot pay.
func TestSession_GuestCannotOutrunTheBlobCall(t *testing.T) {
	p := newTestProvider(t, Options{})
	rules := testRules(t)
	run := func(gas, blobGas int64) (engine.Step, int64) {
		s := p.NewSession(rules, pairs{"key": scale.AppendBytes(nil, counting(1_000_000))}, false)
		defer s.Close()
		var report [ReportBytes]byte
		if module, err := s.Load([]byte("key"), &report, free); module != 0 || err != nil {
			t.Fatalf("load: %d, %v", module, err)
		}
		if exec, err := s.Instantiate(0, 0, free); exec != 0 || err != nil {
			t.Fatalf("instantiate: %d, %v", exec, err)
		}
		step, used, err := s.Run(0, gas, 0, blobGas)
		if err != nil {
			t.Fatal(err)
		}
		return step, used
	}
	if step, used := run(1e12, 1_000_000); step.Kind != engine.StepOutOfGas || used != 1_000_001 || step.GasLeft != 0 {
		t.Errorf("blob call poorer than the guest: %+v, %d used", step, used)
	}
	if step, used := run(1_000_000, 1e12); step.Kind != engine.StepOutOfGas || used != 1_000_000 || step.GasLeft != 0 {
		t.Errorf("guest poorer than the blob call: %+v, %d used", step, used)
	}
	if step, used := run(-5, 1e12); step.Kind != engine.StepOutOfGas || used != 0 {
		t.Errorf("a negative limit: %+v, %d used", step, used)
	}
	if step, used := run(1<<62+1, 1e12); step.Kind != engine.StepFinished || step.GasLeft != engine.MaxGas-used {
		t.Errorf("a limit above the largest: %+v, %d used", step, used)
	}
}

// recompile does what the background compiler does, and is done when it returns.
func (p *Provider) recompile(t *testing.T, e *entry) {
	t.Helper()
	metered, err := e.meteredForm()
	if err != nil {
		t.Fatal(err)
	}
	guest, err := p.engine.CompileGuest(metered, e.imports, engine.GuestOptions{Level: engine.LevelSpeed})
	if err != nil {
		t.Fatal(err)
	}
	e.replace(guest)
}

func BenchmarkValidateAndMeter(b *testing.B) {
	rules := testRules(b)
	code := counting(7)
	b.SetBytes(int64(len(code)))
	for b.Loop() {
		if _, err := newEntry(rules, cacheKey{}, code); err != nil {
			b.Fatal(err)
		}
	}
}
