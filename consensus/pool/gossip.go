package pool

import (
	"context"
	"errors"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/sepia-chain/sepia/consensus/validity"
)

// The codes of Insert. CometBFT's mempool remembers a transaction with a permanent code until it is evicted from its
// cache, and forgets one with a code from abci.CodeTypeRetry on, so only what no state can ever make valid is permanent.
const (
	InsertOK        uint32 = abci.CodeTypeOK
	InsertMalformed uint32 = 1
	InsertRetry            = abci.CodeTypeRetry
)

// gossipInterval is how long a local transaction waits before peers are told again: they may have refused it for a reason
// that has passed.
const gossipInterval = 10 * time.Second

// Insert takes a transaction of a peer and answers with a code for CometBFT's mempool. An error is a fault of the node.
func (p *Pool) Insert(ctx context.Context, xt []byte) (uint32, error) {
	_, err := p.add(ctx, xt, validity.External, nil)
	var refused *Error
	switch {
	case err == nil:
		return InsertOK, nil
	case !errors.As(err, &refused):
		return InsertRetry, err
	case refused.Code == CodeBadFormat:
		return InsertMalformed, nil
	case refused.Code == CodeAlreadyImported:
		return InsertOK, nil
	}
	return InsertRetry, nil
}

// Reap lists transactions that peers should be told of, oldest first and at most maxBytes (0: no limit): those never told
// of, and local ones that still wait after the gossip interval.
func (p *Pool) Reap(maxBytes uint64) [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.options.Now().UnixNano()
	var list [][]byte
	var size uint64
	for _, e := range p.sorted() {
		if !e.verdict.Propagate || !e.gossipDue(now) {
			continue
		}
		if size += uint64(len(e.xt)); maxBytes > 0 && size > maxBytes {
			break
		}
		e.gossipAt = now
		list = append(list, e.xt)
	}
	return list
}

func (e *entry) gossipDue(now int64) bool {
	return e.gossipAt == 0 || e.local && now-e.gossipAt >= gossipInterval.Nanoseconds()
}
