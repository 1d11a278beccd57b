package state

import (
	"hash/maphash"
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
	entries map[string]cached
	bytes   int
}

type cached struct {
	height uint32
	found  bool
	value  []byte // never changed
}

func newCache(height uint32) *cache {
	c := &cache{seed: maphash.MakeSeed()}
	c.height.Store(height)
	for i := range c.shards {
		c.shards[i].entries = map[string]cached{}
	}
	return c
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
		s.put(string(treeKey), cached{height, found, value})
	}
}

// advance begins a commit: what readers of earlier heights find is no longer entered.
func (c *cache) advance(height uint32) { c.height.Store(height) }

// written enters what the block of a height wrote.
func (c *cache) written(height uint32, treeKey string, value []byte, found bool) {
	s := c.shard([]byte(treeKey))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(treeKey, cached{height, found, value})
}

// put enters an entry. Values too large are forgotten instead; when the shard is full, entries go in no order.
func (s *cacheShard) put(treeKey string, e cached) {
	if old, ok := s.entries[treeKey]; ok {
		s.bytes -= cost(treeKey, old)
		delete(s.entries, treeKey)
	}
	if len(e.value) > cacheMaxValue {
		return
	}
	s.entries[treeKey] = e
	s.bytes += cost(treeKey, e)
	for k, old := range s.entries {
		if s.bytes <= cacheBytesShard {
			return
		}
		s.bytes -= cost(k, old)
		delete(s.entries, k)
	}
}

func cost(treeKey string, e cached) int { return len(treeKey) + cap(e.value) + cacheBytesOfEntry }
