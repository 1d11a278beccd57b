package vm

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/meter/metertest"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

func openDisk(t testing.TB, dir string, log *slog.Logger) *engine.Cache {
	t.Helper()
	c, err := engine.OpenGuestCache(dir, log)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var noLog = slog.New(slog.DiscardHandler)

// asking is a guest that counts and calls an import, three times. Any number makes another module.
func asking(to int) []byte {
	entry := metertest.Types("", "")
	count := metertest.Asm(wasm.OpLoop, byte(0x40), wasm.OpLocalGet, uint32(0), wasm.OpI32Const, 1, wasm.OpI32Add, wasm.OpLocalSet, uint32(0),
		wasm.OpLocalGet, uint32(0), wasm.OpI32Const, to, wasm.OpI32LtS, wasm.OpBrIf, uint32(0), wasm.OpEnd, wasm.OpCall, uint32(0))
	b := &metertest.Builder{MemoryMin: 1, MemoryMax: 2}
	b.Imports = []metertest.Import{{Module: "seal1", Name: "one", Type: entry}}
	b.Funcs = []metertest.Func{{Type: entry, Export: "call", Locals: []wasm.ValType{wasm.I32}, Code: bytes.Repeat(count, 3)}, {Type: entry, Export: "deploy"}}
	return b.Bytes()
}

// guests are modules that end in every way: finished, out of gas, trapped, refused, nothing of the kind.
func guests() pairs {
	entry := metertest.Types("", "")
	trapping := &metertest.Builder{MemoryMin: 1, MemoryMax: 1, Funcs: []metertest.Func{{Type: entry, Export: "call", Code: metertest.Asm(wasm.OpUnreachable)}}}
	state := pairs{
		"trapping": scale.AppendBytes(nil, trapping.Bytes()),
		"refused":  scale.AppendBytes(nil, []byte("no module")),
		"no code":  []byte{7},
		"long":     scale.AppendBytes(nil, counting(100_000_000)),
	}
	for i := range 4 {
		state[fmt.Sprint("counting ", i)] = scale.AppendBytes(nil, counting(100*(i+1)))
		state[fmt.Sprint("asking ", i)] = scale.AppendBytes(nil, asking(70*(i+1)))
	}
	return state
}

var guestNames = []string{"asking 0", "counting 1", "trapping", "refused", "asking 1", "long", "no code", "nothing", "counting 2", "asking 2", "asking 3", "counting 0", "counting 3"}

// life is all that a blob can see of a module: the report, the answer of load, and each step.
func life(t testing.TB, s *Session, key string) string {
	t.Helper()
	var seen strings.Builder
	var report [ReportBytes]byte
	paid := 0
	pay := func(bytes int) error { paid += bytes; return nil }
	module, err := s.Load([]byte(key), &report, pay)
	if err != nil {
		t.Fatalf("load %q: %v", key, err)
	}
	if seen.WriteString(fmt.Sprintf("%d %x", min(module, 0), report)); module < 0 {
		return seen.String()
	}
	exec, err := s.Instantiate(uint32(module), 1, pay)
	if err != nil || exec < 0 {
		t.Fatalf("instantiate %q: %d, %v", key, exec, err)
	}
	seen.WriteString(fmt.Sprintf(" paid %d", paid))
	for more := true; more; {
		step, used, err := s.Run(uint32(exec), 1e8, 0, 1e12)
		if err != nil {
			t.Fatalf("run %q: %v", key, err)
		}
		seen.WriteString(fmt.Sprintf(" %+v %d", step, used))
		more = step.Kind == engine.StepSyscall
	}
	if err := s.Drop(uint32(exec)); err != nil {
		t.Fatal(err)
	}
	return seen.String()
}

func lives(t testing.TB, p *Provider) (all []string) {
	t.Helper()
	rules, state := testRules(t), guests()
	for range 2 {
		for _, name := range guestNames {
			s := p.NewSession(rules, state, false)
			all = append(all, name+": "+life(t, s, name))
			s.Close()
		}
	}
	return all
}

func same(t testing.TB, got, want []string) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s\nwant %s", got[i], want[i])
		}
	}
}

