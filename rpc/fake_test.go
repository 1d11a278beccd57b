package rpc

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
)

// fakeChain is a chain in memory: block n holds a copy of the storage after it. Values are set with commit.
type fakeChain struct {
	mu       sync.Mutex
	blocks   []fakeBlock
	byHash   map[primitives.Hash]int
	child    map[string]map[string]string
	watchers map[int]chan Event
	next     int
	calls    map[string]func(args []byte) ([]byte, error)
	failGet  error // returned by every read of storage
	reads    atomic.Int64
}

type fakeBlock struct {
	header     *primitives.Header
	extrinsics [][]byte
	storage    map[string]string
	changed    [][]byte
	version    uint32
}

func newFakeChain() *fakeChain {
	c := &fakeChain{
		byHash: map[primitives.Hash]int{}, watchers: map[int]chan Event{},
		child: map[string]map[string]string{"trie": {"k1": "v1", "k2": ""}},
		calls: map[string]func([]byte) ([]byte, error){},
	}
	c.calls["Metadata_metadata"] = func([]byte) ([]byte, error) { return scale.AppendBytes(nil, []byte("meta\x0e")), nil }
	c.calls["Metadata_metadata_versions"] = func([]byte) ([]byte, error) {
		return binary.LittleEndian.AppendUint32([]byte{16, 14, 0, 0, 0, 16, 0, 0, 0, 15, 0, 0, 0}, 1<<32-1), nil
	}
	c.calls["Metadata_metadata_at_version"] = func(version []byte) ([]byte, error) {
		return scale.AppendBytes([]byte{1}, append([]byte("meta"), version[0])), nil
	}
	c.calls["AccountNonceApi_account_nonce"] = func(account []byte) ([]byte, error) {
		return binary.LittleEndian.AppendUint32(nil, uint32(account[0])), nil
	}
	c.calls["Echo_echo"] = func(args []byte) ([]byte, error) { return args, nil }
	c.calls["Trap_trap"] = func([]byte) ([]byte, error) { return nil, &CallError{Text: "Trap_trap: unreachable: it panicked"} }
	c.calls["Panic_panic"] = func([]byte) ([]byte, error) { panic("a bug of the node") }
	c.calls["Fault_fault"] = func([]byte) ([]byte, error) { return nil, errors.New("the disk is gone: secret path") }
	c.calls["TransactionPaymentApi_query_info"] = func([]byte) ([]byte, error) {
		out := scale.AppendCompact(scale.AppendCompact(nil, 1000), 77)
		return append(append(out, 0), u128(1_000_000)...), nil
	}
	c.calls["TransactionPaymentApi_query_fee_details"] = func([]byte) ([]byte, error) {
		return slices.Concat([]byte{1}, u128(10), u128(0), u128(255), u128(5)), nil
	}
	c.commit(map[string]string{"a1": "one", "a2": "", "b": "two"}, false)
	return c
}

func u128(n uint64) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, n), make([]byte, 8)...)
}

// commit makes the next block, which writes the values; "-" deletes.
func (c *fakeChain) commit(writes map[string]string, newRuntime bool) Block {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := fakeBlock{header: &primitives.Header{Number: uint32(len(c.blocks))}, storage: map[string]string{}, version: 1, extrinsics: [][]byte{{0x0c, 4, 1, 0}}}
	if len(c.blocks) > 0 {
		last := c.blocks[len(c.blocks)-1]
		b.header.ParentHash, b.storage, b.version = last.header.Hash(), maps.Clone(last.storage), last.version
	}
	if newRuntime {
		b.version++
		b.header.Digest = []primitives.DigestItem{{Kind: primitives.DigestRuntimeEnvironmentUpdated}}
	}
	for _, key := range slices.Sorted(maps.Keys(writes)) {
		b.changed = append(b.changed, []byte(key))
		if writes[key] == "-" {
			delete(b.storage, key)
			continue
		}
		b.storage[key] = writes[key]
	}
	hash := b.header.Hash()
	c.byHash[hash] = len(c.blocks)
	c.blocks = append(c.blocks, b)
	block := Block{Hash: hash, Number: b.header.Number}
	for _, id := range slices.Sorted(maps.Keys(c.watchers)) {
		c.watchers[id] <- Event{Block: block, Header: b.header, NewRuntime: newRuntime, ChangedKeys: func() ([][]byte, error) { return b.changed, nil }}
	}
	return block
}

func (c *fakeChain) at(hash primitives.Hash) (fakeBlock, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, ok := c.byHash[hash]
	if !ok {
		return fakeBlock{}, false
	}
	return c.blocks[i], true
}

func (c *fakeChain) Genesis() primitives.Hash { h, _, _ := c.HashAt(0); return h }

func (c *fakeChain) Best() Block {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.blocks[len(c.blocks)-1].header
	return Block{Hash: last.Hash(), Number: last.Number}
}

func (c *fakeChain) HashAt(number uint32) (primitives.Hash, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if int(number) >= len(c.blocks) {
		return primitives.Hash{}, false, nil
	}
	return c.blocks[number].header.Hash(), true, nil
}

func (c *fakeChain) Header(hash primitives.Hash) (*primitives.Header, bool, error) {
	b, ok := c.at(hash)
	return b.header, ok, nil
}

func (c *fakeChain) Body(hash primitives.Hash) ([][]byte, bool, error) {
	b, ok := c.at(hash)
	return b.extrinsics, ok, nil
}

func (c *fakeChain) StateAt(hash primitives.Hash) (State, error) {
	b, ok := c.at(hash)
	if !ok {
		return nil, ErrUnknownBlock
	}
	return &fakeState{values: b.storage, child: c.child, fail: c.failGet, reads: &c.reads}, nil
}

