package meter_test

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sepia-chain/sepia/runtime/meter"
	"github.com/sepia-chain/sepia/runtime/meter/metertest"
	"github.com/sepia-chain/sepia/runtime/wasm"
)

var update = flag.Bool("update", false, "write what is found to testdata instead of comparing it")

// The output is consensus: nodes that meter the same code must get the same bytes. If this test fails and the change is
// meant, meter.Version must change too, because chains may have run the old rules.
func TestInstrument_OutputIsThatOfItsVersion(t *testing.T) {
	var found strings.Builder
	fmt.Fprintf(&found, "meter version %d\n", meter.Version)
	for seed := range uint64(20) {
		m, _, err := wasm.Validate(metertest.Random(seed), metertest.Policy())
		if err != nil {
			t.Fatal(err)
		}
		out, err := meter.Instrument(m, options(m, testWeights()))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&found, "random %2d: in %x, out %x\n", seed, sha256.Sum256(metertest.Random(seed)), sha256.Sum256(out))
	}
	path := filepath.Join("testdata", "outputs.txt")
	if *update {
		if err := os.WriteFile(path, []byte(found.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if found.String() != string(want) {
		t.Errorf("outputs changed:\n%s\nwant:\n%s", found.String(), want)
	}
}
