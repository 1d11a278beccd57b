package attacks

import (
	"maps"
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/sepia-chain/sepia/internal/extrinsic"
	"github.com/sepia-chain/sepia/internal/primitives"
	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/test/attacks/chaintest"
)

// moment is what a chain answers about one of its blocks.
type moment struct {
	accounts    map[string]string // entries of System.Account
	childKeys   []string          // of the worker's storage
	specVersion uint32            // as Core_version tells
	nonce       string            // of Alice, as AccountNonceApi tells
	stored      string            // the worker's value under the number 3, as ContractsApi tells
}

// past asks about blocks of a node. Pages have a size of their own, so that two readings do not page alike.
type past struct {
	*target
	worker primitives.AccountID
	child  string // name of the worker's storage, in hex, with what RPC wants in front
}

func (p *past) paged(method string, first []any, page int, at primitives.Hash) []string {
	p.t.Helper()
	var all []string
	for start := any(nil); ; start = all[len(all)-1] {
		var keys []string
		p.ask(&keys, method, append(slices.Clone(first), page, start, at.String())...)
		all = append(all, keys...)
		if len(keys) < page {
			return all
		}
	}
}

func (p *past) read(at primitives.Hash, page int) moment {
	p.t.Helper()
	m := moment{accounts: map[string]string{}}
	for _, key := range p.paged("state_getKeysPaged", []any{toHex(primitives.StoragePrefix("System", "Account"))}, page, at) {
		var value *string
		p.ask(&value, "state_getStorage", key, at.String())
		if value == nil {
			p.t.Fatalf("block %s lists the key %s and has no value for it", at, key)
		}
		m.accounts[key] = *value
	}
	m.childKeys = p.paged("childstate_getKeysPaged", []any{p.child, "0x"}, page, at)
	call := func(method string, input []byte) []byte {
		var answer string
		p.ask(&answer, "state_call", method, toHex(input), at.String())
		return p.fromHex(answer)
	}
	version := scale.NewDecoder(call("Core_version", nil))
	_, _, _ = version.Bytes(), version.Bytes(), version.U32() // names and authoring version
	m.specVersion = version.U32()
	alice := p.account("//Alice")
	m.nonce = toHex(call("AccountNonceApi_account_nonce", alice[:]))
	m.stored = toHex(call("ContractsApi_get_storage", scale.AppendBytes(slices.Clone(p.worker[:]), scale.AppendU64(nil, 3))))
	return m
}

// transferAll is Balances.transfer_all without keeping the sender alive.
func transferAll(to primitives.AccountID) []byte {
	return append(extrinsic.Address([]byte{2, 4}, to), 0)
}

func transfer(to primitives.AccountID, amount uint64) []byte {
	return scale.AppendCompact(extrinsic.Address([]byte{2, 0}, to), amount)
}

// Past blocks answer as they did when they were new, after keys were added and killed in the top storage and in a contract's,
// and after an upgrade.
func TestPastBlocks_AnswerAsTheyDidAfterInsertsKillsAndAnUpgrade(t *testing.T) {
	n := startNode(t)
	alice := n.account("//Alice")
	code := worker(alice)
	p := &past{target: n, worker: n.deploy("//Alice", code, nil)}
	p.child = toHex(append([]byte(":child_storage:default:"), p.trie()...))
	newer, err := os.ReadFile("../../runtime/blob/released/sepia-runtime-v2.wasm")
	if err != nil {
		t.Fatal(err)
	}
	store := func(first, count uint64) []byte {
		return chaintest.Call(p.worker, 0, 100*chaintest.Millisecond, work(workStore, first, count))
	}
	base := len(p.read(n.must("//Alice", chaintest.Remark("before")).Block, 100).accounts)
	const present, absent, ended = "0x00010410", "0x0000", "0x0100" // Ok(Some([16])), Ok(None), Err(DoesntExist)
	steps := []struct {
		name     string
		signer   string
		call     []byte
		accounts int // more than at first
		children int
		stored   string
		spec     uint32
	}{
		{"an account more", "//Alice", transfer(n.account("//X1"), chaintest.Unit), 1, 0, absent, 1},
		{"twenty keys of a contract", "//Alice", store(0, 20), 1, 20, present, 1},
		{"another account", "//Alice", transfer(n.account("//X2"), chaintest.Unit), 2, 20, present, 1},
		{"an account reaped", "//X1", transferAll(alice), 1, 20, present, 1},
		{"ten keys more", "//Alice", store(100, 10), 1, 30, present, 1},
		{"an upgrade", "//Alice", append([]byte{7, 0}, scale.AppendBytes([]byte{0, 2}, newer)...), 1, 30, present, 2},
		{"an account back", "//Alice", transfer(n.account("//X1"), chaintest.Unit), 2, 30, present, 2},
		{"a contract ended", "//Alice", chaintest.Call(p.worker, 0, 100*chaintest.Millisecond, work(workTerminate, 0, 0)), 1, 0, ended, 2},
		{"the last account reaped", "//X2", transferAll(alice), 0, 0, ended, 2},
	}
	blocks, fresh := make([]primitives.Hash, len(steps)), make([]moment, len(steps))
	for i, s := range steps {
		blocks[i] = n.must(s.signer, s.call).Block
		fresh[i] = p.read(blocks[i], 100)
		got := fresh[i]
		if len(got.accounts) != base+s.accounts || len(got.childKeys) != s.children || got.stored != s.stored || got.specVersion != s.spec {
			t.Errorf("%s: %d accounts more, %d keys of the contract, %s stored, version %d; want %d, %d, %s, %d", s.name,
				len(got.accounts)-base, len(got.childKeys), got.stored, got.specVersion, s.accounts, s.children, s.stored, s.spec)
		}
	}
	for i, s := range slices.Backward(steps) {
		again := p.read(blocks[i], 7)
		if !maps.Equal(again.accounts, fresh[i].accounts) || !slices.IsSorted(again.childKeys) || !reflect.DeepEqual(again, fresh[i]) {
			t.Errorf("%s: block %s answered\n%+v, and now\n%+v", s.name, blocks[i], fresh[i], again)
		}
	}
}

// trie is the name of the worker's storage: the first field of its record.
func (p *past) trie() []byte {
	p.t.Helper()
	var head primitives.Hash
	p.ask(&head, "chain_getBlockHash")
	return scale.NewDecoder(p.storage(chaintest.ContractInfoKey(p.worker), head)).Bytes()
}
