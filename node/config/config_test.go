package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func load(t *testing.T, file string, environment, flags map[string]string) (*Config, error) {
	t.Helper()
	base := t.TempDir()
	if file != "" {
		if err := os.MkdirAll(filepath.Dir(FilePath(base)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(FilePath(base), []byte(file), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Load(Sources{BasePath: base, Flags: flags, Environment: func(name string) (string, bool) {
		v, ok := environment[name]
		return v, ok
	}})
}

func TestLoad_Precedence(t *testing.T) {
	const file = "[rpc]\nport = 1\n"
	environment := map[string]string{"SEPIA_RPC_PORT": "2"}
	flags := map[string]string{"rpc-port": "3"}
	for _, c := range []struct {
		name               string
		file               string
		environment, flags map[string]string
		want               uint16
		origin             Origin
	}{
		{"default", "", nil, nil, 9944, FromDefault},
		{"file over default", file, nil, nil, 1, FromFile},
		{"environment over file", file, environment, nil, 2, FromEnvironment},
		{"flag over all", file, environment, flags, 3, FromFlag},
	} {
		got, err := load(t, c.file, c.environment, c.flags)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got.RPCPort != c.want || got.Origin("rpc.port") != c.origin {
			t.Errorf("%s: port %d from %s, want %d from %s", c.name, got.RPCPort, got.Origin("rpc.port"), c.want, c.origin)
		}
	}
}

func TestLoad_RefusesBadSettings(t *testing.T) {
	for _, c := range []struct {
		name, file         string
		environment, flags map[string]string
		want               string
	}{
		{"unknown key, alike", "[rpc]\nprot = 1\n", nil, nil, "there is no setting rpc.prot: did you mean rpc.port?"},
		{"unknown key, unlike", "[rpc]\nelephant = 1\n", nil, nil, "there is no setting rpc.elephant: `sepia help settings` lists all"},
		{"unknown section", "[network]\nport = 1\n", nil, nil, "there is no setting network.port"},
		{"not TOML", "[rpc\n", nil, nil, "line 1 column"},
		{"list", "[rpc]\nport = [1]\n", nil, nil, "rpc.port: want a text or a whole number"},
		{"port too large", "", nil, map[string]string{"rpc-port": "70000"}, `rpc.port = "70000" (from --rpc-port): want a port, 0 to 65535`},
		{"host name", "", map[string]string{"SEPIA_RPC_HOST": "localhost"}, nil, `rpc.host = "localhost" (from SEPIA_RPC_HOST): want an IP address`},
		{"level typo", "[log]\nlevel = \"inf\"\n", nil, nil, "want one of debug, info, warn, error: did you mean info?"},
		{"seal", "", nil, map[string]string{"seal": "interval=5"}, "want interval=MS with MS from 100 to 3600000"},
		{"seal word", "", nil, map[string]string{"seal": "manual"}, "want auto or interval=MS, for example interval=2000"},
		{"tier", "[vm]\ncompile = \"autmatic\"\n", nil, nil, "want one of automatic, none, speed: did you mean automatic?"},
		{"cache", "[state]\ncache_mib = 1\n", nil, nil, "want a whole number from 8 to 1048576"},
	} {
		_, err := load(t, c.file, c.environment, c.flags)
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want ErrInvalid with %q", c.name, err, c.want)
		}
	}
}

func TestParseSeal_RoundTrip(t *testing.T) {
	for _, text := range []string{"auto", "interval=2000"} {
		seal, err := ParseSeal(text)
		if err != nil || seal.String() != text {
			t.Errorf("ParseSeal(%q) = %v, %v", text, seal, err)
		}
	}
	if seal, _ := ParseSeal("interval=2000"); seal.Interval != 2*time.Second {
		t.Errorf("interval %v, want 2s", seal.Interval)
	}
}

// Whatever stands in a settings file or on the command line, it is read or refused in words, and what is read is written
// as it was meant.
func FuzzSettings(f *testing.F) {
	f.Add("[rpc]\nport = 1\n[log]\nlevel = \"debug\"\n")
	f.Add("rpc.port = true\n[[rpc]]\nport = [1]\n")
	f.Add("[rpc]\nprot = 1\n")
	f.Add("auto")
	f.Add("interval=2000")
	f.Fuzz(func(t *testing.T, text string) {
		values, err := decodeFile("sepia.toml", []byte(text))
		if err != nil && (!errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "sepia.toml")) {
			t.Fatalf("error %v, want ErrInvalid naming the file", err)
		}
		for _, s := range settings {
			value, given := values[s.name]
			delete(values, s.name)
			if given {
				_ = s.set(&Config{}, value)
			}
			_ = s.set(&Config{}, text) // any text may be a flag's
		}
		if len(values) != 0 {
			t.Fatalf("settings that do not exist are accepted: %v", values)
		}
		if seal, err := ParseSeal(text); err == nil {
			if again, err := ParseSeal(seal.String()); err != nil || again != seal {
				t.Fatalf("%q is %v, which reads as %v, %v", text, seal, again, err)
			}
		}
	})
}
