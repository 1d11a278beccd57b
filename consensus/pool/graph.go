package pool

import (
	"bytes"

	"github.com/sepia-chain/sepia/consensus/validity"
	"github.com/sepia-chain/sepia/internal/primitives"
)

// entry is one transaction of the pool.
type entry struct {
	hash       primitives.Hash
	xt         []byte
	verdict    validity.Transaction
	local      bool
	sender     string
	arrival    uint64          // orders equal priorities
	checkedAt  uint32          // height of the state that the verdict is about
	validUntil uint64          // height from which the verdict does not hold any more
	met        map[string]bool // required tags that a block has provided since the verdict
	ready      bool
	gossipAt   int64 // nanoseconds of the pool's clock, 0 = never sent
	watchers   []chan Status
}

// graph is who provides and who requires which tag. A tag has one provider: that is what makes two transactions of one
// account and nonce exclude each other.
type graph struct {
	provider  map[string]*entry
	requirers map[string][]*entry
}

func newGraph() graph {
	return graph{provider: map[string]*entry{}, requirers: map[string][]*entry{}}
}

func (g *graph) link(e *entry) {
	for _, tag := range e.verdict.Provides {
		g.provider[string(tag)] = e
	}
	for _, tag := range e.verdict.Requires {
		g.requirers[string(tag)] = append(g.requirers[string(tag)], e)
	}
}

func (g *graph) unlink(e *entry) {
	for _, tag := range e.verdict.Provides {
		if g.provider[string(tag)] == e {
			delete(g.provider, string(tag))
		}
	}
	for _, tag := range e.verdict.Requires {
		rest := without(g.requirers[string(tag)], e)
		if len(rest) == 0 {
			delete(g.requirers, string(tag))
			continue
		}
		g.requirers[string(tag)] = rest
	}
}

func without(list []*entry, e *entry) []*entry {
	for i, x := range list {
		if x == e {
			return append(list[:i:i], list[i+1:]...)
		}
	}
	return list
}

// satisfied says whether all that e requires is provided, by a block or by a ready transaction.
func (g *graph) satisfied(e *entry) bool {
	for _, tag := range e.verdict.Requires {
		p := g.provider[string(tag)]
		if !e.met[string(tag)] && (p == nil || !p.ready) {
			return false
		}
	}
	return true
}

// spread brings the ready mark of e up to date, then that of all that depend on it, however far.
func (g *graph) spread(e *entry) {
	for queue := []*entry{e}; len(queue) > 0; queue = queue[1:] {
		next := queue[0]
		now := g.satisfied(next)
		if now == next.ready {
			continue
		}
		next.ready = now
		next.tell(Status{Kind: readiness(now)})
		queue = append(queue, g.dependents(next)...)
	}
}

func readiness(ready bool) StatusKind {
	if ready {
		return Ready
	}
	return Future
}

// dependents lists who requires a tag that e provides.
func (g *graph) dependents(e *entry) []*entry {
	var list []*entry
	for _, tag := range e.verdict.Provides {
		list = append(list, g.requirers[string(tag)]...)
	}
	return list
}

// conflicts lists, each once, the transactions that provide a tag which v provides too.
func (g *graph) conflicts(v validity.Transaction) []*entry {
	var list []*entry
	for _, tag := range v.Provides {
		if p := g.provider[string(tag)]; p != nil && !contains(list, p) {
			list = append(list, p)
		}
	}
	return list
}

func contains(list []*entry, e *entry) bool {
	for _, x := range list {
		if x == e {
			return true
		}
	}
	return false
}

// selfCycle says whether v requires what it provides itself, which can never be met.
func selfCycle(v validity.Transaction) bool {
	for _, r := range v.Requires {
		for _, p := range v.Provides {
			if bytes.Equal(r, p) {
				return true
			}
		}
	}
	return false
}

// nonceBytes is the width of the nonce at the end of a tag: FRAME's CheckNonce provides (account, u32 nonce).
const nonceBytes = 4

// senderOf reads the account from the first tag of a transaction. A tag too short for an account and a nonce is a sender
// of its own.
func senderOf(v validity.Transaction) string {
	tag := v.Provides[0]
	if len(tag) <= nonceBytes {
		return string(tag)
	}
	return string(tag[:len(tag)-nonceBytes])
}
