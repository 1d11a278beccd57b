package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	maxFileLines     = 800 // longer files hide more than one thing
	maxFunctionLines = 70  // one screen
)

// forbidden are texts that must not stand in a source file, with what to do instead.
var forbidden = []struct {
	pattern *regexp.Regexp
	applies func(path string) bool
	reason  string
}{
	{regexp.MustCompile(`(?i)\b(` + "TO" + `DO|FIX` + `ME|XX` + `X)\b`), anySource, "finish it, or file it as an issue"},
	{regexp.MustCompile(`\bunimplemented!|\btodo!\(`), isRust, "no stub lands"},
	{regexp.MustCompile(`\bt\.Skip(f|Now)?\(`), isGo, "a test that does not run checks nothing: make a named target of it"},
	{regexp.MustCompile(`\btime\.Now\(`), inPureCore, "consensus code has no clock: take the time as an argument"},
	{regexp.MustCompile(`"math/rand(/v2)?"`), inPureCore, "consensus code has no randomness"},
	{regexp.MustCompile(`\bfloat(32|64)\b`), inPureCore, "consensus code has no floats"},
	{regexp.MustCompile(`/(root|home|work)/[a-z.]+/`), anySource, "no path of a machine belongs in the project"},
}

func isGo(path string) bool       { return strings.HasSuffix(path, ".go") }
func isRust(path string) bool     { return strings.HasSuffix(path, ".rs") }
func isTestFile(path string) bool { return strings.HasSuffix(path, "_test.go") }
func anySource(path string) bool  { return !strings.HasPrefix(path, "test/house/") }

// inPureCore holds for Go code whose results reach consensus and that therefore may only depend on its input.
func inPureCore(path string) bool {
	if !isGo(path) || isTestFile(path) {
		return false
	}
	for _, room := range []string{"runtime/wasm/", "runtime/meter/", "internal/scale/", "internal/primitives/", "internal/trie/", "state/tree/", "consensus/driver/"} {
		if strings.HasPrefix(path, room) && !strings.Contains(path, "test/") {
			return true
		}
	}
	return false
}

// complaints checks one source file.
func complaints(path, text string) []string {
	var found []string
	lines := strings.Split(text, "\n")
	if len(lines) > maxFileLines {
		found = append(found, fmt.Sprintf("%s: %d lines, at most %d: split it by what it is about", path, len(lines), maxFileLines))
	}
	for i, line := range lines {
		for _, rule := range forbidden {
			if rule.applies(path) && rule.pattern.MatchString(line) {
				found = append(found, fmt.Sprintf("%s:%d: %q: %s", path, i+1, strings.TrimSpace(line), rule.reason))
			}
		}
	}
	if isGo(path) {
		found = append(found, longFunctions(path, text)...)
	}
	return found
}

func longFunctions(path, text string) []string {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, text, 0)
	if err != nil {
		return []string{fmt.Sprintf("%s: %v", path, err)}
	}
	if isTestFile(path) {
		return nil // tables make test functions long
	}
	var found []string
	for _, declaration := range file.Decls {
		f, ok := declaration.(*ast.FuncDecl)
		if !ok {
			continue
		}
		first, last := files.Position(f.Pos()).Line, files.Position(f.End()).Line
		if last-first >= maxFunctionLines {
			found = append(found, fmt.Sprintf("%s:%d: %s has %d lines, at most %d", path, first, f.Name.Name, last-first+1, maxFunctionLines))
		}
	}
	return found
}

// sources lists the tracked source files, relative to the top of the tree.
func sources(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-co", "--exclude-standard", "*.go", "*.rs", "*.c", "*.h", "*.js", "*.mjs", "*.ts", "scripts/*")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	return strings.Fields(string(out))
}

func TestTidy_SourceFiles(t *testing.T) {
	paths := sources(t)
	if len(paths) < 10 {
		t.Fatalf("only %d source files seen: the check looks at the wrong tree", len(paths))
	}
	for _, path := range paths {
		text, err := os.ReadFile(filepath.Join("../..", path))
		if os.IsNotExist(err) {
			continue // deleted in the work tree, not yet in the index
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, complaint := range complaints(path, string(text)) {
			t.Error(complaint)
		}
	}
}

func TestTidy_PackagesSayWhatTheyAre(t *testing.T) {
	cmd := exec.Command("go", "list", "-f", `{{.ImportPath}}|{{.Doc}}`, "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		path, doc, _ := strings.Cut(line, "|")
		if strings.TrimSpace(doc) == "" {
			t.Errorf("%s has no package doc: say what it is, what it is not, and how data flows through", path)
		}
	}
}

func TestTidy_PlantedViolationsAreFound(t *testing.T) {
	long := "package p\nfunc f() {\n" + strings.Repeat("\t_ = 1\n", maxFunctionLines) + "}\n"
	for name, c := range map[string]struct{ path, text, want string }{
		"long file":         {"state/a.rs", strings.Repeat("\n", maxFileLines+1), "split it"},
		"long function":     {"state/a.go", long, "f has 72 lines"},
		"unfinished":        {"rpc/a.go", "package p\n// TO" + "DO later\n", "finish it"},
		"skipped test":      {"rpc/a_test.go", "package p\nfunc f() { t." + "Skip() }\n", "checks nothing"},
		"clock in the core": {"runtime/meter/a.go", "package p\nvar t = time." + "Now()\n", "no clock"},
		"float in the core": {"state/tree/a.go", "package p\nvar f float" + "64\n", "no floats"},
		"machine path":      {"scripts/a", "cp /ro" + "ot/x/y .\n", "no path of a machine"},
		"stub in Rust":      {"runtime/blob/a.rs", "fn f() { to" + "do!() }\n", "no stub"},
	} {
		found := complaints(c.path, c.text)
		if len(found) == 0 || !strings.Contains(strings.Join(found, "\n"), c.want) {
			t.Errorf("%s: found %v, want %q", name, found, c.want)
		}
	}
	if found := complaints("rpc/a.go", "package p\n\nvar started = time.Now()\n"); len(found) != 0 {
		t.Errorf("a clock outside the core is reported: %v", found)
	}
}
