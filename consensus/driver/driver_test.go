package driver

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/sepia-chain/sepia/consensus/validity"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
)

// offered is a Candidates over a list, which it records the outcomes of.
type offered struct {
	txs   [][]byte
	next  int
	codes []Code
}

func (o *offered) Next() ([]byte, bool) {
	if o.next == len(o.txs) {
		return nil, false
	}
	o.next++
	return o.txs[o.next-1], true
}

func (o *offered) Tried(out Outcome) { o.codes = append(o.codes, out.Code) }

func build(t *testing.T, m *model, in Input, txs ...[]byte) (Result, [][]byte, []Code) {
	t.Helper()
	candidates := &offered{txs: txs}
	result, proposal, err := Build(m, in, candidates, math.MaxInt64)
	if err != nil {
		t.Fatalf("Build: %v", err)
	}
	return result, proposal, candidates.codes
}

func TestBuild_TransferAllThenRemarkProposesOnlyTheFirst(t *testing.T) {
	m := newModel(genesisState())
	first, second := signedTx(3, 0, opTransferAll), signedTx(3, 1, opRemark)
	result, proposal, codes := build(t, m, modelInput(2), first, second)
	if len(proposal) != 1 || string(proposal[0]) != string(first) || len(result.Body) != 2 {
		t.Fatalf("proposal %x, body %x, want only the first transaction after the inherent", proposal, result.Body)
	}
	if want := []Code{Applied, Inapplicable}; !reflect.DeepEqual(codes, want) {
		t.Fatalf("outcomes %v, want %v", codes, want)
	}
	if _, err := Judge(newModel(genesisState()), modelInput(2), [][]byte{first, second}); err == nil {
		t.Fatal("Judge accepts a proposal with an inapplicable transaction")
	}
}

func TestCoherence_WhatBuildReturnsJudgeAcceptsAndApplyTakesWhole(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		var pool [][]byte
		for range random.IntN(60) {
			pool = append(pool, randomCandidate(random))
		}
		in := modelInput(2 + random.Uint32N(3))
		built, proposal, _ := build(t, newModel(genesisState()), in, pool...)
		judged, err := Judge(newModel(genesisState()), in, proposal)
		if err != nil {
			t.Fatalf("seed %d: Judge refuses what Build made: %v", seed, err)
		}
		applied, err := Apply(newModel(genesisState()), in, proposal)
		if err != nil {
			t.Fatalf("seed %d: Apply: %v", seed, err)
		}
		if built.Hash != judged.Hash || judged.Hash != applied.Hash || len(applied.Body) != len(proposal)+1 {
			t.Fatalf("seed %d: hashes %v, %v, %v, body of %d", seed, built.Hash, judged.Hash, applied.Hash, len(applied.Body))
		}
		for i, o := range applied.Outcomes {
			// The codes go into the results that validators agree on: the proposer's must not differ.
			if o != built.Outcomes[i] || o != judged.Outcomes[i] || string(applied.Body[o.Index]) != string(proposal[i]) {
				t.Fatalf("seed %d: transaction %d is %+v, built as %+v and judged as %+v", seed, i, o, built.Outcomes[i], judged.Outcomes[i])
			}
		}
	}
}

// randomCandidate is a transaction of one of three senders, so that they conflict, or something that is none.
func randomCandidate(random *rand.Rand) []byte {
	switch random.IntN(12) {
	case 0:
		return bareTx(bareV4, byte(1+random.IntN(2)))
	case 1:
		return append(signedTx(1, 0, opRemark), 7)
	}
	return signedTx(byte(random.IntN(3)), byte(random.IntN(6)), op(random.IntN(int(opEnd))))
}

