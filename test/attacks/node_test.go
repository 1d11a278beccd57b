package attacks

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sepia-chain/sepia/internal/extrinsic"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/test/attacks/chaintest"
	"github.com/sepia-chain/sepia/test/nodetest"
	"github.com/sepia-chain/sepia/test/wallet"
)

// patience is for machines that stand still, not a measure of anything.
const patience = 5 * time.Minute

// long says whether tests may take minutes.
func long() bool { return os.Getenv("SEPIA_LONG") != "" }

// target is a real node under attack.
type target struct {
	*wallet.Client
	t    *testing.T
	ctx  context.Context
	node *nodetest.Node
}

// compiled is a folder of compiled runtimes for all nodes of all tests.
var compiled = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "sepia-attacks-") })

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := compiled(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

func startNode(t *testing.T, more ...string) *target {
	t.Helper()
	cache, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	n := nodetest.Start(t, append([]string{"dev", "--rpc-port", "0", "--port", "0", "--compile-cache", cache, "--seal", "interval=100"}, more...)...)
	return &target{wallet.Dial(n.RPC), t, ctx, n}
}

func toHex(b []byte) string { return "0x" + hex.EncodeToString(b) }

func (n *target) fromHex(text string) []byte {
	n.t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err != nil {
		n.t.Fatal(err)
	}
	return b
}

// ask makes an RPC call that has to work.
func (n *target) ask(into any, method string, params ...any) {
	n.t.Helper()
	if err := n.Call(n.ctx, into, method, params...); err != nil {
		n.t.Fatal(err)
	}
}

// sign signs a call with the next nonce of an account.
func (n *target) sign(uri string, call []byte, change func(*extrinsic.Params)) []byte {
	n.t.Helper()
	pair := chaintest.Pair(n.t, uri)
	params, err := n.Params(n.ctx, pair.Account())
	if err != nil {
		n.t.Fatal(err)
	}
	if change != nil {
		change(&params)
	}
	xt, err := extrinsic.Sign(pair, call, params)
	if err != nil {
		n.t.Fatal(err)
	}
	return xt
}

// submit sends an extrinsic; the error is the node's answer.
func (n *target) submit(xt []byte) error {
	n.t.Helper()
	err := n.Call(n.ctx, nil, "author_submitExtrinsic", toHex(xt))
	var refusal *wallet.RPCError
	if err != nil && !errors.As(err, &refusal) {
		n.t.Fatal(err)
	}
	if refusal != nil {
		return refusal
	}
	return nil
}

// landed is where a transaction went, and how its call ended.
type landed struct {
	wallet.Inclusion
	failure *chaintest.ModuleError
}

// send signs and submits a call and waits for its block.
func (n *target) send(uri string, call []byte) landed {
	n.t.Helper()
	xt := n.sign(uri, call, nil)
	from, err := n.Height(n.ctx)
	if err != nil {
		n.t.Fatal(err)
	}
	if err := n.submit(xt); err != nil {
		n.t.Fatal(err)
	}
	where, err := n.WaitIncluded(n.ctx, primitives.Blake2_256(xt), from)
	if err != nil {
		n.t.Fatal(err)
	}
	failure, err := chaintest.Failure(n.storage(chaintest.EventsKey, where.Block), uint32(where.Index))
	if err != nil {
		n.t.Fatal(err)
	}
	return landed{where, failure}
}

// must is send for a call that has to work.
func (n *target) must(uri string, call []byte) landed {
	n.t.Helper()
	l := n.send(uri, call)
	if l.failure != nil {
		n.t.Fatalf("the call failed: %v", l.failure)
	}
	return l
}

// alive makes the node prove that it goes on.
func (n *target) alive() {
	n.t.Helper()
	n.must("//Ferdie", chaintest.Remark("still here"))
}

// storage is a value after a block.
func (n *target) storage(key []byte, at primitives.Hash) []byte {
	n.t.Helper()
	var value *string
	n.ask(&value, "state_getStorage", toHex(key), at.String())
	if value == nil {
		return nil
	}
	return n.fromHex(*value)
}

// dry makes a dry run on the latest state, or on an older one.
func (n *target) dry(method string, input []byte, at ...primitives.Hash) chaintest.Dry {
	n.t.Helper()
	params := []any{method, toHex(input)}
	for _, hash := range at {
		params = append(params, hash.String())
	}
	var answer string
	n.ask(&answer, "state_call", params...)
	result, err := chaintest.DecodeDry(n.fromHex(answer))
	if err != nil {
		n.t.Fatalf("reading the answer of %s: %v", method, err)
	}
	return result
}

func (n *target) account(uri string) primitives.AccountID {
	n.t.Helper()
	return chaintest.Pair(n.t, uri).Account()
}

// deploy makes a contract with a constructor that has to work.
func (n *target) deploy(uri string, code, input []byte) primitives.AccountID {
	n.t.Helper()
	n.must(uri, chaintest.InstantiateWithCode(0, 100*chaintest.Millisecond, code, input, nil))
	return chaintest.ContractAddress(n.account(uri), code, input, nil)
}
