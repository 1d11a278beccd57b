package rpc

import (
	"cmp"
	"container/list"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/sepia-chain/sepia/internal/primitives"
)

// Names that notifications carry. Clients index their handlers by them.
const (
	notifyNewHead        = "chain_newHead"
	notifyAllHead        = "chain_allHead"
	notifyFinalizedHead  = "chain_finalizedHead"
	notifyRuntimeVersion = "state_runtimeVersion"
	notifyStorage        = "state_storage"
	notifyExtrinsic      = "author_extrinsicUpdate"
)

// hub hands committed blocks to subscriptions. One goroutine runs it, so all subscriptions see the same blocks in the
// same order. For one block the order is: runtime version, heads, storage; a client thus learns of a new runtime before
// the first header that was made under it.
type hub struct {
	chain  Chain
	log    *slog.Logger
	cancel func() // of the chain's subscription
	done   chan struct{}

	mu       sync.Mutex
	head     Block                                 // guarded by mu: the last block handed out
	header   []byte                                // guarded by mu: its JSON
	heads    list.List                             // guarded by mu: *subscription, in the order of subscribing
	versions list.List                             // guarded by mu: *subscription
	storage  map[string]map[*subscription]struct{} // guarded by mu: who watches a key
}

func newHub(chain Chain, log *slog.Logger) (*hub, error) {
	h := &hub{chain: chain, log: log, done: make(chan struct{}), storage: make(map[string]map[*subscription]struct{})}
	events, cancel := chain.Subscribe()
	h.cancel = cancel
	h.head = chain.Best()
	header, found, err := chain.Header(h.head.Hash)
	if err == nil && !found {
		err = ErrUnknownBlock
	}
	if err == nil {
		h.header, err = encodeJSON(headerJSON(header))
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("reading the best header %s: %w", h.head.Hash, err)
	}
	go h.run(events)
	return h, nil
}

// close stops the hub and waits for it.
func (h *hub) close() {
	h.cancel()
	<-h.done
}

func (h *hub) run(events <-chan Event) {
	defer close(h.done)
	for event := range events {
		h.deliver(event)
	}
}

// deliver hands out one block. A view that fails costs the subscriptions of that kind this block's notification, and the
// log says so; the others get theirs.
func (h *hub) deliver(event Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if event.Number <= h.head.Number { // it was committed between Subscribe and Best
		return
	}
	header, err := encodeJSON(headerJSON(event.Header))
	if err != nil {
		h.log.Error("cannot encode a header", "hash", event.Hash, "err", err)
		return
	}
	h.head, h.header = event.Block, header
	if event.NewRuntime && h.versions.Len() > 0 {
		h.deliverVersion(event.Hash)
	}
	for e := h.heads.Front(); e != nil; e = e.Next() {
		e.Value.(*subscription).notify(header)
	}
	if len(h.storage) > 0 {
		if err := h.deliverStorage(event); err != nil {
			h.log.Error("cannot read what a block changed", "hash", event.Hash, "err", err)
		}
	}
}

func (h *hub) deliverVersion(hash primitives.Hash) {
	version, err := h.chain.RuntimeVersion(hash)
	if err != nil {
		h.log.Error("cannot read the new runtime's version", "hash", hash, "err", err)
		return
	}
	encoded, err := encodeJSON(versionJSON(version))
	if err != nil {
		h.log.Error("cannot encode the new runtime's version", "hash", hash, "err", err)
		return
	}
	for e := h.versions.Front(); e != nil; e = e.Next() {
		e.Value.(*subscription).notify(encoded)
	}
}

func (h *hub) deliverStorage(event Event) error {
	changed, err := event.ChangedKeys()
	if err != nil {
		return fmt.Errorf("listing changed keys: %w", err)
	}
	state, err := h.chain.StateAt(event.Hash)
	if err != nil {
		return fmt.Errorf("opening state: %w", err)
	}
	defer state.Release()
	changes := make(map[*subscription][]storageChange)
	for _, key := range changed {
		watchers := h.storage[string(key)]
		if len(watchers) == 0 {
			continue
		}
		change, err := readChange(state, key)
		if err != nil {
			return err
		}
		for watcher := range watchers {
			changes[watcher] = append(changes[watcher], change)
		}
	}
	told := slices.SortedFunc(maps.Keys(changes), func(a, b *subscription) int { return cmp.Compare(a.number, b.number) })
	for _, w := range told {
		encoded, err := encodeJSON(storageChangeSet{Block: event.Hash, Changes: changes[w]})
		if err != nil {
			return err
		}
		w.notify(encoded)
	}
	return nil
}

// addHead and addVersion register a subscription for all blocks after the one they return.
func (h *hub) addHead(s *subscription) json.RawMessage {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.place(s, &h.heads)
	return h.header
}

func (h *hub) addVersion(s *subscription) Block {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.place(s, &h.versions)
	return h.head
}

// place puts s at the end of a list and tells s how to leave it. REQUIRES: h.mu is held.
func (h *hub) place(s *subscription, in *list.List) {
	place := in.PushBack(s)
	s.leave = func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		in.Remove(place)
	}
}

// addStorage registers a subscription to keys.
func (h *hub) addStorage(s *subscription, keys [][]byte) Block {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, key := range keys {
		watchers := h.storage[string(key)]
		if watchers == nil {
			watchers = make(map[*subscription]struct{})
			h.storage[string(key)] = watchers
		}
		watchers[s] = struct{}{}
	}
	s.leave = func() { h.removeStorage(s, keys) }
	return h.head
}

func (h *hub) removeStorage(s *subscription, keys [][]byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, key := range keys {
		delete(h.storage[string(key)], s)
		if len(h.storage[string(key)]) == 0 {
			delete(h.storage, string(key))
		}
	}
}
