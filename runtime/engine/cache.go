package engine

import (
	"bytes"
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

	"golang.org/x/crypto/blake2b"
	"golang.org/x/sys/cpu"
)

// Cache keeps machine code of blobs on disk, so that a restart does not compile them again.
//
// Loading machine code runs it with the node's rights, and Wasmtime trusts its bytes completely. So the directory is the
// node's own (mode 0700), each file carries a MAC under a key that never leaves it, and a file that fails the check is
// compiled anew. A file is named by all that the code depends on: the metered module (and with it the blob, the metering
// rules and the weights), the engine's release and settings, the compile level, and the processor's features.
type Cache struct {
	dir string
	key []byte
	log *slog.Logger
}

const (
	cacheKeyFile = "mac.key"
	cacheKeySize = 32
	cacheMACSize = blake2b.Size256

	// codeFormat changes with the engine's release and with any setting in engine.c that shapes the code.
	codeFormat = "wasmtime 44.0.0, settings 1"
)

// OpenCache opens a directory of machine code, making it and its key if they are not there.
func OpenCache(dir string, log *slog.Logger) (*Cache, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening the code cache: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening the code cache: %w", err)
	}
	path := filepath.Join(dir, cacheKeyFile)
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(key) != cacheKeySize {
		key = make([]byte, cacheKeySize)
		rand.Read(key) // never fails
		err = replaceFile(path, key)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the code cache: %w", err)
	}
	return &Cache{dir: dir, key: key, log: log}, nil
}

// code returns the machine code of a module, from the cache if it is there. A nil cache compiles.
func (c *Cache) code(t *tier, module []byte, level Level) ([]byte, error) {
	if c == nil {
		return t.compile(module, level)
	}
	name := codeName(t, module, level)
	if code, ok := c.get(name); ok {
		return code, nil
	}
	code, err := t.compile(module, level)
	if err != nil {
		return nil, err
	}
	if err := replaceFile(filepath.Join(c.dir, name), append(c.mac(name, code), code...)); err != nil {
		c.log.Warn("compiled code was not kept", "error", err)
	}
	return code, nil
}

func codeName(t *tier, module []byte, level Level) string {
	sum := blake2b.Sum256(module)
	about := fmt.Sprintf("%s|%s|%v|%s|%+v|%+v|%x", codeFormat, t.name, level, runtime.GOARCH, cpu.X86, cpu.ARM64, sum)
	name := blake2b.Sum256([]byte(about))
	return hex.EncodeToString(name[:])
}

func (c *Cache) get(name string) ([]byte, bool) {
	file, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil || len(file) < cacheMACSize {
		return nil, false
	}
	mac, code := file[:cacheMACSize], file[cacheMACSize:]
	if subtle.ConstantTimeCompare(mac, c.mac(name, code)) != 1 {
		c.log.Warn("cached code fails its check and is compiled anew", "file", name)
		return nil, false
	}
	return code, true
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
func replaceFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails after the rename
	if _, err := bytes.NewReader(content).WriteTo(f); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
