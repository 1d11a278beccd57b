package meter

import "math"

// none is the current region where no region is open: the next costed instruction opens one.
const none = -1

// never is the escape height of a scope that nothing leaves but through its end; beyond is that of one that contains a call.
const (
	never  = math.MaxInt32
	beyond = -1
)

// scope is an open block, loop, if, or the function itself at height 0.
type scope struct {
	entry  int32 // region before the block, resumed behind it
	escape int32 // lowest height that a branch from inside goes to
}

// regions divides the reachable code of one function into regions of equal execution count.
//
// It runs twice over a body in the same way. The planning run adds up what each region costs; in the emitting run each
// region's total is charged at its head, and ahead says how much has been charged for code that has not run yet. ahead is
// the same on every path to an instruction, because a region goes on behind a block only if nothing inside can avoid it.
type regions struct {
	planning bool
	totals   []uint64
	opened   int // in the emitting run: number of regions charged so far
	current  int32
	ahead    uint64
	scopes   []scope
}

func (r *regions) reset(planning bool) {
	if planning {
		r.totals = r.totals[:0]
	}
	r.planning = planning
	r.opened, r.current, r.ahead = 0, none, 0
	r.scopes = append(r.scopes[:0], scope{entry: none, escape: never})
}

// open begins a region here and returns what must be charged.
func (r *regions) open() uint64 {
	if r.planning {
		r.totals = append(r.totals, 0)
	}
	r.current = int32(r.opened)
	r.opened++
	total := r.totals[r.current]
	if !r.planning {
		r.ahead += total
	}
	return total
}

// spend accounts for one instruction of the current region.
func (r *regions) spend(cost uint64) {
	switch {
	case cost == 0:
	case r.planning:
		r.totals[r.current] += cost
	default:
		r.ahead -= cost
	}
}

// close ends the current region: what follows may run less often.
func (r *regions) close() { r.current = none }

// push opens a scope; the current region goes on inside.
func (r *regions) push() { r.scopes = append(r.scopes, scope{entry: r.current, escape: never}) }

// pop closes the innermost scope. The region before it goes on unless something inside can leave past its end.
func (r *regions) pop() {
	height := int32(len(r.scopes) - 1)
	s := r.scopes[height]
	r.scopes = r.scopes[:height]
	r.current = s.entry
	if s.escape < height {
		r.current = none
	}
	if height > 0 {
		r.leave(s.escape)
	}
}

// leave notes that control may go from here to the end (or loop head) of the scope at the given height.
func (r *regions) leave(height int32) {
	top := &r.scopes[len(r.scopes)-1]
	top.escape = min(top.escape, height)
}

// target returns the height of the scope that a label names.
func (r *regions) target(label uint32) int32 { return int32(len(r.scopes)-1) - int32(label) }

// outermost is the label of the function's own scope, which is the block around the rewritten body.
func (r *regions) outermost() uint32 { return uint32(len(r.scopes) - 1) }

// call ends every open region, of all scopes.
func (r *regions) call() {
	r.leave(beyond)
	r.close()
}
