package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/sepia-chain/sepia/node/spec"
)

// Home is the layout of a base path.
type Home string

// The files and folders of a home.
func (h Home) SpecFile() string         { return filepath.Join(string(h), "config", "chain-spec.json") }
func (h Home) ValidatorKeyFile() string { return filepath.Join(string(h), "keys", "validator.json") }
func (h Home) ValidatorStateFile() string {
	return filepath.Join(string(h), "data", "validator_state.json")
}
func (h Home) StateDir() string        { return filepath.Join(string(h), "data", "state") }
func (h Home) WALFile() string         { return filepath.Join(string(h), "data", "wal", "wal") }
func (h Home) CompileCacheDir() string { return filepath.Join(string(h), "cache", "compiled") }
func (h Home) lockFile() string        { return filepath.Join(string(h), "LOCK") }
func (h Home) ephemeralFile() string   { return filepath.Join(string(h), "EPHEMERAL") }

// create makes the folders. Keys are nobody else's business.
func (h Home) create() error {
	for dir, mode := range map[string]os.FileMode{
		filepath.Dir(h.SpecFile()): 0o755, filepath.Dir(h.ValidatorKeyFile()): 0o700,
		h.StateDir(): 0o755, filepath.Dir(h.WALFile()): 0o755, h.CompileCacheDir(): 0o700,
	} {
		if err := os.MkdirAll(dir, mode); err != nil {
			return fmt.Errorf("making home folder: %w", err)
		}
	}
	return nil
}

// ErrLocked says that another process runs on this home.
var ErrLocked = errors.New("home folder is in use")

// lock takes the home for this process. The kernel lets go of it when the process ends, however it ends; the pid in the
// file is for people.
func (h Home) lock() (unlock func() error, err error) {
	file, err := os.OpenFile(h.lockFile(), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("locking home: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(h.lockFile())
		file.Close()
		return nil, fmt.Errorf("%w: %s is held by process %s: stop that node, or choose another --base-path",
			ErrLocked, h, strings.TrimSpace(string(holder)))
	}
	if err := errors.Join(file.Truncate(0), writePid(file)); err != nil {
		file.Close()
		return nil, fmt.Errorf("writing %s: %w", h.lockFile(), err)
	}
	return file.Close, nil
}

// settle says whether the home goes with its process. A home that was found left behind and is opened to be kept stays.
func (h Home) settle(ephemeral bool) error {
	if !ephemeral {
		if err := os.Remove(h.ephemeralFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("keeping home: %w", err)
		}
		return nil
	}
	if err := os.WriteFile(h.ephemeralFile(), []byte(ephemeralText), 0o644); err != nil {
		return fmt.Errorf("marking home as temporary: %w", err)
	}
	return nil
}

const ephemeralText = "sepia dev made this folder without --base-path and removes it, at its end or when it is started again.\n"

// RemoveAbandoned removes the ephemeral homes in dir that killed processes left: those that say that they are, and that nobody
// holds. It returns how many; what cannot be removed, another user's above all, is left alone.
func RemoveAbandoned(dir string) int {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	removed := 0
	for _, e := range entries {
		if e.IsDir() && Home(filepath.Join(dir, e.Name())).removeIfAbandoned() {
			removed++
		}
	}
	return removed
}

func (h Home) removeIfAbandoned() bool {
	if mark, err := os.Lstat(h.ephemeralFile()); err != nil || !mark.Mode().IsRegular() {
		return false
	}
	file, err := os.OpenFile(h.lockFile(), os.O_RDWR|syscall.O_NOFOLLOW, 0) // without one its process may just be making it
	if err != nil {
		return false
	}
	defer file.Close()
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil && os.RemoveAll(string(h)) == nil
}

func writePid(file *os.File) error {
	_, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// LoadSpec reads the chain spec of the home. ErrNotInitialised if there is none.
func (h Home) LoadSpec() (*spec.Spec, error) {
	s, err := spec.Load(h.SpecFile())
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s has no %s: make one with `sepia init --base-path %s`", ErrNotInitialised, h, filepath.Base(h.SpecFile()), h)
	}
	return s, err
}

func (h Home) saveSpec(s *spec.Spec) error {
	encoded, err := s.Encode()
	if err != nil {
		return err
	}
	if err := os.WriteFile(h.SpecFile(), encoded, 0o644); err != nil {
		return fmt.Errorf("writing chain spec: %w", err)
	}
	return nil
}
