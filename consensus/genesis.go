package consensus

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/types"

	"github.com/sepia-chain/sepia/consensus/driver"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/state"
)

// Genesis is what a chain begins with. All nodes of a chain have the same.
type Genesis struct {
	ChainID    string
	Time       time.Time
	Hash       primitives.Hash // of block 0; checked against the state
	Pairs      []state.Pair    // the raw state, no key twice
	Validators []Validator
}

// Validator is a member of the validator set: an ed25519 key and its voting power.
type Validator struct {
	PubKey [32]byte
	Power  int64
}

// MaxBlockBytes bounds a CometBFT block: the largest extrinsic (2.5 MiB) with room for the commit and for evidence (1 MiB).
const MaxBlockBytes = 4 << 20

// appVersion is the version of the application in CometBFT's headers. It never changes: what rules a block ran under is in
// the state.
const appVersion = 1

// ErrGenesis says that a chain's beginning contradicts itself or the store. The text says how.
var ErrGenesis = errors.New("genesis does not match")

// GenesisHeader is the header of block 0 over a raw state.
func GenesisHeader(pairs []state.Pair) (primitives.Header, error) {
	root, err := state.GenesisRoot(pairs)
	if err != nil {
		return primitives.Header{}, err
	}
	return primitives.Header{StateRoot: root, ExtrinsicsRoot: driver.ExtrinsicsRoot(nil, 0)}, nil
}

// genesisNote is what CometBFT's genesis document says about ours. It makes one a part of the other.
type genesisNote struct {
	GenesisHash primitives.Hash `json:"genesis_hash"`
}

// document is the genesis as CometBFT takes it.
func (g *Genesis) document() (*types.GenesisDoc, error) {
	note, err := json.Marshal(genesisNote{g.Hash})
	if err != nil {
		return nil, fmt.Errorf("encoding genesis hash: %w", err)
	}
	params := types.DefaultConsensusParams()
	params.Block.MaxBytes = MaxBlockBytes
	params.Version.App = appVersion
	doc := &types.GenesisDoc{ChainID: g.ChainID, GenesisTime: g.Time, InitialHeight: 1, ConsensusParams: params, AppState: note}
	for _, v := range g.Validators {
		key := ed25519.PubKey(v.PubKey[:])
		doc.Validators = append(doc.Validators, types.GenesisValidator{Address: key.Address(), PubKey: key, Power: v.Power})
	}
	if err := doc.ValidateAndComplete(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrGenesis, err)
	}
	return doc, nil
}

// block is block 0 for the store.
func (g *Genesis) block() (state.Genesis, error) {
	header, err := GenesisHeader(g.Pairs)
	if err != nil {
		return state.Genesis{}, fmt.Errorf("building block 0: %w", err)
	}
	if hash := header.Hash(); hash != g.Hash {
		return state.Genesis{}, fmt.Errorf("%w: the state gives block 0 the hash %s, expected is %s", ErrGenesis, hash, g.Hash)
	}
	return state.Genesis{Pairs: g.Pairs, Hash: g.Hash, Header: header.Encode(), HostVersion: hostVersion}, nil
}

// settle brings the store to this genesis, or checks that it began with it.
func (g *Genesis) settle(store *state.Store) error {
	view, err := store.View()
	if err == nil {
		height := view.Height()
		if err := view.Release(); err != nil {
			return fmt.Errorf("closing a view: %w", err)
		}
		if height > 0 {
			return g.compare(store)
		}
	} else if !errors.Is(err, state.ErrNoGenesis) {
		return fmt.Errorf("reading the latest block: %w", err)
	}
	block, err := g.block()
	if err != nil {
		return err
	}
	view, err = store.CommitGenesis(block)
	if err != nil {
		return fmt.Errorf("writing block 0: %w", err)
	}
	return view.Release()
}

func (g *Genesis) compare(store *state.Store) error {
	zero, err := store.Block(0)
	if err != nil {
		return fmt.Errorf("reading block 0: %w", err)
	}
	if zero.Hash != g.Hash {
		return fmt.Errorf("%w: the store belongs to the chain %s, the spec to %s", ErrGenesis, zero.Hash, g.Hash)
	}
	return nil
}
