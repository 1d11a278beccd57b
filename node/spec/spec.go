// Package spec reads, checks and writes chain specs: the file that says which chain a node belongs to.
//
// A spec here is always raw: it lists the genesis storage itself, so that what nodes agree on is the file and nothing is
// run to understand it. Building one from a runtime's named preset is the command line's work (package cli), with
// Build of this package shaping the result. The genesis hash is written into the file and checked by every node.
package spec

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/sepia-chain/sepia/internal/primitives"
)

// MaxFileBytes bounds a spec file: the largest raw blob (8 MiB) as hex, and as much again for all other state.
const MaxFileBytes = 2 * 2 * 8 << 20

// ErrInvalid says that a file is not a usable chain spec. The text says where and why.
var ErrInvalid = errors.New("not a valid chain spec")

// ChainType is what wallets show and decide by: "Development" makes them offer the well-known accounts.
type ChainType string

// The chain types that clients know.
const (
	Development ChainType = "Development"
	Local       ChainType = "Local"
	Live        ChainType = "Live"
)

// Properties are shown by wallets. They are scalars: some tools refuse lists.
type Properties struct {
	SS58Format    uint16 `json:"ss58Format"`
	TokenDecimals uint8  `json:"tokenDecimals"`
	TokenSymbol   string `json:"tokenSymbol"`
	IsEthereum    bool   `json:"isEthereum"`
}

// Validator is one member of the genesis validator set.
type Validator struct {
	PubKey primitives.Hash `json:"pubKey"` // 32 bytes of an ed25519 public key
	Power  int64           `json:"power"`
}

// Spec is a parsed raw chain spec.
type Spec struct {
	Name        string          `json:"name"`
	ID          string          `json:"id"`
	ChainType   ChainType       `json:"chainType"`
	Properties  Properties      `json:"properties"`
	GenesisTime time.Time       `json:"genesisTime"`
	GenesisHash primitives.Hash `json:"genesisHash"`
	Validators  []Validator     `json:"validators"`
	Genesis     Genesis         `json:"genesis"`
}

// Genesis holds the state of block 0.
type Genesis struct {
	Raw Raw `json:"raw"`
}

// Raw is storage as hex: top-level keys, and for each child trie (by its id, without the well-known prefix) its keys.
type Raw struct {
	Top             map[string]string            `json:"top"`
	ChildrenDefault map[string]map[string]string `json:"childrenDefault"`
}

// Pair is one entry of storage.
type Pair struct {
	Key, Value []byte
}

// Load reads a spec file.
func Load(path string) (*Spec, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading chain spec: %w", err)
	}
	if info.Size() > MaxFileBytes {
		return nil, fmt.Errorf("%w: %s has %d bytes, at most %d are read", ErrInvalid, path, info.Size(), MaxFileBytes)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading chain spec: %w", err)
	}
	s, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// Parse reads a spec and checks all that can be checked without building its state.
func Parse(b []byte) (*Spec, error) {
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.DisallowUnknownFields()
	var s Spec
	if err := decoder.Decode(&s); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrInvalid, explainJSON(err))
	}
	if decoder.More() {
		return nil, fmt.Errorf("%w: more text after the closing brace", ErrInvalid)
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return &s, nil
}

func explainJSON(err error) string {
	text := strings.TrimPrefix(err.Error(), "json: ")
	if field, ok := strings.CutPrefix(text, "unknown field "); ok {
		return "unknown field " + field + ": remove it, or upgrade the node if a newer version wrote this file"
	}
	return text
}

func (s *Spec) check() error {
	switch {
	case s.ID == "" || len(s.ID) > 50:
		return fmt.Errorf("id %q: want 1 to 50 characters", s.ID)
	case s.Name == "":
		return errors.New("name is empty")
	case !slices.Contains([]ChainType{Development, Local, Live}, s.ChainType):
		return fmt.Errorf("chainType %q: want Development, Local or Live", s.ChainType)
	case s.GenesisTime.IsZero():
		return errors.New("genesisTime is missing: every node must start from the same time")
	case s.GenesisHash == primitives.Hash{}:
		return errors.New("genesisHash is missing: this file may be a plain spec, and only raw ones are accepted")
	case len(s.Validators) == 0:
		return errors.New("validators is empty: a chain needs at least one")
	}
	for i, v := range s.Validators {
		if v.Power <= 0 {
			return fmt.Errorf("validators[%d].power is %d: want a positive number", i, v.Power)
		}
	}
	pairs, err := s.TopPairs()
	if err != nil {
		return err
	}
	if _, found := slices.BinarySearchFunc(pairs, []byte(":code"), func(p Pair, key []byte) int { return bytes.Compare(p.Key, key) }); !found {
		return errors.New("genesis.raw.top has no 0x3a636f6465 (:code): a chain needs a runtime")
	}
	children, err := s.Children()
	if err != nil {
		return err
	}
	seen := make(map[string]bool, len(children))
	for _, child := range children {
		if seen[string(child.ID)] {
			return fmt.Errorf("genesis.raw.childrenDefault: id 0x%x is there twice, in different letter case", child.ID)
		}
		seen[string(child.ID)] = true
	}
	return nil
}

