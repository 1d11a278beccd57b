package engine

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/sys/cpu"
)

// Cache keeps machine code on disk, so that a restart does not compile it again.
//
// Loading machine code runs it with the node's rights, and Wasmtime trusts its bytes completely. So the directory is the
// node's own (mode 0700), each file carries a MAC under a key that never leaves it, and a file that fails the check is
// deleted and its code compiled anew. A file is named by all that the code depends on: what the caller names (Key), the
// engine's release and settings, and the processor's features.
//
// A cache holds so many bytes and gives up the longest unused files first; a file's time of change is its last use, so that
// a restart knows the order. Files appear whole, by a rename. Several processes may use one directory: each sees to the
// limit for the files that it knows, so together they may hold the limit once for each until one of them starts anew.
type Cache struct {
	dir string
	key []byte
	log *slog.Logger

	mu    sync.Mutex
	files fileOrder
}

// Key names machine code within an engine's release and processor: everything else that it depends on.
type Key string

const (
	cacheKeyFile = "mac.key"
	cacheKeySize = 32
	cacheMACSize = blake2b.Size256
	cacheName    = 2 * blake2b.Size256 // digits of a file's name
	cacheTemp    = ".new-"

	// leftover is the age from which an unfinished file is nobody's: writing takes milliseconds.
	leftover = time.Hour

	// codeFormat changes with the engine's release and with any setting in engine.c that shapes the code.
	codeFormat = "wasmtime 44.0.0, settings 1"

	guestCacheDir = "guests"

	// BlobCacheBytes bounds the files of blobs: a FRAME runtime takes 5 to 12 MB at each level, and a chain has a new one a
	// few times a year.
	BlobCacheBytes = 1 << 30

	// GuestCacheBytes bounds the files of guests. Code of n bytes takes at most 64 KiB + 16 n, so there is room for 1,008
	// contracts of 256 KiB, the longest there are, for 1,985 of 128 KiB, or for more than 10,000 of 20 KB. Code in use is the
	// last to go: who wants it out must keep 250 MiB of other code in state and use all of that, which takes as many uploads,
	// each a block with 0.3 s of its 0.5 s, and their deposits.
	GuestCacheBytes = 4 << 30
)

// OpenCache opens a directory of machine code of blobs, making it and its key if they are not there.
func OpenCache(dir string, log *slog.Logger) (*Cache, error) {
	return openCache(dir, BlobCacheBytes, log)
}

// OpenGuestCache opens the machine code of guests below a directory of OpenCache: flooding one does not empty the other.
func OpenGuestCache(dir string, log *slog.Logger) (*Cache, error) {
	return openCache(filepath.Join(dir, guestCacheDir), GuestCacheBytes, log)
}

func openCache(dir string, limit int64, log *slog.Logger) (*Cache, error) {
	c := &Cache{dir: dir, log: log, files: newFileOrder(limit)}
	if err := c.open(); err != nil {
		return nil, fmt.Errorf("opening the code cache: %w", err)
	}
	return c, nil
}

func (c *Cache) open() error {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	if err := os.Chmod(c.dir, 0o700); err != nil {
		return err
	}
	var err error
	if c.key, err = openKey(filepath.Join(c.dir, cacheKeyFile)); err != nil {
		return err
	}
	return c.list()
}

// openKey reads the key, or makes one. Of processes that do so at once, one succeeds and the others read its key.
func openKey(path string) ([]byte, error) {
	key, err := os.ReadFile(path)
	if err == nil && len(key) == cacheKeySize {
		return key, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	made := make([]byte, cacheKeySize)
	rand.Read(made) // never fails
	if err == nil {
		return made, replaceFile(path, made) // of a wrong size: nobody can have used it
	}
	temp, err := newFile(filepath.Dir(path), made)
	if err != nil {
		return nil, err
	}
	defer os.Remove(temp)
	switch err := os.Link(temp, path); {
	case errors.Is(err, fs.ErrExist):
	case err != nil: // a file system without links
		return made, os.Rename(temp, path)
	}
	return os.ReadFile(path)
}

// list finds the files that are there, and deletes what a process that was killed left half done.
func (c *Cache) list() error {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	var found []fileUse
	for _, entry := range entries {
		info, err := entry.Info()
		switch {
		case err != nil || !info.Mode().IsRegular(): // another process gave it up, or it is not ours
		case len(entry.Name()) == cacheName:
			found = append(found, fileUse{entry.Name(), info.Size(), info.ModTime()})
		case len(entry.Name()) > len(cacheTemp) && entry.Name()[:len(cacheTemp)] == cacheTemp && time.Since(info.ModTime()) > leftover:
			os.Remove(filepath.Join(c.dir, entry.Name()))
		}
	}
	c.remove(c.files.fill(found))
	return nil
}

// Bytes is what the files take.
func (c *Cache) Bytes() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.files.bytes
}

