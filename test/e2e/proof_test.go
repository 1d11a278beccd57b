package e2e

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/cosmos/ics23/go"

	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/node"
	"github.com/sepia-chain/sepia/state"
	"github.com/sepia-chain/sepia/test/nodetest"
	"github.com/sepia-chain/sepia/test/wallet"
)

const proofs = 1_000

// fund is one call that gives balance to many new accounts: Utility.batch of Balances.transfer_keep_alive.
func fund(uris func(i int) string, from, to int) ([]byte, error) {
	const utility, batch = 4, 0
	call := scale.AppendCompact([]byte{utility, batch}, uint64(to-from))
	for i := from; i < to; i++ {
		pair, err := keyring.FromURI(keyring.Ed25519, uris(i))
		if err != nil {
			return nil, err
		}
		call = append(call, wallet.TransferKeepAlive(pair.Account(), unit)...)
	}
	return call, nil
}

// Keys of a chain that a node made, present and absent, are proven under the root that its header carries, by a verifier that
// is not ours.
func TestState_KeysOfARealChainAreProvable(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	home := t.TempDir()
	n := nodetest.Start(t, "dev", "--base-path", home, "--rpc-port", "0", "--port", "0")
	c := wallet.Dial(n.RPC)
	alice := pair(t, "//Alice")
	const perCall = 250
	for from := 0; from < proofs; from += perCall {
		call, err := fund(func(i int) string { return "//proof//" + string(rune('a'+i%26)) + "//" + string(rune('A'+i/26)) }, from, from+perCall)
		if err != nil {
			t.Fatal(err)
		}
		height, err := c.Height(ctx)
		if err != nil {
			t.Fatal(err)
		}
		hash, err := c.Submit(ctx, alice, call)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.WaitIncluded(ctx, hash, height); err != nil {
			t.Fatal(err)
		}
	}
	if exit := n.Stop(); exit != 0 {
		t.Fatalf("exit code %d", exit)
	}
	verifyStore(t, node.Home(home).StateDir())
}

func verifyStore(t *testing.T, dir string) {
	t.Helper()
	store, err := state.Open(state.Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Verify(); err != nil {
		t.Errorf("history and current state disagree: %v", err)
	}
	view, err := store.View()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := view.Release(); err != nil {
			t.Error(err)
		}
	}()
	present, err := view.KeysPaged(nil, 10*proofs, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(present) < proofs {
		t.Fatalf("the chain has %d keys, want at least %d", len(present), proofs)
	}
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(present), func(i, j int) { present[i], present[j] = present[j], present[i] })
	for i := range proofs {
		checkProof(t, view, present[i], true, random)
		absent := binary.LittleEndian.AppendUint64(append([]byte(nil), present[i]...), random.Uint64())
		checkProof(t, view, absent, false, random)
	}
}

// checkProof verifies one proof, and that it fails with one bit flipped.
func checkProof(t *testing.T, view *state.View, key []byte, exists bool, random *rand.Rand) {
	t.Helper()
	proof, err := view.Proof(key)
	if err != nil {
		t.Fatalf("key %x: %v", key, err)
	}
	root := view.Root()
	verify := func(root []byte) bool {
		if exists {
			return ics23.VerifyMembership(ics23.SmtSpec, root, proof.ICS23, proof.TreeKey, proof.StoredForm)
		}
		return ics23.VerifyNonMembership(ics23.SmtSpec, root, proof.ICS23, proof.TreeKey)
	}
	if proof.Exists != exists || !verify(root[:]) {
		t.Errorf("key %x: the proof that it exists (%v) does not verify", key, exists)
	}
	root[random.IntN(len(root))] ^= 1 << random.IntN(8)
	if verify(root[:]) {
		t.Errorf("key %x: a proof verifies under a root with one bit flipped", key)
	}
	if exists && len(proof.StoredForm) > 0 {
		form := append([]byte(nil), proof.StoredForm...)
		form[random.IntN(len(form))] ^= 1 << random.IntN(8)
		good := view.Root()
		if ics23.VerifyMembership(ics23.SmtSpec, good[:], proof.ICS23, proof.TreeKey, form) {
			t.Errorf("key %x: a proof verifies for a value with one bit flipped", key)
		}
	}
}
