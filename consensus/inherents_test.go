package consensus

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/sepia-chain/sepia/consensus/driver"
	"github.com/sepia-chain/sepia/internal/primitives"
)

func vectorProposal() proposal {
	return proposal{
		height: 5, time: time.UnixMilli(0x0102).UTC(), proposer: repeat(0x11),
		votes: []vote{{repeat(0x22), 10, 2}},
		misbehavior: []abci.Misbehavior{{
			Type: abci.MisbehaviorType_DUPLICATE_VOTE, Validator: abci.Validator{Address: repeat(0x33), Power: 1},
			Height: 7, Time: time.UnixMilli(0x0102), TotalVotingPower: 3,
		}},
	}
}

func repeat(b byte) []byte {
	out := make([]byte, 20)
	for i := range out {
		out[i] = b
	}
	return out
}

// The bytes are those that the runtime's own test of CommitInfo expects.
func TestCommitInfo_DocumentedBytes(t *testing.T) {
	p := vectorProposal()
	want := strings.Repeat("11", 20) + "04" + strings.Repeat("22", 20) + "0a00000000000000" + "02" +
		"04" + "01" + strings.Repeat("33", 20) + "0700000000000000" + "0201000000000000" + "0300000000000000"
	if got := hex.EncodeToString(p.commitInfo()); got != want {
		t.Fatalf("%s, want %s", got, want)
	}
}

func TestInherentData_IsAMapInKeyOrder(t *testing.T) {
	p := proposal{time: time.UnixMilli(5), proposer: repeat(1)}
	stamp := "74696d7374617030" + "20" + "0500000000000000"
	if got, want := hex.EncodeToString(p.inherentData(false)), "04"+stamp; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	with := "08" + "636f6d6574626674" + "58" + strings.Repeat("01", 20) + "00" + "00" + stamp
	if got := hex.EncodeToString(p.inherentData(true)); got != with {
		t.Errorf("%s, want %s", got, with)
	}
}

func TestAuraDigest_SlotIsTheTimes(t *testing.T) {
	p := proposal{time: time.UnixMilli(13_999)}
	items := p.digest(2 * time.Second)
	if len(items) != 1 || items[0].Kind != primitives.DigestPreRuntime || string(items[0].Engine[:]) != "aura" || hex.EncodeToString(items[0].Data) != "0600000000000000" {
		t.Fatalf("%+v", items)
	}
	if items := p.digest(0); items != nil {
		t.Fatalf("a runtime without Aura got %+v", items)
	}
}

func TestAPIIDs_AreBlake2Of64Bits(t *testing.T) {
	for name, want := range map[string]string{
		"Core": "df6acb689907609b", "Metadata": "37e397fc7c91f5e4", "BlockBuilder": "40fe3ad401f8959a",
		"TaggedTransactionQueue": "d2bc9897eed08f15", "AuraApi": "dd718d5cc53262d4", "AccountNonceApi": "bc9d89904f5b923f",
	} {
		if got := apiID(name); hex.EncodeToString(got[:]) != want {
			t.Errorf("%s: %x, want %s", name, got, want)
		}
	}
}

func TestContent_TellsApartAllThatABlockIsExecutedFrom(t *testing.T) {
	base := vectorProposal()
	txs := [][]byte{{1}, {2}}
	seen := map[[32]byte]string{base.content(txs): "the same"}
	for name, change := range map[string]func(*proposal, *[][]byte){
		"height":      func(p *proposal, _ *[][]byte) { p.height++ },
		"time":        func(p *proposal, _ *[][]byte) { p.time = p.time.Add(time.Nanosecond) },
		"proposer":    func(p *proposal, _ *[][]byte) { p.proposer = repeat(9) },
		"vote":        func(p *proposal, _ *[][]byte) { p.votes[0].flag = 3 },
		"no votes":    func(p *proposal, _ *[][]byte) { p.votes = nil },
		"misbehavior": func(p *proposal, _ *[][]byte) { p.misbehavior = nil },
		"transaction": func(_ *proposal, txs *[][]byte) { *txs = [][]byte{{1}} },
		"order":       func(_ *proposal, txs *[][]byte) { *txs = [][]byte{{2}, {1}} },
		"borders":     func(_ *proposal, txs *[][]byte) { *txs = [][]byte{{1, 2}} },
	} {
		p, changed := vectorProposal(), txs
		change(&p, &changed)
		content := p.content(changed)
		if other, ok := seen[content]; ok {
			t.Errorf("a change of %s gives the content of %s", name, other)
		}
		seen[content] = name
	}
	again := vectorProposal()
	if base.content(txs) != again.content([][]byte{{1}, {2}}) {
		t.Error("equal proposals have different contents")
	}
}

func TestBudgets_NonsenseInTheStateFallsBackAlike(t *testing.T) {
	h := newHand(t)
	h.block()
	h.decide(h.signed("//Alice", 0, sudo(setStorage(budgetsKey, []byte{1, 2, 3})), 0))
	view, err := h.store.View()
	if err != nil {
		t.Fatal(err)
	}
	defer view.Release()
	if b, err := budgetsOf(view); err != nil || b != driver.DefaultBudgets {
		t.Fatalf("%+v, %v", b, err)
	}
}

func FuzzDecodeUpdates(f *testing.F) {
	f.Add([]byte{0, 0})
	f.Add(append([]byte{logValidatorUpdates}, encodeValidators([]Validator{{[32]byte{1}, 5}})...))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := decodeUpdates(b)
		if err == nil && string(append([]byte{logValidatorUpdates}, encodeValidators(list)...)) != string(b) {
			t.Fatalf("%x decodes to %v", b, list)
		}
		if err == nil {
			_, _ = applyUpdates([]Validator{{[32]byte{1}, 1}}, list) // must not panic, whatever a runtime says
		}
	})
}
