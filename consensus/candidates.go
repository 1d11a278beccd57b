package consensus

import (
	"time"

	"github.com/sepia-chain/sepia/consensus/driver"
	"github.com/sepia-chain/sepia/consensus/pool"
	"github.com/sepia-chain/sepia/consensus/validity"
)

// nothing offers no transactions.
type nothing struct{}

func (nothing) Next() ([]byte, bool) { return nil, false }
func (nothing) Tried(driver.Outcome) {}

// candidates offers the pool's ready transactions to the driver until time is over, and tells the pool what became of them.
type candidates struct {
	pool  *pool.Pool
	best  *pool.Best
	last  pool.Candidate
	until time.Time
	now   func() time.Time
}

func (c *Chain) candidates(now func() time.Time, limit time.Duration) *candidates {
	return &candidates{pool: c.pool, best: c.pool.Best(), until: now().Add(limit), now: now}
}

// Next is the best transaction left.
func (c *candidates) Next() ([]byte, bool) {
	if c.now().After(c.until) {
		return nil, false
	}
	var ok bool
	c.last, ok = c.best.Next()
	return c.last.Bytes, ok
}

// Tried sorts out what cannot be in a block. What only has no room, or comes too early, stays in the pool.
func (c *candidates) Tried(o driver.Outcome) {
	if o.Code.InBody() {
		return
	}
	c.best.Exclude()
	discard(c.pool, c.last, o)
}

func discard(p *pool.Pool, tx pool.Candidate, o driver.Outcome) {
	refusal, _ := o.Cause.(*validity.Error)
	switch {
	case o.Code == driver.Trapped:
		p.Bar(tx.Hash)
	case o.Code == driver.Inapplicable && refusal != nil && refusal.Kind == validity.Invalid && refusal.Variant == validity.InvalidFuture:
		// the one before it was left out
	case o.Code == driver.Inapplicable, o.Code == driver.Unsolicited, o.Code == driver.Malformed:
		p.Reject(tx.Hash)
	}
}
