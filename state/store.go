package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
	dbm "github.com/cometbft/cometbft-db"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/state/cometdb"
	"github.com/sepia-chain/sepia/state/kv"
	"github.com/sepia-chain/sepia/state/tree"
)

// Options says where the store is. Zero sizes mean the defaults of package kv.
type Options struct {
	Path          string
	FS            vfs.FS // nil is the disk
	CacheBytes    int64
	MemTableBytes uint64
	Logger        *slog.Logger
	// Progress, if set, is told how many of all keys the rebuild of the tree has read while the store opens.
	Progress func(keys, of uint64)
}

// Store is an open store. All methods are safe for concurrent use.
type Store struct {
	db    *kv.DB
	tree  *tree.Tree
	cache *cache
	log   *slog.Logger

	commit sync.Mutex // one commit at a time
	mu     sync.Mutex
	latest *View // nil before genesis and after Close
}

// Open opens or creates a store, and rebuilds the tree from the flat state: a state that does not have the root it was
// committed with is a CorruptionError.
func Open(o Options) (*Store, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Progress == nil {
		o.Progress = func(uint64, uint64) {}
	}
	db, err := kv.Open(kv.Options{Path: o.Path, FS: o.FS, CacheBytes: o.CacheBytes, MemTableBytes: o.MemTableBytes, Logger: o.Logger})
	if err != nil {
		return nil, fmt.Errorf("opening state: %w", err)
	}
	s := &Store{db: db, tree: tree.New(), cache: newCache(0), log: o.Logger}
	if err := s.boot(o.Progress); err != nil {
		return nil, fmt.Errorf("opening state %s: %w", o.Path, errors.Join(err, db.Close()))
	}
	return s, nil
}

// Close closes the store. What views, overlays and CometBFT's databases are still asked afterwards is an error.
func (s *Store) Close() error {
	s.commit.Lock()
	defer s.commit.Unlock()
	s.mu.Lock()
	latest := s.latest
	s.latest = nil
	s.mu.Unlock()
	var err error
	if latest != nil {
		err = latest.Release()
	}
	return errors.Join(err, s.db.Close())
}

// View is the state after the latest block, or ErrNoGenesis, or ErrClosed.
func (s *Store) View() (*View, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.latest == nil {
		return nil, s.absent()
	}
	return newView(s.latest.v), nil
}

// absent says why there is no latest view.
func (s *Store) absent() error {
	if _, _, err := s.db.Get([]byte{keyMeta}); err != nil {
		return closed(err)
	}
	return ErrNoGenesis
}

// published is nil if a height is not above the latest view's. Pebble shows a batch before it is on disk; nothing of a
// block may be seen until then, so every reader by height asks here.
func (s *Store) published(height uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.latest == nil {
		return s.absent()
	}
	if latest := s.latest.Height(); height > latest {
		return fmt.Errorf("%w: %d, the latest is %d", ErrUnknownHeight, height, latest)
	}
	return nil
}

// ViewAt is the state after the block of a height, or ErrUnknownHeight. Views of past heights have no proofs, and
// overlays over them no root.
func (s *Store) ViewAt(height uint32) (*View, error) {
	current, err := s.View()
	if err != nil {
		return nil, err
	}
	if current.Height() == height {
		return current, nil
	}
	if err := current.Release(); err != nil {
		return nil, err
	}
	info, err := s.Block(height)
	if err != nil {
		return nil, err
	}
	snap, err := s.db.Snapshot()
	if err != nil {
		return nil, closed(err)
	}
	return newView(&version{info: info, db: s.db, snap: snap, src: past{snap, height}}), nil
}

// Block is what is kept about the block of a height, or ErrUnknownHeight.
func (s *Store) Block(height uint32) (BlockInfo, error) {
	if err := s.published(height); err != nil {
		return BlockInfo{}, err
	}
	return s.block(height)
}

// block is Block whether the height is published or not.
func (s *Store) block(height uint32) (BlockInfo, error) {
	b, err := s.atHeight(keyBlock, height)
	if err != nil {
		return BlockInfo{}, err
	}
	return decodeBlockInfo(b)
}

