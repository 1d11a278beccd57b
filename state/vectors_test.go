package state

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

const (
	formatDocument = "../docs/state-format.md"
	vectorsBegin   = "```vectors\n"
)

// vectors computes the lines of the document from the rules as it states them.
func vectors(t testing.TB) string {
	type leafVector struct {
		name  string
		pair  Pair
		shown string
	}
	long := bytes.Repeat([]byte{0xab}, maxInline+1)
	leaves := []leafVector{
		{name: "top-small", pair: Pair{Key: []byte("key"), Value: []byte("value")}},
		{name: "top-empty-key-empty-value", pair: Pair{}},
		{name: "top-1024-bytes-of-ab", pair: Pair{Key: []byte("edge"), Value: long[:maxInline]}, shown: "01 then 1024 times ab"},
		{name: "top-1025-bytes-of-ab", pair: Pair{Key: []byte("long"), Value: long}},
		{name: "child-a-key-bc", pair: Pair{ID: []byte("a"), Key: []byte("bc"), Value: []byte("value")}},
		{name: "child-ab-key-c", pair: Pair{ID: []byte("ab"), Key: []byte("c"), Value: []byte("value")}},
	}
	var out strings.Builder
	for _, l := range leaves {
		form := StoredForm(l.pair.Value)
		path, leaf := leafOf(l.pair.treeKey(), form)
		if l.shown == "" {
			l.shown = fmt.Sprintf("%x", form)
		}
		fmt.Fprintf(&out, "leaf | %s | %x | %s | %x | %x\n", l.name, l.pair.treeKey(), l.shown, path, leaf)
	}
	if _, err := GenesisRoot(nil); !errors.Is(err, ErrNoLeaves) {
		t.Fatalf("root of no leaves: %v, want ErrNoLeaves", err)
	}
	fmt.Fprintf(&out, "root | no leaves | refused\n")
	for _, n := range []int{1, 2, len(leaves)} {
		var pairs []Pair
		var names []string
		for _, l := range leaves[:n] {
			pairs, names = append(pairs, l.pair), append(names, l.name)
		}
		fmt.Fprintf(&out, "root | %s | %x\n", strings.Join(names, ", "), [32]byte(must(GenesisRoot(pairs))(t)))
	}
	return out.String()
}

func TestRule5_PublishedVectors(t *testing.T) {
	document, err := os.ReadFile(formatDocument)
	noError(t, err)
	_, published, found := strings.Cut(string(document), vectorsBegin)
	published, _, closed := strings.Cut(published, "```")
	if !found || !closed {
		t.Fatalf("%s has no block of vectors", formatDocument)
	}
	if want := vectors(t); published != want {
		t.Errorf("published vectors:\n%swant:\n%s", published, want)
	}
}

func TestRule4_EmptyChildRootIsThatOfAnEmptyTrie(t *testing.T) {
	const want = "0x03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314"
	if got := emptyChildRoot.String(); got != want {
		t.Errorf("empty child root %s, want %s", got, want)
	}
	document, err := os.ReadFile(formatDocument)
	noError(t, err)
	if !strings.Contains(string(document), want) {
		t.Errorf("%s does not name the empty child root", formatDocument)
	}
}
