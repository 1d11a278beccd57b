package node

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/sepia-chain/sepia/consensus"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/node/spec"
	"github.com/sepia-chain/sepia/runtime/host"
	"github.com/sepia-chain/sepia/state"
)

// codeKey is where a chain keeps its runtime.
var codeKey = []byte(":code")

// SpecOptions say what chain a new spec is for.
type SpecOptions struct {
	Name        string
	ID          string
	ChainType   spec.ChainType
	GenesisTime time.Time
	Validators  []spec.Validator
	Preset      string // a name that GenesisBlob knows
	GenesisBlob []byte // builds the state; may contain floats
	Code        []byte // goes on chain
}

// BuildSpec runs a genesis blob, off chain, on its named preset and writes down the state it makes, as a raw chain spec with
// its genesis hash.
func BuildSpec(ctx context.Context, o SpecOptions) (*spec.Spec, error) {
	pairs, err := genesisPairs(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("building genesis of chain %q: %w", o.ID, err)
	}
	s := &spec.Spec{
		Name: o.Name, ID: o.ID, ChainType: o.ChainType, GenesisTime: o.GenesisTime.UTC().Truncate(time.Second), Validators: o.Validators,
		Properties: spec.Properties{SS58Format: primitives.SS58Generic, TokenDecimals: 12, TokenSymbol: "UNIT"},
	}
	var top []spec.Pair
	for _, p := range pairs {
		top = append(top, spec.Pair{Key: p.Key, Value: p.Value})
	}
	s.SetTop(top)
	header, err := consensus.GenesisHeader(pairs)
	if err != nil {
		return nil, fmt.Errorf("building genesis of chain %q: %w", o.ID, err)
	}
	s.GenesisHash = header.Hash()
	return s, nil
}

// CheckRuntime says whether code can run on chain, before anything is built of it.
func CheckRuntime(code []byte) error {
	_, err := host.Check(code, 0)
	return err
}

// genesisPairs builds the state in a throw-away store in memory: it must hold something before a blob can run on it, which is
// the code that every genesis has.
func genesisPairs(ctx context.Context, o SpecOptions) (pairs []state.Pair, err error) {
	code := state.Pair{Key: codeKey, Value: o.Code}
	scratch, err := state.Open(state.Options{FS: vfs.NewMem(), Path: "genesis"})
	if err != nil {
		return nil, fmt.Errorf("opening scratch store: %w", err)
	}
	defer closeInto(&err, scratch.Close)
	view, err := scratch.CommitGenesis(state.Genesis{Pairs: []state.Pair{code}, HostVersion: HostVersion})
	if err != nil {
		return nil, fmt.Errorf("opening scratch store: %w", err)
	}
	defer closeInto(&err, view.Release)
	overlay, err := scratch.NewOverlay(view)
	if err != nil {
		return nil, fmt.Errorf("opening scratch store: %w", err)
	}
	defer closeInto(&err, overlay.Drop)

	patch, err := genesisPatch(ctx, o, consensus.Storage(overlay))
	if err != nil {
		return nil, err
	}
	if err := host.BuildGenesis(ctx, o.GenesisBlob, patch, consensus.Storage(overlay)); err != nil {
		return nil, err
	}
	changes, err := overlay.Changes()
	if err != nil {
		return nil, fmt.Errorf("reading the state that was built: %w", err)
	}
	return mergeGenesis(changes, code)
}

func mergeGenesis(changes []state.Pair, code state.Pair) ([]state.Pair, error) {
	pairs := []state.Pair{code}
	for _, change := range changes {
		switch {
		case change.Value == nil || bytes.Equal(change.Key, codeKey):
		case change.ID != nil:
			return nil, fmt.Errorf("%w: it writes child storage %x, which no genesis of ours does", host.ErrGenesis, change.ID)
		default:
			pairs = append(pairs, change)
		}
	}
	return pairs, nil
}

// genesisPatch is the preset's patch with the validators put in, if the blob has a place for them.
func genesisPatch(ctx context.Context, o SpecOptions, storage host.Storage) ([]byte, error) {
	preset, found, err := host.GenesisPreset(ctx, o.GenesisBlob, o.Preset, storage)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("%w: the blob has no preset %q", host.ErrGenesis, o.Preset)
	}
	defaults, _, err := host.GenesisPreset(ctx, o.GenesisBlob, "", storage)
	if err != nil {
		return nil, err
	}
	var pallets map[string]json.RawMessage
	if err := json.Unmarshal(defaults, &pallets); err != nil {
		return nil, fmt.Errorf("%w: its default configuration is no JSON object: %w", host.ErrGenesis, err)
	}
	if _, ok := pallets["comet"]; !ok {
		return preset, nil
	}
	validators, err := validatorPatch(o.Validators)
	if err != nil {
		return nil, err
	}
	return host.MergeJSON(preset, validators)
}

// validatorPatch is the same in the spec and in the blob's configuration: pubKey as hex, power.
func validatorPatch(validators []spec.Validator) ([]byte, error) {
	patch, err := json.Marshal(map[string]any{"comet": map[string]any{"validators": validators}})
	if err != nil {
		return nil, fmt.Errorf("writing validators as JSON: %w", err)
	}
	return patch, nil
}

// closeInto closes something on the way out and keeps its error if there is no other.
func closeInto(err *error, close func() error) {
	if closeErr := close(); *err == nil {
		*err = closeErr
	}
}
