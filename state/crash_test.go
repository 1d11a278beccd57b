package state

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync/atomic"
	"testing"

	dbm "github.com/cometbft/cometbft-db"

	"github.com/sepia-chain/sepia/state/crashfs"
)

// longTests, when set, runs the crash test at 500 points instead of 60.
const longTests = "SEPIA_LONG"

const (
	crashHeights     = 40 // some 320 writes
	crashHeightsLong = 160
	crashPoints      = 60
	crashPointsLong  = 500
	crashTableBytes  = 64 << 10 // so that flushes and compactions happen during the test
	crashPartsOfWork = 3
)

// reached is how far the writer had come when the power failed.
type reached struct {
	saved     uint32 // CometBFT was told that this block is saved
	committed uint32 // the application was told that this height is committed
	recorded  uint32 // CometBFT was told that its own state of this height is saved
	genesis   bool
}

// crashNode writes as a node does: CometBFT's block, then the application's commit, then CometBFT's state.
type crashNode struct {
	states  []plainState
	reached atomic.Pointer[reached]
}

func openCrash(fs *crashfs.Crash) (*Store, error) {
	o := testOptions(fs.FS)
	o.MemTableBytes = crashTableBytes
	return Open(o)
}

func heightValue(h uint32) []byte { return binary.BigEndian.AppendUint32(nil, h) }

func (n *crashNode) say(change func(*reached)) {
	r := *n.reached.Load()
	change(&r)
	n.reached.Store(&r)
}

// write runs the whole chain.
func (n *crashNode) write(t testing.TB, s *Store) {
	noError(t, must(s.CommitGenesis(genesis(t, n.states[0])))(t).Release())
	n.say(func(r *reached) { r.genesis = true })
	blocks, comet := s.CometDB("blockstore"), s.CometDB("state")
	for h := uint32(1); h < uint32(len(n.states)); h++ {
		n.saveBlock(t, blocks, h)
		n.say(func(r *reached) { r.saved = h })
		n.commit(t, s, h)
		n.say(func(r *reached) { r.committed = h })
		noError(t, comet.SetSync([]byte("stateKey"), heightValue(h)))
		n.say(func(r *reached) { r.recorded = h })
	}
}

// saveBlock writes the parts without waiting, and the head, which names them, with.
func (n *crashNode) saveBlock(t testing.TB, blocks dbm.DB, h uint32) {
	for part := range crashPartsOfWork {
		noError(t, blocks.Set(fmt.Appendf(nil, "P:%d:%d", h, part), bytes.Repeat([]byte{byte(h)}, 3000)))
	}
	b := blocks.NewBatch()
	noError(t, b.Set(fmt.Appendf(nil, "H:%d", h), heightValue(h)))
	noError(t, b.Set([]byte("blockStore"), heightValue(h)))
	noError(t, b.WriteSync())
	noError(t, b.Close())
}

func (n *crashNode) commit(t testing.TB, s *Store, h uint32) {
	o := newOverlay(t, s)
	apply(t, o, n.states[h-1], n.states[h])
	b := block(h, fmt.Appendf(nil, "extrinsic %d", h))
	b.Extra = []KV{{[]byte("last"), heightValue(h)}}
	commit(t, s, o, b)
}

// storedHeight reads a height that CometBFT wrote, or 0.
func storedHeight(t testing.TB, db dbm.DB, key string) uint32 {
	b := must(db.Get([]byte(key)))(t)
	if b == nil {
		return 0
	}
	return binary.BigEndian.Uint32(b)
}

func TestCrash_HeightIsHOrHMinusOneAndNothingMixed(t *testing.T) {
	points, heights := crashPoints, crashHeights
	if os.Getenv(longTests) != "" {
		points, heights = crashPointsLong, crashHeightsLong
	}
	rng := rand.New(rand.NewPCG(21, 21))
	states := chainStates(rng, heights, 10)
	rehearsal := crashRun(t, states, nil)
	reachable := rehearsal.Writes() * 9 / 10 // flushes run beside the writer, so no two runs write alike
	at := rng.Perm(reachable)[:min(points, reachable)]
	slices.Sort(at)
	crashes := crashRun(t, states, at).Crashes()
	if len(crashes) < points*3/4 {
		t.Fatalf("%d crashes, planned %d: the second run wrote much less than the first", len(crashes), points)
	}
	found := map[uint32]bool{}
	for _, c := range crashes {
		found[checkCrash(t, &c, states)] = true
	}
	t.Logf("%d crash points over %d writes, %d heights found", len(crashes), rehearsal.Writes(), len(found))
}

