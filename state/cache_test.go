package state

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestCache_IsWarmAfterGenesisAndAfterOpen: the first block after either reads from memory, and nothing but what is there.
func TestCache_IsWarmAfterGenesisAndAfterOpen(t *testing.T) {
	fs := vfs.NewMem()
	s := openStore(t, fs)
	m := plainState{}.top("a", "1").top("b", "2").child("c", "a", "3")
	noError(t, must(s.CommitGenesis(genesis(t, m)))(t).Release())
	known := func(s *Store, when string, height uint32) {
		t.Helper()
		for key, want := range m {
			value, found, known := s.cache.get(height, []byte(key))
			if string(value) != want || !found || !known {
				t.Errorf("%s: %x is %q, %v, %v, want %q", when, key, value, found, known, want)
			}
		}
	}
	known(s, "genesis", 0)
	o := newOverlay(t, s)
	noError(t, o.Set([]byte("b"), []byte("22")))
	noError(t, o.Set([]byte("long"), make([]byte, maxInline+1)))
	commit(t, s, o, block(1))
	m.top("b", "22")
	noError(t, s.Close())
	reopened := openStore(t, fs)
	known(reopened, "open", 1)
	for _, key := range []string{"long", "absent"} {
		if _, _, known := reopened.cache.get(1, TreeKey([]byte(key))); known {
			t.Errorf("%q is known without having been read", key)
		}
	}
	if _, _, known := reopened.cache.get(0, TreeKey([]byte("b"))); known {
		t.Error("a view of height 0 was shown a value of height 1")
	}
}

func TestCache_WarmStopsWhenFullAndKeepsCopies(t *testing.T) {
	c := newCache(0)
	value := make([]byte, 1_000)
	const count = 2 * cacheShards * cacheBytesShard / 1_000
	for i := range count {
		value[0] = byte(i)
		c.warm(0, fmt.Append(nil, i), value)
	}
	for i := range c.shards {
		if n := c.shards[i].bytes; n > cacheBytesShard || n < cacheBytesShard/2 {
			t.Errorf("shard %d holds %d bytes, want at most %d and most of that", i, n, cacheBytesShard)
		}
	}
	for i := range 100 {
		if got, _, known := c.get(0, fmt.Append(nil, i)); !known || got[0] != byte(i) {
			t.Errorf("value %d, entered first, is %v, %v", i, got[:min(1, len(got))], known)
		}
	}
}

// TestCache_FullShardsMakeRoomForMore: a write into a full shard evicts a part of it, not one entry for each write.
func TestCache_FullShardsMakeRoomForMore(t *testing.T) {
	c := newCache(0)
	value := make([]byte, 10_000)
	for i := range 2 * cacheShards * cacheBytesShard / len(value) {
		c.fill(0, fmt.Append(nil, i), slices.Clone(value), true)
		c.written(1, fmt.Append(nil, i), slices.Clone(value[i%100:]), true) // replaces it
	}
	for i := range c.shards {
		if n := c.shards[i].bytes; n > cacheBytesShard || n < cacheBytesShard/2 {
			t.Errorf("shard %d holds %d bytes, want at most %d and most of that", i, n, cacheBytesShard)
		}
		total := 0
		for key, e := range c.shards[i].entries {
			total += cost(key, e)
		}
		if total != c.shards[i].bytes {
			t.Errorf("shard %d counts %d bytes and holds %d", i, c.shards[i].bytes, total)
		}
	}
}
