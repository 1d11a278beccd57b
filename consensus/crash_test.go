package consensus

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/state/crashfs"
)

// longTests, when set, runs the crash test at 500 points instead of 60.
const longTests = "SEPIA_LONG"

const (
	crashPoints     = 60
	crashPointsLong = 500
	crashBlocks     = 6 // transactions of the run that is cut off, each in a block of its own
)

// survivors are what a crash of the machine leaves beside the database: CometBFT's write-ahead log and the record of what
// the validator signed, as they are on disk at that moment, and how far the node had told the world that it was.
type survivors struct {
	files map[string][]byte
	acked uint32
}

func (h *home) survivors(acked uint32) survivors {
	s := survivors{map[string][]byte{}, acked}
	files := []string{h.signedFile(), h.keyFile()}
	logs, err := filepath.Glob(filepath.Join(h.dir, "wal", "*"))
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for _, path := range append(files, logs...) {
		content, err := os.ReadFile(path)
		if err != nil {
			continue // it is being replaced: not there is what a crash would find
		}
		name, err := filepath.Rel(h.dir, path)
		if err != nil {
			panic(err)
		}
		s.files[name] = content
	}
	return s
}

// after is the home as it is found after a crash.
func (h *home) after(t *testing.T, fs vfs.FS, s survivors) *home {
	t.Helper()
	found := &home{dir: t.TempDir(), fs: fs, genesis: h.genesis, seal: h.seal, log: h.log}
	for name, content := range s.files {
		path := filepath.Join(found.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(found.dir, "wal"), 0o755); err != nil {
		t.Fatal(err)
	}
	return found
}

// crashRun runs a chain over a file system that crashes, and returns the hash of each block.
func crashRun(t *testing.T, fs *crashfs.FS) (*home, map[uint32]primitives.Hash) {
	t.Helper()
	home := newHome(t)
	home.fs = fs
	var acked atomic.Uint32
	fs.Note(func() any { return home.survivors(acked.Load()) })
	n := home.start(t)
	acked.Store(n.next().Number)
	for nonce := range uint32(crashBlocks) {
		block := n.land(n.submit(n.signed("//Alice", nonce, transferTo(t, "//Bob", unit), 0)))
		number, _, err := n.Number(block)
		if err != nil {
			t.Fatal(err)
		}
		acked.Store(number)
	}
	hashes := trailOf(t, n).hash
	n.stop()
	return home, hashes
}

func TestCrash_BetweenAnyTwoWritesNothingAcknowledgedIsLost(t *testing.T) {
	points := crashPoints
	if os.Getenv(longTests) != "" {
		points = crashPointsLong
	}
	counted := crashfs.New(1)
	crashRun(t, counted)
	fs := crashfs.New(2)
	keeps := []int{0, 50, 100}
	places := points / len(keeps)
	for place := range places {
		fs.CrashBefore(place*counted.Writes()/places, keeps...)
	}
	home, hashes := crashRun(t, fs)
	crashes := fs.Crashes()
	if len(crashes) < points*9/10 { // the two runs do not write exactly as often
		t.Fatalf("%d crashes, want %d", len(crashes), points)
	}
	for _, c := range crashes {
		left := c.Note.(survivors)
		t.Run(fmt.Sprintf("write %d keeping %d", c.Write, c.KeepPercent), func(t *testing.T) {
			found := home.after(t, c.FS, left)
			n := found.start(t)
			checkSurvived(t, n, hashes, left.acked)
			n.stop()
		})
	}
}

// checkSurvived looks that a restarted node has at least what was acknowledged, unchanged, and that it goes on.
func checkSurvived(t *testing.T, n *node, hashes map[uint32]primitives.Hash, acked uint32) {
	t.Helper()
	height, _, err := n.Best()
	if err != nil {
		t.Fatal(err)
	}
	if height < acked {
		t.Fatalf("block %d was acknowledged, the node is at %d", acked, height)
	}
	for number := range acked + 1 {
		if got, found, err := n.HashAt(number); err != nil || !found || got != hashes[number] {
			t.Errorf("block %d is %v (%v, %v), want %v", number, got, found, err, hashes[number])
		}
	}
	if height > 0 { // history of the block before answers
		before, _, err := n.HashAt(height - 1)
		if err != nil {
			t.Fatal(err)
		}
		nonce, _ := n.account(before, "//Alice")
		if nonce > height {
			t.Errorf("Alice's nonce was %d at block %d", nonce, height-1)
		}
	}
	best, hash, _ := n.Best()
	nonce, _ := n.account(hash, "//Alice")
	n.land(n.submit(n.signed("//Alice", nonce, remark("after the crash"), 0)))
	if now, _, _ := n.Best(); now <= best {
		t.Errorf("the chain stays at block %d", now)
	}
	if err := n.store.Verify(); err != nil {
		t.Errorf("state: %v", err)
	}
}
