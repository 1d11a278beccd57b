package pool

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sepia-chain/sepia/consensus/validity"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
)

// ledger is a Validate over account nonces: a transaction is [account, nonce, tip, salt] in an envelope.
type ledger struct {
	mu     sync.Mutex
	height uint32
	nonces map[byte]byte
	err    map[byte]error // what the runtime says about an account
	asked  int
	onAsk  func()
	life   uint64
}

func newLedger() *ledger {
	return &ledger{height: 10, nonces: map[byte]byte{}, err: map[byte]error{}, life: math.MaxUint64}
}

func tx(account, nonce, tip byte) []byte {
	return scale.AppendBytes(nil, []byte{0x84, account, nonce, tip})
}

func tag(account, nonce byte) []byte { return []byte{account, nonce, 0, 0, 0} }

// wideTx is a transaction of one of many accounts: the ledger reads the account's high byte behind the tip.
func wideTx(account int, tip byte) []byte {
	return scale.AppendBytes(nil, []byte{0x84, byte(account), 0, tip, byte(account >> 8)})
}

func (l *ledger) validate(_ context.Context, _ validity.Source, xt []byte) (validity.Transaction, uint32, error) {
	l.mu.Lock()
	l.asked++
	hook, height := l.onAsk, l.height
	body := scale.NewDecoder(xt).Bytes()
	account, nonce, tip := body[1], body[2], body[3]
	err, next, life := l.err[account], l.nonces[account], l.life
	l.mu.Unlock()
	if hook != nil {
		hook()
	}
	switch {
	case err != nil:
		return validity.Transaction{}, height, err
	case nonce < next:
		return validity.Transaction{}, height, &validity.Error{Variant: validity.InvalidStale}
	}
	v := validity.Transaction{Priority: uint64(tip), Provides: [][]byte{tag(account, nonce)}, Longevity: life, Propagate: true}
	if len(body) == 5 {
		v.Provides[0] = append([]byte{body[4]}, v.Provides[0]...)
	}
	if nonce > next {
		v.Requires = [][]byte{tag(account, nonce-1)}
	}
	return v, height, nil
}

func newPool(l *ledger) *Pool { return New(l.height, Options{Validate: l.validate}) }

func submit(t *testing.T, p *Pool, xt []byte) primitives.Hash {
	t.Helper()
	hash, err := p.Submit(context.Background(), xt)
	if err != nil {
		t.Fatalf("submitting %x: %v", xt, err)
	}
	return hash
}

func watch(t *testing.T, p *Pool, xt []byte) <-chan Status {
	t.Helper()
	_, w, err := p.Watch(context.Background(), xt)
	if err != nil {
		t.Fatalf("watching %x: %v", xt, err)
	}
	return w
}

// steps reads what a watcher has got so far.
func steps(w <-chan Status) []string {
	var got []string
	for {
		select {
		case s, open := <-w:
			if !open {
				return append(got, "end")
			}
			got = append(got, s.Kind.String())
		default:
			return got
		}
	}
}

func wantSteps(t *testing.T, w <-chan Status, want ...string) {
	t.Helper()
	if got := steps(w); !reflect.DeepEqual(got, want) {
		t.Errorf("steps %v, want %v", got, want)
	}
}

func wantCode(t *testing.T, err error, code int, message, data string) {
	t.Helper()
	want := Error{code, message, data}
	var got *Error
	if !errors.As(err, &got) || *got != want {
		t.Errorf("error %v, want %v", err, &want)
	}
}

func offers(p *Pool) [][]byte {
	var list [][]byte
	for best := p.Best(); ; {
		c, ok := best.Next()
		if !ok {
			return list
		}
		list = append(list, c.Bytes)
	}
}

