package comet

import (
	"slices"
	"testing"
	"time"
)

// fakeClock is a Clock that a test moves. Its timers run in the goroutine that moves it.
type fakeClock struct {
	now    time.Time
	timers []fakeTimer
}

type fakeTimer struct {
	at time.Time
	f  func()
}

func newFakeClock() *fakeClock { return &fakeClock{now: time.Unix(1_000_000, 0)} }

func (c *fakeClock) Now() time.Time { return c.now }

func (c *fakeClock) AfterFunc(d time.Duration, f func()) {
	c.timers = append(c.timers, fakeTimer{c.now.Add(d), f})
}

func (c *fakeClock) advance(d time.Duration) {
	end := c.now.Add(d)
	for {
		slices.SortFunc(c.timers, func(a, b fakeTimer) int { return a.at.Compare(b.at) })
		if len(c.timers) == 0 || c.timers[0].at.After(end) {
			break
		}
		next := c.timers[0]
		c.timers = c.timers[1:]
		c.now = next.at
		next.f()
	}
	c.now = end
}

func woken(s *Sealer) bool {
	select {
	case <-s.TxsAvailable():
		return true
	default:
		return false
	}
}

type sealRig struct {
	*Sealer
	clock   *fakeClock
	waiting bool
}

func newRig(seal Seal) *sealRig {
	r := &sealRig{clock: newFakeClock()}
	r.Sealer = NewSealer(seal, r.clock, func() bool { return r.waiting })
	return r
}

func TestSealer_WakesAtOnceAfterAPauseAndAfterTheSpacingElse(t *testing.T) {
	r := newRig(Seal{})
	r.Committed(true, false)
	r.clock.advance(100 * time.Millisecond)
	r.waiting = true
	r.Ready()
	if woken(r.Sealer) {
		t.Fatal("woke 100 ms after a block")
	}
	r.clock.advance(149 * time.Millisecond)
	if woken(r.Sealer) {
		t.Fatal("woke 249 ms after a block")
	}
	r.clock.advance(time.Millisecond)
	if !woken(r.Sealer) {
		t.Fatal("did not wake 250 ms after a block")
	}
	r.waiting = false
	r.Committed(false, false)
	r.clock.advance(251 * time.Millisecond)
	r.waiting = true
	r.Ready()
	if !woken(r.Sealer) {
		t.Fatal("did not wake at once 251 ms after a block")
	}
}

func TestSealer_WakesOnceAHeight(t *testing.T) {
	r := newRig(Seal{})
	r.waiting = true
	r.Ready()
	r.Ready()
	if !woken(r.Sealer) || woken(r.Sealer) {
		t.Fatal("want exactly one wake-up")
	}
}

func TestSealer_WakesAgainAfterEachCommitWhileTransactionsWait(t *testing.T) {
	r := newRig(Seal{})
	r.waiting = true
	r.Committed(false, false)
	r.clock.advance(SealSpacing)
	if !woken(r.Sealer) {
		t.Fatal("no wake-up although transactions wait")
	}
	r.waiting = false
	r.Committed(false, false)
	r.clock.advance(time.Hour)
	if woken(r.Sealer) {
		t.Fatal("an idle chain was woken")
	}
}

func TestSealer_FreshnessPairCountsAsOneBlock(t *testing.T) {
	r := newRig(Seal{})
	r.Committed(true, false)
	r.clock.advance(10 * time.Second)
	r.waiting = true
	r.Ready()
	if !woken(r.Sealer) {
		t.Fatal("did not wake after a pause")
	}
	if r.TakeTransactions() {
		t.Fatal("took transactions into a block whose time is 10 s old")
	}
	r.Committed(true, false)
	if !woken(r.Sealer) {
		t.Fatal("the block after the freshening one must come at once")
	}
	if !r.TakeTransactions() {
		t.Fatal("took no transactions right after a freshening block")
	}
	r.Committed(false, false)
	if woken(r.Sealer) {
		t.Fatal("woke at once after the pair")
	}
	r.clock.advance(SealSpacing)
	if !woken(r.Sealer) {
		t.Fatal("did not wake after the spacing")
	}
}

func TestSealer_FreshnessLimit(t *testing.T) {
	for _, c := range []struct {
		age  time.Duration
		want bool
	}{{0, true}, {SealFreshness, true}, {SealFreshness + time.Nanosecond, false}} {
		r := newRig(Seal{})
		r.Committed(true, false)
		r.clock.advance(c.age)
		if got := r.TakeTransactions(); got != c.want {
			t.Errorf("parent %v old: %v, want %v", c.age, got, c.want)
		}
	}
}

// A machine so slow that a block takes longer than the freshness limit must still get transactions into blocks.
func TestSealer_FreshnessNeverStopsTransactions(t *testing.T) {
	r := newRig(Seal{})
	r.waiting = true
	r.Committed(true, false)
	taken := 0
	for range 10 {
		r.clock.advance(2 * SealFreshness)
		take := r.TakeTransactions()
		if take {
			taken++
		}
		r.Committed(!take, false)
	}
	if taken != 5 {
		t.Fatalf("%d of 10 blocks took transactions, want every other", taken)
	}
}

// A block that the idle interval made is as old as the interval for whoever comes long after it.
func TestSealer_AnIdleBlockIsNoFresheningOne(t *testing.T) {
	r := newRig(Seal{})
	r.Committed(true, false)
	r.clock.advance(SealIdle)
	r.TakeTransactions()
	r.Committed(true, false)
	r.clock.advance(5 * time.Second)
	r.waiting = true
	r.Ready()
	if !woken(r.Sealer) || r.TakeTransactions() {
		t.Fatal("a transaction got the time of an idle block 5 s ago")
	}
}

func TestSealer_AfterARestartTheParentCountsAsOld(t *testing.T) {
	r := newRig(Seal{})
	if r.TakeTransactions() {
		t.Fatal("took transactions although no block was committed by this process")
	}
	r.Committed(false, false) // as the handshake does when it replays
	r.forget()
	if r.TakeTransactions() {
		t.Fatal("took transactions although the parent was only replayed by this process")
	}
}

func TestSealer_IntervalNeverWakesAndHasNoFreshness(t *testing.T) {
	r := newRig(Seal{Interval: 2 * time.Second})
	r.waiting = true
	r.Committed(true, false)
	r.Ready()
	r.clock.advance(time.Hour)
	if woken(r.Sealer) || !r.TakeTransactions() {
		t.Fatal("interval sealing must be left to CometBFT's timer")
	}
	r.Committed(true, true)
	if !woken(r.Sealer) {
		t.Fatal("a first block under new code must come at once")
	}
}

func TestSeal_Wait(t *testing.T) {
	for _, c := range []struct {
		seal Seal
		want time.Duration
	}{{Seal{}, SealIdle}, {Seal{Idle: time.Minute}, time.Minute}, {Seal{Interval: time.Second, Idle: time.Minute}, time.Second}} {
		if got := c.seal.wait(); got != c.want {
			t.Errorf("%+v waits %v, want %v", c.seal, got, c.want)
		}
	}
}
