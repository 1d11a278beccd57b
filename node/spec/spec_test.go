package spec

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sepia-chain/sepia/internal/primitives"
)

func valid() *Spec {
	s := &Spec{
		Name: "Test", ID: "test", ChainType: Local, GenesisTime: time.Unix(1_700_000_000, 0).UTC(), GenesisHash: primitives.Hash{1},
		Properties: Properties{SS58Format: 42, TokenDecimals: 12, TokenSymbol: "UNIT"},
		Validators: []Validator{{PubKey: primitives.Hash{2}, Power: 1}},
	}
	s.SetTop([]Pair{{[]byte(":code"), []byte{1}}, {[]byte{0}, nil}, {nil, []byte{2}}})
	s.Genesis.Raw.ChildrenDefault["0x01"] = map[string]string{"0x02": "0x03"}
	return s
}

func TestSpec_RoundTripAndOrder(t *testing.T) {
	encoded, err := valid().Encode()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := Parse(encoded)
	if err != nil {
		t.Fatal(err)
	}
	again, err := parsed.Encode()
	if err != nil || !bytes.Equal(again, encoded) {
		t.Fatalf("a parsed spec encodes differently:\n%s\n%s", again, encoded)
	}
	pairs, err := parsed.TopPairs()
	if err != nil || len(pairs) != 3 || len(pairs[0].Key) != 0 || string(pairs[2].Key) != ":code" {
		t.Fatalf("pairs %q, %v: want three in key order", pairs, err)
	}
	if pairs, err := parsed.ChildPairs("0x01"); err != nil || len(pairs) != 1 || pairs[0].Value[0] != 3 {
		t.Fatalf("child pairs %q, %v", pairs, err)
	}
}

func TestParse_RefusesBadSpecs(t *testing.T) {
	encoded, err := valid().Encode()
	if err != nil {
		t.Fatal(err)
	}
	good := string(encoded)
	for _, c := range []struct{ name, old, new, want string }{
		{"not JSON", good, "{", "unexpected EOF"},
		{"text after", "\n}\n", "\n}\n{}", "more text after the closing brace"},
		{"unknown field", `"name"`, `"nmae"`, `unknown field "nmae"`},
		{"empty id", `"id": "test"`, `"id": ""`, `id "": want 1 to 50 characters`},
		{"empty name", `"name": "Test"`, `"name": ""`, "name is empty"},
		{"chain type", `"Local"`, `"local"`, `chainType "local": want Development, Local or Live`},
		{"no time", `"2023-11-14T22:13:20Z"`, `"0001-01-01T00:00:00Z"`, "genesisTime is missing"},
		{"not raw", "0x01" + strings.Repeat("00", 31), "0x" + strings.Repeat("00", 32), "genesisHash is missing"},
		{"hash cut", "0x01" + strings.Repeat("00", 31), "0x01", `want 0x and 64 hex digits`},
		{"no power", `"power": 1`, `"power": 0`, "validators[0].power is 0"},
		{"no code", "0x3a636f6465", "0x3a636f6466", "has no 0x3a636f6465"},
		{"odd hex", `"0x00": "0x"`, `"0x000": "0x"`, `key "0x000": want an even number of hex digits after 0x`},
		{"no 0x", `"0x00": "0x"`, `"0x00": "ff"`, "value of 0x00: want hex with 0x in front"},
		{"twice", `"0x00": "0x"`, `"0xAA": "0x", "0xaa": "0x"`, "key 0xaa is there twice"},
		{"long id", `"id": "test"`, `"id": "` + strings.Repeat("x", 51) + `"`, "want 1 to 50 characters"},
		{"no validators", `"validators": [
    {
      "pubKey": "0x02` + strings.Repeat("00", 31) + `",
      "power": 1
    }
  ]`, `"validators": []`, "validators is empty: a chain needs at least one"},
		{"bad child id", `"0x01": {`, `"01": {`, `genesis.raw.childrenDefault: id "01": want hex with 0x in front`},
		{"child twice", `"0x01": {`, `"0xAA": {}, "0xaa": {`, "genesis.raw.childrenDefault: id 0xaa is there twice, in different letter case"},
		{"bad child", `"0x02": "0x03"`, `"0x02": "3"`, "genesis.raw.childrenDefault[0x01]"},
	} {
		text := strings.Replace(good, c.old, c.new, 1)
		if text == good {
			t.Fatalf("%s: the replacement changes nothing", c.name)
		}
		_, err := Parse([]byte(text))
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want ErrInvalid with %q", c.name, err, c.want)
		}
	}
}

func TestLoad_NamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spec.json")
	if _, err := Load(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if err := os.WriteFile(path, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want ErrInvalid naming the file", err)
	}
}

func FuzzParse(f *testing.F) {
	encoded, _ := valid().Encode()
	f.Add(encoded)
	f.Fuzz(func(t *testing.T, input []byte) {
		s, err := Parse(input)
		if err != nil {
			return
		}
		if _, err := s.Encode(); err != nil {
			t.Fatalf("an accepted spec does not encode: %v", err)
		}
	})
}
