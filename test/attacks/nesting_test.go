package attacks

import (
	"bytes"
	"testing"

	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/test/attacks/chaintest"
)

const (
	// maxNesting is how many calls deep FRAME decodes an extrinsic.
	maxNesting = 256
	// maxLayers is how many storage layers FRAME opens inside each other, one for each call: the call at the bottom has one.
	maxLayers = 255
)

// wrappers are the calls that hold other calls, and how they end when the call at the bottom has no layer.
var wrappers = []struct {
	name, ends string
	wrap       func(call []byte) []byte
}{
	{"utility.batch", "ok", func(call []byte) []byte { return chaintest.Batch(call) }}, // stops early, with an event
	{"utility.force_batch", "ok", func(call []byte) []byte { return append([]byte{4, 4, 1 << 2}, call...) }},
	{"utility.batch_all", "pallet 0, error 5", func(call []byte) []byte { return append([]byte{4, 2, 1 << 2}, call...) }}, // CallFiltered: not inside itself
	{"utility.as_derivative", "DispatchError 9", func(call []byte) []byte { return append([]byte{4, 1, 0, 0}, call...) }}, // Transactional
	{"sudo.sudo", "ok", func(call []byte) []byte { return append([]byte{7, 0}, call...) }},                                // root has no account, so the second fails
}

func nested(wrap func([]byte) []byte, depth int) []byte {
	const remarkWithEvent = 7
	call := scale.AppendBytes([]byte{0, remarkWithEvent}, []byte("at the bottom"))
	for range depth {
		call = wrap(call)
	}
	return call
}

// remarked says whether the call at the bottom executed.
func (n *target) remarked(l landed) bool {
	const remarkedEvent = 5
	mark := append(scale.AppendU32([]byte{0}, uint32(l.Index)), 0, remarkedEvent)
	return bytes.Contains(n.storage(chaintest.EventsKey, l.Block), mark)
}

func TestNestedBatch_ExecutesToTheBottom(t *testing.T) {
	n := startNode(t)
	batch := wrappers[0].wrap
	for depth, want := range map[int]bool{1: true, maxLayers - 1: true, maxLayers: false} {
		if l := n.must("//Alice", nested(batch, depth)); n.remarked(l) != want {
			t.Errorf("%d deep: executed to the bottom: %v, want %v", depth, !want, want)
		}
	}
}

func TestNestedCalls_TheDeepestThatDecodesExecutesAndOneDeeperIsRefused(t *testing.T) {
	n := startNode(t)
	for _, w := range wrappers {
		if deepest := n.send("//Alice", nested(w.wrap, maxNesting)); deepest.failure.String() != w.ends {
			t.Errorf("%s: %d deep ends with %v, want %s", w.name, maxNesting, deepest.failure, w.ends)
		}
		err := n.submit(n.sign("//Alice", nested(w.wrap, maxNesting+1), nil))
		if want := invalid + "Transaction call is not expected"; err == nil || err.Error() != want {
			t.Errorf("%s: %d deep: %v, want %q", w.name, maxNesting+1, err, want)
		}
		n.alive()
	}
}

// A thousand times deeper, as deep as an extrinsic is long.
func TestNestedCalls_AMegabyteOfThemIsRefused(t *testing.T) {
	n := startNode(t)
	for _, w := range wrappers {
		bottom := w.wrap(nil)
		err := n.submit(n.sign("//Alice", bytes.Repeat(bottom, 1<<20/len(bottom)), nil))
		const want = "1002: Verification Error: calling TaggedTransactionQueue_validate_transaction: stack overflow: "
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %q", w.name, err, want)
		}
	}
	n.alive()
}