func TestApply_LeavesOutAndNamesWhy(t *testing.T) {
	long := signedTx(5, 0, opRemark)
	cases := map[string]struct {
		tx   []byte
		want Code
	}{
		"applied":              {signedTx(5, 0, opRemark), Applied},
		"failed dispatch":      {signedTx(5, 0, opFailing), Failed},
		"stale":                {signedTx(5, 255, opRemark), Inapplicable},
		"trapping":             {signedTx(5, 0, opTrapping), Trapped},
		"exhausting":           {signedTx(5, 0, opExhausting), Exhausts},
		"bare inherent v4":     {bareTx(bareV4, callInherent), Unsolicited},
		"bare inherent v5":     {bareTx(bareV5, callInherent), Unsolicited},
		"bare, accepted":       {bareTx(bareV4, callOpen), Applied},
		"trailing bytes":       {append(append([]byte{}, long...), make([]byte, 1000)...), Malformed},
		"length too large":     {[]byte{5 << 2, 1, 2}, Malformed},
		"length not canonical": {[]byte{4<<2 | 1, 0, signedV4, 5, 0, 0}, Malformed},
		"empty":                {nil, Malformed},
		"empty with a length":  {[]byte{0}, Malformed},
		"over the size limit":  {scale.AppendBytes(nil, make([]byte, validity.MaxExtrinsicBytes)), Malformed},
		"future":               {signedTx(5, 1, opRemark), Inapplicable},
	}
	for name, c := range cases {
		follower := signedTx(6, 0, opRemark)
		result, err := Apply(newModel(genesisState()), modelInput(2), [][]byte{c.tx, follower})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := result.Outcomes[0].Code; got != c.want || (result.Outcomes[0].Index >= 0) != c.want.InBody() {
			t.Errorf("%s: %v at %d, want %v", name, got, result.Outcomes[0].Index, c.want)
		}
		if result.Outcomes[1].Code != Applied {
			t.Errorf("%s: the transaction after it is %v", name, result.Outcomes[1].Code)
		}
		_, err = Judge(newModel(genesisState()), modelInput(2), [][]byte{c.tx, follower})
		if refused := err != nil; refused == c.want.InBody() {
			t.Errorf("%s: Judge says %v", name, err)
		}
	}
}

func TestApply_RefusedTransactionLeavesNoTrace(t *testing.T) {
	with, err := Apply(newModel(genesisState()), modelInput(2), [][]byte{signedTx(5, 9, opRemark), signedTx(5, 0, opTrapping)})
	if err != nil {
		t.Fatal(err)
	}
	without, err := Apply(newModel(genesisState()), modelInput(2), nil)
	if err != nil || with.Header.StateRoot != without.Header.StateRoot {
		t.Fatalf("state roots %v and %v, %v", with.Header.StateRoot, without.Header.StateRoot, err)
	}
}

func TestBlockOne_TakesNoTransactions(t *testing.T) { testClosed(t, modelInput(1), []byte{0}) }

func TestOnlyInherents_TakesNoTransactions(t *testing.T) { testClosed(t, modelInput(2), []byte{1}) }

func testClosed(t *testing.T, in Input, mode []byte) {
	t.Helper()
	tx := signedTx(5, 0, opRemark)
	m := newModel(genesisState())
	m.mode = mode
	if _, proposal, _ := build(t, m, in, tx); len(proposal) != 0 {
		t.Errorf("Build proposes %x", proposal)
	}
	m = newModel(genesisState())
	m.mode = mode
	if _, err := Judge(m, in, [][]byte{tx}); err == nil || !strings.Contains(err.Error(), NotAllowed.String()) {
		t.Errorf("Judge says %v, want %v", err, NotAllowed)
	}
	m = newModel(genesisState())
	m.mode = mode
	result, err := Apply(m, in, [][]byte{tx})
	if err != nil || len(result.Body) != 1 || result.Outcomes[0].Code != NotAllowed {
		t.Errorf("Apply: %v, %+v", err, result.Outcomes)
	}
}

func TestInclusionMode_OldRuntimesAnswerNothing(t *testing.T) {
	m := newModel(genesisState())
	m.mode = nil
	if _, proposal, _ := build(t, m, modelInput(2), signedTx(5, 0, opRemark)); len(proposal) != 1 {
		t.Fatalf("proposal %x, want the transaction", proposal)
	}
	for _, mode := range [][]byte{{2}, {0, 0}} {
		m := newModel(genesisState())
		m.mode = mode
		var rejected *Rejection
		if _, err := Apply(m, modelInput(2), nil); !errors.As(err, &rejected) || rejected.Phase != phaseInitialize {
			t.Errorf("mode %x: %v", mode, err)
		}
	}
}

