package consensus

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/sepia-chain/sepia/internal/primitives"
)

// Event tells of a committed block, which can be read when the event comes.
type Event struct {
	Number     uint32
	Hash       primitives.Hash
	Header     primitives.Header
	NewRuntime bool // the block changed the code
	// ChangedKeys lists the keys of the top storage that the block changed.
	ChangedKeys func() ([][]byte, error)
}

// broadcast wakes any number of waiters.
type broadcast struct {
	mu sync.Mutex
	ch chan struct{}
}

func newBroadcast() *broadcast { return &broadcast{ch: make(chan struct{})} }

// next is closed at the next wake.
func (b *broadcast) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ch
}

func (b *broadcast) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.ch)
	b.ch = make(chan struct{})
}

// Subscribe gives an event for every block committed from now on, in order, none left out, however slow the reader is: what
// it has not read waits in the store. The channel is closed after cancel, or when the chain stops.
func (c *Chain) Subscribe() (events <-chan Event, cancel func(), err error) {
	height, err := c.height()
	if err != nil {
		return nil, nil, err
	}
	events, cancel = c.subscribeFrom(height + 1)
	return events, cancel, nil
}

func (c *Chain) subscribeFrom(height uint32) (<-chan Event, func()) {
	ctx, cancel := context.WithCancel(c.stopped)
	ch := make(chan Event)
	c.subscribing.Lock()
	defer c.subscribing.Unlock()
	if ctx.Err() != nil {
		close(ch)
		return ch, cancel
	}
	c.workers.Add(1)
	go func() {
		defer c.workers.Done()
		defer close(ch)
		if err := c.follow(ctx, height, ch); err != nil && ctx.Err() == nil {
			_ = c.fault("telling subscribers", err)
		}
	}()
	return ch, cancel
}

// follow sends events from the block at height on until ctx ends.
func (c *Chain) follow(ctx context.Context, height uint32, to chan<- Event) error {
	for {
		more := c.committed.next() // before looking: a block that comes in between wakes us
		last, err := c.height()
		if err != nil {
			return err
		}
		for ; height <= last; height++ {
			event, err := c.event(height)
			if err != nil {
				return err
			}
			select {
			case to <- event:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *Chain) event(height uint32) (Event, error) {
	block, err := c.store.Block(height)
	before, errBefore := c.store.Block(height - 1)
	if err := errors.Join(err, errBefore); err != nil {
		return Event{}, fmt.Errorf("reading block %d: %w", height, err)
	}
	header, err := primitives.DecodeHeader(block.Header)
	if err != nil {
		return Event{}, fmt.Errorf("reading block %d: %w", height, err)
	}
	return Event{
		Number: height, Hash: block.Hash, Header: header, NewRuntime: block.CodeHash != before.CodeHash,
		ChangedKeys: func() ([][]byte, error) { return c.store.ChangedKeys(height) },
	}, nil
}