// commit puts transactions into a block of the ledger and tells the pool.
func (l *ledger) commit(p *Pool, txs ...[]byte) {
	l.mu.Lock()
	l.height++
	var hashes []primitives.Hash
	for _, xt := range txs {
		body := scale.NewDecoder(xt).Bytes()
		l.nonces[body[1]] = body[2] + 1
		hashes = append(hashes, primitives.Blake2_256(xt))
	}
	height := l.height
	l.mu.Unlock()
	p.Committed(height, primitives.Hash{byte(height)}, hashes)
}

func TestSubmit_RefusalsInSubstratesCodesAndTexts(t *testing.T) {
	l := newLedger()
	p := newPool(l)
	ctx := context.Background()
	known := submit(t, p, tx(1, 0, 5))
	for variant, text := range map[uint8]string{
		validity.InvalidCall: "Transaction call is not expected", validity.InvalidFuture: "Transaction will be valid in the future",
		validity.InvalidStale: "Transaction is outdated", validity.InvalidBadProof: "Transaction has a bad signature",
		validity.InvalidPayment:           "Inability to pay some fees (e.g. account balance too low)",
		validity.InvalidAncientBirthBlock: "Transaction has an ancient birth block",
		validity.InvalidExhaustsResources: "Transaction would exhaust the block limits",
		validity.InvalidBadMandatory:      "A call was labelled as mandatory, but resulted in an Error.",
		validity.InvalidBadSigner:         "Invalid signing address",
	} {
		l.err[2] = &validity.Error{Variant: variant}
		_, err := p.Submit(ctx, tx(2, 0, 0))
		wantCode(t, err, 1010, "Invalid Transaction", text)
	}
	l.err[2] = &validity.Error{Variant: validity.InvalidCustom, Custom: 7}
	_, err := p.Submit(ctx, tx(2, 0, 0))
	wantCode(t, err, 1010, "Invalid Transaction", "Custom error: 7")
	l.err[2] = &validity.Error{Kind: validity.Unknown, Variant: 1}
	_, err = p.Submit(ctx, tx(2, 0, 0))
	wantCode(t, err, 1011, "Unknown Transaction Validity", "Could not find an unsigned validator for the unsigned transaction")
	l.err[2] = &Trap{"panicked at x"}
	_, err = p.Submit(ctx, tx(2, 0, 0))
	wantCode(t, err, 1002, "Verification Error: panicked at x", "")
	_, err = p.Submit(ctx, append(tx(1, 0, 5), 0))
	wantCode(t, err, 1001, "Extrinsic has invalid format: not one length-prefixed extrinsic: trailing bytes after the value: 1 left", "")
	_, err = p.Submit(ctx, tx(1, 0, 5))
	wantCode(t, err, 1013, "Transaction Already Imported", known.String())
	_, err = p.Submit(ctx, tx(1, 0, 4))
	wantCode(t, err, 1014, "Priority is too low: (5 vs 4)", "The transaction has too low priority to replace another transaction already in the pool.")
}

func TestSubmit_AFaultOfTheNodeIsNoRefusal(t *testing.T) {
	l := newLedger()
	l.err[1] = errors.New("disk is gone")
	_, err := newPool(l).Submit(context.Background(), tx(1, 0, 0))
	var refused *Error
	if err == nil || errors.As(err, &refused) {
		t.Fatalf("error %v, want the node's own", err)
	}
}

func TestReplacement_HigherPriorityUsurps(t *testing.T) {
	p := newPool(newLedger())
	old := watch(t, p, tx(1, 0, 1))
	submit(t, p, tx(1, 0, 2))
	wantSteps(t, old, "ready", "usurped", "end")
	if got := offers(p); len(got) != 1 || string(got[0]) != string(tx(1, 0, 2)) {
		t.Fatalf("offers %x", got)
	}
	_, err := p.Submit(context.Background(), tx(1, 0, 2))
	wantCode(t, err, 1013, "Transaction Already Imported", primitives.Blake2_256(tx(1, 0, 2)).String())
}