func TestTotalGas_RestIsLeftOutUnexecuted(t *testing.T) {
	var txs [][]byte
	for i := range byte(15) {
		txs = append(txs, signedTx(i, 0, opBurning))
	}
	m := newModel(genesisState())
	result, err := Apply(m, modelInput(2), txs)
	if err != nil {
		t.Fatal(err)
	}
	// Initialize, making and applying the inherent use 3 of 60, so the sixth of 10 each ends above it.
	const fit = 6
	for i, o := range result.Outcomes {
		want := Applied
		if i >= fit {
			want = OutOfGas
		}
		if o.Code != want {
			t.Errorf("transaction %d: %v, want %v", i, o.Code, want)
		}
	}
	applies := 0
	for _, call := range m.calls {
		if call == "BlockBuilder_apply_extrinsic" {
			applies++
		}
	}
	if applies != fit+1 {
		t.Errorf("%d extrinsics were executed, want %d", applies, fit+1)
	}
	if _, err := Judge(newModel(genesisState()), modelInput(2), txs); err == nil {
		t.Error("Judge accepts more than the gas of a block")
	}
}

func TestTotalGas_CountsFailedCandidates(t *testing.T) {
	var txs [][]byte
	for i := range byte(30) {
		txs = append(txs, signedTx(i%16, i/16, opTrapping))
	}
	_, _, codes := build(t, newModel(genesisState()), modelInput(2), txs...)
	if len(codes) != 12 { // (60 - 3) / 5, rounded up
		t.Fatalf("%d candidates were tried, want 12", len(codes))
	}
}

func TestBuild_StopsAtMaxBytes(t *testing.T) {
	a, b := signedTx(1, 0, opRemark), signedTx(2, 0, opRemark)
	candidates := &offered{txs: [][]byte{a, b}}
	_, proposal, err := Build(newModel(genesisState()), modelInput(2), candidates, wireBytes(len(a))+wireBytes(len(b))-1)
	if err != nil || len(proposal) != 1 || !reflect.DeepEqual(candidates.codes, []Code{Applied, Exhausts}) {
		t.Fatalf("proposal %x, %v, %v", proposal, candidates.codes, err)
	}
}

