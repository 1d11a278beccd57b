package state

import (
	"bytes"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
)

// Limits of the cache of current values. A read from Pebble costs 3 microseconds and more, one from here 0.1; a transfer
// reads about ten keys. An account takes some 250 bytes here, so 64 MiB hold 250,000 of them.
const (
	cacheShards       = 32
	cacheBytesShard   = 64 << 20 / cacheShards
	cacheMaxValue     = 256 << 10
	cacheBytesOfEntry = 120 // map slot, entry, key and value headers
	cacheEvictPart    = 16  // a full shard makes room for the next writes too: this part of it
)

// cache keeps values that readers of recent heights asked for, or blocks wrote. An entry is what its key held from the
// entry's height on, up to the latest: so a view may use entries that are not above its own height, and no other. It
// knows nothing but what can be read again, and so never changes a result.
type cache struct {
	seed   maphash.Seed
	height atomic.Uint32 // of the latest commit; raised before the commit's changes are entered
	shards [cacheShards]cacheShard
}

type cacheShard struct {
	mu      sync.Mutex
	entries map[string]*cached
	bytes   int
}

// cached may be replaced under the shard's lock, so that a key which is known already needs no new memory.
type cached struct {
	height uint32
	found  bool
	value  []byte // never changed
}

func newCache(height uint32) *cache {
	c := &cache{seed: maphash.MakeSeed()}
	c.height.Store(height)
	for i := range c.shards {
		c.shards[i].entries = map[string]*cached{}
	}
	return c
}

// expect makes room for the entries that are about to come, as far as they can be kept: growing while they come takes as
// long as entering them.
func (c *cache) expect(entries uint64) {
	const most = cacheBytesShard / cacheBytesOfEntry
	for i := range c.shards {
		c.shards[i].entries = make(map[string]*cached, min(entries/cacheShards, most))
	}
}

func (c *cache) shard(treeKey []byte) *cacheShard {
	return &c.shards[maphash.Bytes(c.seed, treeKey)%cacheShards]
}

// get is what a key held at a height, if that is known.
func (c *cache) get(height uint32, treeKey []byte) (value []byte, found, known bool) {
	s := c.shard(treeKey)
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[string(treeKey)]
	if !ok || e.height > height {
		return nil, false, false
	}
	return e.value, e.found, true
}

// fill enters what a reader found at a height, unless a later block was committed meanwhile.
func (c *cache) fill(height uint32, treeKey, value []byte, found bool) {
	s := c.shard(treeKey)
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.height.Load() == height {
		s.put(treeKey, cached{height, found, value})
	}
}

// advance begins a commit: what readers of earlier heights find is no longer entered.
func (c *cache) advance(height uint32) { c.height.Store(height) }

// written enters what the block of a height wrote.
func (c *cache) written(height uint32, treeKey, value []byte, found bool) {
	s := c.shard(treeKey)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(treeKey, cached{height, found, value})
}

// warm enters a copy of a value that was written at a height and is current, as long as there is room.
func (c *cache) warm(height uint32, treeKey, value []byte) {
	s := c.shard(treeKey)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := cached{height, true, slices.Clip(value)}
	if s.bytes+cost(treeKey, &e) <= cacheBytesShard {
		e.value = bytes.Clone(value)
		s.put(treeKey, e)
	}
}

// put enters an entry. Values too large are forgotten instead; when the shard is full, entries go in no order.
func (s *cacheShard) put(treeKey []byte, e cached) {
	old, ok := s.entries[string(treeKey)]
	if ok {
		s.bytes -= cost(treeKey, old)
	}
	switch {
	case len(e.value) > cacheMaxValue:
		delete(s.entries, string(treeKey))
		return
	case ok:
		*old = e
	default:
		entered := e // so that an update needs no memory
		s.entries[string(treeKey)] = &entered
	}
	s.bytes += cost(treeKey, &e)
	if s.bytes > cacheBytesShard {
		s.evict(cacheBytesShard - cacheBytesShard/cacheEvictPart)
	}
}

// evict removes entries until at most so many bytes are left.
func (s *cacheShard) evict(left int) {
	for k, old := range s.entries {
		if s.bytes <= left {
			return
		}
		s.bytes -= cost(k, old)
		delete(s.entries, k)
	}
}

func cost[K string | []byte](treeKey K, e *cached) int {
	return len(treeKey) + cap(e.value) + cacheBytesOfEntry
}