// TopPairs lists the top-level storage in key order.
func (s *Spec) TopPairs() ([]Pair, error) {
	return decodePairs("genesis.raw.top", s.Genesis.Raw.Top)
}

// Child is one child trie of the genesis state.
type Child struct {
	ID    []byte
	Pairs []Pair
}

// Children lists the child tries in the order of their ids.
func (s *Spec) Children() ([]Child, error) {
	ids := make([]string, 0, len(s.Genesis.Raw.ChildrenDefault))
	for id := range s.Genesis.Raw.ChildrenDefault {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	children := make([]Child, 0, len(ids))
	for _, text := range ids {
		id, err := decodeHex(text)
		if err != nil {
			return nil, fmt.Errorf("genesis.raw.childrenDefault: id %q: %w", text, err)
		}
		pairs, err := s.ChildPairs(text)
		if err != nil {
			return nil, err
		}
		children = append(children, Child{id, pairs})
	}
	return children, nil
}

// ChildPairs lists the storage of one child trie in key order. The id is a key of ChildrenDefault.
func (s *Spec) ChildPairs(id string) ([]Pair, error) {
	if _, err := decodeHex(id); err != nil {
		return nil, fmt.Errorf("genesis.raw.childrenDefault: id %q: %w", id, err)
	}
	return decodePairs("genesis.raw.childrenDefault["+id+"]", s.Genesis.Raw.ChildrenDefault[id])
}

func decodePairs(where string, raw map[string]string) ([]Pair, error) {
	pairs := make([]Pair, 0, len(raw))
	for k, v := range raw {
		key, err := decodeHex(k)
		if err != nil {
			return nil, fmt.Errorf("%s: key %q: %w", where, shorten(k), err)
		}
		value, err := decodeHex(v)
		if err != nil {
			return nil, fmt.Errorf("%s: value of %s: %w", where, shorten(k), err)
		}
		pairs = append(pairs, Pair{key, value})
	}
	sort.Slice(pairs, func(i, j int) bool { return bytes.Compare(pairs[i].Key, pairs[j].Key) < 0 })
	for i := 1; i < len(pairs); i++ {
		if bytes.Equal(pairs[i-1].Key, pairs[i].Key) {
			return nil, fmt.Errorf("%s: key 0x%x is there twice, in different letter case", where, pairs[i].Key)
		}
	}
	return pairs, nil
}

func decodeHex(text string) ([]byte, error) {
	digits, ok := strings.CutPrefix(text, "0x")
	if !ok {
		return nil, errors.New("want hex with 0x in front")
	}
	b, err := hex.DecodeString(digits)
	if err != nil {
		return nil, errors.New("want an even number of hex digits after 0x")
	}
	return b, nil
}

func shorten(text string) string {
	const shown = 40
	if len(text) <= shown {
		return text
	}
	return text[:shown] + "..."
}

// SetTop fills the top-level storage.
func (s *Spec) SetTop(pairs []Pair) {
	s.Genesis.Raw.Top = make(map[string]string, len(pairs))
	for _, p := range pairs {
		s.Genesis.Raw.Top["0x"+hex.EncodeToString(p.Key)] = "0x" + hex.EncodeToString(p.Value)
	}
	if s.Genesis.Raw.ChildrenDefault == nil {
		s.Genesis.Raw.ChildrenDefault = map[string]map[string]string{}
	}
}

// Encode writes the spec as indented JSON. Keys come in order, so equal specs are equal files.
func (s *Spec) Encode() ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		return nil, fmt.Errorf("encoding chain spec: %w", err)
	}
	return out.Bytes(), nil
}
