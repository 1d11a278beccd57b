// Package crashfs is a file system in memory for crash tests: it remembers what was synced, counts writes, and copies
// itself as a disk would be found after the power failed before a given write.
//
// It is for tests of everything that writes through a vfs.FS, so of the whole node's database: state and CometBFT's alike.
// It loses nothing by itself; a test runs its work on, and afterwards opens the copies.
package crashfs

import (
	"math/rand/v2"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// Crash is a disk as it was found after a crash.
type Crash struct {
	Write       int // the crash came before this write, counting from 0
	KeepPercent int // of what was not synced, this much survived
	Note        any // what the test said at that moment
	FS          *vfs.MemFS
}

// FS is a file system in memory that crashes on order. It is safe for concurrent use.
type FS struct {
	vfs.FS
	mem *vfs.MemFS

	mu      sync.Mutex
	writes  int
	plan    map[int][]int // write -> percentages to keep
	note    func() any
	seed    uint64
	crashes []Crash
}

// New is an empty file system.
func New(seed uint64) *FS {
	f := &FS{mem: vfs.NewCrashableMem(), plan: map[int][]int{}, seed: seed}
	f.FS = errorfs.Wrap(reusing{f.mem}, errorfs.InjectorFunc(f.before))
	return f
}

// reusing replaces the one operation of MemFS that takes its lock for copies twice: with a copy waiting in between, the two wait
// for each other.
type reusing struct{ *vfs.MemFS }

// ReuseForWrite implements vfs.FS.
func (m reusing) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := m.Rename(oldname, newname); err != nil {
		return nil, err
	}
	return m.OpenReadWrite(newname, category)
}

// CrashBefore orders copies to be taken before a write, one for each percentage of unsynced data to keep.
func (f *FS) CrashBefore(write int, keepPercent ...int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plan[write] = append(f.plan[write], keepPercent...)
}

// Note sets what is asked at each crash and kept with it: how far the test has come. It is called inside file operations.
func (f *FS) Note(note func() any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.note = note
}

// Writes counts the operations so far that change the disk or sync it.
func (f *FS) Writes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writes
}

// Crashes are the copies taken so far.
func (f *FS) Crashes() []Crash {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.crashes
}

// before is called before each operation. It never makes one fail.
func (f *FS) before(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, keep := range f.plan[f.writes] {
		c := Crash{Write: f.writes, KeepPercent: keep}
		if f.note != nil {
			c.Note = f.note() // before the copy: what had been promised then must be in it
		}
		rng := rand.New(rand.NewPCG(f.seed, uint64(f.writes)<<8|uint64(keep)))
		c.FS = f.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: keep, RNG: rng})
		f.crashes = append(f.crashes, c)
	}
	f.writes++
	return nil
}
