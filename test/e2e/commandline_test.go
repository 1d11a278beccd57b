package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sepia-chain/sepia/test/nodetest"
)

// Released blobs, as a runtime author would have them: one for the chain, and one that builds genesis states.
const (
	v2Blob      = "../../runtime/blob/released/sepia-runtime-v2.wasm"
	genesisBlob = "../../runtime/blob/released/sepia-genesis.wasm"
)

func TestCommandLine_ExitCodesAndTexts(t *testing.T) {
	home := t.TempDir()
	badSettings := filepath.Join(home, "bad")
	if err := os.MkdirAll(filepath.Join(badSettings, "config"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(badSettings, "config", "sepia.toml"), []byte("[rpc]\nprot = 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	brokenSpec := filepath.Join(home, "spec.json")
	if err := os.WriteFile(brokenSpec, []byte(`{"name": "x"`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name        string
		environment []string
		args        []string
		exit        int
		stderr      string
	}{
		{"unknown command", nil, []string{"stat"}, 2, `"stat" is no command of ` + "`sepia`: did you mean start?"},
		{"unknown flag", nil, []string{"dev", "--rpc-prot", "1"}, 2, "did you mean --rpc-port?"},
		{"argument where none is", nil, []string{"version", "now"}, 2, `"now" is no command of`},
		{"flag value", nil, []string{"dev", "--rpc-port", "x"}, 78, `rpc.port = "x" (from --rpc-port): want a port, 0 to 65535`},
		{"environment value", []string{"SEPIA_LOG_LEVEL=loud"}, []string{"dev"}, 78, `log.level = "loud" (from SEPIA_LOG_LEVEL): want one of debug, info, warn, error`},
		{"seal", nil, []string{"dev", "--seal", "fast"}, 78, "want auto or interval=MS"},
		{"settings file", nil, []string{"dev", "--base-path", badSettings}, 78, "there is no setting rpc.prot: did you mean rpc.port?"},
		{"no home", nil, []string{"start", "--base-path", filepath.Join(home, "none")}, 78, "sepia init --base-path"},
		{"broken spec", nil, []string{"init", "--base-path", filepath.Join(home, "new"), "--spec", brokenSpec}, 78, "not a valid chain spec"},
		{"unknown preset", nil, []string{"init", "--base-path", filepath.Join(home, "new"), "--chain", "moon"}, 2, `--chain "moon": want testnet or dev`},
		{"nobody listens", nil, []string{"status", "--url", "http://127.0.0.1:1"}, 3, "no node answers at http://127.0.0.1:1"},
		{"runtime file missing", nil, []string{"dev", "--runtime", filepath.Join(home, "none.wasm")}, 1, "no such file"},
		{"runtime file is no Wasm", nil, []string{"dev", "--runtime", brokenSpec}, 1, "not a usable blob"},
		{"runtime with floats", nil, []string{"dev", "--runtime", genesisBlob, "--preset", "dev"}, 1, "float"},
		{"runtime without that preset", nil, []string{"dev", "--runtime", v2Blob, "--genesis-runtime", genesisBlob}, 1, `the blob has no preset "development"`},
		{"runtime without GenesisBuilder", nil, []string{"dev", "--runtime", v2Blob}, 1, "GenesisBuilder_get_preset"},
		{"secret as argument", nil, []string{"keys", "inspect", "bottom drive obey lake curtain smoke basket hold race lonely fit walk"}, 2, "give a secret on standard input instead"},
		{"unknown scheme", nil, []string{"keys", "generate", "--scheme", "rsa"}, 2, "want sr25519, ed25519 or ecdsa"},
	} {
		got := nodetest.Run(t, c.environment, "", c.args...)
		if got.Exit != c.exit || !strings.Contains(got.Stderr, c.stderr) {
			t.Errorf("%s: exit %d, stderr %q; want exit %d with %q", c.name, got.Exit, got.Stderr, c.exit, c.stderr)
		}
		if got.Stdout != "" {
			t.Errorf("%s: a failing command printed data: %q", c.name, got.Stdout)
		}
	}
}

func TestCommandLine_SecretIsNotEchoed(t *testing.T) {
	const secret = "0xfac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb77974790"
	got := nodetest.Run(t, nil, "", "keys", "inspect", secret+"//x")
	if strings.Contains(got.Stderr, secret[10:]) {
		t.Errorf("the secret is in the error: %s", got.Stderr)
	}
}

func TestKeys_InspectKnowsAlice(t *testing.T) {
	const address = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
	for _, c := range []struct{ stdin, argument string }{
		{"", "//Alice"}, {"bottom drive obey lake curtain smoke basket hold race lonely fit walk//Alice\n", "-"}, {"", address},
	} {
		got := nodetest.Run(t, nil, c.stdin, "keys", "inspect", c.argument, "--json")
		var report struct {
			Address string `json:"address"`
		}
		if err := json.Unmarshal([]byte(got.Stdout), &report); err != nil || report.Address != address {
			t.Errorf("%s: printed %q (%v), want address %s", c.argument, got.Stdout, err, address)
		}
	}
}

func TestKeys_GenerateThenInspectAgree(t *testing.T) {
	for _, scheme := range []string{"sr25519", "ed25519", "ecdsa"} {
		var made, seen struct {
			Phrase  string `json:"phrase"`
			Address string `json:"address"`
		}
		generated := nodetest.Run(t, nil, "", "keys", "generate", "--scheme", scheme, "--json")
		if err := json.Unmarshal([]byte(generated.Stdout), &made); err != nil {
			t.Fatalf("%s: %v: %s", scheme, err, generated.Stdout)
		}
		inspected := nodetest.Run(t, nil, made.Phrase+"\n", "keys", "inspect", "-", "--scheme", scheme, "--json")
		if err := json.Unmarshal([]byte(inspected.Stdout), &seen); err != nil || seen.Address != made.Address || seen.Phrase != "" {
			t.Errorf("%s: generated %+v, inspected %+v (%v)", scheme, made, seen, err)
		}
	}
}

func TestCommandLine_EveryCommandHasHelpWithExamples(t *testing.T) {
	for _, command := range [][]string{{}, {"dev"}, {"init"}, {"start"}, {"status"}, {"keys", "generate"}, {"keys", "inspect"}} {
		got := nodetest.Run(t, nil, "", append(command, "--help")...)
		if got.Exit != 0 || !strings.Contains(got.Stdout, "Examples:") {
			t.Errorf("%v --help: exit %d, no examples in %q", command, got.Exit, got.Stdout)
		}
	}
	if got := nodetest.Run(t, nil, "", "help", "settings"); !strings.Contains(got.Stdout, "SEPIA_RPC_PORT") {
		t.Errorf("help settings lists no environment variables: %q", got.Stdout)
	}
}

func TestVersion_NamesItsParts(t *testing.T) {
	var report map[string]any
	got := nodetest.Run(t, nil, "", "version", "--json")
	if err := json.Unmarshal([]byte(got.Stdout), &report); err != nil {
		t.Fatalf("%v: %s", err, got.Stdout)
	}
	for _, part := range []string{"version", "go", "cometbft", "wasmtime"} {
		if text, _ := report[part].(string); text == "" {
			t.Errorf("version --json has no %s: %s", part, got.Stdout)
		}
	}
}
