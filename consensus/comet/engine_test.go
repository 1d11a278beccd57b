package comet

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	dbm "github.com/cometbft/cometbft-db"
	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/types"
)

// countingApp is an application whose app hash changes with every block, as FRAME's does. Its pool is a list.
type countingApp struct {
	abci.BaseApplication
	sealer *Sealer

	mu        sync.Mutex
	pool      [][]byte
	height    int64
	hash      []byte
	taken     int
	err       error
	committed chan int64
}

func newCountingApp(seal Seal) *countingApp {
	a := &countingApp{committed: make(chan int64, 1000)}
	a.sealer = NewSealer(seal, SystemClock{}, a.waiting)
	return a
}

func (a *countingApp) waiting() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.pool) > 0
}

func (a *countingApp) submit(tx string) {
	a.mu.Lock()
	a.pool = append(a.pool, []byte(tx))
	a.mu.Unlock()
	a.sealer.Ready()
}

func (a *countingApp) appHash() []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.hash
}

func (a *countingApp) Info(context.Context, *abci.RequestInfo) (*abci.ResponseInfo, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return &abci.ResponseInfo{LastBlockHeight: a.height, LastBlockAppHash: a.hash}, nil
}

func (a *countingApp) PrepareProposal(_ context.Context, r *abci.RequestPrepareProposal) (*abci.ResponsePrepareProposal, error) {
	if !a.sealer.TakeTransactions() || r.Height == 1 {
		return &abci.ResponsePrepareProposal{}, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return &abci.ResponsePrepareProposal{Txs: a.pool}, nil
}

func (a *countingApp) FinalizeBlock(_ context.Context, r *abci.RequestFinalizeBlock) (*abci.ResponseFinalizeBlock, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return nil, a.err
	}
	a.taken, a.height, a.hash = len(r.Txs), r.Height, []byte{byte(r.Height)}
	a.pool = a.pool[len(r.Txs):]
	results := make([]*abci.ExecTxResult, len(r.Txs))
	for i := range results {
		results[i] = &abci.ExecTxResult{}
	}
	return &abci.ResponseFinalizeBlock{TxResults: results, AppHash: a.hash}, nil
}

func (a *countingApp) Commit(context.Context, *abci.RequestCommit) (*abci.ResponseCommit, error) {
	a.mu.Lock()
	height, empty := a.height, a.taken == 0
	a.mu.Unlock()
	a.sealer.Committed(empty, false)
	a.committed <- height
	return &abci.ResponseCommit{}, nil
}

type testHome struct {
	dir string
	dbs map[string]dbm.DB
}

