package trie

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/sha3"
)

func blake2(b []byte) [32]byte { return blake2b.Sum256(b) }

func keccak(b []byte) [32]byte {
	h := sha3.NewLegacyKeccak256()
	h.Write(b)
	return [32]byte(h.Sum(nil))
}

// forms are the four trees of the host interface, in the order of the vectors.
var forms = []struct {
	name    string
	version Version
	hash    Hasher
}{{"blake2 V0", V0, blake2}, {"blake2 V1", V1, blake2}, {"keccak V0", V0, keccak}, {"keccak V1", V1, keccak}}

// hexBytes is a byte string that JSON holds as hex.
type hexBytes []byte

func (h *hexBytes) UnmarshalJSON(b []byte) error {
	decoded, err := hex.DecodeString(strings.Trim(string(b), `"`))
	*h = decoded
	return err
}

// vector was computed by the crate sp-trie 47.0.0: roots of pairs and of their values as a list, and compact proofs of the
// pair at one index. Lists have one element for each of forms.
type vector struct {
	Pairs   [][2]hexBytes `json:"pairs"`
	At      int           `json:"at"`
	Ordered []hexBytes    `json:"ordered"`
	Roots   []hexBytes    `json:"roots"`
	Proofs  [][]hexBytes  `json:"proofs"`
}

func vectors(t testing.TB) []vector {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(b, &all); err != nil || len(all) < 5 {
		t.Fatalf("%d vectors, %v", len(all), err)
	}
	return all
}

func (v vector) pairs() []Pair {
	var pairs []Pair
	for _, p := range v.Pairs {
		pairs = append(pairs, Pair{p[0], p[1]})
	}
	return pairs
}

func (v vector) proof(form int) [][]byte {
	var proof [][]byte
	for _, node := range v.Proofs[form] {
		proof = append(proof, slices.Clone(node))
	}
	return proof
}

func TestRoot_AgreesWithSubstrate(t *testing.T) {
	for i, v := range vectors(t) {
		pairs := v.pairs()
		rand.New(rand.NewPCG(1, uint64(i))).Shuffle(len(pairs), func(a, b int) { pairs[a], pairs[b] = pairs[b], pairs[a] })
		var values [][]byte
		for _, p := range v.Pairs {
			values = append(values, p[1])
		}
		for f, form := range forms {
			if got := Root(pairs, form.version, form.hash); string(got[:]) != string(v.Roots[f]) {
				t.Errorf("vector %d, %s: root %x, want %x", i, form.name, got, v.Roots[f])
			}
			if got := OrderedRoot(values, form.version, form.hash); string(got[:]) != string(v.Ordered[f]) {
				t.Errorf("vector %d, %s: ordered root %x, want %x", i, form.name, got, v.Ordered[f])
			}
		}
	}
}

func TestOrderedRoot_OfNothingIsKnown(t *testing.T) {
	const want = "03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314"
	for _, version := range []Version{V0, V1} {
		if got := OrderedRoot(nil, version, blake2); hex.EncodeToString(got[:]) != want {
			t.Errorf("version %d: %x, want %s", version, got, want)
		}
	}
}

func TestRoot_TheLastOfEqualKeysCounts(t *testing.T) {
	twice := []Pair{{[]byte("a"), []byte("1")}, {[]byte("b"), []byte("2")}, {[]byte("a"), []byte("3")}}
	once := []Pair{{[]byte("b"), []byte("2")}, {[]byte("a"), []byte("3")}}
	if Root(twice, V1, blake2) != Root(once, V1, blake2) {
		t.Fatal("an earlier pair of an equal key counts")
	}
}

func TestVerifyProof_AcceptsSubstratesProofs(t *testing.T) {
	for i, v := range vectors(t) {
		key, value := v.Pairs[v.At][0], v.Pairs[v.At][1]
		for f, form := range forms {
			root := [32]byte(v.Roots[f])
			if err := VerifyProof(root, v.proof(f), key, value, form.version, form.hash); err != nil {
				t.Errorf("vector %d, %s: %v", i, form.name, err)
			}
			other := forms[f^2] // the other hash
			if err := VerifyProof(root, v.proof(f), key, value, other.version, other.hash); !errors.Is(err, ErrProof) {
				t.Errorf("vector %d, %s under another hash: error %v", i, form.name, err)
			}
		}
	}
}

