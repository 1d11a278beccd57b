package engine

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func cacheFiles(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", entry.Name(), info.Mode())
		}
		if entry.Name() == cacheKeyFile {
			continue
		}
		if files[entry.Name()], err = os.ReadFile(filepath.Join(dir, entry.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// compileCached compiles the echo module and shows that the result works.
func compileCached(t *testing.T, e *Engine, c *Cache, level Level) {
	t.Helper()
	b, err := e.CompileBlob(echoModule(), pingFuncs(func(*Instance, []uint64) (uint64, error) { return 1, nil }), BlobOptions{Level: level, Cache: c})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	in, err := b.Instantiate()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	got, err := in.Call("echo", []byte("x"), 100, nil)
	if err != nil || string(got.Output) != "x" {
		t.Fatalf("got %q, %v", got.Output, err)
	}
}

func TestCache_KeepsOneFileForEachLevel(t *testing.T) {
	e := newEngine(t)
	dir := filepath.Join(t.TempDir(), "code")
	var log bytes.Buffer
	open := func() *Cache {
		c, err := OpenCache(dir, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	compileCached(t, e, open(), LevelSpeed)
	first := cacheFiles(t, dir)
	compileCached(t, e, open(), LevelSpeed)
	compileCached(t, e, open(), LevelNone)
	files := cacheFiles(t, dir)
	if len(first) != 1 || len(files) != 2 {
		t.Fatalf("%d files, then %d, want 1 and 2", len(first), len(files))
	}
	for name, content := range first {
		if !bytes.Equal(files[name], content) {
			t.Error("a hit wrote the file again")
		}
		if code, ok := open().get(name); !ok || len(code) == 0 {
			t.Error("a kept file is not found")
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has mode %v (%v)", info.Mode(), err)
	}
	if log.Len() != 0 {
		t.Errorf("complaints: %s", log.String())
	}
}

// Code that someone else wrote must not be loaded: it would run with the node's rights.
func TestCache_CompilesAnewWhatFailsTheCheck(t *testing.T) {
	e := newEngine(t)
	damages := map[string]func(file []byte) []byte{
		"a changed byte":     func(file []byte) []byte { file[len(file)/2] ^= 1; return file },
		"a changed check":    func(file []byte) []byte { file[3] ^= 0x80; return file },
		"a cut file":         func(file []byte) []byte { return file[:len(file)-1] },
		"less than a check":  func(file []byte) []byte { return file[:7] },
		"an empty file":      func([]byte) []byte { return nil },
		"another file's":     nil,
		"another node's key": nil,
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c, err := OpenCache(dir, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			compileCached(t, e, c, LevelSpeed)
			compileCached(t, e, c, LevelNone)
			before := cacheFiles(t, dir)
			var names []string
			for name := range before {
				names = append(names, name)
			}
			for i, file := range names {
				content := bytes.Clone(before[file])
				switch {
				case damage != nil:
					content = damage(content)
				case name == "another file's":
					content = before[names[1-i]]
				default:
					c.key = bytes.Repeat([]byte{7}, cacheKeySize)
				}
				if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
					t.Fatal(err)
				}
				if _, ok := c.get(file); ok {
					t.Fatal("the file was accepted")
				}
			}
			compileCached(t, e, c, LevelSpeed)
			compileCached(t, e, c, LevelNone)
			for _, file := range names {
				if _, ok := c.get(file); !ok {
					t.Error("the file was not replaced")
				}
			}
		})
	}
}

func TestOpenCache_NeedsADirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenCache(path, slog.New(slog.DiscardHandler)); err == nil {
		t.Fatal("a file was opened as a cache")
	}
}

func BenchmarkCompileReleasedBlob(b *testing.B) {
	e := newEngine(b)
	metered, funcs := releasedBlob(b)
	c, err := OpenCache(b.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	for name, o := range map[string]BlobOptions{"speed": {}, "none": {Level: LevelNone}, "cached": {Cache: c}} {
		b.Run(name, func(b *testing.B) {
			compile := func() {
				blob, err := e.CompileBlob(metered, funcs, o)
				if err != nil {
					b.Fatal(err)
				}
				blob.Close()
			}
			if o.Cache != nil {
				compile()
				b.ResetTimer()
			}
			for range b.N {
				compile()
			}
		})
	}
}

// asSharer makes the test binary use a cache that other processes use too.
const asSharer = "share-a-cache"

const sharedKeys = 12

func sharedCode(i int) []byte { return bytes.Repeat([]byte{byte(i)}, 10_000+i) }

// shareCache puts and gets the same codes as other processes do, and returns the exit code.
func shareCache(dir string) int {
	c, err := openCache(dir, sharedKeys/2*10_000, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		slog.Error("opening", "error", err)
		return 1
	}
	for round := range 30 {
		i := round * 5 % sharedKeys
		c.Put(Key(rune('a'+i)), sharedCode(i))
		for i := range sharedKeys {
			if code, ok := c.Get(Key(rune('a' + i))); ok && !bytes.Equal(code, sharedCode(i)) {
				slog.Error("other bytes than were put", "key", i)
				return 1
			}
		}
	}
	return 0
}

// Processes that open, fill and empty one directory at once see whole files of one key or none, and never complain.
func TestCache_ServesTwoProcesses(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "code")
	var processes []*exec.Cmd
	var words [3]bytes.Buffer
	for i := range words {
		cmd := exec.Command(self, asSharer, dir)
		cmd.Stderr = &words[i]
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		processes = append(processes, cmd)
	}
	for i, cmd := range processes {
		if err := cmd.Wait(); err != nil || words[i].Len() > 0 {
			t.Errorf("process %d: %v: %s", i, err, words[i].String())
		}
	}
	c, err := openCache(dir, BlobCacheBytes, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	for i := range sharedKeys {
		if code, ok := c.Get(Key(rune('a' + i))); ok {
			kept++
			if !bytes.Equal(code, sharedCode(i)) {
				t.Errorf("key %d has other bytes", i)
			}
		}
	}
	if files := len(cacheFiles(t, dir)); kept == 0 || files != kept {
		t.Errorf("%d keys are there, in %d files", kept, files)
	}
}

// A cache gives up the longest unused files when it is full, also when it is opened, and remembers uses over a restart.
func TestCache_IsBounded(t *testing.T) {
	dir := t.TempDir()
	const size = 1000
	open := func(limit int64) *Cache {
		c, err := openCache(dir, limit*(size+cacheMACSize), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	has := func(c *Cache, want string) {
		t.Helper()
		var got string
		for name := 'a'; name <= 'f'; name++ {
			if _, err := os.Stat(filepath.Join(dir, Key(name).fileName())); err == nil {
				got += string(name)
			}
		}
		if got != want || c.Bytes() != int64(len(want))*(size+cacheMACSize) {
			t.Errorf("the files are %q with %d bytes, want %q", got, c.Bytes(), want)
		}
	}
	// age makes the times of the files those of an earlier hour, in an order, so that no two are the same.
	age := func(names string) {
		for i, name := range names {
			at := time.Now().Add(time.Duration(i-60) * time.Minute)
			if err := os.Chtimes(filepath.Join(dir, Key(name).fileName()), at, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	c := open(4)
	for name := 'a'; name <= 'd'; name++ {
		c.Put(Key(name), make([]byte, size))
	}
	has(c, "abcd")
	c.Put("e", make([]byte, size))
	has(c, "bcde")
	if _, ok := c.Get("b"); !ok {
		t.Error("b is gone")
	}
	c.Put("f", make([]byte, size))
	has(c, "bdef")
	c.Put("f", make([]byte, size))
	has(c, "bdef")
	age("bdef")
	if _, ok := open(4).Get("b"); !ok {
		t.Error("b is gone after a restart")
	}
	c = open(2)
	has(c, "bf")
	c.Put("a", make([]byte, 3*size))
	has(c, "")
	c.Put("a", make([]byte, size))
	c.Remove("a")
	has(c, "")
	if _, ok := c.Get("a"); ok {
		t.Error("a removed file is found")
	}
}

// What a process that was killed left half done is deleted once it is old; what another is writing is not.
func TestCache_DeletesLeftovers(t *testing.T) {
	dir := t.TempDir()
	for name, at := range map[string]time.Time{".new-old": time.Now().Add(-2 * leftover), ".new-young": time.Now(), "foreign": time.Now().Add(-2 * leftover)} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := OpenCache(dir, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	files := cacheFiles(t, dir)
	if _, old := files[".new-old"]; old || len(files) != 2 {
		t.Errorf("left: %d files, the old one among them: %v", len(files), old)
	}
}

// Whoever opens a new cache at the same time as others uses the one key that stays there.
func TestCache_HasOneKey(t *testing.T) {
	for range 40 {
		path := filepath.Join(t.TempDir(), cacheKeyFile)
		var keys [8][]byte
		var group sync.WaitGroup
		for i := range keys {
			group.Go(func() {
				key, err := openKey(path)
				if err != nil {
					t.Error(err)
				}
				keys[i] = key
			})
		}
		group.Wait()
		for _, key := range keys {
			if len(key) != cacheKeySize || !bytes.Equal(key, keys[0]) {
				t.Fatalf("the keys are %x", keys)
			}
		}
	}
}
