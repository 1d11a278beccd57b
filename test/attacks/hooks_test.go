package attacks

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/sepia-chain/sepia/consensus/comet"
	"github.com/sepia-chain/sepia/consensus/driver"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/test/attacks/chaintest"
)

// complaints keeps what a chain logs as a warning or an error.
type complaints struct {
	mu   sync.Mutex
	list []string
}

func (c *complaints) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn
}
func (c *complaints) WithAttrs([]slog.Attr) slog.Handler { return c }
func (c *complaints) WithGroup(string) slog.Handler      { return c }

func (c *complaints) Handle(_ context.Context, r slog.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := r.Message
	r.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
	c.list = append(c.list, text)
	return nil
}

// besieged is a chain on half of its hook budgets, with a worker on it.
type besieged struct {
	*chaintest.Chain
	t          *testing.T
	complaints complaints
	worker     primitives.AccountID
}

// besiege starts a chain whose hooks have a share of their budgets in every block, which is more than the rule asks: that the
// two blocks after a full one pass with it.
func besiege(t *testing.T, share int64) *besieged {
	t.Helper()
	b := &besieged{t: t}
	budgets := driver.DefaultBudgets
	budgets.Initialize /= share
	budgets.Finalize /= share
	b.Chain = chaintest.Start(t, chaintest.Options{
		Budgets: &budgets, Seal: comet.Seal{Interval: 50 * time.Millisecond}, CodeCache: true, Log: slog.New(&b.complaints),
	})
	alice := chaintest.Pair(t, "//Alice").Account()
	code := worker(alice)
	b.WaitHeight(1)
	b.Send("//Alice", chaintest.InstantiateWithCode(0, 10*chaintest.Millisecond, code, nil, nil)).Must()
	b.worker = chaintest.ContractAddress(alice, code, nil, nil)
	return b
}

// fill has the worker do as much as fits a block, and returns how much that was.
func (b *besieged) fill(kind byte, most uint64) (done uint64, landed chaintest.Landed) {
	b.t.Helper()
	const sample, room = 100, 345 * chaintest.Millisecond // of the 350 ms that one transaction may take
	alice := chaintest.Pair(b.t, "//Alice").Account()
	_, best, err := b.Best()
	if err != nil {
		b.t.Fatal(err)
	}
	const dryRunOnly = 1 << 40 // a number that no transaction uses
	answer, err := b.Call(context.Background(), best, "ContractsApi_call", chaintest.DryCall(alice, b.worker, 0, work(kind, dryRunOnly, sample)))
	if err != nil {
		b.t.Fatal(err)
	}
	dry, err := chaintest.DecodeDry(answer)
	if err != nil || dry.Error != nil {
		b.t.Fatalf("a dry run of %d: %v, %v %s", sample, err, dry.Error, dry.Debug)
	}
	done = min(most, room/(dry.GasConsumed/sample))
	landed = b.Send("//Alice", chaintest.Call(b.worker, 0, room, work(kind, uint64(b.first()), done))).Must()
	return done, landed
}

// first is a number from which on nothing was done yet.
func (b *besieged) first() uint32 {
	number, _, err := b.Best()
	if err != nil {
		b.t.Fatal(err)
	}
	return number << 16
}

// passes waits for the two blocks after one, and looks that no block failed on the way.
func (b *besieged) passes(number uint32) {
	b.t.Helper()
	b.WaitHeight(number + 2)
	b.complaints.mu.Lock()
	defer b.complaints.mu.Unlock()
	for _, text := range b.complaints.list {
		b.t.Errorf("the chain complains: %s", text)
	}
}

// fullness is the share of a block's room for transactions of users that is used.
func (b *besieged) fullness(block primitives.Hash) float64 {
	b.t.Helper()
	d := scale.NewDecoder(b.Read(block, primitives.StoragePrefix("System", "BlockWeight")))
	return float64(d.Compact()) / (375 * chaintest.Millisecond)
}

func TestFullBlockOfEvents_NextBlocksPassOnHalfTheirHookBudgets(t *testing.T) {
	b := besiege(t, 2)
	events, landed := b.fill(workEvents, 1<<30)
	b.passes(landed.Number)
	if full := b.fullness(landed.Block); full < 0.8 {
		t.Errorf("the block is %.0f %% full", 100*full)
	}
	t.Logf("[figure] a full block has %d events with four topics each", events)
}

