package tree

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	ics23 "github.com/cosmos/ics23/go"
)

// model is the plain oracle: a map, whose root is computed from the definition alone.
type model map[string]string

func (m model) root() Hash {
	var leaves []child2
	for key, value := range m {
		path := sha256.Sum256([]byte(key))
		leaves = append(leaves, child2{path, LeafHash(path, sha256.Sum256([]byte(value)))})
	}
	slices.SortFunc(leaves, func(a, b child2) int { return bytes.Compare(a.path[:], b.path[:]) })
	return modelRoot(leaves, 0)
}

type child2 struct{ path, hash Hash }

func modelRoot(leaves []child2, depth int) Hash {
	switch len(leaves) {
	case 0:
		return Hash{}
	case 1:
		return leaves[0].hash
	}
	middle := 0
	for middle < len(leaves) && leaves[middle].path[depth/8]&(0x80>>(depth%8)) == 0 {
		middle++
	}
	left, right := modelRoot(leaves[:middle], depth+1), modelRoot(leaves[middle:], depth+1)
	return sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:]))
}

func (m model) clone() model {
	c := model{}
	for k, v := range m {
		c[k] = v
	}
	return c
}

// edit applies n random changes to the model and returns them with the outcomes the tree must report.
func (m model) edit(rng *rand.Rand, n, keys int) (changes []Change, want map[Hash]Outcome) {
	want = map[Hash]Outcome{}
	for range n {
		key := string(binary.BigEndian.AppendUint32(nil, rng.Uint32N(uint32(keys))))
		path := sha256.Sum256([]byte(key))
		if _, twice := want[path]; twice {
			continue
		}
		old, there := m[key]
		c := Change{Path: path}
		if rng.IntN(3) == 0 {
			c.Delete = true
			want[path] = None
			if there {
				want[path] = Deleted
			}
			delete(m, key)
		} else {
			value := string([]byte{byte(rng.IntN(3))})
			c.Leaf = LeafHash(path, sha256.Sum256([]byte(value)))
			want[path] = Inserted
			if there {
				want[path] = Changed
			}
			if there && old == value {
				want[path] = None
			}
			m[key] = value
		}
		changes = append(changes, c)
	}
	return changes, want
}

func newOverlay(t testing.TB, tr *Tree) *Overlay {
	t.Helper()
	base := tr.Snapshot()
	defer base.Release()
	o, err := base.NewOverlay()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func mustUpdate(t testing.TB, o *Overlay, changes []Change, want Hash) {
	t.Helper()
	got, err := o.Update(changes)
	if want == (Hash{}) {
		if !errors.Is(err, ErrEmpty) {
			t.Fatalf("root of no leaves: %x, %v, want ErrEmpty", got, err)
		}
		return
	}
	if err != nil || got != want {
		t.Fatalf("root %x, %v, want %x", got, err, want)
	}
}

// checkSlots fails if the tree holds more nodes than a tree built afresh: a leak, or a node freed twice.
func checkSlots(t *testing.T, tr *Tree, m model) {
	t.Helper()
	fresh := New()
	o := newOverlay(t, fresh)
	var changes []Change
	for key, value := range m {
		path := sha256.Sum256([]byte(key))
		changes = append(changes, Change{Path: path, Leaf: LeafHash(path, sha256.Sum256([]byte(value)))})
	}
	mustUpdate(t, o, changes, m.root())
	if err := fresh.Adopt(o); err != nil {
		t.Fatal(err)
	}
	inners, leaves := tr.NodesInUse()
	wantInners, wantLeaves := fresh.NodesInUse()
	if inners != wantInners || leaves != wantLeaves {
		t.Fatalf("%d inner nodes and %d leaves in use, a rebuild uses %d and %d", inners, leaves, wantInners, wantLeaves)
	}
}

func TestRule2_RootAndOutcomesEqualModel(t *testing.T) {
	for _, c := range []struct{ keys, changes int }{{3, 2}, {40, 10}, {2000, 400}} {
		rng := rand.New(rand.NewPCG(1, uint64(c.keys)))
		tr, m := New(), model{}
		written := map[Hash]uint32{}
		for height := uint32(1); height <= 60; height++ {
			o := newOverlay(t, tr)
			changes, want := m.edit(rng, c.changes, c.keys)
			for i := range changes {
				changes[i].Version = height
			}
			mustUpdate(t, o, changes, m.root())
			for _, change := range changes {
				if change.Outcome != want[change.Path] {
					t.Fatalf("height %d: outcome %d, want %d", height, change.Outcome, want[change.Path])
				}
				if o := change.Outcome; (o == Changed || o == Deleted) && change.Before != written[change.Path] {
					t.Fatalf("height %d: version before %d, want %d", height, change.Before, written[change.Path])
				}
				if change.Outcome != None {
					written[change.Path] = height
				}
			}
			if err := tr.Adopt(o); err != nil {
				t.Fatal(err)
			}
		}
		if len(m) > 0 {
			checkSlots(t, tr, m)
		}
	}
}

func TestRule3_ThreeSiblingsDroppedFourthCommitted(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 0))
	tr, m := New(), model{}
	for range 80 {
		var overlays []*Overlay
		var models []model
		for range 4 {
			o, after := newOverlay(t, tr), m.clone()
			changes, _ := after.edit(rng, 300, 900)
			mustUpdate(t, o, changes, after.root())
			overlays, models = append(overlays, o), append(models, after)
		}
		order := rng.Perm(4)
		for _, dropped := range order[:3] {
			overlays[dropped].Drop()
		}
		if err := tr.Adopt(overlays[order[3]]); err != nil {
			t.Fatal(err)
		}
		m = models[order[3]]
		checkSlots(t, tr, m)
	}
}

