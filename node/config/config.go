// Package config holds a node's settings: one table of all of them, from which the settings file, the environment
// variables, the flags and the documentation are made.
//
// A setting's value comes from the first of these that gives one: flag, environment (SEPIA_ and the name in capitals,
// dots as underscores), settings file, default. No setting may change a result of the chain: what the chain's members
// must agree on is in the chain spec. Values are checked when they are set; a Config is read-only afterwards.
package config

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// ErrInvalid says that a setting cannot be used. The text names the setting, where it came from and what it wants.
var ErrInvalid = errors.New("invalid setting")

// Config is a complete, checked set of settings.
type Config struct {
	BasePath        string // folder of keys, settings and data
	RPCHost         string // IP address the RPC server listens on
	RPCPort         uint16 // 0 = pick a free one
	RPCConnections  int    // most connections at once
	P2PPort         uint16 // 0 = pick a free one
	Seal            Seal
	LogLevel        string
	LogFormat       string
	StateCacheMiB   int
	CompileCacheDir string // empty = "cache/compiled" under BasePath
	Compile         string // tier of contracts: "automatic", "none" or "speed"
	origins         map[string]Origin
}

// Origin says where a value came from.
type Origin string

// The places a value can come from, weakest first.
const (
	FromDefault     Origin = "default"
	FromFile        Origin = "file"
	FromEnvironment Origin = "environment"
	FromFlag        Origin = "flag"
)

// setting is one row of the table.
type setting struct {
	name         string // as in the settings file, with the section in front
	flag         string
	defaultValue string
	doc          string
	set          func(*Config, string) error
}

// settings is the one table of all settings.
var settings = []setting{
	{"rpc.host", "rpc-host", "127.0.0.1", "IP address the RPC server listens on; 0.0.0.0 opens it to the network", setHost},
	{"rpc.port", "rpc-port", "9944", "port of JSON-RPC over HTTP and WebSocket; 0 picks a free one and prints it",
		portSetter(func(c *Config) *uint16 { return &c.RPCPort })},
	{"rpc.max_connections", "rpc-max-connections", "1000", "most RPC connections at once",
		intSetter(1, 65535, func(c *Config) *int { return &c.RPCConnections })},
	{"p2p.port", "port", "30333", "UDP port for other nodes; 0 picks a free one and prints it",
		portSetter(func(c *Config) *uint16 { return &c.P2PPort })},
	{"chain.seal", "seal", "auto", "when blocks are made: auto (the chain's way), or interval=MS (a block every MS milliseconds)", setSeal},
	{"log.level", "log-level", "info", "least severe log lines shown: debug, info, warn or error",
		choiceSetter([]string{"debug", "info", "warn", "error"}, func(c *Config) *string { return &c.LogLevel })},
	{"log.format", "log-format", "text", "form of log lines on standard error: text or json",
		choiceSetter([]string{"text", "json"}, func(c *Config) *string { return &c.LogFormat })},
	{"state.cache_mib", "state-cache", "256", "memory for the database's block cache, in MiB",
		intSetter(8, 1<<20, func(c *Config) *int { return &c.StateCacheMiB })},
	{"vm.cache_dir", "compile-cache", "", "folder of compiled code; empty means cache/compiled under the base path, or the user's cache folder for a chain without one",
		func(c *Config, v string) error { c.CompileCacheDir = v; return nil }},
	{"vm.compile", "compile", "automatic", "how contracts are compiled: automatic (quickly at once, thoroughly ahead in another process), none (quickly only) or speed (thoroughly only: calls wait); results are the same",
		choiceSetter([]string{"automatic", "none", "speed"}, func(c *Config) *string { return &c.Compile })},
}

// Setting describes one setting to a reader: flags, help and docs are made from it.
type Setting struct {
	Name, Flag, Environment, Default, Doc string
}

// Settings lists all settings in the order of the table.
func Settings() []Setting {
	list := make([]Setting, len(settings))
	for i, s := range settings {
		list[i] = Setting{s.name, s.flag, environmentName(s.name), s.defaultValue, s.doc}
	}
	return list
}

func environmentName(name string) string {
	return "SEPIA_" + strings.ToUpper(strings.ReplaceAll(name, ".", "_"))
}

// FilePath is where the settings file of a base path lies.
func FilePath(basePath string) string { return filepath.Join(basePath, "config", "sepia.toml") }

// Sources are the values given from outside. Flags and Environment are keyed by flag name and variable name.
type Sources struct {
	BasePath    string
	Flags       map[string]string
	Environment func(name string) (string, bool)
}