func TestFullBlockOfNewKeysAndTheirDeletion_NextBlocksPassOnHalfTheirHookBudgets(t *testing.T) {
	const keys = 10_000
	b := besiege(t, 2)
	stored := 0
	for stored < keys {
		n, landed := b.fill(workStore, uint64(keys-stored))
		stored += int(n)
		b.passes(landed.Number)
		if full := b.fullness(landed.Block); stored < keys && full < 0.8 {
			t.Errorf("the block is %.0f %% full", 100*full)
		}
		t.Logf("[figure] a block has %d sets of new keys", n)
	}
	trie := b.trie()
	if got := b.childKeys(trie); got != keys {
		t.Fatalf("%d keys are stored, want %d", got, keys)
	}
	ended := b.Send("//Alice", chaintest.Call(b.worker, 0, 10*chaintest.Millisecond, work(workTerminate, 0, 0))).Must()
	b.passes(ended.Number)
	if got := b.childKeys(trie); got != 0 {
		t.Errorf("%d keys are left two blocks after the contract's end", got)
	}
}

// Contracts that end in one block wait in one queue. It is worked off in order, as much in each block as its hook may do, until
// neither keys nor the queue's own entries are left.
func TestDeletionQueueOfSeveralContracts_IsWorkedOffWithinHalfTheHookBudgets(t *testing.T) {
	// One block deletes at most 400 ms of 20 us, 20,000 keys: the third contract's last ones wait for the next.
	const contracts, keysEach, perBlock = 3, 8_000, 20_000
	b := besiege(t, 2)
	alice := chaintest.Pair(t, "//Alice").Account()
	code := worker(alice)
	var tries [][]byte
	var ends [][]byte
	for i := range contracts {
		salt := []byte{byte(i)}
		b.Send("//Alice", chaintest.InstantiateWithCode(0, 10*chaintest.Millisecond, code, nil, salt)).Must()
		b.worker = chaintest.ContractAddress(alice, code, nil, salt)
		for stored := 0; stored < keysEach; {
			n, _ := b.fill(workStore, uint64(keysEach-stored))
			stored += int(n)
		}
		tries = append(tries, b.trie())
		ends = append(ends, chaintest.Call(b.worker, 0, 10*chaintest.Millisecond, work(workTerminate, 0, 0)))
		if got := b.childKeys(tries[i]); got != keysEach {
			t.Fatalf("contract %d has %d keys, want %d", i, got, keysEach)
		}
	}
	ended := b.Send("//Alice", chaintest.Batch(ends...)).Must()
	left, waiting := make([]int, contracts), contracts*keysEach
	for number := ended.Number; waiting > 0; number++ {
		b.WaitHeight(number)
		before := waiting
		waiting = 0
		for i, trie := range tries {
			left[i] = b.childKeysAt(number, trie)
			waiting += left[i]
		}
		t.Logf("[figure] %d blocks after their end %v keys are left", number-ended.Number, left)
		if gone := before - waiting; gone == 0 || gone > perBlock || gone < perBlock/2 && waiting > 0 {
			t.Fatalf("block %d deleted %d keys of %d, want as many as fit: %d", number, gone, before, perBlock)
		}
		if waiting > 0 && (left[0] > 0 || left[1] > 0) {
			t.Errorf("%v keys are left: the queue is not worked off in order", left)
		}
	}
	b.passes(ended.Number)
	prefix := primitives.StoragePrefix("Contracts", "DeletionQueue")
	view, err := b.Store.View()
	if err != nil {
		t.Fatal(err)
	}
	defer view.Release()
	if waiting, err := view.KeysPaged(prefix, 10, nil); err != nil || len(waiting) != 0 {
		t.Errorf("%d entries of the queue are left: %x, %v", len(waiting), waiting, err)
	}
	_, best, err := b.Best()
	if err != nil {
		t.Fatal(err)
	}
	counters := b.Read(best, primitives.StoragePrefix("Contracts", "DeletionQueueCounter"))
	if want := scale.AppendU32(scale.AppendU32(nil, contracts), contracts); string(counters) != string(want) {
		t.Errorf("the queue's ends are %x, want %x", counters, want)
	}
}

// trie is the name of the worker's storage: the first field of its record.
func (b *besieged) trie() []byte {
	b.t.Helper()
	_, best, err := b.Best()
	if err != nil {
		b.t.Fatal(err)
	}
	return scale.NewDecoder(b.Read(best, chaintest.ContractInfoKey(b.worker))).Bytes()
}

func (b *besieged) childKeys(trie []byte) int {
	b.t.Helper()
	number, _, err := b.Best()
	if err != nil {
		b.t.Fatal(err)
	}
	return b.childKeysAt(number, trie)
}

func (b *besieged) childKeysAt(number uint32, trie []byte) int {
	b.t.Helper()
	view, err := b.Store.ViewAt(number)
	if err != nil {
		b.t.Fatal(err)
	}
	defer view.Release()
	keys, err := view.ChildKeysPaged(trie, nil, 100_000, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return len(keys)
}