func TestRule3_AdoptRefusesSiblingOfCommitted(t *testing.T) {
	tr, m := New(), model{}
	first, second := newOverlay(t, tr), newOverlay(t, tr)
	for _, o := range []*Overlay{first, second} {
		changes, _ := m.clone().edit(rand.New(rand.NewPCG(3, 0)), 20, 50)
		if _, err := o.Update(changes); err != nil {
			t.Fatal(err)
		}
	}
	if err := tr.Adopt(first); err != nil {
		t.Fatal(err)
	}
	if err := tr.Adopt(second); !errors.Is(err, ErrStale) {
		t.Fatalf("adopting a sibling: %v, want ErrStale", err)
	}
	if err := tr.Adopt(first); !errors.Is(err, ErrClosed) {
		t.Fatalf("adopting twice: %v, want ErrClosed", err)
	}
}

func TestRule3_UpdateStartsFromBaseAndUnchangedIsShared(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 0))
	tr, m := New(), model{}
	o := newOverlay(t, tr)
	changes, _ := m.edit(rng, 500, 2000)
	mustUpdate(t, o, changes, m.root())
	if err := tr.Adopt(o); err != nil {
		t.Fatal(err)
	}
	o = newOverlay(t, tr)
	for range 5 {
		after := m.clone()
		changes, _ = after.edit(rng, 100, 2000)
		mustUpdate(t, o, changes, after.root())
	}
	mustUpdate(t, o, nil, m.root())
	if o.root != o.base.version.root || len(o.writers[0].loan.used) != 0 {
		t.Fatal("an update without changes made nodes")
	}
	var same []Change
	for key, value := range m {
		path := sha256.Sum256([]byte(key))
		same = append(same, Change{Path: path, Leaf: LeafHash(path, sha256.Sum256([]byte(value)))})
	}
	mustUpdate(t, o, same, m.root())
	if o.root != o.base.version.root {
		t.Fatal("rewriting every value with itself made a new root node")
	}
	if _, err := o.Update([]Change{same[0], same[0]}); !errors.Is(err, ErrDuplicate) {
		t.Fatalf("two changes of one path: %v, want ErrDuplicate", err)
	}
	o.Drop()
	if _, err := o.Update(nil); !errors.Is(err, ErrClosed) {
		t.Fatalf("update after drop: %v, want ErrClosed", err)
	}
	checkSlots(t, tr, m)
}

// commitment is the ICS23 proof for a key, made of Find's result and the model's keys.
func commitment(t testing.TB, s *Snapshot, m model, key string) *ics23.CommitmentProof {
	t.Helper()
	found, err := s.Find(sha256.Sum256([]byte(key)))
	if err != nil {
		t.Fatal(err)
	}
	keys := map[Hash]string{}
	for k := range m {
		keys[sha256.Sum256([]byte(k))] = k
	}
	exist := func(p *Place) *ics23.ExistenceProof {
		if p == nil {
			return nil
		}
		k := keys[p.Path]
		return &ics23.ExistenceProof{Key: []byte(k), Value: []byte(m[k]), Leaf: LeafOp(), Path: p.Steps}
	}
	if found.Found != nil {
		return &ics23.CommitmentProof{Proof: &ics23.CommitmentProof_Exist{Exist: exist(found.Found)}}
	}
	return &ics23.CommitmentProof{Proof: &ics23.CommitmentProof_Nonexist{Nonexist: &ics23.NonExistenceProof{
		Key: []byte(key), Left: exist(found.Left), Right: exist(found.Right)}}}
}

func grow(t testing.TB, tr *Tree, m model, n int) {
	t.Helper()
	o := newOverlay(t, tr)
	rng := rand.New(rand.NewPCG(5, uint64(n)))
	var changes []Change
	for range n {
		key := string(binary.BigEndian.AppendUint64(nil, rng.Uint64()))
		m[key] = "v" + key
		path := sha256.Sum256([]byte(key))
		changes = append(changes, Change{Path: path, Leaf: LeafHash(path, sha256.Sum256([]byte(m[key]))), Version: 1})
	}
	mustUpdate(t, o, changes, m.root())
	if err := tr.Adopt(o); err != nil {
		t.Fatal(err)
	}
}