func TestReplacement_KeepsDependentsReady(t *testing.T) {
	p := newPool(newLedger())
	submit(t, p, tx(1, 0, 1))
	next := watch(t, p, tx(1, 1, 1))
	submit(t, p, tx(1, 0, 2))
	wantSteps(t, next, "ready", "future", "ready")
	if got := offers(p); len(got) != 2 {
		t.Fatalf("offers %x, want both nonces", got)
	}
}

func TestNonceAhead_IsFutureUntilTheGapIsFilled(t *testing.T) {
	p := newPool(newLedger())
	third := watch(t, p, tx(1, 2, 9))
	second := watch(t, p, tx(1, 1, 9))
	wantSteps(t, third, "future")
	if p.HasReady() || len(p.Pending()) != 0 || len(offers(p)) != 0 {
		t.Fatal("a transaction with a gap before it counts as ready")
	}
	submit(t, p, tx(1, 0, 1))
	wantSteps(t, second, "future", "ready")
	wantSteps(t, third, "ready")
	want := [][]byte{tx(1, 0, 1), tx(1, 1, 9), tx(1, 2, 9)}
	if got := offers(p); !reflect.DeepEqual(got, want) {
		t.Fatalf("offers %x, want nonces in order", got)
	}
}

func TestBest_PriorityThenAgeNeverBeforeWhatIsRequired(t *testing.T) {
	p := newPool(newLedger())
	for _, xt := range [][]byte{tx(1, 0, 1), tx(1, 1, 200), tx(2, 0, 50), tx(3, 0, 50), tx(4, 0, 100)} {
		submit(t, p, xt)
	}
	want := [][]byte{tx(4, 0, 100), tx(2, 0, 50), tx(3, 0, 50), tx(1, 0, 1), tx(1, 1, 200)}
	if got := offers(p); !reflect.DeepEqual(got, want) {
		t.Fatalf("offers %x, want %x", got, want)
	}
}

func TestBest_ExcludeTakesDependentsAlong(t *testing.T) {
	p := newPool(newLedger())
	submit(t, p, tx(1, 0, 9))
	submit(t, p, tx(1, 1, 9))
	submit(t, p, tx(2, 0, 1))
	best := p.Best()
	if c, _ := best.Next(); string(c.Bytes) != string(tx(1, 0, 9)) {
		t.Fatalf("first %x", c.Bytes)
	}
	best.Exclude()
	if c, _ := best.Next(); string(c.Bytes) != string(tx(2, 0, 1)) {
		t.Fatalf("after an exclusion %x, want another sender's", c.Bytes)
	}
	if c, ok := best.Next(); ok {
		t.Fatalf("offers %x, which requires an excluded one", c.Bytes)
	}
}

func TestCommitted_FreesDependentsAndTellsWatchers(t *testing.T) {
	l := newLedger()
	p := newPool(l)
	first, second := watch(t, p, tx(1, 0, 1)), watch(t, p, tx(1, 1, 1))
	l.commit(p, tx(1, 0, 1))
	wantSteps(t, first, "ready", "inBlock", "finalized", "end")
	wantSteps(t, second, "ready")
	if got := offers(p); len(got) != 1 {
		t.Fatalf("offers %x, want the second", got)
	}
}

func TestFiveNoncesInOneGo_AllAreOffered(t *testing.T) {
	p := newPool(newLedger())
	for nonce := range byte(5) {
		submit(t, p, tx(1, nonce, 0))
	}
	if got := offers(p); len(got) != 5 {
		t.Fatalf("offers %x", got)
	}
	if got := p.NextIndex([]byte{1}, 0); got != 5 {
		t.Fatalf("next index %d, want 5", got)
	}
}

