package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// assemble turns the text form into a module, with wabt's wat2wasm.
func assemble(t *testing.T, text string) []byte {
	t.Helper()
	folder := t.TempDir()
	in, out := filepath.Join(folder, "in.wat"), filepath.Join(folder, "out.wasm")
	if err := os.WriteFile(in, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if message, err := exec.Command("wat2wasm", "--debug-names", in, "-o", out).CombinedOutput(); err != nil {
		t.Fatalf("wat2wasm (scripts/setup test installs it): %v\n%s", err, message)
	}
	module, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return module
}

const entryPoints = `(func (export "call")) (func (export "deploy"))`

func TestStrip_KeepsOnlyWhatTheChainTakes(t *testing.T) {
	got, err := strip(assemble(t, `(module (import "seal0" "input" (func (param i32 i32))) (import "env" "memory" (memory 2))
		(global (export "__heap_base") i32 (i32.const 5)) (func (export "memcpy")) `+entryPoints+`)`))
	if err != nil {
		t.Fatal(err)
	}
	want := assemble(t, `(module (import "seal0" "input" (func (param i32 i32))) (import "env" "memory" (memory 2 16))
		(global i32 (i32.const 5)) (func) `+entryPoints+`)`)
	want, err = strip(want) // drops the names that the assembler adds
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
	if bytes.Contains(got, []byte("name")) || bytes.Contains(got, []byte("heap_base")) {
		t.Errorf("custom sections or other exports are left: %q", got)
	}
	again, err := strip(got)
	if err != nil || !bytes.Equal(again, got) {
		t.Errorf("stripping twice: %x, %v", again, err)
	}
}

func TestStrip_Refuses(t *testing.T) {
	good := assemble(t, `(module (import "env" "memory" (memory 2 16)) `+entryPoints+`)`)
	for _, c := range []struct {
		rule   string
		module []byte
		want   string
	}{
		{"not Wasm", []byte("hello"), "not a Wasm module of version 1"},
		{"cut", good[:len(good)-1], "the module ends early"},
		{"no deploy", assemble(t, `(module (func (export "call")))`), "it does not export both call and deploy: is it an ink! contract, built without its std feature?"},
		{"a foreign function", assemble(t, `(module (import "env" "malloc" (func)) `+entryPoints+`)`), "it imports env.malloc, which no contract may: a function that is neither Rust's nor the chain's was used"},
		{"a table", assemble(t, `(module (import "env" "table" (table 1 funcref)) `+entryPoints+`)`), "it imports env.table, which no contract may: a function that is neither Rust's nor the chain's was used"},
		{"too much memory", assemble(t, `(module (import "env" "memory" (memory 17)) `+entryPoints+`)`), "it asks for 17 pages of memory, at most 16; the limit is 16"},
		{"too large a maximum", assemble(t, `(module (import "env" "memory" (memory 1 17)) `+entryPoints+`)`), "it asks for 1 pages of memory, at most 17; the limit is 16"},
	} {
		if _, err := strip(c.module); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.rule, err, c.want)
		}
	}
}

func FuzzStrip(f *testing.F) {
	f.Add([]byte("\x00asm\x01\x00\x00\x00\x02\x0f\x01\x03env\x06memory\x02\x00\x02"))
	f.Add([]byte("\x00asm\x01\x00\x00\x00\x07\x11\x02\x04call\x00\x00\x06deploy\x00\x01\x00\x01x"))
	f.Fuzz(func(t *testing.T, module []byte) {
		got, err := strip(module)
		if err != nil {
			return
		}
		if again, err := strip(got); err != nil || !bytes.Equal(again, got) {
			t.Fatalf("stripping %x gives %x, and again %x, %v", module, got, again, err)
		}
	})
}

func TestDocument_KeepsInkMetadataInOrder(t *testing.T) {
	got, err := document(
		source{Hash: codeHash([]byte("code")), Language: "ink! 5.1.1", Compiler: "rustc 1.96.0", Wasm: "0x00"},
		contract{Name: "n", Version: "0.1.0", Authors: []string{"A <a@b>"}},
		[]byte(`{"version":5,"types":[{"id":0}],"spec":{"b":1,"a":2}}`))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"source":{"hash":"0x6470fd21983eae8d706f1edd5e2dc5afe095980f8fb7bd4ebfd33550d8730246","language":"ink! 5.1.1","compiler":"rustc 1.96.0","wasm":"0x00","build_info":{"build_mode":"","rust_toolchain":"","wasm_opt_settings":{"optimization_passes":"","keep_debug_symbols":false}}},"contract":{"name":"n","version":"0.1.0","authors":["A <a@b>"]},"version":5,"types":[{"id":0}],"spec":{"b":1,"a":2}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, bad := range []string{``, `[]`, `{"a":`, `{"a" 1}`} {
		if _, err := document(source{}, contract{}, []byte(bad)); err == nil {
			t.Errorf("metadata %q: accepted", bad)
		}
	}
}

func TestFlags_Refuse(t *testing.T) {
	for _, c := range []struct{ arguments, want string }{
		{"", "name one crate folder, as in: scripts/build-contract contracts/ink5/flipper"},
		{"a b", "name one crate folder, as in: scripts/build-contract contracts/ink5/flipper"},
		{"-optimise 9 a", `there is no optimisation level "9": use 0, 1, 2, 3, 4, s, z or none`},
	} {
		if _, err := parseFlags(strings.Fields(c.arguments)); err == nil || err.Error() != c.want {
			t.Errorf("%q: %v, want %s", c.arguments, err, c.want)
		}
	}
}

// TestPrebuilt_BundlesAreWhole: each bundle carries the code that lies beside it under its own hash, and all builds are
// stripped.
func TestPrebuilt_BundlesAreWhole(t *testing.T) {
	modules, err := filepath.Glob("../prebuilt/*/*/*.wasm")
	if err != nil || len(modules) < 24 { // 8 contracts, 3 builds each
		t.Fatalf("%d prebuilt modules: %v", len(modules), err)
	}
	for _, path := range modules {
		module, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if stripped, err := strip(module); err != nil || !bytes.Equal(stripped, module) {
			t.Errorf("%s is not stripped: %v", path, err)
		}
		base := strings.TrimSuffix(path, ".wasm")
		if strings.Contains(filepath.Base(base), ".") {
			continue // another build of the same crate
		}
		var bundle, metadata struct{ Source source }
		for file, into := range map[string]any{base + ".contract": &bundle, base + ".json": &metadata} {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(content, into); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
		}
		if bundle.Source.Wasm != fmt.Sprintf("%#x", module) || bundle.Source.Hash != codeHash(module) {
			t.Errorf("%s.contract carries other code than %s", base, path)
		}
		if metadata.Source.Wasm != "" || metadata.Source.Hash != bundle.Source.Hash {
			t.Errorf("%s.json names other code than %s", base, path)
		}
	}
}