// code returns the machine code of a module, from the cache if it is there. A nil cache compiles.
func (c *Cache) code(t *tier, module []byte, level Level) ([]byte, error) {
	sum := blake2b.Sum256(module)
	key := Key(fmt.Sprintf("%s|%v|%x", t.name, level, sum))
	if code, ok := c.Get(key); ok {
		return code, nil
	}
	code, err := t.compile(module, level)
	if err != nil {
		return nil, err
	}
	c.Put(key, code)
	return code, nil
}

// fileName adds to a key what every key depends on.
func (k Key) fileName() string {
	about := fmt.Sprintf("%s|%s|%+v|%+v|%s", codeFormat, runtime.GOARCH, cpu.X86, cpu.ARM64, string(k))
	name := blake2b.Sum256([]byte(about))
	return hex.EncodeToString(name[:])
}

// Get returns what was put under a key, if it is there and unharmed. A nil cache has nothing.
func (c *Cache) Get(key Key) ([]byte, bool) {
	if c == nil {
		return nil, false
	}
	return c.get(key.fileName())
}

func (c *Cache) get(name string) ([]byte, bool) {
	path := filepath.Join(c.dir, name)
	file, err := os.ReadFile(path)
	if err != nil {
		c.forget(name)
		return nil, false
	}
	mac, code := file[:min(cacheMACSize, len(file))], file[min(cacheMACSize, len(file)):]
	if subtle.ConstantTimeCompare(mac, c.mac(name, code)) != 1 {
		c.log.Warn("cached code fails its check and is compiled anew", "file", name)
		os.Remove(path)
		c.forget(name)
		return nil, false
	}
	_ = os.Chtimes(path, time.Time{}, time.Now()) // only the order of giving up depends on it
	c.used(name, int64(len(file)))
	return code, true
}

// Put keeps bytes under a key. That it fails is logged and changes nothing else. A nil cache keeps nothing.
func (c *Cache) Put(key Key, code []byte) {
	if c == nil {
		return
	}
	name := key.fileName()
	if err := replaceFile(filepath.Join(c.dir, name), c.mac(name, code), code); err != nil {
		c.log.Warn("compiled code was not kept", "error", err)
		return
	}
	c.used(name, int64(cacheMACSize+len(code)))
}

// Remove deletes what is under a key.
func (c *Cache) Remove(key Key) {
	if c == nil {
		return
	}
	name := key.fileName()
	os.Remove(filepath.Join(c.dir, name)) // what is not there needs no deleting
	c.forget(name)
}

// used notes the use of a file and deletes those that there is no more room for.
func (c *Cache) used(name string, size int64) {
	c.mu.Lock()
	old := c.files.use(name, size)
	c.mu.Unlock()
	c.remove(old)
}

func (c *Cache) forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files.forget(name)
}

func (c *Cache) remove(names []string) {
	for _, name := range names {
		os.Remove(filepath.Join(c.dir, name)) // another process may have been faster
	}
}

func (c *Cache) mac(name string, code []byte) []byte {
	h, err := blake2b.New256(c.key)
	if err != nil {
		panic(err) // the key's size is fixed
	}
	h.Write([]byte(name))
	h.Write(code)
	return h.Sum(nil)
}

// replaceFile writes a file that is either whole or not there.
func replaceFile(path string, parts ...[]byte) error {
	temp, err := newFile(filepath.Dir(path), parts...)
	if err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		os.Remove(temp)
		return err
	}
	return nil
}

// newFile writes a file of mode 0600 under a name that nobody else has.
func newFile(dir string, parts ...[]byte) (path string, err error) {
	f, err := os.CreateTemp(dir, cacheTemp+"*")
	if err != nil {
		return "", err
	}
	for _, part := range parts {
		if _, err := f.Write(part); err != nil {
			return "", errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}
	if err := f.Close(); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}
