package engine

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
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