// atHeight is what is kept once a height.
func (s *Store) atHeight(kind byte, height uint32) ([]byte, error) {
	b, found, err := s.db.Get(heightKey(kind, height))
	if err != nil {
		return nil, closed(err)
	}
	if !found {
		return nil, fmt.Errorf("%w: %d", ErrUnknownHeight, height)
	}
	return b, nil
}

// Body is the extrinsics of the block of a height, or ErrUnknownHeight.
func (s *Store) Body(height uint32) ([][]byte, error) {
	if err := s.published(height); err != nil {
		return nil, err
	}
	return s.body(height)
}

func (s *Store) body(height uint32) ([][]byte, error) {
	b, err := s.atHeight(keyBody, height)
	if err != nil {
		return nil, err
	}
	return decodeBody(b)
}

// HashToHeight is the height of the block with a hash.
func (s *Store) HashToHeight(hash primitives.Hash) (height uint32, found bool, err error) {
	b, found, err := s.db.Get(hashKey(keyBlockHash, hash))
	if err != nil || !found {
		return 0, false, closed(err)
	}
	if len(b) != 4 {
		return 0, false, fmt.Errorf("%w: height of block %s has %d bytes", ErrCorrupt, hash, len(b))
	}
	height = binary.BigEndian.Uint32(b)
	return s.ifPublished(height)
}

// ifPublished is a height that an index named, if it may be seen yet.
func (s *Store) ifPublished(height uint32) (uint32, bool, error) {
	err := s.published(height)
	if errors.Is(err, ErrUnknownHeight) {
		return 0, false, nil
	}
	return height, err == nil, err
}

// ExtrinsicIndex is where the extrinsic with a BLAKE2b-256 hash is. Of equal extrinsics the last one counts.
func (s *Store) ExtrinsicIndex(hash primitives.Hash) (height, index uint32, found bool, err error) {
	b, found, err := s.db.Get(hashKey(keyExtrinsic, hash))
	if err != nil || !found {
		return 0, 0, false, closed(err)
	}
	d := scale.NewDecoder(b)
	height, index = d.U32(), d.U32()
	if err := d.Finish(); err != nil {
		return 0, 0, false, fmt.Errorf("%w: place of extrinsic %s: %w", ErrCorrupt, hash, err)
	}
	height, found, err = s.ifPublished(height)
	return height, index, found, err
}

// Extra is a value that came with a commit under a key of the caller's.
func (s *Store) Extra(key []byte) (value []byte, found bool, err error) {
	value, found, err = s.db.Get(append([]byte{keyExtra}, key...))
	return value, found, closed(err)
}

// ChangedKeys is the keys of the top storage that the block of a height inserted, changed or deleted, in no order that
// means anything, or ErrUnknownHeight.
func (s *Store) ChangedKeys(height uint32) ([][]byte, error) {
	if err := s.published(height); err != nil {
		return nil, err
	}
	changed, err := s.changes(height)
	if err != nil {
		return nil, err
	}
	keys := make([][]byte, 0, len(changed))
	for _, c := range changed {
		id, key, err := splitTreeKey(c.treeKey)
		if err != nil {
			return nil, err
		}
		if id == nil && c.treeKey[0] == domainTop {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func (s *Store) changes(height uint32) ([]changedKey, error) {
	b, err := s.atHeight(keyChanges, height)
	if err != nil {
		return nil, err
	}
	changed, err := decodeChangeList(b)
	if err != nil {
		return nil, fmt.Errorf("reading changes of height %d: %w", height, err)
	}
	return changed, nil
}

// CometDB is the database of CometBFT with a name, in the store's own instance: see package cometdb.
func (s *Store) CometDB(name string) dbm.DB { return cometdb.New(s.db, name) }

// Metrics is Pebble's own report, as text.
func (s *Store) Metrics() (string, error) {
	text, err := s.db.Metrics()
	return text, closed(err)
}