// Load builds the settings from defaults, the settings file if there is one, the environment and the flags.
func Load(src Sources) (*Config, error) {
	c := &Config{BasePath: src.BasePath, origins: map[string]Origin{}}
	fileValues, err := readFile(FilePath(src.BasePath))
	if err != nil {
		return nil, err
	}
	for _, s := range settings {
		value, origin := s.defaultValue, FromDefault
		if v, ok := fileValues[s.name]; ok {
			value, origin = v, FromFile
		}
		if v, ok := src.Environment(environmentName(s.name)); ok {
			value, origin = v, FromEnvironment
		}
		if v, ok := src.Flags[s.flag]; ok {
			value, origin = v, FromFlag
		}
		if err := s.set(c, value); err != nil {
			return nil, fmt.Errorf("%w: %s = %q (from %s): %w", ErrInvalid, s.name, value, describe(s, origin, src.BasePath), err)
		}
		c.origins[s.name] = origin
	}
	return c, nil
}

func describe(s setting, origin Origin, basePath string) string {
	switch origin {
	case FromFile:
		return FilePath(basePath)
	case FromEnvironment:
		return environmentName(s.name)
	case FromFlag:
		return "--" + s.flag
	}
	return string(origin)
}

// Origin says where the value of a setting came from.
func (c *Config) Origin(name string) Origin { return c.origins[name] }

// readFile flattens the settings file to name -> text. A missing file is no settings.
func readFile(path string) (map[string]string, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading settings: %w", err)
	}
	return decodeFile(path, b)
}

// decodeFile reads the text of a settings file. The path is for its errors.
func decodeFile(path string, b []byte) (map[string]string, error) {
	var tree map[string]any
	if err := toml.Unmarshal(b, &tree); err != nil {
		var at *toml.DecodeError
		if errors.As(err, &at) {
			row, column := at.Position()
			return nil, fmt.Errorf("%w: %s line %d column %d: %s", ErrInvalid, path, row, column, strings.TrimPrefix(at.Error(), "toml: "))
		}
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, path, err)
	}
	values := map[string]string{}
	if err := flatten(values, "", tree); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInvalid, path, err)
	}
	return values, nil
}

func flatten(values map[string]string, prefix string, tree map[string]any) error {
	keys := make([]string, 0, len(tree))
	for key := range tree {
		keys = append(keys, key)
	}
	sort.Strings(keys) // so that of several errors the same one is reported each time
	for _, key := range keys {
		name := prefix + key
		switch v := tree[key].(type) {
		case map[string]any:
			if err := flatten(values, name+".", v); err != nil {
				return err
			}
		case string, int64, bool:
			if !known(name) {
				return unknownError(name)
			}
			values[name] = fmt.Sprint(v)
		default:
			return fmt.Errorf("%s: want a text or a whole number", name)
		}
	}
	return nil
}

func known(name string) bool {
	for _, s := range settings {
		if s.name == name {
			return true
		}
	}
	return false
}

func unknownError(name string) error {
	names := make([]string, len(settings))
	for i, s := range settings {
		names[i] = s.name
	}
	if near := Nearest(name, names); near != "" {
		return fmt.Errorf("there is no setting %s: did you mean %s?", name, near)
	}
	return fmt.Errorf("there is no setting %s: `sepia help settings` lists all", name)
}

// Nearest is the candidate fewest edits away from name, or "" if even that one is not alike.
func Nearest(name string, candidates []string) string {
	best, bestEdits := "", len(name)/3+1
	for _, candidate := range candidates {
		if edits := editDistance(name, candidate); edits <= bestEdits && (best == "" || edits < bestEdits) {
			best, bestEdits = candidate, edits
		}
	}
	return best
}

// editDistance is Levenshtein's: the fewest insertions, deletions and replacements that make b of a.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := diagonal
			if a[i-1] != b[j-1] {
				replace++
			}
			diagonal = row[j]
			row[j] = min(replace, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

func setHost(c *Config, value string) error {
	if net.ParseIP(value) == nil {
		return errors.New("want an IP address")
	}
	c.RPCHost = value
	return nil
}

func portSetter(field func(*Config) *uint16) func(*Config, string) error {
	return func(c *Config, value string) error {
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil {
			return errors.New("want a port, 0 to 65535")
		}
		*field(c) = uint16(n)
		return nil
	}
}

func intSetter(least, most int, field func(*Config) *int) func(*Config, string) error {
	return func(c *Config, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < least || n > most {
			return fmt.Errorf("want a whole number from %d to %d", least, most)
		}
		*field(c) = n
		return nil
	}
}

func choiceSetter(choices []string, field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, value string) error {
		for _, choice := range choices {
			if value == choice {
				*field(c) = value
				return nil
			}
		}
		text := "want one of " + strings.Join(choices, ", ")
		if near := Nearest(value, choices); near != "" {
			text += ": did you mean " + near + "?"
		}
		return errors.New(text)
	}
}

func setSeal(c *Config, value string) (err error) {
	c.Seal, err = ParseSeal(value)
	return err
}