// crashRun writes the chain, with crashes before the given writes.
func crashRun(t *testing.T, states []plainState, at []int) *crashfs.FS {
	fs := crashfs.New(22)
	for i, write := range at {
		fs.CrashBefore(write, []int{0, 50, 100}[i%3])
	}
	n := &crashNode{states: states}
	n.reached.Store(&reached{})
	fs.Note(func() any { return *n.reached.Load() })
	o := testOptions(fs)
	o.MemTableBytes = crashTableBytes
	s, err := Open(o)
	noError(t, err)
	n.write(t, s)
	noError(t, s.Close())
	return fs
}

// checkCrash opens what a crash left and returns the height found.
func checkCrash(t *testing.T, c *crashfs.Crash, states []plainState) uint32 {
	t.Helper()
	was := c.Note.(reached)
	s, err := openCrash(c)
	if err != nil {
		t.Fatalf("crash before write %d keeping %d %%, %+v: %v", c.Write, c.KeepPercent, was, err)
	}
	defer func() { noError(t, s.Close()) }()
	v, err := s.View()
	if errors.Is(err, ErrNoGenesis) && !was.genesis {
		return 0
	}
	noError(t, err)
	app := v.Height()
	noError(t, v.Release())
	blocks, comet := s.CometDB("blockstore"), s.CometDB("state")
	saved, recorded := storedHeight(t, blocks, "blockStore"), storedHeight(t, comet, "stateKey")
	if saved < was.saved || app < was.committed || recorded < was.recorded {
		t.Fatalf("crash before write %d keeping %d %%: block store %d, application %d, CometBFT's state %d, promised %+v",
			c.Write, c.KeepPercent, saved, app, recorded, was)
	}
	if app > was.committed+1 || app > saved || saved > app+1 || recorded > app {
		t.Fatalf("crash before write %d keeping %d %%: block store %d, application %d, CometBFT's state %d do not fit together",
			c.Write, c.KeepPercent, saved, app, recorded)
	}
	checkBlocks(t, blocks, saved)
	checkAfterCrash(t, s, states, app)
	return app
}

func checkBlocks(t *testing.T, blocks dbm.DB, saved uint32) {
	t.Helper()
	for h := uint32(1); h <= saved; h++ {
		if got := storedHeight(t, blocks, fmt.Sprint("H:", h)); got != h {
			t.Fatalf("head of block %d says %d", h, got)
		}
		for part := range crashPartsOfWork {
			if b := must(blocks.Get(fmt.Appendf(nil, "P:%d:%d", h, part)))(t); len(b) != 3000 || b[0] != byte(h) {
				t.Fatalf("block %d lost part %d: a write before a synced one is gone", h, part)
			}
		}
	}
}

// checkAfterCrash checks the state at its height and the one before, and that the chain goes on. That the root equals a
// rebuild was checked when the store opened.
func checkAfterCrash(t *testing.T, s *Store, states []plainState, height uint32) {
	t.Helper()
	noError(t, s.Verify())
	for h := max(height, 1) - 1; h <= height; h++ {
		v := must(s.ViewAt(h))(t)
		checkView(t, v, states[h])
		if v.Root() != states[h].root(t) || v.BlockHash() != blockHash(h) {
			t.Fatalf("height %d: root %s of block %s", h, v.Root(), v.BlockHash())
		}
		noError(t, v.Release())
	}
	if height > 0 {
		if last := must2(s.Extra([]byte("last")))(t); binary.BigEndian.Uint32(last) != height {
			t.Fatalf("height %d: index entry of height %x", height, last)
		}
		if body := must(s.Body(height))(t); len(body) != 1 || string(body[0]) != fmt.Sprint("extrinsic ", height) {
			t.Fatalf("height %d: body %q", height, body)
		}
	}
	if int(height)+1 < len(states) {
		(&crashNode{states: states}).commit(t, s, height+1)
	}
}

func must2[T any](value T, found bool, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil || !found {
			t.Fatalf("found %v, %v", found, err)
		}
		return value
	}
}