func TestNextIndex_CountsAnUnbrokenRow(t *testing.T) {
	p := newPool(newLedger())
	submit(t, p, tx(1, 0, 0))
	submit(t, p, tx(1, 2, 0))
	for _, c := range []struct {
		account byte
		onchain uint32
		want    uint32
	}{{1, 0, 1}, {1, 1, 1}, {1, 2, 3}, {9, 4, 4}, {9, math.MaxUint32, math.MaxUint32}} {
		if got := p.NextIndex([]byte{c.account}, c.onchain); got != c.want {
			t.Errorf("account %d from %d: %d, want %d", c.account, c.onchain, got, c.want)
		}
	}
}

func TestBar_TrappingSenderIsOutFor32Blocks(t *testing.T) {
	l := newLedger()
	p := newPool(l)
	w := watch(t, p, tx(1, 0, 0))
	submit(t, p, tx(1, 1, 0))
	submit(t, p, tx(2, 0, 0))
	p.Bar(primitives.Blake2_256(tx(1, 0, 0)))
	wantSteps(t, w, "ready", "invalid", "end")
	if p.Len() != 1 {
		t.Fatalf("%d transactions left, want the other sender's", p.Len())
	}
	for block := range BanBlocks {
		for _, xt := range [][]byte{tx(1, 0, 0), tx(1, 0, 7)} {
			_, err := p.Submit(context.Background(), xt)
			wantCode(t, err, 1012, "Transaction is temporarily banned", "")
		}
		if t.Failed() {
			t.Fatalf("%d blocks after the trap", block)
		}
		l.commit(p)
	}
	submit(t, p, tx(1, 0, 0))
}

func TestReject_DependentsBecomeFuture(t *testing.T) {
	p := newPool(newLedger())
	hash := submit(t, p, tx(1, 0, 0))
	next := watch(t, p, tx(1, 1, 0))
	p.Reject(hash)
	wantSteps(t, next, "ready", "future")
	if p.HasReady() {
		t.Fatal("a transaction is ready without the one before it")
	}
}

func TestCap_64OfASender(t *testing.T) {
	p := newPool(newLedger())
	for nonce := range byte(MaxPerSender) {
		submit(t, p, tx(1, nonce, 0))
	}
	_, err := p.Submit(context.Background(), tx(1, MaxPerSender, 255))
	wantCode(t, err, 1016, "Immediately Dropped", "The transaction couldn't enter the pool because of the limit")
	submit(t, p, tx(1, 3, 1)) // a replacement does not count twice
	submit(t, p, tx(2, 0, 0))
}

// bigTx is a transaction of 2 MiB, of which 31 fit the pool.
func bigTx(account, tip byte) []byte {
	return scale.AppendBytes(nil, append([]byte{0x84, account, 0, tip}, make([]byte, 2<<20)...))
}

func TestCap_FullPoolDropsTheLeastForABetterOne(t *testing.T) {
	p := newPool(newLedger())
	least := watch(t, p, bigTx(0, 1))
	for account := byte(1); account < 31; account++ {
		submit(t, p, bigTx(account, 2))
	}
	_, err := p.Submit(context.Background(), bigTx(31, 1))
	wantCode(t, err, 1016, "Immediately Dropped", "The transaction couldn't enter the pool because of the limit")
	wantSteps(t, least, "ready")
	submit(t, p, bigTx(31, 2))
	wantSteps(t, least, "dropped", "end")
	if p.Len() != 31 {
		t.Fatalf("%d transactions, want 31", p.Len())
	}
}

func TestCap_8192Transactions(t *testing.T) {
	p := newPool(newLedger())
	for i := range MaxTransactions {
		submit(t, p, wideTx(i, 1))
	}
	_, err := p.Submit(context.Background(), wideTx(MaxTransactions, 1))
	wantCode(t, err, 1016, "Immediately Dropped", "The transaction couldn't enter the pool because of the limit")
	submit(t, p, wideTx(MaxTransactions, 2))
	if p.Len() != MaxTransactions {
		t.Fatalf("%d transactions, want %d", p.Len(), MaxTransactions)
	}
}