func TestHeader_MustDescribeTheBlock(t *testing.T) {
	for name, change := range map[string]func(*primitives.Header){
		"number":          func(h *primitives.Header) { h.Number++ },
		"parent hash":     func(h *primitives.Header) { h.ParentHash[0]++ },
		"state root":      func(h *primitives.Header) { h.StateRoot[0]++ },
		"extrinsics root": func(h *primitives.Header) { h.ExtrinsicsRoot[0]++ },
	} {
		m := newModel(genesisState())
		m.hooks["BlockBuilder_finalize_block"] = func(input []byte) ([]byte, error) {
			h := primitives.Header{Number: 2, ParentHash: primitives.Hash{1}, StateRoot: m.state.root(), ExtrinsicsRoot: ExtrinsicsRoot(m.state.body, 1)}
			change(&h)
			return h.Encode(), nil
		}
		if _, err := Apply(m, modelInput(2), nil); !errors.Is(err, errHeader) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTrapInEveryPhase_RefusesTheBlock(t *testing.T) {
	for method, phase := range map[string]string{
		"Core_initialize_block": phaseInitialize, "BlockBuilder_inherent_extrinsics": phaseInherents,
		"BlockBuilder_finalize_block": phaseFinalize,
	} {
		for name, result := range map[string]error{"trap": errModelTrap, "disk": errDisk} {
			m := newModel(genesisState())
			m.hooks[method] = func([]byte) ([]byte, error) { return nil, result }
			_, err := Judge(m, modelInput(2), nil)
			var rejected *Rejection
			if errors.As(err, &rejected) != (name == "trap") || !errors.Is(err, result) || err != nil && !strings.Contains(err.Error(), phase) {
				t.Errorf("%s in %s: %v", name, method, err)
			}
		}
	}
}

func TestInherentRefused_RefusesTheBlock(t *testing.T) {
	m := newModel(genesisState())
	m.hooks["BlockBuilder_apply_extrinsic"] = func([]byte) ([]byte, error) { return refuse(validity.InvalidBadMandatory), nil }
	var rejected *Rejection
	if _, err := Apply(m, modelInput(2), nil); !errors.As(err, &rejected) || rejected.Phase != phaseInherents {
		t.Fatalf("Apply: %v", err)
	}
}

func TestStorageFault_IsNeverAFailedTransaction(t *testing.T) {
	m := newModel(genesisState())
	m.storageErr = errDisk
	_, err := Apply(m, modelInput(2), [][]byte{signedTx(1, 0, opRemark)})
	var rejected *Rejection
	if !errors.Is(err, errDisk) || errors.As(err, &rejected) {
		t.Fatalf("Apply: %v, want the disk's error and no rejection", err)
	}
}

func TestInherentsAreMadeOnADiscardedLayer(t *testing.T) {
	m := newModel(genesisState())
	if _, err := Apply(m, modelInput(2), nil); err != nil {
		t.Fatal(err)
	}
	if got := m.state.balance[0]; got != modelStart {
		t.Fatalf("balance %d, want %d: what inherent_extrinsics wrote stayed", got, modelStart)
	}
}

func TestFirstBlock_RunsInOneTransactionAndLeavesNothingWhenItFails(t *testing.T) {
	in := modelInput(7)
	in.First = true
	good := newModel(genesisState())
	result, err := Apply(good, in, [][]byte{signedTx(1, 0, opRemark)})
	if err != nil || len(result.Body) != 1 || result.Outcomes[0].Code != NotAllowed {
		t.Fatalf("good code: %v, %+v", err, result)
	}
	fails := map[string]func(m *model, in *Input){
		"initialize":   func(m *model, _ *Input) { trapIn(m, "Core_initialize_block") },
		"finalize":     func(m *model, _ *Input) { trapIn(m, "BlockBuilder_finalize_block") },
		"version":      func(m *model, _ *Input) { answer(m, "Core_version", []byte("other")) },
		"check":        func(m *model, _ *Input) { answer(m, "UpgradeApi_check", []byte{1, 4, 'x'}) },
		"no metadata":  func(m *model, _ *Input) { answer(m, "Metadata_metadata_at_version", []byte{0}) },
		"bad metadata": func(m *model, _ *Input) { answer(m, "Metadata_metadata_at_version", []byte{1, 4, 'x'}) },
	}
	for name, breakIt := range fails {
		m, in := newModel(genesisState()), in
		breakIt(m, &in)
		_, err := Apply(m, in, nil)
		var failure *FirstBlockFailure
		var rejected *Rejection
		if !errors.As(err, &failure) || errors.As(err, &rejected) {
			t.Errorf("%s: %v, want a FirstBlockFailure and no Rejection", name, err)
		}
		if len(m.layers) != 0 || m.state.number != 0 || m.state.root() != genesisState().root() {
			t.Errorf("%s: %d layers open, state of block %d", name, len(m.layers), m.state.number)
		}
	}
	m := newModel(genesisState())
	answer(m, "Core_version", nil)
	m.hooks["Core_version"] = func([]byte) ([]byte, error) { return nil, errDisk }
	var failure *FirstBlockFailure
	if _, err := Apply(m, in, nil); !errors.Is(err, errDisk) || errors.As(err, &failure) {
		t.Errorf("a fault of the node undoes the upgrade: %v", err)
	}
}

func trapIn(m *model, method string) {
	m.hooks[method] = func([]byte) ([]byte, error) { return nil, errModelTrap }
}

func answer(m *model, method string, out []byte) {
	m.hooks[method] = func([]byte) ([]byte, error) { return out, nil }
}

func TestFirstBlock_ProposalCarriesNoTransactions(t *testing.T) {
	in := modelInput(7)
	in.First = true
	if _, proposal, _ := build(t, newModel(genesisState()), in, signedTx(1, 0, opRemark)); len(proposal) != 0 {
		t.Errorf("Build proposes %x", proposal)
	}
	if _, err := Judge(newModel(genesisState()), in, [][]byte{signedTx(1, 0, opRemark)}); err == nil {
		t.Error("Judge accepts a transaction")
	}
	if _, err := Judge(newModel(genesisState()), in, nil); err != nil {
		t.Errorf("Judge refuses an empty first block: %v", err)
	}
}

func TestFirstBlock_HasOneSumOfGas(t *testing.T) {
	in := modelInput(7)
	in.First = true
	m := &gasRecorder{model: newModel(genesisState())}
	if _, err := Apply(m, in, nil); err != nil {
		t.Fatal(err)
	}
	for i, gas := range m.gas {
		if want := modelBudgets.FirstBlock - int64(i)*modelGas; gas != want {
			t.Errorf("call %d got %d gas, want %d", i, gas, want)
		}
	}
}

type gasRecorder struct {
	*model
	gas []int64
}

func (g *gasRecorder) Call(method string, input []byte, gas int64) ([]byte, int64, error) {
	g.gas = append(g.gas, gas)
	return g.model.Call(method, input, gas)
}

func TestGasOfAPhase_IsNeverLent(t *testing.T) {
	m := &gasRecorder{model: newModel(genesisState())}
	if _, err := Apply(m, modelInput(2), [][]byte{signedTx(1, 0, opRemark), signedTx(2, 0, opRemark)}); err != nil {
		t.Fatal(err)
	}
	b := modelBudgets
	if want := []int64{b.Initialize, b.Inherent, b.Inherent, b.Extrinsic, b.Extrinsic, b.Finalize}; !reflect.DeepEqual(m.gas, want) {
		t.Fatalf("gas %v, want %v", m.gas, want)
	}
}

func TestDigestItems_ReachTheHeader(t *testing.T) {
	in := modelInput(2)
	in.Digest = []primitives.DigestItem{{Kind: primitives.DigestPreRuntime, Engine: [4]byte{'c', 'm', 'b', 't'}, Data: []byte{9}}}
	result, err := Apply(newModel(genesisState()), in, nil)
	if err != nil || !reflect.DeepEqual(result.Header.Digest, in.Digest) {
		t.Fatalf("digest %+v, %v", result.Header.Digest, err)
	}
}

func TestDecodeBudgets(t *testing.T) {
	var b []byte
	for n := range uint64(6) {
		b = scale.AppendU64(b, n+1)
	}
	if got, err := DecodeBudgets(b); err != nil || got != (Budgets{1, 2, 3, 4, 5, 6}) {
		t.Fatalf("%+v, %v", got, err)
	}
	huge := scale.AppendU64(nil, 1<<63)
	for name, input := range map[string][]byte{"cut": b[:47], "trailing": append(b, 0), "over 2^62": append(huge, b[8:]...)} {
		if _, err := DecodeBudgets(input); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestWireBytes_MatchProtocolBuffers(t *testing.T) {
	for n, want := range map[int]int64{0: 2, 1: 3, 127: 129, 128: 131, 16383: 16386, 16384: 16388} {
		if got := wireBytes(n); got != want {
			t.Errorf("%d bytes take %d, want %d", n, got, want)
		}
	}
}

func FuzzDecodeApplied(f *testing.F) {
	f.Add([]byte{0, 0})
	f.Add([]byte{1, 0, 4})
	f.Add([]byte{0, 1, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		refusal, succeeded, err := decodeApplied(b)
		if err == nil && refusal != nil && (succeeded || fmt.Sprint(refusal) == "") {
			t.Fatalf("%x: %v, %v", b, refusal, succeeded)
		}
	})
}

// Budgets and lists of inherents are read whole or not at all.
func FuzzDecodeBudgets(f *testing.F) {
	f.Add(make([]byte, 48))
	f.Add([]byte{8, 4, 1, 8, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		if budgets, err := DecodeBudgets(b); err == nil {
			var again []byte
			for _, n := range []int64{budgets.Initialize, budgets.Inherent, budgets.Extrinsic, budgets.Finalize, budgets.FirstBlock, budgets.Total} {
				if n < 0 {
					t.Fatalf("%x: negative budget in %+v", b, budgets)
				}
				again = scale.AppendU64(again, uint64(n))
			}
			if !bytes.Equal(again, b) {
				t.Fatalf("%x is read as %+v", b, budgets)
			}
		}
		if list, err := decodeExtrinsics(b); err == nil {
			again := scale.AppendCompact(nil, uint64(len(list)))
			for _, xt := range list {
				again = append(again, xt...)
			}
			if !bytes.Equal(again, b) {
				t.Fatalf("%x is read as %x", b, list)
			}
		}
	})
}