func newTestHome(t *testing.T) *testHome {
	t.Helper()
	h := &testHome{t.TempDir(), map[string]dbm.DB{}}
	for _, name := range []string{"blockstore", "state", "evidence"} {
		h.dbs[name] = dbm.NewMemDB()
	}
	if _, err := CreateSigner(filepath.Join(h.dir, "key.json"), filepath.Join(h.dir, "signed.json"), bytes.Repeat([]byte{7}, 32)); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *testHome) options(t *testing.T, app *countingApp, fatal func(error)) Options {
	t.Helper()
	signer, err := LoadSigner(filepath.Join(h.dir, "key.json"), filepath.Join(h.dir, "signed.json"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := signer.GetPubKey()
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Genesis: &types.GenesisDoc{
			ChainID: "test", InitialHeight: 1, GenesisTime: time.Unix(1_700_000_000, 0).UTC(),
			ConsensusParams: types.DefaultConsensusParams(),
			Validators:      []types.GenesisValidator{{PubKey: key, Address: key.Address(), Power: 1}},
		},
		App: app, Signer: signer, Sealer: app.sealer, AppHash: app.appHash,
		DB:      func(name string) dbm.DB { return h.dbs[name] },
		WALFile: filepath.Join(h.dir, "wal", "wal"),
		Logger:  slog.New(slog.DiscardHandler), Fatal: fatal,
	}
}

func start(t *testing.T, h *testHome, app *countingApp) *Engine {
	t.Helper()
	e, err := Start(h.options(t, app, func(err error) { t.Errorf("fatal: %v", err) }))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestOnDemand_AnIdleChainMakesNoBlocks(t *testing.T) {
	app := newCountingApp(Seal{Idle: time.Hour})
	e := start(t, newTestHome(t), app)
	<-app.committed // block 1 signs the genesis app hash
	for i := range 3 {
		app.submit("tx")
		for app.waiting() {
			<-app.committed
		}
		if e.Height() > int64(1+2*(i+1)) {
			t.Fatalf("height %d after %d transactions: empty blocks were made", e.Height(), i+1)
		}
	}
	select {
	case height := <-app.committed:
		t.Errorf("block %d came without a transaction", height)
	case <-time.After(2 * SealSpacing): // a slow machine only makes this look shorter
	}
	if err := e.Stop(); err != nil {
		t.Fatal(err)
	}
}

func TestIdleStore_HidesTheAppHashOfTheLastBlockOnly(t *testing.T) {
	h := newTestHome(t)
	app := newCountingApp(Seal{Interval: 5 * time.Millisecond})
	e := start(t, h, app)
	for range 3 {
		<-app.committed
	}
	if err := e.Stop(); err != nil {
		t.Fatal(err)
	}
	shown := idleStore{e.blocks, func() []byte { return []byte("present") }}
	last := e.Height()
	if got := shown.LoadBlockMeta(last).Header.AppHash; string(got) != "present" {
		t.Errorf("the last block shows app hash %X", got)
	}
	if got, want := shown.LoadBlockMeta(last-1).Header.AppHash, e.blocks.LoadBlockMeta(last-1).Header.AppHash; string(got) != string(want) {
		t.Errorf("the block before shows app hash %X, want %X", got, want)
	}
	if shown.LoadBlockMeta(last+1) != nil {
		t.Error("a block that is not there has a meta")
	}
	if string(e.blocks.LoadBlockMeta(last).Header.AppHash) == "present" {
		t.Error("the stored block was changed")
	}
}

func TestOnDemand_TheIdleIntervalMakesABlock(t *testing.T) {
	app := newCountingApp(Seal{Idle: 10 * time.Millisecond})
	e := start(t, newTestHome(t), app)
	for want := int64(1); want <= 4; want++ {
		if got := <-app.committed; got != want {
			t.Fatalf("block %d, want %d", got, want)
		}
	}
	if err := e.Stop(); err != nil {
		t.Fatal(err)
	}
}

func TestRestart_GoesOnWhereItStopped(t *testing.T) {
	h := newTestHome(t)
	app := newCountingApp(Seal{Interval: 5 * time.Millisecond})
	e := start(t, h, app)
	for range 3 {
		<-app.committed
	}
	if err := e.Stop(); err != nil {
		t.Fatal(err)
	}
	height := e.Height()
	again := newCountingApp(Seal{Interval: 5 * time.Millisecond}) // has forgotten all, so CometBFT replays
	e = start(t, h, again)
	if e.Replayed() != int(height) {
		t.Errorf("%d blocks replayed, want %d", e.Replayed(), height)
	}
	for want := int64(1); want <= height+2; want++ {
		if got := <-again.committed; got != want {
			t.Fatalf("block %d, want %d", got, want)
		}
	}
	if err := e.Stop(); err != nil {
		t.Fatal(err)
	}
}

func TestApplicationError_IsFatal(t *testing.T) {
	app := newCountingApp(Seal{Idle: time.Hour})
	app.err = errors.New("disk is gone")
	fatal := make(chan error, 1)
	e, err := Start(newTestHome(t).options(t, app, func(err error) { fatal <- err }))
	if err != nil {
		t.Fatal(err)
	}
	if err := <-fatal; !errors.Is(err, ErrHalted) {
		t.Fatalf("fatal %v, want ErrHalted", err)
	}
	if err := e.Stop(); err != nil {
		t.Fatal(err)
	}
}

func TestStart_AnApplicationAheadIsAnError(t *testing.T) {
	h := newTestHome(t)
	app := newCountingApp(Seal{Idle: time.Hour})
	e := start(t, h, app)
	<-app.committed
	if err := e.Stop(); err != nil {
		t.Fatal(err)
	}
	app.height = 5
	_, err := Start(h.options(t, app, func(error) {}))
	if err == nil || !strings.Contains(err.Error(), "app block height (5) is higher than core (1)") {
		t.Errorf("error %v, want one that says the application is ahead", err)
	}
	_, err = Start(newTestHome(t).options(t, app, func(error) {}))
	if err == nil || !strings.Contains(err.Error(), "AppHash does not match") {
		t.Errorf("error %v, want one that says the application has parted", err)
	}
}

func TestLoadSigner_SaysWhatIsWrong(t *testing.T) {
	h := newTestHome(t)
	key, signed := filepath.Join(h.dir, "key.json"), filepath.Join(h.dir, "signed.json")
	if _, err := CreateSigner(key, signed, make([]byte, 32)); !errors.Is(err, ErrSigner) {
		t.Errorf("replacing a key: %v", err)
	}
	if _, err := CreateSigner(key+"2", signed, make([]byte, 31)); !errors.Is(err, ErrSigner) {
		t.Errorf("short secret: %v", err)
	}
	if err := os.Remove(signed); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadSigner(key, signed); err != nil {
		t.Errorf("without a record: %v", err)
	}
	for _, path := range []string{signed, key} { // the key is read first, so it is damaged last
		if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadSigner(key, signed); !errors.Is(err, ErrSigner) || !strings.Contains(err.Error(), path) {
			t.Errorf("damaged %s: %v", filepath.Base(path), err)
		}
	}
}

func TestLog_PairsAndLazyValues(t *testing.T) {
	var out bytes.Buffer
	l := newLogger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	l.With("height", 5).Info("hello", "hash", []byte{0xab}, "err", errors.New("bad"), "odd")
	l.Debug("not shown")
	for _, want := range []string{"msg=hello", "level=DEBUG", "height=5", "hash=AB", "err=bad", "odd=missing", "module=cometbft"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("log %q lacks %q", out.String(), want)
		}
	}
	if strings.Contains(out.String(), "not shown") {
		t.Error("a debug line of CometBFT is shown at level debug")
	}
}
