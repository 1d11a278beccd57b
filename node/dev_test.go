package node

import (
	"bytes"
	"context"
	"flag"
	"os"
	"testing"

	"github.com/sepia-chain/sepia/node/spec"
)

var rewrite = flag.Bool("rewrite", false, "write spec/dev.json anew from the released blobs")

// The spec in the repository must be what the released blobs make, or `sepia dev` runs another runtime than the tests of it.
func TestDevSpec_IsWhatTheReleasedBlobsMake(t *testing.T) {
	const path = "spec/dev.json"
	built, err := DevSpec(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want, err := built.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if *rewrite {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the released blobs make: run `go test ./node -run TestDevSpec -rewrite` and look at the difference", path)
	}
	if parsed, err := spec.Dev(); err != nil || parsed.GenesisHash != built.GenesisHash {
		t.Errorf("the spec in the binary: %v", err)
	}
}
