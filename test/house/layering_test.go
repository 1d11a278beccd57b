package house

import (
	"fmt"
	"os/exec"
	"sort"
	"strings"
	"testing"
)

const module = "github.com/sepia-chain/sepia/"

// layer says which of our own packages the packages under a path may import, and why no others.
type layer struct {
	under   string
	imports []string // paths under the module; a trailing slash means the whole subtree
	reason  string
}

// layers is the order of the rooms. The longest matching path decides.
var layers = []layer{
	{"internal/", []string{"internal/"}, "leaves know no room: they must stay usable by all"},
	{"runtime/wasm", nil, "the validator's verdict is consensus: it depends on nothing but its input"},
	{"runtime/meter", []string{"runtime/wasm"}, "the meter turns one module into another and knows no engine"},
	{"runtime/engine", []string{"runtime/wasm", "runtime/meter", "internal/"}, "the engine runs metered modules and knows no chain"},
	{"runtime/host", []string{"runtime/engine", "runtime/wasm", "runtime/meter", "runtime/vm", "internal/"}, "the host API declares the storage it needs instead of knowing state"},
	{"runtime/vm", []string{"runtime/engine", "runtime/wasm", "runtime/meter", "internal/"}, "the guest VM declares the storage it needs instead of knowing state"},
	{"runtime/blob", nil, "the blob is Rust; its Go package only holds the released files"},
	{"state", []string{"state/", "internal/"}, "state stores bytes and knows neither what runs nor what is agreed on"},
	{"consensus", []string{"consensus/", "runtime/", "state", "internal/"}, "consensus drives runtime and state, and serves nobody"},
	{"rpc", []string{"rpc/", "internal/"}, "rpc declares the views and the submitter it needs, so that any node part can stand behind it"},
	{"node", []string{"node/", "consensus", "runtime/", "state", "rpc", "internal/"}, "the node wires everything, and nobody imports it"},
	{"contracts", []string{"internal/", "runtime/wasm"}, "contract tooling knows files and Wasm, not the node"},
	{"scripts", []string{"internal/", "runtime/", "contracts/", "state", "node/"}, "scripts are outermost"},
	{"test/", []string{""}, "tests that span rooms may know all"},
}

// violation is one import that the layers do not allow.
type violation struct{ from, to, reason string }

func (v violation) String() string {
	return fmt.Sprintf("%s must not import %s: %s", v.from, v.to, v.reason)
}

// violations checks imports: package path -> imported paths, all under the module and without its name.
func violations(imports map[string][]string) []violation {
	var found []violation
	for from, list := range imports {
		l, ok := layerOf(from)
		if !ok {
			found = append(found, violation{from, "anything", "it belongs to no room; add it to one, or a new room to this table"})
			continue
		}
		for _, to := range list {
			if !l.allows(to) && !strings.HasPrefix(to+"/", l.under+"/") && to != l.under {
				found = append(found, violation{from, to, l.reason})
			}
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].String() < found[j].String() })
	return found
}

func layerOf(path string) (layer, bool) {
	best, ok := layer{}, false
	for _, l := range layers {
		bare := strings.TrimSuffix(l.under, "/")
		if (path == bare || strings.HasPrefix(path, bare+"/")) && len(l.under) > len(best.under) {
			best, ok = l, true
		}
	}
	return best, ok
}

func (l layer) allows(path string) bool {
	for _, allowed := range l.imports {
		bare := strings.TrimSuffix(allowed, "/")
		if allowed == "" || path == bare || strings.HasPrefix(path, bare+"/") {
			return true
		}
	}
	return false
}

// ownImports asks the go command what each of our packages imports, test files included, of our own packages.
func ownImports(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}} {{join .TestImports " "}}`, "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	imports := map[string][]string{}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		fields := strings.Fields(line)
		from := strings.TrimPrefix(fields[0], module)
		imports[from] = nil
		for _, to := range fields[1:] {
			if own, ok := strings.CutPrefix(to, module); ok {
				imports[from] = append(imports[from], own)
			}
		}
	}
	return imports
}

func TestLayers_HoldInTheTree(t *testing.T) {
	imports := ownImports(t)
	if len(imports) < 5 {
		t.Fatalf("only %d packages seen: the check looks at the wrong tree", len(imports))
	}
	for _, v := range violations(imports) {
		t.Error(v)
	}
}

func TestLayers_PlantedViolationsAreFound(t *testing.T) {
	for _, c := range []struct{ from, to, reason string }{
		{"state", "consensus", "state stores bytes"},
		{"state/tree", "runtime/host", "state stores bytes"},
		{"runtime/host", "state", "declares the storage it needs"},
		{"runtime/wasm", "internal/scale", "depends on nothing but its input"},
		{"rpc", "consensus", "rpc declares the views"},
		{"consensus", "node", "serves nobody"},
		{"internal/scale", "runtime/engine", "leaves know no room"},
		{"elsewhere", "state", "belongs to no room"},
	} {
		found := violations(map[string][]string{c.from: {c.to}})
		if len(found) != 1 || !strings.Contains(found[0].String(), c.reason) {
			t.Errorf("%s -> %s: found %v, want one violation with %q", c.from, c.to, found, c.reason)
		}
	}
	if found := violations(map[string][]string{"node": {"rpc"}, "state": {"state/tree", "internal/scale"}}); len(found) != 0 {
		t.Errorf("allowed imports reported: %v", found)
	}
}