func TestLongevity_ExpiredIsAskedAgainFirst(t *testing.T) {
	l := newLedger()
	p := newPool(l)
	submit(t, p, tx(2, 0, 0)) // older, but good for ever
	l.life = 2
	w := watch(t, p, tx(1, 0, 0))
	l.life = math.MaxUint64
	l.commit(p)
	l.commit(p)
	l.err[1] = &validity.Error{Variant: validity.InvalidBadProof} // as FRAME answers for an expired era
	if err := p.Revalidate(context.Background(), 1); err != nil {
		t.Fatal(err)
	}
	wantSteps(t, w, "ready", "invalid", "end")
	if p.Len() != 1 {
		t.Fatalf("%d transactions left", p.Len())
	}
}

func TestRevalidate_UpgradePurgesWhatWasSignedForTheOldVersion(t *testing.T) {
	l := newLedger()
	p := newPool(l)
	for account := range byte(5) {
		submit(t, p, tx(account, 0, 0))
		l.err[account] = &validity.Error{Variant: validity.InvalidBadProof}
	}
	l.commit(p)
	if err := p.Revalidate(context.Background(), Everything); err != nil || p.Len() != 0 {
		t.Fatalf("%v, %v", p, err)
	}
}

func TestRevalidate_AFaultKeepsTheTransaction(t *testing.T) {
	l := newLedger()
	p := newPool(l)
	submit(t, p, tx(1, 0, 0))
	l.commit(p)
	l.err[1] = errors.New("disk is gone")
	if err := p.Revalidate(context.Background(), Everything); err == nil || p.Len() != 1 {
		t.Fatalf("%v, %v", p, err)
	}
}

func TestRevalidate_ProviderIncludedElsewhereFreesTheFuture(t *testing.T) {
	l := newLedger()
	p := newPool(l)
	w := watch(t, p, tx(1, 1, 0))
	l.commit(p, tx(1, 0, 3)) // a block brought nonce 0, which this pool never saw
	if err := p.Revalidate(context.Background(), Everything); err != nil {
		t.Fatal(err)
	}
	wantSteps(t, w, "future", "ready")
}

func TestSubmit_JudgedAgainWhenABlockCameMeanwhile(t *testing.T) {
	l := newLedger()
	p := newPool(l)
	once := sync.OnceFunc(func() { l.commit(p, tx(1, 0, 9)) })
	l.onAsk = once
	_, err := p.Submit(context.Background(), tx(1, 0, 0))
	wantCode(t, err, 1010, "Invalid Transaction", "Transaction is outdated")
	if l.asked != 2 {
		t.Errorf("asked %d times, want 2", l.asked)
	}
}

func TestWatch_ALateWatcherGetsTheEnd(t *testing.T) {
	l := newLedger()
	p := newPool(l)
	w := watch(t, p, tx(1, 1, 0))
	for tip := range byte(40) { // each replacement makes the watched one future and ready again
		submit(t, p, tx(1, 0, tip))
	}
	l.commit(p, tx(1, 0, 39), tx(1, 1, 0))
	got := steps(w)
	if len(got) != watchBuffer+1 || !reflect.DeepEqual(got[len(got)-3:], []string{"inBlock", "finalized", "end"}) {
		t.Fatalf("steps %v", got)
	}
}

func TestInsert_PermanentCodeOnlyForMalformed(t *testing.T) {
	l := newLedger()
	p := newPool(l)
	l.err[2] = &validity.Error{Variant: validity.InvalidBadProof}
	for name, c := range map[string]struct {
		xt   []byte
		want uint32
	}{
		"good": {tx(1, 0, 0), InsertOK}, "malformed": {[]byte{9}, InsertMalformed},
		"bad proof": {tx(2, 0, 0), InsertRetry}, "stale": {func() []byte { l.nonces[3] = 1; return tx(3, 0, 0) }(), InsertRetry},
	} {
		if got, err := p.Insert(context.Background(), c.xt); got != c.want || err != nil {
			t.Errorf("%s: %d, %v, want %d", name, got, err, c.want)
		}
	}
	if got, _ := p.Insert(context.Background(), tx(1, 0, 0)); got != InsertOK {
		t.Errorf("known: %d", got)
	}
}

