package consensus

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"sort"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/sepia-chain/sepia/consensus/comet"
	"github.com/sepia-chain/sepia/consensus/pool"
	"github.com/sepia-chain/sepia/internal/extrinsic"
	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/host"
	"github.com/sepia-chain/sepia/runtime/host/hosttest"
	"github.com/sepia-chain/sepia/state"
)

const blobs = "../runtime/blob/released/"

func readBlob(name string) []byte {
	code, err := os.ReadFile(blobs + name)
	if err != nil {
		panic(err)
	}
	return code
}

// testEngine is one engine for all tests: making it takes a second.
var testEngine = sync.OnceValue(func() *engine.Engine {
	e, err := engine.New(engine.Config{BlobSlots: 32})
	if err != nil {
		panic(err)
	}
	return e
})

// testCache keeps compiled blobs for all nodes of all tests.
var testCache *engine.Cache

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "compiled")
	if err != nil {
		panic(err)
	}
	if testCache, err = engine.OpenCache(dir, slog.New(slog.DiscardHandler)); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

var validatorSeed = bytes.Repeat([]byte{42}, 32)

// testGenesis is the dev chain's, with the released runtime and one validator whose key is well known.
var testGenesis = sync.OnceValue(func() Genesis {
	dir, err := os.MkdirTemp("", "genesis")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	key, err := comet.CreateSigner(filepath.Join(dir, "key"), filepath.Join(dir, "state"), validatorSeed)
	if err != nil {
		panic(err)
	}
	g, err := genesisFor([32]byte(key), readBlob("sepia-runtime.wasm"))
	if err != nil {
		panic(err)
	}
	return g
})

func genesisFor(validator [32]byte, code []byte) (Genesis, error) {
	ctx := context.Background()
	builder := readBlob("sepia-genesis.wasm")
	preset, _, err := host.GenesisPreset(ctx, builder, "dev", hosttest.New(nil))
	if err != nil {
		return Genesis{}, err
	}
	var patch map[string]json.RawMessage
	if err := json.Unmarshal(preset, &patch); err != nil {
		return Genesis{}, err
	}
	patch["comet"] = json.RawMessage(`{"validators":[{"pubKey":"0x` + hex.EncodeToString(validator[:]) + `","power":10}]}`)
	preset, err = json.Marshal(patch)
	if err != nil {
		return Genesis{}, err
	}
	storage := hosttest.New(nil)
	if err := host.BuildGenesis(ctx, builder, preset, storage); err != nil {
		return Genesis{}, err
	}
	pairs := storage.Pairs()
	pairs[":code"] = code
	g := Genesis{ChainID: "test", Time: time.Unix(1_700_000_000, 0).UTC(), Validators: []Validator{{validator, 10}}}
	for key, value := range pairs {
		g.Pairs = append(g.Pairs, state.Pair{Key: []byte(key), Value: value})
	}
	sort.Slice(g.Pairs, func(i, j int) bool { return bytes.Compare(g.Pairs[i].Key, g.Pairs[j].Key) < 0 })
	header, err := GenesisHeader(g.Pairs)
	if err != nil {
		return Genesis{}, err
	}
	g.Hash = header.Hash()
	return g, nil
}

// home is what stays of a node between its runs.
type home struct {
	dir     string
	fs      vfs.FS
	genesis Genesis
	seal    comet.Seal
	log     *slog.Logger
	wrap    func(*application) abci.Application // what CometBFT is shown, nil for the application itself
}

func (h *home) asked(app *application) abci.Application {
	if h.wrap == nil {
		return app
	}
	return h.wrap(app)
}

