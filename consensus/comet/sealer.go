package comet

import (
	"sync"
	"time"
)

// The times of sealing on demand.
const (
	// SealSpacing is the least time between two blocks on demand: clients sign for 32 to 64 blocks, which are then 8 to 16 s
	// at the least. A freshening block and the one after it count as one.
	SealSpacing = 250 * time.Millisecond
	// SealFreshness is how old a parent may be for a block with transactions.
	SealFreshness = 500 * time.Millisecond
	// SealIdle is how long a chain without transactions waits for its next block.
	SealIdle = 6 * time.Second
)

// Seal says when a chain makes blocks.
type Seal struct {
	// Interval is the time between blocks, which come whether there are transactions or not. 0 means on demand.
	Interval time.Duration
	// Idle is the longest time between blocks on demand. 0 means SealIdle.
	Idle time.Duration
}

func (s Seal) onDemand() bool { return s.Interval == 0 }

// wait is how long an idle chain waits for its next block.
func (s Seal) wait() time.Duration {
	switch {
	case s.Interval > 0:
		return s.Interval
	case s.Idle > 0:
		return s.Idle
	}
	return SealIdle
}

// Clock is the time that sealing goes by. Its readings must be monotonic.
type Clock interface {
	Now() time.Time
	// AfterFunc runs f once, later.
	AfterFunc(d time.Duration, f func())
}

// SystemClock is the machine's clock.
type SystemClock struct{}

// Now is the time.
func (SystemClock) Now() time.Time { return time.Now() }

// AfterFunc runs f after d.
func (SystemClock) AfterFunc(d time.Duration, f func()) { time.AfterFunc(d, f) }

// Sealer wakes CometBFT's proposer and decides whether a proposal may carry transactions. It is CometBFT's transaction
// notifier. Safe for concurrent use.
type Sealer struct {
	seal    Seal
	clock   Clock
	pending func() bool // whether the pool has a transaction that is ready
	wake    chan struct{}

	mu        sync.Mutex
	committed bool      // a block was committed by this process
	last      time.Time // when
	paced     time.Time // when the last block that counts for the spacing was committed, zero: none yet
	fresh     bool      // the parent is an empty block that was made for transactions to follow
	freshens  bool      // the proposal being made is one
	timed     bool      // a wake-up is waiting for the spacing
}

// NewSealer makes a sealer that asks pending whether a block is wanted.
func NewSealer(seal Seal, clock Clock, pending func() bool) *Sealer {
	return &Sealer{seal: seal, clock: clock, pending: pending, wake: make(chan struct{}, 1)}
}

// TxsAvailable is what CometBFT listens to.
func (s *Sealer) TxsAvailable() <-chan struct{} { return s.wake }

// Ready says that the pool has a ready transaction. It may be said any number of times.
func (s *Sealer) Ready() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.schedule()
}

// schedule wakes the proposer now, or when the spacing is over.
func (s *Sealer) schedule() {
	if !s.seal.onDemand() || s.timed {
		return
	}
	due := s.paced.Add(SealSpacing).Sub(s.clock.Now())
	if s.paced.IsZero() || s.fresh || due <= 0 {
		s.ring()
		return
	}
	s.timed = true
	s.clock.AfterFunc(due, s.overdue)
}

func (s *Sealer) overdue() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timed = false
	if s.pending() {
		s.schedule()
	}
}

func (s *Sealer) ring() {
	select {
	case s.wake <- struct{}{}:
	default: // it has not woken from the last time yet
	}
}

// TakeTransactions says whether the proposal being made may carry the transactions that are ready. When the parent is too
// old it may not, unless the parent was made empty for this very reason: otherwise a slow machine would never get to them.
func (s *Sealer) TakeTransactions() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	recent := s.committed && s.clock.Now().Sub(s.last) <= SealFreshness
	take := !s.seal.onDemand() || recent || s.fresh
	s.freshens = !take && s.pending()
	return take
}

// forget makes the sealer new. Blocks that the handshake replays are committed now, but were made long ago.
func (s *Sealer) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.committed, s.fresh, s.freshens, s.paced = false, false, false, time.Time{}
}

// Committed says that a block is committed and what it holds. Urgent asks for the next one at once.
func (s *Sealer) Committed(empty, urgent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	s.fresh = s.freshens && empty
	s.freshens = false
	s.committed, s.last = true, now
	if !s.fresh {
		s.paced = now
	}
	select {
	case <-s.wake: // it was meant for the block that is done
	default:
	}
	if urgent {
		s.ring()
		return
	}
	if s.pending() {
		s.schedule()
	}
}
