package attacks

import (
	"strings"
	"testing"

	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/runtime/meter/metertest"
	"github.com/sepia-chain/sepia/test/attacks/chaintest"
)

// Frames of every shape that makes native frames wide end by the counter of the meter, as an error of the contract. A native
// overflow would end the process.
func TestFrameShapes_EndByTheCounterAndTheNodeLives(t *testing.T) {
	n := startNode(t)
	const gas = 300 * chaintest.Millisecond
	for _, shape := range metertest.FrameShapes() {
		contract := n.deploy("//Alice", shape.Code, nil)
		dry := n.dry("ContractsApi_call", chaintest.DryCall(n.account("//Alice"), contract, 0, nil))
		if dry.Error.String() != "ContractTrapped" || !strings.Contains(dry.Debug, "stack exhausted") {
			t.Errorf("%s: a dry run ends with %v after %d ps (%q)", shape.Name, dry.Error, dry.GasConsumed, dry.Debug)
		}
		if l := n.send("//Alice", chaintest.Call(contract, 0, gas, nil)); l.failure.String() != "ContractTrapped" {
			t.Errorf("%s: the call ends with %v", shape.Name, l.failure)
		}
		t.Logf("[figure] %s: %d bytes, overflows after %.2f ms of gas", shape.Name, len(shape.Code), float64(dry.GasConsumed)/chaintest.Millisecond)
	}
	n.alive()
}

// callDepth is how many contracts may run inside each other.
const callDepth = 24

// dive(n) calls itself n times, and answers how often that worked: its own frame is one, so 23 calls need 24 frames. The
// 25th frame is not opened: the one that asks for it fails, and the one above sees a call that failed.
func TestCallDepth_24WorkAnd25GivesMaxCallDepthReached(t *testing.T) {
	n := startNode(t)
	alice := n.account("//Alice")
	caller := chaintest.Load(t, "caller")
	contract := n.deploy("//Alice", caller.Code, caller.Input("new", alice[:]))
	for _, c := range []struct{ depth, reached uint32 }{{0, 0}, {1, 1}, {callDepth - 1, callDepth - 1}, {callDepth, callDepth - 2}} {
		input := caller.Input("dive", scale.AppendU32(nil, c.depth))
		dry := n.dry("ContractsApi_call", chaintest.DryCall(alice, contract, 0, input))
		want := string(scale.AppendU32([]byte{0}, c.reached))
		if dry.Error != nil || dry.Reverted || string(dry.Data) != want {
			t.Errorf("dive(%d) answers %x (%v, %q), want %x", c.depth, dry.Data, dry.Error, dry.Debug, want)
		}
		const told = "seal2.call failed: MaxCallDepthReached"
		if got, want := strings.Contains(dry.Debug, told), c.depth >= callDepth; got != want {
			t.Errorf("dive(%d) tells %q", c.depth, dry.Debug)
		}
		n.must("//Alice", chaintest.Call(contract, 0, dry.GasRequired, input))
	}
}