func TestReap_EachOnceAndLocalOnesAgainAfterTenSeconds(t *testing.T) {
	l := newLedger()
	now := time.Unix(1000, 0)
	p := New(l.height, Options{Validate: l.validate, Now: func() time.Time { return now }})
	submit(t, p, tx(1, 0, 0))
	if _, err := p.Insert(context.Background(), tx(2, 0, 0)); err != nil {
		t.Fatal(err)
	}
	size := uint64(len(tx(1, 0, 0)))
	if got := p.Reap(size); len(got) != 1 {
		t.Fatalf("reaped %d, want one within the limit", len(got))
	}
	if got := p.Reap(0); len(got) != 1 {
		t.Fatalf("reaped %d, want the other", len(got))
	}
	now = now.Add(gossipInterval - time.Nanosecond)
	if got := p.Reap(0); len(got) != 0 {
		t.Fatalf("reaped %x again too early", got)
	}
	now = now.Add(time.Nanosecond)
	if got := p.Reap(0); len(got) != 1 || string(got[0]) != string(tx(1, 0, 0)) {
		t.Fatalf("reaped %x, want only the local one again", got)
	}
}

func TestClose_EndsWatchers(t *testing.T) {
	p := newPool(newLedger())
	w := watch(t, p, tx(1, 0, 0))
	p.Close()
	wantSteps(t, w, "ready", "end")
}

func TestOnReady_CalledWhenATransactionBecomesReady(t *testing.T) {
	l := newLedger()
	calls := 0
	p := New(l.height, Options{Validate: l.validate, OnReady: func() { calls++ }})
	submit(t, p, tx(1, 1, 0))
	if calls != 0 {
		t.Fatal("called for a future transaction")
	}
	submit(t, p, tx(1, 0, 0))
	if calls != 1 {
		t.Fatalf("called %d times, want 1", calls)
	}
}

// Random operations against the plain rule: ready is what has an unbroken row of nonces from the ledger's on.
func TestReadiness_AgreesWithAPlainModel(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 2))
		l := newLedger()
		p := newPool(l)
		have := map[[2]byte][]byte{}
		for range 60 {
			account, nonce := byte(random.IntN(3)), byte(random.IntN(6))
			xt := tx(account, nonce, byte(random.IntN(4)))
			switch random.IntN(5) {
			case 0:
				if old, ok := have[[2]byte{account, nonce}]; ok {
					p.Reject(primitives.Blake2_256(old))
					delete(have, [2]byte{account, nonce})
				}
			case 1:
				if old, ok := have[[2]byte{account, l.nonces[account]}]; ok {
					delete(have, [2]byte{account, l.nonces[account]})
					l.commit(p, old)
				}
			default:
				if _, err := p.Submit(context.Background(), xt); err == nil {
					have[[2]byte{account, nonce}] = xt
				}
			}
			checkReady(t, p, l, have)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	}
}

func checkReady(t *testing.T, p *Pool, l *ledger, have map[[2]byte][]byte) {
	t.Helper()
	want := map[string]bool{}
	for account := range byte(3) {
		for nonce := l.nonces[account]; have[[2]byte{account, nonce}] != nil; nonce++ {
			want[string(have[[2]byte{account, nonce}])] = true
		}
	}
	got := map[string]bool{}
	for _, xt := range p.Pending() {
		got[string(xt)] = true
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("ready %v, want %v", hexes(got), hexes(want))
	}
	if offered := offers(p); len(offered) != len(want) {
		t.Errorf("%d offered, want %d", len(offered), len(want))
	}
}

func hexes(set map[string]bool) string {
	var all []string
	for s := range set {
		all = append(all, fmt.Sprintf("%x", s))
	}
	return strings.Join(all, " ")
}
