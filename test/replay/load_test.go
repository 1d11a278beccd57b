package replay

import (
	"os"
	"testing"

	"github.com/sepia-chain/sepia/internal/extrinsic"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/test/attacks/chaintest"
)

// load keeps a chain busy with all sorts of transactions, good and bad.
type load struct {
	*chaintest.Chain
	t         *testing.T
	contracts map[string]primitives.AccountID
	bundles   map[string]chaintest.Bundle
	round     uint32
	pending   []chaintest.Pending
	failed    map[string]int // how calls failed, and how often
}

const gas = 20 * chaintest.Millisecond

func newLoad(t *testing.T, c *chaintest.Chain) *load {
	l := &load{Chain: c, t: t, contracts: map[string]primitives.AccountID{}, bundles: map[string]chaintest.Bundle{}, failed: map[string]int{}}
	alice := l.account("//Alice")
	for _, name := range []string{"flipper", "erc20", "emitter", "trapper", "caller"} {
		arguments := map[string][]byte{"flipper": {0}, "erc20": make([]byte, 16)}
		if name == "caller" {
			flipper := l.contracts["flipper"]
			arguments[name] = flipper[:]
		}
		bundle := chaintest.Load(t, name)
		input := bundle.Input("new", arguments[name])
		l.bundles[name], l.contracts[name] = bundle, chaintest.ContractAddress(alice, bundle.Code, input, nil)
		l.send("//Alice", chaintest.InstantiateWithCode(0, gas, bundle.Code, input, nil))
	}
	l.settle()
	return l
}

func (l *load) account(uri string) primitives.AccountID { return chaintest.Pair(l.t, uri).Account() }

func (l *load) send(uri string, call []byte) { l.pending = append(l.pending, l.Send(uri, call)) }

func (l *load) call(uri, contract, message string, arguments ...[]byte) {
	l.send(uri, chaintest.Call(l.contracts[contract], 0, gas, l.bundles[contract].Input(message, arguments...)))
}

// settle waits for all that is on its way, and returns the last block that took some of it.
func (l *load) settle() (last uint32) {
	l.t.Helper()
	for _, p := range l.pending {
		landed := p.Land()
		last = max(last, landed.Number)
		if landed.Error != nil {
			l.failed[landed.Error.String()]++
		}
	}
	l.pending = nil
	return last
}

// transfer is Balances.transfer_allow_death.
func transfer(to primitives.AccountID, amount uint64) []byte {
	return scale.AppendCompact(extrinsic.Address([]byte{2, 0}, to), amount)
}

// work sends a round of transactions of every kind and waits for them.
func (l *load) work() {
	l.t.Helper()
	l.round++
	number := scale.AppendU32(nil, l.round)
	bob := l.account("//Bob")
	fresh := primitives.Blake2_256(number)
	l.send("//Charlie", transfer(bob, chaintest.Unit))
	l.send("//Charlie", transfer(primitives.AccountID(fresh), chaintest.Unit/100))
	l.send("//Charlie", transfer(bob, 1<<62)) // more than there is
	l.call("//Bob", "flipper", "flip")
	l.call("//Bob", "caller", "flip_v1")
	l.call("//Bob", "caller", "dive", scale.AppendU32(nil, l.round%26))
	hash := primitives.Blake2_256(l.bundles["flipper"].Code)
	l.call("//Bob", "caller", "spawn", hash[:], []byte{byte(l.round & 1)}, number)
	l.call("//Dave", "emitter", "full", []byte{byte(l.round)}, scale.AppendBytes(nil, number), []byte{0}, scale.AppendBytes(nil, fresh[:]))
	l.call("//Dave", "emitter", "many", scale.AppendU32(nil, l.round%20))
	for _, message := range []string{"number", "refuse", "panic", "divide", "index", "spin", "recurse", "hoard"}[l.round%8:] {
		arguments := map[string][]byte{"panic": scale.AppendBytes(nil, number), "divide": make([]byte, 8), "index": {9, 0, 0, 0},
			"refuse": number, "recurse": {0xff, 0xff, 0xff, 0}, "hoard": {99, 0, 0, 0}}
		l.call("//Eve", "trapper", message, arguments[message])
		break
	}
	l.call("//Alice", "erc20", "transfer", bob[:], append(number, make([]byte, 12)...)) // reverts: there is no supply
	l.settle()
}

// upgrade puts the next runtime on the chain.
func (l *load) upgrade() {
	l.t.Helper()
	code, err := os.ReadFile("../../runtime/blob/released/sepia-runtime-v2.wasm")
	if err != nil {
		l.t.Fatal(err)
	}
	const system, setCode, sudo = 0, 2, 7
	l.send("//Alice", append([]byte{sudo, 0}, scale.AppendBytes([]byte{system, setCode}, code)...))
	l.WaitHeight(l.settle() + 1)
}