func newHome(t testing.TB) *home {
	t.Helper()
	h := &home{dir: t.TempDir(), fs: vfs.NewMem(), genesis: testGenesis(), seal: comet.Seal{Idle: time.Hour}, log: slog.New(slog.DiscardHandler)}
	if testing.Verbose() {
		h.log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))
	}
	if err := os.Mkdir(filepath.Join(h.dir, "wal"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := comet.CreateSigner(h.keyFile(), h.signedFile(), validatorSeed); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *home) keyFile() string    { return filepath.Join(h.dir, "key.json") }
func (h *home) signedFile() string { return filepath.Join(h.dir, "signed.json") }

// node is one run of a node.
type node struct {
	*Chain
	t      testing.TB
	home   *home
	store  *state.Store
	events <-chan Event
	failed chan error
}

// newPool makes the instances of one node.
func newInstances(t testing.TB) *host.Pool {
	t.Helper()
	p, err := host.NewPool(host.PoolConfig{Instances: 3, ForBlocks: 1})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (h *home) open(t testing.TB) (*node, error) {
	t.Helper()
	store, err := state.Open(state.Options{Path: "state", FS: h.fs, CacheBytes: 8 << 20, MemTableBytes: 8 << 20})
	if err != nil {
		return nil, err
	}
	n := &node{t: t, home: h, store: store, failed: make(chan error, 1)}
	o := h.options(t, store, func(err error) { n.failed <- err })
	height := uint32(0) // before the chain adds to it
	if view, err := store.View(); err == nil {
		height = view.Height()
		view.Release()
	}
	var app *application
	n.Chain, app, err = prepare(o)
	if err == nil {
		n.Chain.engine, err = n.Chain.startEngine(o, app, h.asked(app))
	}
	if err != nil {
		_ = store.Close()
		return nil, err
	}
	var cancel func()
	n.events, cancel = n.subscribeFrom(height + 1)
	t.Cleanup(cancel)
	return n, nil
}

// options are those of one run on a store.
func (h *home) options(t testing.TB, store *state.Store, fatal func(error)) Options {
	t.Helper()
	signer, err := comet.LoadSigner(h.keyFile(), h.signedFile())
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Genesis: h.genesis, Store: store, Engine: testEngine(), Runtimes: host.Options{Pool: newInstances(t), Cache: testCache},
		Signer: signer, WALFile: filepath.Join(h.dir, "wal", "wal"), Seal: h.seal, Logger: h.log, Fatal: fatal,
	}
}

func (h *home) start(t testing.TB) *node {
	t.Helper()
	n, err := h.open(t)
	if err != nil {
		t.Fatalf("starting the chain: %v", err)
	}
	return n
}

// stop ends a run as an operator does.
func (n *node) stop() {
	n.t.Helper()
	if err := n.Stop(); err != nil {
		n.t.Errorf("stopping: %v", err)
	}
	if err := n.Err(); err != nil {
		n.t.Errorf("the node had to stop: %v", err)
	}
	if err := n.store.Close(); err != nil {
		n.t.Errorf("closing the store: %v", err)
	}
}

// next waits for a block.
func (n *node) next() Event {
	n.t.Helper()
	select {
	case e, open := <-n.events:
		if !open {
			n.t.Fatal("no more events")
		}
		return e
	case err := <-n.failed:
		n.t.Fatalf("the node had to stop: %v", err)
		return Event{}
	}
}

// key is a well-known account.
func key(t testing.TB, uri string) *keyring.Pair {
	t.Helper()
	pair, err := keyring.FromURI(keyring.Sr25519, uri)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// signed makes a transaction for this chain's runtime.
func (n *node) signed(uri string, nonce uint32, call []byte, tip uint64) []byte {
	n.t.Helper()
	_, best, err := n.Best()
	if err != nil {
		n.t.Fatal(err)
	}
	v, err := n.RuntimeVersion(best)
	if err != nil {
		n.t.Fatal(err)
	}
	xt, err := extrinsic.Sign(key(n.t, uri), call, extrinsic.Params{
		Nonce: nonce, Tip: tip, SpecVersion: v.SpecVersion, TxVersion: v.TransactionVersion,
		Genesis: n.GenesisHash(), Checkpoint: n.GenesisHash(),
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return xt
}

func remark(text string) []byte { return scale.AppendBytes([]byte{0, 0}, []byte(text)) }

func transferTo(t testing.TB, uri string, amount uint64) []byte {
	t.Helper()
	call := extrinsic.Address([]byte{2, 3}, key(t, uri).Account())
	return scale.AppendCompact(call, amount)
}

func transferAll(t testing.TB, uri string) []byte {
	t.Helper()
	return append(extrinsic.Address([]byte{2, 4}, key(t, uri).Account()), 0)
}

// sudo wraps a call for root, with Alice as the signer.
func sudo(call []byte) []byte { return append([]byte{7, 0}, call...) }

func (n *node) submit(xt []byte) <-chan pool.Status {
	n.t.Helper()
	_, w, err := n.Watch(context.Background(), xt)
	if err != nil {
		n.t.Fatalf("submitting: %v", err)
	}
	return w
}

// land waits until a watched transaction is in a block, and returns the block.
func (n *node) land(w <-chan pool.Status) primitives.Hash {
	n.t.Helper()
	for {
		select {
		case s, open := <-w:
			if !open {
				n.t.Fatal("the transaction left without a block")
			}
			if s.Kind == pool.Finalized {
				return s.Hash
			}
			if s.Kind > pool.Finalized {
				n.t.Fatalf("the transaction ended as %v", s.Kind)
			}
		case err := <-n.failed:
			n.t.Fatalf("the node had to stop: %v", err)
		}
	}
}

// storage reads a key after a block.
func (n *node) storage(at primitives.Hash, k []byte) []byte {
	n.t.Helper()
	view, err := n.StateAt(at)
	if err != nil {
		n.t.Fatal(err)
	}
	defer view.Release()
	value, _, err := view.Get(k)
	if err != nil {
		n.t.Fatal(err)
	}
	return value
}

// account reads nonce and free balance of an account.
func (n *node) account(at primitives.Hash, uri string) (nonce uint32, free uint64) {
	n.t.Helper()
	id := key(n.t, uri).Account()
	hash := primitives.Blake2_128(id[:])
	k := append(append(primitives.StoragePrefix("System", "Account"), hash[:]...), id[:]...)
	d := scale.NewDecoder(n.storage(at, k))
	nonce = d.U32()
	d.Fixed(12)
	return nonce, d.U64()
}
