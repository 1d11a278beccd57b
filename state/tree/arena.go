package tree

import (
	"sync"
	"sync/atomic"
)

// ref names a node. Zero is the empty subtree. The top bit says leaf; the rest is a slot of the arena of that kind.
type ref uint32

const leafBit ref = 1 << 31

// Slots per chunk. 4,096 inner nodes of 72 bytes are 288 KiB: small enough for the tree of a test, and a tree of 10^8
// keys needs 35,000 chunks, whose table is copied 17 times while it grows.
const (
	chunkBits  = 12
	chunkSlots = 1 << chunkBits
)

// lendSlots is how many slots an overlay takes from the arena at a time: a block of 2,000 keys at 10^5 keys makes about
// 14,000 nodes, so it locks the arena 55 times.
const lendSlots = 256

type inner struct {
	left, right         ref
	leftHash, rightHash Hash
}

type leaf struct {
	path    Hash
	version uint32
}

// slab is a growing array whose elements never move, so that readers need no lock. Slot 0 is never handed out.
type slab[T any] struct {
	chunks atomic.Pointer[[]*[chunkSlots]T]
	next   ref   // first slot that was never handed out
	free   []ref // slots that were handed out and came back
}

func (s *slab[T]) at(r ref) *T {
	return &(*s.chunks.Load())[r>>chunkBits][r&(chunkSlots-1)]
}

// lend appends n free slots to dst.
func (s *slab[T]) lend(dst []ref, n int) []ref {
	take := min(n, len(s.free))
	dst = append(dst, s.free[len(s.free)-take:]...)
	s.free = s.free[:len(s.free)-take]
	for ; take < n; take++ {
		if s.next&(chunkSlots-1) == 0 {
			s.grow()
		}
		if s.next == 0 {
			s.next = 1
		}
		dst = append(dst, s.next)
		s.next++
	}
	return dst
}

func (s *slab[T]) grow() {
	var chunks []*[chunkSlots]T
	if old := s.chunks.Load(); old != nil {
		chunks = *old
	}
	chunks = append(chunks, new([chunkSlots]T))
	s.chunks.Store(&chunks)
}

// arena owns every node of a tree and of its overlays. Its lock guards the lists of free slots, not the nodes.
type arena struct {
	mu     sync.Mutex
	inners slab[inner]
	leaves slab[leaf]
}

// giveBack frees slots of both kinds, leaves being marked by leafBit.
func (a *arena) giveBack(slots []ref) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range slots {
		if r&leafBit != 0 {
			a.leaves.free = append(a.leaves.free, r&^leafBit)
			continue
		}
		a.inners.free = append(a.inners.free, r)
	}
}

// loan is the slots that one writer took from the arena: spare ones and, in used, those it wrote.
type loan struct {
	arena       *arena
	spareInners []ref
	spareLeaves []ref
	used        []ref // leaves marked by leafBit
}

func (l *loan) newInner() ref {
	if len(l.spareInners) == 0 {
		l.arena.mu.Lock()
		l.spareInners = l.arena.inners.lend(l.spareInners, lendSlots)
		l.arena.mu.Unlock()
	}
	r := l.spareInners[len(l.spareInners)-1]
	l.spareInners = l.spareInners[:len(l.spareInners)-1]
	l.used = append(l.used, r)
	return r
}

func (l *loan) newLeaf() ref {
	if len(l.spareLeaves) == 0 {
		l.arena.mu.Lock()
		l.spareLeaves = l.arena.leaves.lend(l.spareLeaves, lendSlots)
		l.arena.mu.Unlock()
	}
	r := l.spareLeaves[len(l.spareLeaves)-1] | leafBit
	l.spareLeaves = l.spareLeaves[:len(l.spareLeaves)-1]
	l.used = append(l.used, r)
	return r
}

// recycle makes all written slots spare again: their nodes are forgotten.
func (l *loan) recycle() {
	for _, r := range l.used {
		if r&leafBit != 0 {
			l.spareLeaves = append(l.spareLeaves, r&^leafBit)
			continue
		}
		l.spareInners = append(l.spareInners, r)
	}
	l.used = l.used[:0]
}

// end gives the spare slots back. The written ones stay with whoever holds the root.
func (l *loan) end() {
	l.arena.mu.Lock()
	defer l.arena.mu.Unlock()
	l.arena.inners.free = append(l.arena.inners.free, l.spareInners...)
	l.arena.leaves.free = append(l.arena.leaves.free, l.spareLeaves...)
	l.spareInners, l.spareLeaves, l.used = nil, nil, nil
}
