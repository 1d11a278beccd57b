package attacks

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sepia-chain/sepia/runtime/wasm"
	"github.com/sepia-chain/sepia/test/attacks/chaintest"
)

// A real node compiles a contract that was uploaded ahead, in a process of its own binary, and what it makes works.
func TestCompileAhead_HappensInTheNode(t *testing.T) {
	const said, failed = "a contract has its fast code", "contracts keep their quick code"
	n := startNode(t, "--log-level", "debug")
	flipper := chaintest.Load(t, "flipper")
	const custom = 0 // a section that makes it code of this test alone: no other test has left it on disk
	code := wasm.AppendSection(bytes.Clone(flipper.Code), custom, wasm.AppendName(nil, "compiled ahead"))
	alice, input := n.account("//Alice"), flipper.Input("new", []byte{1})
	n.must("//Alice", chaintest.InstantiateWithCode(0, 20*chaintest.Millisecond, code, input, nil))
	contract := chaintest.ContractAddress(alice, code, input, nil)
	want := "\x00\x01"
	fast := 0
	for fast < 2 { // each turn takes a block, and two of them use the fast code
		if strings.Contains(n.node.Log(), failed) || n.ctx.Err() != nil {
			t.Fatalf("no fast code: %v", n.ctx.Err())
		}
		if strings.Contains(n.node.Log(), said) {
			fast++
		}
		n.must("//Alice", chaintest.Call(contract, 0, 20*chaintest.Millisecond, flipper.Input("flip")))
		want = map[string]string{"\x00\x01": "\x00\x00", "\x00\x00": "\x00\x01"}[want]
		if get := n.dry("ContractsApi_call", chaintest.DryCall(alice, contract, 0, flipper.Input("get"))); string(get.Data) != want {
			t.Fatalf("get answers %x, want %x (%v)", get.Data, want, get.Error)
		}
	}
	if code := n.node.Stop(); code != 0 {
		t.Errorf("the node ended with %d", code)
	}
}