func TestProofs_PresenceAndAbsenceVerifyWithICS23(t *testing.T) {
	for _, leaves := range []int{1, 2, 3, 17, 300} {
		tr, m := New(), model{}
		grow(t, tr, m, leaves)
		s := tr.Snapshot()
		root := m.root()
		for key, value := range m {
			proof := commitment(t, s, m, key)
			if !ics23.VerifyMembership(ics23.SmtSpec, root[:], proof, []byte(key), []byte(value)) {
				t.Fatalf("%d leaves: proof of %x does not verify", leaves, key)
			}
			if ics23.VerifyMembership(ics23.SmtSpec, root[:], proof, []byte(key), []byte(value+"x")) {
				t.Fatalf("%d leaves: proof of %x verifies for another value", leaves, key)
			}
			checkFlippedBits(t, proof, func(p *ics23.CommitmentProof) bool {
				return ics23.VerifyMembership(ics23.SmtSpec, root[:], p, []byte(key), []byte(value))
			})
		}
		for i := range 200 {
			key := string(binary.BigEndian.AppendUint32(nil, uint32(i)))
			proof := commitment(t, s, m, key)
			if !ics23.VerifyNonMembership(ics23.SmtSpec, root[:], proof, []byte(key)) {
				t.Fatalf("%d leaves: proof of absence of %x does not verify", leaves, key)
			}
		}
		s.Release()
	}
}

// checkFlippedBits flips one bit in each step of a proof of presence.
func checkFlippedBits(t *testing.T, proof *ics23.CommitmentProof, verify func(*ics23.CommitmentProof) bool) {
	t.Helper()
	for i, step := range proof.GetExist().Path {
		for _, part := range [][]byte{step.Prefix, step.Suffix} {
			if len(part) == 0 {
				continue
			}
			at := i % len(part)
			part[at] ^= 1 << (i % 8)
			if verify(proof) {
				t.Fatalf("proof verifies with a bit flipped in step %d", i)
			}
			part[at] ^= 1 << (i % 8)
		}
	}
	if !verify(proof) {
		t.Fatal("proof does not verify after the flips were undone")
	}
}

func TestProofs_EmptyTreeHasNone(t *testing.T) {
	s := New().Snapshot()
	if _, err := s.Find(Hash{}); !errors.Is(err, ErrEmpty) {
		t.Fatalf("Find in a tree without leaves: %v, want ErrEmpty", err)
	}
	if _, err := s.Root(); !errors.Is(err, ErrEmpty) {
		t.Fatalf("Root of a tree without leaves: %v, want ErrEmpty", err)
	}
}

// TestRule3_ProofsDuringCommits is for the race detector: readers prove keys of pinned versions while commits replace
// and reuse nodes.
func TestRule3_ProofsDuringCommits(t *testing.T) {
	tr, m := New(), model{}
	grow(t, tr, m, 400)
	stable := m.clone()
	var stop atomic.Bool
	var readers sync.WaitGroup
	for r := range 3 {
		readers.Go(func() {
			rng := rand.New(rand.NewPCG(6, uint64(r)))
			for !stop.Load() {
				s := tr.Snapshot()
				root, err := s.Root()
				if err != nil {
					t.Error(err)
					return
				}
				for key, value := range stable {
					if rng.IntN(50) != 0 {
						continue
					}
					found, err := s.Find(sha256.Sum256([]byte(key)))
					if err != nil || found.Found == nil {
						t.Errorf("key that was never deleted not found: %v", err)
						return
					}
					exist := &ics23.ExistenceProof{Key: []byte(key), Value: []byte(value), Leaf: LeafOp(), Path: found.Found.Steps}
					if err := exist.Verify(ics23.SmtSpec, root[:], []byte(key), []byte(value)); err != nil {
						t.Errorf("proof over a pinned version: %v", err)
						return
					}
				}
				s.Release()
			}
		})
	}
	rng := rand.New(rand.NewPCG(7, 0))
	for range 150 {
		o := newOverlay(t, tr)
		changes, _ := m.edit(rng, 200, 600)
		if _, err := o.Update(changes); err != nil {
			t.Fatal(err)
		}
		if err := tr.Adopt(o); err != nil {
			t.Fatal(err)
		}
	}
	stop.Store(true)
	readers.Wait()
	checkSlots(t, tr, m)
}

func TestSnapshot_LeafTellsHashAndVersion(t *testing.T) {
	tr, m := New(), model{}
	grow(t, tr, m, 50)
	s := tr.Snapshot()
	defer s.Release()
	if s.Leaves() != 50 {
		t.Fatalf("%d leaves, want 50", s.Leaves())
	}
	for key, value := range m {
		path := sha256.Sum256([]byte(key))
		hash, version, found := s.Leaf(path)
		if want := LeafHash(path, sha256.Sum256([]byte(value))); !found || version != 1 || hash != want {
			t.Fatalf("leaf %x version %d found %v, want %x version 1", hash, version, found, want)
		}
	}
	if _, _, found := s.Leaf(Hash{7}); found {
		t.Fatal("found a leaf at a path never written")
	}
}