func (c *fakeChain) Call(_ context.Context, at primitives.Hash, method string, args []byte) ([]byte, error) {
	if _, ok := c.at(at); !ok {
		return nil, ErrUnknownBlock
	}
	call, ok := c.calls[method]
	if !ok {
		return nil, &CallError{Text: fmt.Sprintf("%s: export not found", method)}
	}
	return call(args)
}

func (c *fakeChain) RuntimeVersion(hash primitives.Hash) (RuntimeVersion, error) {
	b, ok := c.at(hash)
	if !ok {
		return RuntimeVersion{}, ErrUnknownBlock
	}
	return RuntimeVersion{SpecName: "sepia", ImplName: "sepia", AuthoringVersion: 1, SpecVersion: b.version, TransactionVersion: 1, StateVersion: 1,
		Apis: []RuntimeAPI{{ID: [8]byte{0xdf, 0x6a, 0xcb, 0x68, 0x99, 0x07, 0x60, 0x9b}, Version: 5}}}, nil
}

func (c *fakeChain) Subscribe() (<-chan Event, func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id, events := c.next, make(chan Event, 16)
	c.next++
	c.watchers[id] = events
	return events, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if _, ok := c.watchers[id]; ok {
			delete(c.watchers, id)
			close(events)
		}
	}
}

type fakeState struct {
	values map[string]string
	child  map[string]map[string]string
	fail   error
	reads  *atomic.Int64
}

func (s *fakeState) Get(key []byte) ([]byte, bool, error) {
	s.reads.Add(1)
	v, ok := s.values[string(key)]
	return []byte(v), ok, s.fail
}

func (s *fakeState) KeysPaged(prefix []byte, count int, after []byte) ([][]byte, error) {
	return page(s.values, prefix, count, after), s.fail
}

func (s *fakeState) ChildGet(id, key []byte) ([]byte, bool, error) {
	v, ok := s.child[string(id)][string(key)]
	return []byte(v), ok, s.fail
}

func (s *fakeState) ChildKeysPaged(id, prefix []byte, count int, after []byte) ([][]byte, error) {
	return page(s.child[string(id)], prefix, count, after), s.fail
}

func (s *fakeState) Release() {}

func page(values map[string]string, prefix []byte, count int, after []byte) [][]byte {
	var keys [][]byte
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if len(keys) < count && strings.HasPrefix(key, string(prefix)) && (after == nil || key > string(after)) {
			keys = append(keys, []byte(key))
		}
	}
	return keys
}

// fakePool accepts everything whose body does not start with 0xee, and reports what the test sends.
type fakePool struct {
	statuses chan TxStatus
	watching chan context.Context
}

func newFakePool() *fakePool {
	return &fakePool{statuses: make(chan TxStatus, 16), watching: make(chan context.Context, 16)}
}

func (p *fakePool) Submit(_ context.Context, extrinsic []byte) (primitives.Hash, error) {
	if bytes.Contains(extrinsic, []byte{0xee}) {
		return primitives.Hash{}, Validity([]byte{0, 3})
	}
	return primitives.Blake2_256(extrinsic), nil
}

func (p *fakePool) Watch(ctx context.Context, extrinsic []byte) (primitives.Hash, <-chan TxStatus, error) {
	hash, err := p.Submit(ctx, extrinsic)
	if err != nil {
		return hash, nil, err
	}
	p.watching <- ctx
	return hash, p.statuses, nil
}

func (p *fakePool) Pending() [][]byte { return [][]byte{{0x04, 1}} }

func (p *fakePool) NextIndex(_ primitives.AccountID, onChain uint32) uint32 { return onChain + 2 }

type fakeSystem struct{ chainType string }

func (fakeSystem) Name() string        { return "sepia" }
func (fakeSystem) Version() string     { return "0.1.0" }
func (fakeSystem) ChainName() string   { return "Sepia Development" }
func (s fakeSystem) ChainType() string { return s.chainType }
func (fakeSystem) Properties() Properties {
	return Properties{SS58Format: 42, TokenDecimals: 12, TokenSymbol: "UNIT"}
}
func (fakeSystem) Health() Health { return Health{Peers: 3} }
func (fakeSystem) SyncState() SyncState {
	return SyncState{StartingBlock: 1, CurrentBlock: 2, HighestBlock: 3}
}

// harness is a server on a port of its own, with numbered subscription ids.
type harness struct {
	chain  *fakeChain
	pool   *fakePool
	server *Server
	addr   string
	logs   *lockedBuffer
}

func newHarness(t *testing.T, config Config) *harness {
	t.Helper()
	h := &harness{chain: newFakeChain(), pool: newFakePool(), logs: &lockedBuffer{}}
	log := slog.New(slog.NewTextHandler(h.logs, nil))
	server, err := newServer(config, h.chain, h.pool, fakeSystem{"Development"}, log, methods(), func(n uint64) string { return fmt.Sprintf("sub%d", n) })
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if in, out := server.inbound.bytes, server.outbound.bytes; in != server.config.MaxInboundBytes || out != server.config.MaxOutboundBytes {
			t.Errorf("%d and %d bytes of the budgets are left when all connections have ended, want %d and %d", in, out, server.config.MaxInboundBytes, server.config.MaxOutboundBytes)
		}
	})
	h.server, h.addr = server, listener.Addr().String()
	return h
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// recordingPool remembers what was submitted, in order.
type recordingPool struct {
	*fakePool
	mu  sync.Mutex
	got [][]byte
}

func (p *recordingPool) Submit(_ context.Context, extrinsic []byte) (primitives.Hash, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, extrinsic)
	return primitives.Blake2_256(extrinsic), nil
}
