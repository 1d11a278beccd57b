package host

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

var rewrite = flag.Bool("rewrite", false, "write generated documentation instead of comparing it")

var functionName = regexp.MustCompile(`^ext_[a-z0-9_]+_version_[1-9]$`)

func TestTable_RowsAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for i := range table {
		r := &table[i]
		switch {
		case !functionName.MatchString(r.name):
			t.Errorf("%q is no name of a host function", r.name)
		case seen[r.name]:
			t.Errorf("%s is there twice", r.name)
		case r.run == nil || r.doc == "" || !strings.HasSuffix(r.doc, "."):
			t.Errorf("%s has no implementation or no sentence about it", r.name)
		case r.price.Base == 0:
			t.Errorf("%s costs nothing: a loop over it would be free", r.name)
		case len(r.params) > 5 && r.native == 0 && strings.HasPrefix(r.name, "ext_storage"):
			t.Errorf("%s has %d parameters", r.name, len(r.params))
		}
		seen[r.name] = true
	}
}

// What reads or hands out bytes must charge for them.
func TestTable_BytesAreNeverFree(t *testing.T) {
	for i := range table {
		r := &table[i]
		takesBytes := r.result == Fat
		for _, p := range r.params {
			takesBytes = takesBytes || p == Fat
		}
		answersConstant := r.price == constantPrice || strings.Contains(r.name, "_root_version") || strings.Contains(r.name, "ecdsa_recover")
		if takesBytes && !answersConstant && r.price.PerByte == 0 {
			t.Errorf("%s takes or gives bytes for nothing", r.name)
		}
	}
}

// Each import of a released blob has the type that the table says.
func TestTable_AgreesWithReleasedBlobs(t *testing.T) {
	files, err := filepath.Glob("../blob/released/*.wasm")
	if err != nil || len(files) == 0 {
		t.Fatalf("no released blobs: %v", err)
	}
	for _, file := range files {
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		module, err := wasm.Decode(code)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if len(module.Imports) < 20 {
			t.Errorf("%s imports only %d functions", file, len(module.Imports))
		}
		for _, imported := range module.Imports {
			r := rowNamed(imported.Name)
			if r == nil {
				t.Errorf("%s imports %s, which the table does not have", file, imported.Name)
			} else if got := module.Types[imported.Type]; !got.Equal(r.funcType()) {
				t.Errorf("%s imports %s as %s, the table says %s", file, imported.Name, got, r.funcType())
			}
		}
	}
}

// Every function served in C is one that the engine has, with the type that the table gives it.
func TestTable_NativeFunctionsCompile(t *testing.T) {
	natives := map[engine.NativeFunc]string{}
	for i := range table {
		if r := &table[i]; r.native != 0 {
			if other, twice := natives[r.native]; twice {
				t.Errorf("%s and %s are one function in C", r.name, other)
			}
			natives[r.native] = r.name
		}
	}
	if len(natives) != 10 {
		t.Errorf("%d functions are served in C, want allocator and hashing: 10", len(natives))
	}
}

func TestTable_DocumentationIsCurrent(t *testing.T) {
	const file = "../../docs/host-api.md"
	want := documentation()
	if *rewrite {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Fatalf("%s is not what the table says (%v): run go test ./runtime/host -run DocumentationIsCurrent -rewrite", file, err)
	}
}

// documentation is the table in Markdown.
func documentation() string {
	var b strings.Builder
	b.WriteString(`# The host API

<!-- Generated from runtime/host/table.go by: go test ./runtime/host -run DocumentationIsCurrent -rewrite -->

What a runtime blob may import from the module "env", at host_version 1. A blob that imports anything else is refused by name
before it is activated.

Arguments: ` + "`u32`, `u64`" + ` numbers; ` + "`ptr`" + ` address of something of fixed size; ` + "`fat`" + ` 64 bits, length in the
upper and address in the lower half. Results that are bytes are allocated with the blob's allocator, and the blob frees them.
Prices are in picoseconds of ref_time: for the call, for each byte read or returned, for each key or item visited. Functions
marked C are served in C.

| function | type | call | byte | key | | what it does |
|---|---|---|---|---|---|---|
`)
	for i := range table {
		r := &table[i]
		native := ""
		if r.native != 0 {
			native = "C"
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d | %s | %s |\n", r.name, r.signature(), r.price.Base, r.price.PerByte, r.price.PerKey, native, r.doc)
	}
	return b.String()
}

func (r *row) signature() string {
	var names []string
	for _, p := range r.params {
		names = append(names, p.String())
	}
	signature := "(" + strings.Join(names, ", ") + ")"
	if r.result != None {
		signature += " " + r.result.String()
	}
	return signature
}
