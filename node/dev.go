package node

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/cometbft/cometbft/types"

	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/node/spec"
	"github.com/sepia-chain/sepia/runtime/blob"
	"github.com/sepia-chain/sepia/runtime/host"
)

// signer signs votes and proposals.
type signer = types.PrivValidator

// DevValidatorSecret makes the validator key of development chains. It is public: such a chain must start from a spec in the
// repository without making a key.
func DevValidatorSecret() []byte {
	secret := sha256.Sum256([]byte("sepia development validator"))
	return secret[:]
}

// DevValidators is the validator set of development chains.
func DevValidators() []spec.Validator {
	public := ed25519.NewKeyFromSeed(DevValidatorSecret()).Public().(ed25519.PublicKey)
	return []spec.Validator{{PubKey: primitives.Hash(public), Power: 1}}
}

// devGenesisTime is fixed, so that every development chain has the same genesis block. Block 1 carries it; it is empty.
var devGenesisTime = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)

// presets are the chains that `sepia init --chain` makes.
var presets = map[string]struct {
	name      string
	chainType spec.ChainType
}{
	"dev":     {"Sepia Development", spec.Development},
	"testnet": {"Sepia Testnet", spec.Live},
}

// ErrPreset says that there is no such built-in chain.
var ErrPreset = errors.New("no such chain")

// newChain builds the spec of a new chain from the released blobs.
func newChain(ctx context.Context, preset string, validators []spec.Validator, genesisTime time.Time) (*spec.Spec, error) {
	p, ok := presets[preset]
	if !ok {
		return nil, fmt.Errorf("%w: --chain %q: want testnet or dev", ErrPreset, preset)
	}
	code, err := host.Compress(blob.Runtime())
	if err != nil {
		return nil, fmt.Errorf("compressing the runtime: %w", err)
	}
	return BuildSpec(ctx, SpecOptions{
		Name: p.name, ID: preset, ChainType: p.chainType, GenesisTime: genesisTime, Validators: validators,
		Preset: preset, GenesisBlob: blob.Genesis(), Code: code,
	})
}

// DevSpec builds the spec of the development chain anew. The one that nodes use is in the repository (spec.Dev); a test
// compares the two.
func DevSpec(ctx context.Context) (*spec.Spec, error) {
	return newChain(ctx, "dev", DevValidators(), devGenesisTime)
}
