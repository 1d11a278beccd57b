package tree

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// Hash is a SHA-256 hash: of a node, or of a key, where it is the path.
type Hash = [32]byte

var (
	// ErrEmpty says that a tree has no leaves: its root could prove nothing, so it is refused.
	ErrEmpty = errors.New("tree has no leaves")
	// ErrStale says that the overlay to adopt was not made over the committed root.
	ErrStale = errors.New("overlay was made over another root")
	// ErrClosed says that a snapshot was released or an overlay was dropped or adopted before.
	ErrClosed = errors.New("snapshot or overlay is closed")
	// ErrDuplicate says that two changes of one update have the same path.
	ErrDuplicate = errors.New("two changes of one path")
)

// LeafHash is the hash of a leaf: its path and the hash of the stored form of its value.
func LeafHash(path, value Hash) Hash {
	var b [65]byte // b[0] = 0, the leaf prefix
	copy(b[1:33], path[:])
	copy(b[33:], value[:])
	return sha256.Sum256(b[:])
}

func innerHash(left, right *Hash) Hash {
	var b [65]byte
	b[0] = 1
	copy(b[1:33], left[:])
	copy(b[33:], right[:])
	return sha256.Sum256(b[:])
}

// child is a subtree: where it is and what it hashes to. The zero child is the empty subtree.
type child struct {
	ref  ref
	hash Hash
}

// version is one committed state of the tree.
type version struct {
	root       child
	leaves     int
	generation uint64
}

// retired is what an adoption replaced: reachable from generations before its own only.
type retired struct {
	generation uint64
	slots      []ref
}

// Tree is the committed tree. All methods are safe for concurrent use; adoptions exclude each other.
type Tree struct {
	arena arena

	mu      sync.Mutex
	current version
	pins    map[uint64]int // generation -> snapshots that hold it
	retired []retired      // by rising generation
}

// New is the tree without leaves.
func New() *Tree { return &Tree{pins: map[uint64]int{}} }

// Snapshot pins the committed version until Release.
func (t *Tree) Snapshot() *Snapshot {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pins[t.current.generation]++
	return &Snapshot{tree: t, version: t.current}
}

// unpin lets go of a generation and frees what nobody can reach any more.
func (t *Tree) unpin(generation uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pins[generation]--
	if t.pins[generation] == 0 {
		delete(t.pins, generation)
	}
	t.sweep()
}

// sweep frees the retired slots that no pinned generation reaches. Callers hold mu.
func (t *Tree) sweep() {
	oldest := t.current.generation
	for g := range t.pins { // a minimum: the order of the map does not matter
		oldest = min(oldest, g)
	}
	done := 0
	for done < len(t.retired) && t.retired[done].generation <= oldest {
		t.arena.giveBack(t.retired[done].slots)
		done++
	}
	t.retired = append([]retired(nil), t.retired[done:]...)
}

// Adopt makes the overlay's last computed root the committed one and closes the overlay. It refuses an overlay whose
// base is no longer the committed version.
func (t *Tree) Adopt(o *Overlay) error {
	if o.base == nil {
		return ErrClosed
	}
	t.mu.Lock()
	if o.base.version != t.current {
		t.mu.Unlock()
		return fmt.Errorf("%w: made over %x, committed is %x", ErrStale, o.base.version.root.hash, t.current.root.hash)
	}
	t.current = version{root: o.root, leaves: o.leaves, generation: t.current.generation + 1}
	for i := range o.writers {
		t.retired = append(t.retired, retired{t.current.generation, o.writers[i].replaced})
	}
	t.mu.Unlock()
	o.finish()
	return nil
}

// NodesInUse counts the slots that are neither free nor unused, for tests and metrics.
func (t *Tree) NodesInUse() (inners, leaves int) {
	t.arena.mu.Lock()
	defer t.arena.mu.Unlock()
	used := func(next ref, free []ref) int { return max(0, int(next)-1) - len(free) }
	return used(t.arena.inners.next, t.arena.inners.free), used(t.arena.leaves.next, t.arena.leaves.free)
}

// Snapshot is one version of the tree that stays readable until Release. It is safe for concurrent use.
type Snapshot struct {
	tree     *Tree
	version  version
	released atomic.Bool
}

// Root is the root hash, or ErrEmpty.
func (s *Snapshot) Root() (Hash, error) {
	if s.version.leaves == 0 {
		return Hash{}, ErrEmpty
	}
	return s.version.root.hash, nil
}

// Leaves is the number of leaves.
func (s *Snapshot) Leaves() int { return s.version.leaves }

// Release unpins the version. The snapshot must not be used afterwards. It may be called more than once.
func (s *Snapshot) Release() {
	if !s.released.Swap(true) {
		s.tree.unpin(s.version.generation)
	}
}

// Leaf is the hash and the version of the leaf at a path.
func (s *Snapshot) Leaf(path Hash) (hash Hash, version uint32, found bool) {
	at := s.version.root
	for depth := 0; at.ref != 0; depth++ {
		if at.ref&leafBit != 0 {
			l := s.tree.arena.leaves.at(at.ref &^ leafBit)
			return at.hash, l.version, l.path == path
		}
		n := s.tree.arena.inners.at(at.ref)
		if bit(&path, depth) == 0 {
			at = child{n.left, n.leftHash}
			continue
		}
		at = child{n.right, n.rightHash}
	}
	return Hash{}, 0, false
}

func bit(path *Hash, depth int) byte { return path[depth>>3] >> (7 - depth&7) & 1 }
