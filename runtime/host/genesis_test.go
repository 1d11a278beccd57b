package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/sepia-chain/sepia/internal/keyring"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/host"
	"github.com/sepia-chain/sepia/runtime/host/hosttest"
)

func TestGenesis_PresetsAreJSON(t *testing.T) {
	ctx, code := context.Background(), readBlob(t, genesisBlob)
	for name, want := range map[string]bool{"": true, "dev": true, "testnet": true, "nonsense": false} {
		preset, found, err := host.GenesisPreset(ctx, code, name, hosttest.New(nil))
		if err != nil || found != want || found && !json.Valid(preset) {
			t.Errorf("preset %q: found %v, %v, %.60s", name, found, err, preset)
		}
	}
}

// The patch changes the default configuration, and amounts keep all their digits.
func TestBuildGenesis_AppliesThePatch(t *testing.T) {
	account := devPair(t, keyring.Sr25519, "//Alice").Account()
	storage := hosttest.New(nil)
	patch := `{"balances":{"balances":[["` + account.String() + `",12345678901234567890123]]}}`
	if err := host.BuildGenesis(context.Background(), readBlob(t, genesisBlob), []byte(patch), storage); err != nil {
		t.Fatal(err)
	}
	value := storage.Pairs()[string(primitives.StoragePrefix("Balances", "TotalIssuance"))]
	if got := scale.NewDecoder(value).U128(); got.String() != "12345678901234567890123" {
		t.Errorf("total issuance %s", got)
	}
}

func TestBuildGenesis_Refuses(t *testing.T) {
	code := readBlob(t, genesisBlob)
	for patch, text := range map[string]string{
		`{`:                               "the genesis configuration is refused: reading JSON: unexpected EOF",
		`{"nonsense":1}`:                  "the genesis configuration is refused: Invalid JSON blob: unknown field `nonsense`",
		`{"balances":{"balances":[[1]]}}`: "the genesis configuration is refused: Invalid JSON blob: ",
	} {
		err := host.BuildGenesis(context.Background(), code, []byte(patch), hosttest.New(nil))
		if !errors.Is(err, host.ErrGenesis) || !strings.HasPrefix(err.Error(), text) {
			t.Errorf("%s: error %v, want %q", patch, err, text)
		}
	}
}

func TestCallOffChain_Failures(t *testing.T) {
	ctx, code := context.Background(), readBlob(t, genesisBlob)
	if _, err := host.CallOffChain(ctx, code, "Core_nonsense", nil, hosttest.New(nil), nil); !errors.Is(err, engine.ErrNoExport) {
		t.Errorf("error %v", err)
	}
	_, err := host.CallOffChain(ctx, code, "Core_initialize_block", []byte{1}, hosttest.New(nil), nil)
	var failed *host.CallError
	if !errors.As(err, &failed) || !strings.Contains(failed.Reason, "Bad input data") || strings.Contains(failed.Text, "\n") {
		t.Errorf("error %v", err)
	}
	if _, err := host.CallOffChain(ctx, []byte("text"), "Core_version", nil, hosttest.New(nil), nil); !errors.Is(err, host.ErrCode) {
		t.Errorf("error %v", err)
	}
}

// On chain and off chain, the same blob answers the same.
func TestCallOffChain_AgreesWithTheEngine(t *testing.T) {
	for _, method := range []string{"Core_version", "Metadata_metadata"} {
		on, err := released(t).Call(context.Background(), method, nil, host.CallOptions{Storage: hosttest.New(nil), GasLimit: ampleGas})
		if err != nil {
			t.Fatal(err)
		}
		off, err := host.CallOffChain(context.Background(), readBlob(t, runtimeBlob), method, nil, hosttest.New(nil), nil)
		if err != nil || string(off) != string(on.Output) {
			t.Errorf("%s: %d bytes off chain, %d on chain, %v", method, len(off), len(on.Output), err)
		}
	}
}

// Whatever bytes a stranger sends, a call ends in a result or in a failure of the blob, and leaves no transaction open.
func FuzzRuntimeInput(f *testing.F) {
	runtime := released(f)
	methods := []string{
		"BlockBuilder_apply_extrinsic", "TaggedTransactionQueue_validate_transaction", "Core_initialize_block",
		"BlockBuilder_inherent_extrinsics", "Metadata_metadata_at_version", "AccountNonceApi_account_nonce",
		"TransactionPaymentApi_query_info", "Core_execute_block", "BlockBuilder_check_inherents",
	}
	f.Add(uint8(0), []byte{0x10, 4, 0, 0, 0})
	f.Add(uint8(2), (&primitives.Header{Number: 1}).Encode())
	f.Add(uint8(5), make([]byte, 32))
	f.Fuzz(func(t *testing.T, method uint8, input []byte) {
		storage := hosttest.New(nil) // an empty state, so that a fuzzing process starts at once
		_, err := runtime.Call(context.Background(), methods[int(method)%len(methods)], input, host.CallOptions{Storage: storage, GasLimit: 20_000_000_000})
		var failed *host.CallError
		if err != nil && !errors.As(err, &failed) {
			t.Fatalf("error %v is not the blob's", err)
		}
		if storage.TransactionDepth() != 0 {
			t.Fatalf("%d transactions are open", storage.TransactionDepth())
		}
	})
}
