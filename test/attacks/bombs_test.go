package attacks

import (
	"testing"
	"time"

	"github.com/sepia-chain/sepia/runtime/meter/metertest"
	"github.com/sepia-chain/sepia/runtime/wasm"
	"github.com/sepia-chain/sepia/test/attacks/chaintest"
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
		uploaded := n.send("//Alice", chaintest.InstantiateWithCode(0, gas, bomb.Code, nil, nil))
		if uploaded.failure.String() != dry.Error.String() {
			t.Errorf("%s: the transaction ends with %v, the dry run with %v", bomb.Name, uploaded.failure, dry.Error)
		}
		t.Logf("[figure] %s, %d bytes: %v after %.1f ms. %s", bomb.Name, len(bomb.Code), dry.Error, float64(took.Microseconds())/1000, dry.Debug)
	}
	n.alive()
	if bombs := len(metertest.Bombs()); refused < bombs/2 || refused == bombs {
		t.Errorf("%d of %d bombs are refused: the limits do not tell them apart", refused, bombs)
	}
}

// The longest code fits a block. Code that is a byte longer is refused in words, and for much longer code no block has room,
// which the pool says.
func TestLongCode_FitsABlockOrIsRefusedByThePool(t *testing.T) {
	n := startNode(t)
	flipper := chaintest.Load(t, "flipper")
	padded := func(bytes int) []byte { // with a custom section, which no rule looks at
		const custom, header = 0, 1 + 3
		rest := wasm.AppendName(nil, "padding")
		rest = append(rest, make([]byte, bytes-len(flipper.Code)-header-len(rest))...)
		return wasm.AppendSection(append([]byte{}, flipper.Code...), custom, rest)
	}
	const longest = 256 << 10
	alice, code, input := n.account("//Alice"), padded(longest), flipper.Input("new", []byte{1})
	n.must("//Alice", chaintest.InstantiateWithCode(0, 20*chaintest.Millisecond, code, input, nil))
	contract := chaintest.ContractAddress(alice, code, input, nil)
	get := n.dry("ContractsApi_call", chaintest.DryCall(alice, contract, 0, flipper.Input("get")))
	if string(get.Data) != "\x00\x01" {
		t.Errorf("a contract of 256 KiB answers %x (%v)", get.Data, get.Error)
	}
	const words = "code rejected: it has 262145 bytes, and code may have 262144\n"
	dry := n.dry("ContractsApi_instantiate", chaintest.DryInstantiate(alice, padded(longest+1), input, nil))
	if dry.Error.String() != "CodeTooLarge" || dry.Debug != words {
		t.Errorf("a byte more: %v and the words %q, want %q", dry.Error, dry.Debug, words)
	}
	if l := n.send("//Alice", chaintest.UploadCode(padded(longest+1))); l.failure.String() != "CodeTooLarge" {
		t.Errorf("a byte more: the transaction ends with %v", l.failure)
	}
	const want = invalid + "Transaction would exhaust the block limits"
	if err := n.submit(n.sign("//Alice", chaintest.UploadCode(padded(1<<20)), nil)); err == nil || err.Error() != want {
		t.Errorf("code of 1 MiB: %v, want %q", err, want)
	}
	n.alive()
}
