package engine

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// checkAgainstLibrary compiles our declarations of the C interface after the library's own headers.
func checkAgainstLibrary(t *testing.T, declarations string) (output string, ok bool) {
	t.Helper()
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/bytecodealliance/wasmtime-go/v44").Output()
	if err != nil {
		t.Fatal(err)
	}
	compiler := strings.Fields(goEnv(t, "CC"))
	dir := t.TempDir()
	source := `#include <wasm.h>
#include <wasmtime.h>
#define SEPIA_LIBRARY_HEADERS
#include "declarations.h"
_Static_assert(WASMTIME_OPT_LEVEL_NONE == 0 && WASMTIME_OPT_LEVEL_SPEED == 1, "levels");
_Static_assert(WASMTIME_I32 == 0 && WASMTIME_I64 == 1 && WASM_I32 == 0 && WASM_I64 == 1, "value kinds");
_Static_assert(WASMTIME_EXTERN_FUNC == 0 && WASMTIME_EXTERN_GLOBAL == 1 && WASMTIME_EXTERN_MEMORY == 3, "extern kinds");
_Static_assert(WASMTIME_TRAP_CODE_MEMORY_OUT_OF_BOUNDS == 1 && WASMTIME_TRAP_CODE_TABLE_OUT_OF_BOUNDS == 3 &&
               WASMTIME_TRAP_CODE_INDIRECT_CALL_TO_NULL == 4 && WASMTIME_TRAP_CODE_BAD_SIGNATURE == 5 &&
               WASMTIME_TRAP_CODE_INTEGER_OVERFLOW == 6 && WASMTIME_TRAP_CODE_INTEGER_DIVISION_BY_ZERO == 7 &&
               WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED == 9, "trap codes");
`
	for name, text := range map[string]string{"check.c": source, "declarations.h": declarations} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	include := filepath.Join(strings.TrimSpace(string(module)), "build", "include")
	args := append(compiler[1:], "-std=gnu11", "-fsyntax-only", "-I"+include, filepath.Join(dir, "check.c"))
	out, err := exec.Command(compiler[0], args...).CombinedOutput()
	return string(out), err == nil
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestDeclarations_EqualTheLibrarys(t *testing.T) {
	header, err := os.ReadFile("wasmtime_api.h")
	if err != nil {
		t.Fatal(err)
	}
	if out, ok := checkAgainstLibrary(t, string(header)); !ok {
		t.Fatalf("our declarations differ:\n%s", out)
	}
	// The comparison must be able to fail.
	for _, wrong := range [][2]string{
		{"F(void, wasmtime_store_delete, (wasmtime_store_t *))", "F(int, wasmtime_store_delete, (wasmtime_store_t *))"},
		{"sizeof(wasmtime_val_t) == 32", "sizeof(wasmtime_val_t) == 24"},
	} {
		changed := strings.Replace(string(header), wrong[0], wrong[1], 1)
		if changed == string(header) {
			t.Fatalf("the header has no %q", wrong[0])
		}
		if _, ok := checkAgainstLibrary(t, changed); ok {
			t.Errorf("%q passes for %q", wrong[1], wrong[0])
		}
	}
}