func TestVerifyProof_Refuses(t *testing.T) {
	v := vectors(t)[4]
	key, value, root := v.Pairs[v.At][0], v.Pairs[v.At][1], [32]byte(v.Roots[0])
	proof := v.proof(0)
	longer := append(v.proof(0), []byte{0})
	for _, c := range []struct {
		name  string
		root  [32]byte
		proof [][]byte
		key   []byte
		value []byte
		text  string
	}{
		{"another value", root, proof, key, append(slices.Clone(value), 0), "proof refused: another root"},
		{"another root", [32]byte{1}, proof, key, value, "proof refused: another root"},
		{"no nodes", root, nil, key, value, "proof refused: a node is missing"},
		{"an extra node", root, longer, key, value, "proof refused: more nodes than the way to the key has"},
		{"another key", root, proof, []byte{0xab, 0xcd, 0xef, 1, 2, 3, 4}, value, "proof refused: the key is not there"},
		{"an empty tree", root, [][]byte{{0}}, key, value, "proof refused: the key is not there"},
		{"no node", root, [][]byte{{}}, key, value, "proof refused: not a trie node: input ends inside a value: want 1 bytes, have 0"},
		{"a header of no kind", root, [][]byte{{0x01}}, key, value, "proof refused: not a trie node: header byte 0x01"},
		{"a value that is there", root, [][]byte{appendNode(nil, nibblesOf(key), value0(value), nil)}, key, value, "proof refused: a value that should have been left out"},
	} {
		err := VerifyProof(c.root, c.proof, c.key, c.value, V0, blake2)
		if !errors.Is(err, ErrProof) || err.Error() != c.text {
			t.Errorf("%s: error %v, want %q", c.name, err, c.text)
		}
	}
}

func value0(b []byte) value { return newValue(b, V0, blake2) }

// A flipped bit anywhere in a proof makes it prove nothing.
func TestVerifyProof_EveryFlippedBitIsNoticed(t *testing.T) {
	v := vectors(t)[5]
	key, value := v.Pairs[v.At][0], v.Pairs[v.At][1]
	for f, form := range forms {
		flips := 0
		for n, node := range v.Proofs[f] {
			for bit := range 8 * len(node) {
				proof := v.proof(f)
				proof[n][bit/8] ^= 1 << (bit % 8)
				if VerifyProof([32]byte(v.Roots[f]), proof, key, value, form.version, form.hash) == nil {
					t.Fatalf("%s: node %d bit %d flipped: still accepted", form.name, n, bit)
				}
				flips++
			}
		}
		if flips < 100 {
			t.Fatalf("%s: only %d bits tried", form.name, flips)
		}
	}
}

// Long partial keys use further length bytes: around each limit, header and decoder agree.
func TestNode_PartialKeyLengthsRoundTrip(t *testing.T) {
	for _, kind := range []value{{}, value0([]byte("v")), {present: true, hashed: true, data: make([]byte, 32)}} {
		for count := range 700 {
			nibbles := make([]byte, count)
			for i := range nibbles {
				nibbles[i] = byte(i) & 0xf
			}
			children := (*[16][]byte)(nil)
			if !kind.present || count%2 == 0 {
				children = &[16][]byte{3: {}}
			}
			n, err := decodeNode(appendNode(nil, nibbles, kind, children))
			if err != nil || !slices.Equal(n.nibbles, nibbles) || n.branch != (children != nil) || n.value.hashed != kind.hashed {
				t.Fatalf("%d nibbles, value %+v: %+v, %v", count, kind, n, err)
			}
		}
	}
}

func FuzzVerifyProof(f *testing.F) {
	for _, v := range vectors(f) {
		for form := range forms {
			for _, node := range v.proof(form) {
				f.Add(node, []byte(v.Pairs[v.At][0]))
			}
		}
	}
	f.Fuzz(func(t *testing.T, node, key []byte) {
		if VerifyProof([32]byte{}, [][]byte{node, node}, key, []byte("value"), V1, blake2) == nil {
			t.Fatal("a proof for the zero root")
		}
		if n, err := decodeNode(node); err == nil && !n.empty {
			children := (*[16][]byte)(nil)
			if n.branch {
				children = &n.children
			}
			again := appendNode(nil, n.nibbles, n.value, children)
			if len(again) > len(node) || string(again) != string(node[:len(again)]) {
				t.Fatalf("node %x encodes to %x", node, again)
			}
		}
	})
}

func BenchmarkOrderedRoot1000Extrinsics(b *testing.B) {
	values := make([][]byte, 1000)
	for i := range values {
		values[i] = make([]byte, 142)
		values[i][0] = byte(i)
	}
	for b.Loop() {
		OrderedRoot(values, V1, blake2)
	}
}

// A million empty items are the most nodes that a byte of input can ask for.
func BenchmarkOrderedRootMillionEmptyItems(b *testing.B) {
	values := make([][]byte, 1_000_000)
	for b.Loop() {
		OrderedRoot(values, V1, blake2)
	}
}