// damage changes every file of compiled code below a folder.
func damage(t testing.TB, dir string, change func([]byte) []byte) (files int) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "guests"))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		path := filepath.Join(dir, "guests", entry.Name())
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if entry.Name() == "mac.key" {
			continue
		}
		files++
		if err := os.WriteFile(path, change(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// What a blob sees of a guest, and what it pays, is the same without a cache, with a cold, a warm, a full and a damaged one,
// and at every choice of tiers.
func TestProvider_NoCacheEverShows(t *testing.T) {
	want := lives(t, newTestProvider(t, Options{}))
	dir := t.TempDir()
	flip := func(file []byte) []byte { file[len(file)/2] ^= 1; return file }
	cut := func(file []byte) []byte { return file[:len(file)/2] }
	for _, c := range []struct {
		name   string
		o      Options
		change func([]byte) []byte
	}{
		{"a cold disk", Options{}, nil},
		{"a warm disk", Options{}, nil},
		{"a warm disk, no room in memory", Options{CacheBytes: 1}, nil},
		{"changed files", Options{CacheBytes: 1}, flip},
		{"cut files", Options{}, cut},
		{"files of the quick tier when the fast one is wanted", Options{Compile: CompileSpeed}, nil},
		{"files of both tiers", Options{CacheBytes: 1}, nil},
		{"the quick tier only", Options{Compile: CompileNone, CacheBytes: 1}, nil},
		{"the fast tier only", Options{Compile: CompileSpeed, CacheBytes: 1}, nil},
		{"a process for the fast tier", Options{Child: &engine.Child{}, CacheBytes: 1}, flip},
	} {
		if c.change != nil && damage(t, dir, c.change) == 0 {
			t.Fatalf("%s: there are no files", c.name)
		}
		c.o.Disk = openDisk(t, dir, noLog)
		t.Run(c.name, func(t *testing.T) { same(t, lives(t, newTestProvider(t, c.o)), want) })
	}
}

// compiledInCall says whether a call has to compile the module of a key.
func compiledInCall(t testing.TB, p *Provider, state pairs, key string) bool {
	t.Helper()
	s := p.NewSession(testRules(t), state, false)
	defer s.Close()
	var report [ReportBytes]byte
	if module, err := s.Load([]byte(key), &report, free); module != 0 || err != nil {
		t.Fatalf("load: %d, %v", module, err)
	}
	_, compiled := levelOf(s.modules[0])
	inCall := !compiled
	if exec, err := s.Instantiate(0, 1, free); exec != 0 || err != nil {
		t.Fatalf("instantiate: %d, %v", exec, err)
	}
	return inCall
}

// A caller with more codes than fit in memory made each load compile, for the price of a comparison.
func TestProvider_EvictedCodeIsNotCompiledAgain(t *testing.T) {
	dir, state := t.TempDir(), guests()
	tight := Options{CacheBytes: 1, Disk: openDisk(t, dir, noLog)}
	p := newTestProvider(t, tight)
	keys := []string{"asking 0", "asking 1", "counting 0"}
	for round := range 3 {
		for _, key := range keys {
			if got := compiledInCall(t, p, state, key); got != (round == 0) {
				t.Errorf("round %d: %s is compiled in the call: %v", round, key, got)
			}
		}
	}
	tight.Disk = openDisk(t, dir, noLog)
	again := newTestProvider(t, tight)
	for _, key := range keys {
		if compiledInCall(t, again, state, key) {
			t.Errorf("after a restart %s is compiled in the call", key)
		}
	}
}

// A file that is whole but not what this node writes is compiled anew, said, and replaced.
func TestProvider_UnusableFilesAreReplaced(t *testing.T) {
	state, rules := guests(), testRules(t)
	const key = "asking 0"
	d := scale.NewDecoder(state[key])
	name := cacheKey{primitives.Blake2_256(d.Bytes()), rules.hash}.diskKey(engine.LevelNone)
	for what, content := range map[string][]byte{"nothing": nil, "words": []byte("words"), "no machine code": (&entry{}).appendRecord(nil)} {
		var words bytes.Buffer
		disk := openDisk(t, t.TempDir(), noLog)
		disk.Put(name, content)
		p := newTestProvider(t, Options{Disk: disk, Log: slog.New(slog.NewTextHandler(&words, nil))})
		if !compiledInCall(t, p, state, key) || !strings.Contains(words.String(), "a compiled contract on disk cannot be used and is compiled anew") {
			t.Errorf("%s was used, or nothing was said: %s", what, words.String())
		}
		if good, ok := disk.Get(name); !ok || bytes.Equal(good, content) {
			t.Errorf("%s was not replaced", what)
		}
	}
}

// Only code that some state holds goes to disk: a dry run of an upload leaves nothing there, a dry run of a call does.
func TestProvider_DryRunsKeepOnlyWhatTheStateHolds(t *testing.T) {
	state, rules := guests(), testRules(t)
	d := scale.NewDecoder(state["asking 0"])
	code := bytes.Clone(d.Bytes())
	for _, c := range []struct {
		name          string
		dry, validate bool
		want          bool
	}{{"a call", false, false, true}, {"an upload", false, true, true}, {"a dry run of a call", true, false, true}, {"a dry run of an upload", true, true, false}} {
		disk := openDisk(t, t.TempDir(), noLog)
		p := newTestProvider(t, Options{Disk: disk, Child: &engine.Child{}})
		s := p.NewSession(rules, state, c.dry)
		var report [ReportBytes]byte
		if c.validate {
			if answer, err := s.Validate(code, &report); answer != ValidateOK || err != nil {
				t.Fatalf("%s: validate: %d, %v", c.name, answer, err)
			}
		}
		life(t, s, "asking 0")
		p.waitAhead()
		if got := disk.Bytes() > 0; got != c.want || p.askedOf(s.modules[0]) != c.want {
			t.Errorf("%s: kept: %v, asked: %v, want %v", c.name, got, p.askedOf(s.modules[0]), c.want)
		}
		s.Close()
	}
}

func (p *Provider) askedOf(e *entry) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return e.asked
}

// Rules with other prices, and other code, find nothing of what these rules left on disk: gas would be wrong.
func TestProvider_FilesBelongToRules(t *testing.T) {
	dir, state := t.TempDir(), guests()
	dear := goodSection()
	dear.imports[1].price += 1000
	rules, err := ReadRules(dear.encode())
	if err != nil {
		t.Fatal(err)
	}
	run := func(r *Rules, key string, disk *engine.Cache) string {
		s := newTestProvider(t, Options{Disk: disk}).NewSession(r, state, false)
		defer s.Close()
		return life(t, s, key)
	}
	for _, c := range []struct {
		rules *Rules
		key   string
	}{{testRules(t), "asking 0"}, {rules, "asking 0"}, {rules, "asking 1"}, {testRules(t), "asking 1"}} {
		want := run(c.rules, c.key, nil)
		for range 2 {
			if got := run(c.rules, c.key, openDisk(t, dir, noLog)); got != want {
				t.Errorf("%s\nwant %s", got, want)
			}
		}
	}
}

// dense is code of about 128 KiB, whose loads are the dearest for their price, of a good part of the score that an upload pays for.
func dense() []byte {
	entry := metertest.Types("", "")
	step := metertest.Asm(wasm.OpI32Const, 8, wasm.OpLocalGet, uint32(0), wasm.OpI32Load, byte(2), byte(4), wasm.OpLocalGet, uint32(0),
		wasm.OpI32Mul, wasm.OpI32Store, byte(2), byte(0))
	b := &metertest.Builder{MemoryMin: 1, MemoryMax: 2, Funcs: []metertest.Func{{Type: entry, Export: "call"}, {Type: entry, Export: "deploy"}}}
	for range 40 {
		b.Funcs = append(b.Funcs, metertest.Func{Type: entry, Locals: []wasm.ValType{wasm.I32}, Code: bytes.Repeat(step, 250)})
	}
	return b.Bytes()
}

// BenchmarkLoad is what a load and an instance cost by where the module is found, beside the contracts pallet's price for a
// call within a call and its load.
func BenchmarkLoad(b *testing.B) {
	for name, code := range map[string][]byte{"short": asking(7), "long": dense()} {
		state, rules := pairs{"key": scale.AppendBytes(nil, code)}, testRules(b)
		disk := openDisk(b, b.TempDir(), noLog)
		for _, c := range []struct {
			name string
			o    Options
		}{{"compiled", Options{}}, {"from disk", Options{Disk: disk}}, {"in memory", Options{}}} {
			b.Run(name+"/"+c.name, func(b *testing.B) {
				once := func(p *Provider) {
					s := p.NewSession(rules, state, false)
					defer s.Close()
					var report [ReportBytes]byte
					if _, err := s.Load([]byte("key"), &report, free); err != nil {
						b.Fatal(err)
					}
					if _, err := s.Instantiate(0, 1, free); err != nil {
						b.Fatal(err)
					}
				}
				p := newTestProvider(b, c.o)
				once(p)
				for b.Loop() {
					if c.name != "in memory" {
						p.mu.Lock()
						p.evictOldest()
						p.mu.Unlock()
					}
					once(p)
				}
				_, report, _ := wasm.Validate(code, rules.policy)
				b.ReportMetric(float64(len(code)), "B")
				b.ReportMetric(float64(disk.Bytes()), "disk-B")
				b.ReportMetric(float64(report.Score), "score-us")
				b.ReportMetric(115+1.5e-3*float64(len(code)), "price-us")
			})
		}
	}
}
