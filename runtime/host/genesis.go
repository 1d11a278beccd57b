package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/sepia-chain/sepia/internal/scale"
)

// ErrGenesis says that a genesis blob refused its configuration.
var ErrGenesis = errors.New("the genesis configuration is refused")

// GenesisPreset asks a genesis blob for a named preset, or for the default configuration if the name is empty. It is JSON;
// a named one is a patch over the default.
func GenesisPreset(ctx context.Context, code []byte, name string, storage Storage) (preset []byte, found bool, err error) {
	input := []byte{0}
	if name != "" {
		input = scale.AppendBytes([]byte{1}, []byte(name))
	}
	output, err := CallOffChain(ctx, code, "GenesisBuilder_get_preset", input, storage, nil)
	if err != nil {
		return nil, false, fmt.Errorf("reading genesis preset %q: %w", name, err)
	}
	d := scale.NewDecoder(output)
	if found = d.Bool(); found {
		preset = append([]byte(nil), d.Bytes()...)
	}
	if err := d.Finish(); err != nil {
		return nil, false, fmt.Errorf("reading genesis preset %q: %w", name, err)
	}
	return preset, found, nil
}

// BuildGenesis runs a genesis blob, off chain and unmetered, and leaves the first state in storage. The patch is JSON merged
// over the blob's default configuration.
func BuildGenesis(ctx context.Context, code, patch []byte, storage Storage) error {
	base, found, err := GenesisPreset(ctx, code, "", storage)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("%w: the blob has no default configuration", ErrGenesis)
	}
	config, err := MergeJSON(base, patch)
	if err != nil {
		return err
	}
	output, err := CallOffChain(ctx, code, "GenesisBuilder_build_state", scale.AppendBytes(nil, config), storage, nil)
	if err != nil {
		return fmt.Errorf("building the genesis state: %w", err)
	}
	d := scale.NewDecoder(output)
	refused := d.Bool()
	reason := ""
	if refused {
		reason = d.String()
	}
	if err := d.Finish(); err != nil {
		return fmt.Errorf("building the genesis state: %w", err)
	}
	if refused {
		return fmt.Errorf("%w: %s", ErrGenesis, reason)
	}
	return nil
}

// MergeJSON applies a merge patch (RFC 7386). Numbers stay the text that they were: balances do not fit a float.
func MergeJSON(base, patch []byte) ([]byte, error) {
	var values [2]any
	for i, text := range [][]byte{base, patch} {
		decoder := json.NewDecoder(strings.NewReader(string(text)))
		decoder.UseNumber()
		if err := decoder.Decode(&values[i]); err != nil {
			return nil, fmt.Errorf("%w: reading JSON: %w", ErrGenesis, err)
		}
	}
	merged, err := json.Marshal(mergePatch(values[0], values[1]))
	if err != nil {
		return nil, fmt.Errorf("writing JSON: %w", err)
	}
	return merged, nil
}

func mergePatch(base, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	merged, ok := base.(map[string]any)
	if !ok {
		merged = map[string]any{}
	}
	for key, change := range changes {
		if change == nil {
			delete(merged, key)
			continue
		}
		merged[key] = mergePatch(merged[key], change)
	}
	return merged
}
