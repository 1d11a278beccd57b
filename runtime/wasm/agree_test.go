package wasm_test

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/sepia-chain/sepia/runtime/meter/metertest"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

// typing are the reasons that a sound module never meets. The others are this chain's own rules.
var typing = map[wasm.Code]bool{
	wasm.Truncated: true, wasm.BadNumber: true, wasm.BadForm: true, wasm.BadIndex: true, wasm.TypeMismatch: true,
	wasm.Underflow: true, wasm.Structure: true, wasm.Alignment: true, wasm.CountsDiffer: true, wasm.DoubleExport: true,
	wasm.SectionOrder: true, wasm.SectionSize: true,
}

// Random modules with a few bytes changed: wazero accepts what we accept, and what wazero accepts we do not call unsound.
func TestValidate_AgreesWithWazeroOnSoundness(t *testing.T) {
	const modules, variants = 60, 60
	features := api.CoreFeaturesV1 | api.CoreFeatureSignExtensionOps | api.CoreFeatureBulkMemoryOperations
	runtime := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features))
	defer func() { _ = runtime.Close(context.Background()) }()
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a fixed seed is what a test needs
	verdicts := map[string]int{}
	for seed := range uint64(modules) {
		original := metertest.Random(seed)
		for range variants {
			code := damage(random, original)
			_, report, err := wasm.Validate(code, metertest.Policy())
			compiled, theirs := runtime.CompileModule(t.Context(), code)
			switch {
			case err == nil && theirs != nil:
				t.Fatalf("seed %d: accepted, wazero says %v", seed, theirs)
			case err != nil && theirs == nil && typing[report.Reason]:
				t.Fatalf("seed %d: wazero accepts, we say %v", seed, err)
			case theirs != nil:
				verdicts["refused by both"]++
			default:
				verdicts[report.Reason.String()]++
				_ = compiled.Close(t.Context())
			}
		}
	}
	t.Logf("%v", verdicts)
	if verdicts["ok"] < modules || verdicts["refused by both"] < modules {
		t.Errorf("too few verdicts of a kind: %v", verdicts)
	}
}

// damage changes one to three bytes of the code section, which is near the end.
func damage(random *rand.Rand, original []byte) []byte {
	code := append([]byte(nil), original...)
	for range 1 + random.IntN(3) {
		at := len(code) - 1 - random.IntN(len(code)*9/10)
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], random.Uint64())
		code[at] = b[0]
		if random.IntN(2) == 0 { // small changes stay sound more often
			code[at] = original[at] ^ 1
		}
	}
	return code
}
