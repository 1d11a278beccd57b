package house

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// scripts/check runs on a repository that holds one file, with each linter's kind of mistake in it; it must fail and say so, and
// pass without mistakes.
func TestLinters_PlantedViolationsAreFound(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing":     {"// Package p does nothing.\npackage p\n", ""},
		"format":      {"// Package p does nothing.\npackage p\nvar  Two =  2\n", "need gofmt -w: p.go"},
		"vet":         {"// Package p does nothing.\npackage p\n\nimport \"sync\"\n\n// F takes a lock.\nfunc F(sync.Mutex) {}\n", "passes lock by value"},
		"staticcheck": {"// Package p does nothing.\npackage p\n\nfunc unused() {}\n", "U1000"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, file := range []string{"go.mod", "go.sum", "scripts/check"} { // go.mod names the version of staticcheck
				place(t, filepath.Join(dir, file), read(t, filepath.Join("../..", file)))
			}
			place(t, filepath.Join(dir, "p.go"), []byte(c.text))
			run(t, dir, "git", "init", "--quiet")
			out, err := run(t, dir, "scripts/check")
			if c.want == "" && err != nil {
				t.Errorf("a clean repository is refused: %v\n%s", err, out)
			}
			if c.want != "" && (err == nil || !strings.Contains(out, c.want)) {
				t.Errorf("%v, want a complaint with %q:\n%s", err, c.want, out)
			}
		})
	}
}

// The linters of Rust, which scripts/check calls with the same flags by way of cargo, refuse a mistake each.
func TestLinters_PlantedViolationsInRustAreFound(t *testing.T) {
	if _, err := os.Stat("/usr/bin/clippy-driver"); err != nil {
		t.Log("NOT CHECKED: there is no /usr/bin/clippy-driver here, scripts/check lints no Rust either")
		return
	}
	dir := t.TempDir()
	clippy := []string{"/usr/bin/clippy-driver", "--crate-type", "lib", "--emit", "metadata", "-D", "warnings", "p.rs"}
	for name, c := range map[string]struct {
		text    string
		command []string
		want    string
	}{
		"nothing to format": {"pub fn f() {}\n", []string{"/usr/bin/rustfmt", "--check", "p.rs"}, ""},
		"format":            {"pub fn f( ){}\n", []string{"/usr/bin/rustfmt", "--check", "p.rs"}, "Diff in"},
		"nothing to mend":   {"pub fn f(x: u8) -> bool {\n    x == 1\n}\n", clippy, ""},
		"clippy":            {"pub fn f(x: bool) -> bool {\n    x == true\n}\n", clippy, "bool_comparison"},
	} {
		t.Run(name, func(t *testing.T) {
			place(t, filepath.Join(dir, "p.rs"), []byte(c.text))
			out, err := run(t, dir, c.command[0], c.command[1:]...)
			if (c.want == "") != (err == nil) || !strings.Contains(out, c.want) {
				t.Errorf("%v, want %q in:\n%s", err, c.want, out)
			}
		})
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// place writes a file, executable because scripts are, and its folders.
func place(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, dir, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}
