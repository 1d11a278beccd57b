package rpc

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
)

func newSilentServer(tb testing.TB) (*Server, *lockedBuffer) {
	tb.Helper()
	logs := &lockedBuffer{}
	chain := newFakeChain()
	delete(chain.calls, "Panic_panic")
	server, err := NewServer(Config{}, chain, newFakePool(), fakeSystem{"Local"}, slog.New(slog.NewTextHandler(logs, nil)))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := server.Close(tb.Context()); err != nil && tb.Context().Err() == nil {
			tb.Error(err)
		}
	})
	return server, logs
}

// modernGroups are served all or nothing: clients switch to a group as soon as one of its names is listed.
var modernGroups = []string{"chainHead_", "archive_", "transaction_", "transactionWatch_", "chainSpec_"}

func TestTable_ListsExactlyWhatIsServed(t *testing.T) {
	server, _ := newSilentServer(t)
	var names []string
	if err := json.Unmarshal(server.methodNames, &names); err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("names are not sorted, or one is there twice: %v", names)
	}
	listed := map[string]bool{}
	for _, name := range names {
		listed[name] = true
		for _, group := range modernGroups {
			if strings.HasPrefix(name, group) {
				t.Errorf("%s is listed, but its group is not served as a whole", name)
			}
		}
	}
	for name, m := range server.methods {
		if listed[name] == m.unsafe {
			t.Errorf("%s: listed %v, unsafe %v", name, listed[name], m.unsafe)
		}
	}
	for _, both := range [][2]string{ // polkadot.js looks for the one and sends the other
		{"chain_subscribeNewHeads", "chain_subscribeNewHead"}, {"chain_unsubscribeNewHeads", "chain_unsubscribeNewHead"},
		{"chain_subscribeFinalizedHeads", "chain_subscribeFinalisedHeads"}, {"chain_getFinalizedHead", "chain_getFinalisedHead"},
	} {
		if server.methods[both[0]] == nil || server.methods[both[0]] != server.methods[both[1]] {
			t.Errorf("%s and %s are not the same method", both[0], both[1])
		}
	}
}

func TestTable_EachRowIsWhole(t *testing.T) {
	schemas := resultSchemas()
	notified, unsubscribed := map[string]bool{}, map[string]bool{}
	for _, m := range methods() {
		kinds := 0
		for _, is := range []bool{m.call != nil, m.subscribe != nil, m.unsubscribes != "", m.unsafe} {
			if is {
				kinds++
			}
		}
		if kinds != 1 {
			t.Errorf("%s: %d of call, subscribe, unsubscribes, unsafe are set, want 1", m.name, kinds)
		}
		if m.unsafe {
			continue
		}
		if m.doc == "" || m.tag == "" || schemas[m.result] == "" {
			t.Errorf("%s: no doc, tag or result schema", m.name)
		}
		if (m.subscribe != nil) != (m.notifies != "") {
			t.Errorf("%s: subscribe and notifies must come together", m.name)
		}
		notified[m.notifies] = true
		unsubscribed[m.unsubscribes] = true
		for _, p := range m.params {
			if !json.Valid([]byte(p.typ.schema)) {
				t.Errorf("%s: schema of %s is not JSON", m.name, p.name)
			}
		}
	}
	for name := range notified {
		if !unsubscribed[name] {
			t.Errorf("nothing unsubscribes %s", name)
		}
	}
}

func TestOpenRPC_DescribesEveryListedName(t *testing.T) {
	server, _ := newSilentServer(t)
	var document struct {
		OpenRPC string
		Methods []struct {
			Name   string
			Params []struct {
				Name     string
				Required bool
				Schema   json.RawMessage
			}
			Result struct{ Schema json.RawMessage }
		}
	}
	if err := json.Unmarshal(server.openRPC, &document); err != nil {
		t.Fatal(err)
	}
	var described []string
	for _, m := range document.Methods {
		described = append(described, m.Name)
		if len(m.Result.Schema) == 0 {
			t.Errorf("%s has no result schema", m.Name)
		}
	}
	want := served(methods())
	slices.Sort(want)
	if !slices.Equal(described, want) {
		t.Errorf("described %v, want %v", described, want)
	}
}

func TestDocs_AreMadeFromTheTable(t *testing.T) {
	const path = "../docs/rpc.md"
	want := referencePage()
	if *rewrite {
		if err := os.MkdirAll("../docs", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the table says; run: go test ./rpc -run TestDocs -rewrite", path)
	}
}

const referenceHead = `# JSON-RPC

The node speaks Substrate's JSON-RPC 2.0 over HTTP POST and WebSocket on one port, 9944 unless set otherwise. This page
is made from the method table in [rpc/methods.go](../rpc/methods.go) by ` + "`go test ./rpc -run TestDocs -rewrite`" + `; a
running node gives the same as an OpenRPC document at ` + "`GET /openrpc.json`" + `.

- Parameters go by position or by name. Optional ones (marked ?) may be left out or null. ` + "`at?`" + ` is a block hash;
  left out it means the best block, which is always final.
- Bytes are hex with 0x. Numbers are JSON integers or hex strings.
- Subscriptions need a WebSocket. The response with the id comes before the first notification. A client that does not
  read its notifications is disconnected.
- Tag core: a client library does not work without it. Tag tool: some wallets, explorers or command-line tools use it.

| Method | Parameters | Returns | Tag | What it does |
|---|---|---|---|---|
`

// referencePage is docs/rpc.md.
func referencePage() string {
	var out strings.Builder
	out.WriteString(referenceHead)
	var refused []string
	for _, m := range methods() {
		if m.unsafe {
			refused = append(refused, "`"+m.name+"`")
			continue
		}
		doc := m.doc
		if m.notifies != "" {
			doc += " Notifications: `" + m.notifies + "`."
		}
		if m.aliases != nil {
			doc += " Also called `" + strings.Join(m.aliases, "`, `") + "`."
		}
		params := "none"
		if len(m.params) > 0 {
			params = ""
		}
		for i, p := range m.params {
			mark, comma := "", ""
			if p.optional {
				mark = "?"
			}
			if i > 0 {
				comma = ", "
			}
			params += fmt.Sprintf("%s%s%s: %s", comma, p.name, mark, p.typ.name)
		}
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s | %s |\n", m.name, params, m.result, m.tag, doc)
	}
	out.WriteString("\nKnown but refused with -32601, because they would change or reveal the node or cost it too much: " + strings.Join(refused, ", ") + ".\n")
	limits := Config{}.withDefaults()
	fmt.Fprintf(&out, "\n## Limits\n\n%d connections; %d subscriptions and %d watched storage keys of a connection; %d calls in a batch; %d bytes in a message, both ways; %d keys in a page; %d parameters of a call; %s for a call.\n",
		limits.MaxConnections, limits.MaxSubscriptions, maxWatchedKeys, limits.MaxBatch, limits.MaxFrameBytes, maxKeysPerPage, maxMembers, limits.RequestTimeout)
	fmt.Fprintf(&out, "\nMemory is bounded over all connections: messages that arrive or are answered share %d MiB, messages that wait to be read by their clients %d MiB, beside %d KiB and %d KiB that each connection has of its own. Who finds no room is told so: a WebSocket is closed with 1013, a POST gets 503 and -32009. A message must arrive within %s of its beginning, and a watched key counts once more for each %d bytes of its length.\n",
		limits.MaxInboundBytes>>20, limits.MaxOutboundBytes>>20, ownInboundBytes>>10, ownOutboundBytes>>10, limits.MessageTimeout, watchedKeyBytes)
	return out.String()
}
