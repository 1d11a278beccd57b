package vm

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// TestMain lets the test binary be the compiling process.
func TestMain(m *testing.M) {
	if engine.IsCompileCommand(os.Args[1:]) {
		os.Exit(engine.ServeCompile(os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// waitAhead waits until the background compiler has nothing to do.
func (p *Provider) waitAhead() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.ahead.waiting) > 0 || p.ahead.running {
		p.ahead.work.Wait()
	}
}

// levelOf is the tier of a module, and whether it has any.
func levelOf(e *entry) (engine.Level, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.level, e.guest != nil
}

// An upload is compiled ahead of its first call, and what is on disk afterwards is of the fast tier alone.
func TestAhead_CompilesWhatACallChecked(t *testing.T) {
	disk, state := openDisk(t, t.TempDir(), noLog), guests()
	p := newTestProvider(t, Options{Disk: disk, Child: &engine.Child{}})
	s := p.NewSession(testRules(t), state, false)
	defer s.Close()
	var report [ReportBytes]byte
	d := scale.NewDecoder(state["asking 0"])
	if answer, err := s.Validate(d.Bytes(), &report); answer != ValidateOK || err != nil {
		t.Fatal(answer, err)
	}
	p.waitAhead()
	life(t, s, "asking 0")
	if level, ok := levelOf(s.modules[0]); !ok || level != engine.LevelSpeed {
		t.Errorf("tier %v, %v", level, ok)
	}
	_, quick := disk.Get(s.modules[0].key.diskKey(engine.LevelNone))
	_, fast := disk.Get(s.modules[0].key.diskKey(engine.LevelSpeed))
	if quick || !fast {
		t.Errorf("on disk: quick %v, fast %v", quick, fast)
	}
	life(t, s, "asking 1")
	_, compiled := levelOf(s.modules[1])
	quick = compiled && p.askedOf(s.modules[1])
	p.waitAhead()
	if level, _ := levelOf(s.modules[1]); !quick || level != engine.LevelSpeed {
		t.Errorf("a module that was loaded: asked for %v, tier %v", quick, level)
	}
	if _, ok := disk.Get(s.modules[1].key.diskKey(engine.LevelNone)); ok {
		t.Error("the quick tier's file is still there")
	}
}

// Without a compiling process that works all goes on in the quick tier, and it is said once.
func TestAhead_FailureKeepsTheQuickTier(t *testing.T) {
	for name, child := range map[string]*engine.Child{"no process": nil, "no program": {Path: "/nonexistent/sepia"}, "a failing program": {Path: "/bin/false"}} {
		var words bytes.Buffer
		p := newTestProvider(t, Options{Child: child, Log: slog.New(slog.NewTextHandler(&words, nil))})
		s := p.NewSession(testRules(t), guests(), false)
		want := 1
		if child == nil {
			want = 0
		}
		for i := range 3 {
			life(t, s, fmt.Sprint("asking ", i))
			p.waitAhead()
			if level, ok := levelOf(s.modules[i]); !ok || level != engine.LevelNone {
				t.Errorf("%s: tier %v, %v", name, level, ok)
			}
		}
		if got := strings.Count(words.String(), "contracts keep their quick code"); got != want {
			t.Errorf("%s: said %d times, want %d: %s", name, got, want, words.String())
		}
		s.Close()
	}
}

func TestCompile_Choices(t *testing.T) {
	for compile, want := range map[Compile]engine.Level{CompileAutomatic: engine.LevelNone, CompileNone: engine.LevelNone, CompileSpeed: engine.LevelSpeed} {
		o := Options{Compile: compile}
		if compile != CompileAutomatic {
			o.Child = &engine.Child{} // is not asked
		}
		p := newTestProvider(t, o)
		s := p.NewSession(testRules(t), guests(), false)
		life(t, s, "asking 0")
		p.waitAhead()
		if level, ok := levelOf(s.modules[0]); !ok || level != want {
			t.Errorf("choice %d: tier %v, %v, want %v", compile, level, ok, want)
		}
		s.Close()
	}
}

// The queue gives the lowest score first, drops the highest when it is full, and what is pushed out of memory.
func TestAhead_Queue(t *testing.T) {
	p := newTestProvider(t, Options{Child: &engine.Child{}})
	p.stopAhead()
	p.ahead.closed = false
	made := func(score uint64) *entry { return &entry{report: wasm.Report{Score: score}} }
	first, low, high, gone := made(5), made(3), made(900), made(1)
	gone.gone = true
	for _, e := range []*entry{first, low, low, high, gone} {
		p.askFast(e)
	}
	if len(p.ahead.waiting) != 3 {
		t.Fatalf("%d wait, want 3", len(p.ahead.waiting))
	}
	for range mostWaiting - 2 {
		p.askFast(made(10))
	}
	if len(p.ahead.waiting) != mostWaiting || high.asked || !first.asked {
		t.Errorf("%d wait; the highest score among them: %v", len(p.ahead.waiting), high.asked)
	}
	p.ahead.drop(first)
	if e := p.nextAhead(); e != low || e.users != 1 || !p.ahead.running {
		t.Errorf("the next is %+v", e)
	}
	if e := p.nextAhead(); e.report.Score != 10 {
		t.Errorf("the second is %+v", e)
	}
	p.stopAhead()
	if e := p.nextAhead(); e != nil {
		t.Errorf("after the end there is %+v", e)
	}
}

func TestAhead_EvictionDropsWhatWaits(t *testing.T) {
	p := newTestProvider(t, Options{CacheBytes: 1, Child: &engine.Child{}})
	p.stopAhead()
	p.ahead.closed = false
	state := guests()
	for _, key := range []string{"asking 0", "asking 1", "asking 2"} {
		s := p.NewSession(testRules(t), state, false)
		life(t, s, key)
		s.Close()
	}
	if len(p.ahead.waiting) != 1 {
		t.Errorf("%d wait, and memory has room for one", len(p.ahead.waiting))
	}
}

// The provider ends at once while a process compiles and others wait.
func TestAhead_EndsInTheMiddle(t *testing.T) {
	p := newTestProvider(t, Options{Child: &engine.Child{}})
	s := p.NewSession(testRules(t), guests(), false)
	for i := range 4 {
		life(t, s, fmt.Sprint("asking ", i))
	}
	s.Close()
	p.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.entries) > 0 || len(p.ahead.waiting) > 0 || p.ahead.running {
		t.Errorf("%d modules, %d waiting, a process runs: %v", len(p.entries), len(p.ahead.waiting), p.ahead.running)
	}
}

// In a sequence of steps of several executions the tier is swapped before any one step, an execution that is suspended goes
// on in the code that it began in, and every step and its gas stay the same.
func TestTiers_SwappedInTheMiddleOfASequence(t *testing.T) {
	rules, state := testRules(t), guests()
	const rounds, guestsAtOnce = 4, 3 // three calls of the import, and the end
	sequence := func(swapBefore int) (steps []string) {
		p := newTestProvider(t, Options{})
		s := p.NewSession(rules, state, false)
		defer s.Close()
		var report [ReportBytes]byte
		for round := range rounds + guestsAtOnce {
			if round < guestsAtOnce {
				module, err := s.Load([]byte("asking 0"), &report, free)
				if err != nil {
					t.Fatal(err)
				}
				if exec, err := s.Instantiate(uint32(module), 1, free); exec != int64(round) || err != nil {
					t.Fatal(exec, err)
				}
			}
			for exec := max(0, round-rounds+1); exec <= min(round, guestsAtOnce-1); exec++ {
				if len(steps) == swapBefore {
					p.recompile(t, s.modules[0])
				}
				step, used, err := s.Run(uint32(exec), 1e9, 0, 1e12)
				if err != nil {
					t.Fatal(err)
				}
				steps = append(steps, fmt.Sprintf("%d: %+v %d", exec, step, used))
			}
		}
		return steps
	}
	want := sequence(-1)
	if len(want) != rounds*guestsAtOnce || !strings.Contains(want[len(want)-1], "Kind:0") {
		t.Fatalf("the sequence is %q", want)
	}
	for swapBefore := range want {
		same(t, sequence(swapBefore), want)
	}
}
