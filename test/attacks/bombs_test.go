package attacks

import (
	"testing"
	"time"

	"github.com/sepia-chain/sepia/runtime/meter/metertest"
	"github.com/sepia-chain/sepia/test/attacks/chaintest"
)

const (
	// maxUploadBytes is what fits a block: an upload declares 4.12 us a byte and 20 ms, and a block has 375 ms for
	// transactions of users. 50 ms are for the constructor's gas.
	maxUploadBytes = (375 - 50 - 20) * 1000 * 100 / 412
	exhausts       = invalid + "Transaction would exhaust the block limits"
)

// Code made to keep a compiler busy is refused by its score or a limit, or it compiles. A dry run and a transaction agree on
// which, and the node answers afterwards. How long it took is printed and not judged.
func TestCompileBombs_AreRefusedOrCompileAndTheNodeAnswers(t *testing.T) {
	n := startNode(t)
	alice := n.account("//Alice")
	const gas = 50 * chaintest.Millisecond
	refused := 0
	for _, bomb := range metertest.Bombs() {
		start := time.Now()
		dry := n.dry("ContractsApi_instantiate", chaintest.DryInstantiate(alice, bomb.Code, nil, nil))
		took := time.Since(start)
		if dry.Error != nil {
			refused++
			if dry.Error.String() != "CodeRejected" || dry.Debug == "" {
				t.Errorf("%s: a dry run ends with %v and the words %q", bomb.Name, dry.Error, dry.Debug)
			}
		}
		call := chaintest.InstantiateWithCode(0, gas, bomb.Code, nil, nil)
		if len(bomb.Code) > maxUploadBytes {
			if err := n.submit(n.sign("//Alice", call, nil)); err == nil || err.Error() != exhausts {
				t.Errorf("%s: submitting: %v, want %q", bomb.Name, err, exhausts)
			}
		} else if uploaded := n.send("//Alice", call); uploaded.failure.String() != dry.Error.String() {
			t.Errorf("%s: the transaction ends with %v, the dry run with %v", bomb.Name, uploaded.failure, dry.Error)
		}
		t.Logf("[figure] %s, %d bytes: %v after %.1f ms. %s", bomb.Name, len(bomb.Code), dry.Error, float64(took.Microseconds())/1000, dry.Debug)
	}
	n.alive()
	if bombs := len(metertest.Bombs()); refused < bombs/2 || refused == bombs {
		t.Errorf("%d of %d bombs are refused: the limits do not tell them apart", refused, bombs)
	}
}
