package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

func TestHTTP_AnyWebPageMayCall(t *testing.T) {
	h := newHarness(t, Config{})
	for _, c := range []struct {
		method, path  string
		status        int
		header, value string
	}{
		{"OPTIONS", "/", 204, "Access-Control-Allow-Headers", "*"},
		{"OPTIONS", "/", 204, "Access-Control-Allow-Methods", "POST, GET, OPTIONS"},
		{"POST", "/", 200, "Access-Control-Allow-Origin", "*"},
		{"POST", "/any/path", 200, "Content-Type", "application/json; charset=utf-8"},
		{"GET", "/openrpc.json", 200, "Content-Type", "application/json; charset=utf-8"},
		{"GET", "/", 405, "Allow", "POST, OPTIONS"},
		{"DELETE", "/", 405, "Access-Control-Allow-Origin", "*"},
	} {
		request, err := http.NewRequest(c.method, "http://"+h.addr+c.path, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"system_name"}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Origin", "https://wallet.example")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if response.StatusCode != c.status || response.Header.Get(c.header) != c.value {
			t.Errorf("%s %s: %d, %s: %q; want %d, %q", c.method, c.path, response.StatusCode, c.header, response.Header.Get(c.header), c.status, c.value)
		}
	}
}

func TestHTTP_SubscriptionsNeedAWebSocket(t *testing.T) {
	h := newHarness(t, Config{})
	const want = `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found","data":"subscriptions need a WebSocket connection"}}`
	for _, name := range []string{"chain_subscribeNewHeads", "state_subscribeRuntimeVersion", "state_unsubscribeRuntimeVersion"} {
		if _, got := h.post(t, `{"jsonrpc":"2.0","id":1,"method":"`+name+`","params":["x"]}`); strings.HasPrefix(name, "state_un") && got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
		if _, got := h.post(t, `{"jsonrpc":"2.0","id":1,"method":"chain_subscribeNewHeads"}`); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestLimits_RequestTooBig(t *testing.T) {
	h := newHarness(t, Config{MaxFrameBytes: 1000})
	big := `{"jsonrpc":"2.0","id":1,"method":"system_name","x":"` + strings.Repeat("x", 1000) + `"}`
	status, got := h.post(t, big)
	if want := `{"jsonrpc":"2.0","id":null,"error":{"code":-32007,"message":"Request is too big","data":"the limit is 1000 bytes"}}`; status != 413 || got != want {
		t.Errorf("POST: %d %s, want 413 %s", status, got, want)
	}
	c := h.dial(t)
	c.send(big)
	if _, err := c.tryReceive(); websocket.CloseStatus(err) != websocket.StatusMessageTooBig {
		t.Errorf("WebSocket: %v, want to be closed with %v", err, websocket.StatusMessageTooBig)
	}
	exact := `{"jsonrpc":"2.0","id":1,"method":"system_name","x":"`
	exact += strings.Repeat("x", 1000-len(exact)-2) + `"}`
	if got := h.dial(t).ask(exact); got != `{"jsonrpc":"2.0","id":1,"result":"sepia"}` {
		t.Errorf("a message of exactly the limit: %s", got)
	}
}

func TestLimits_ResponseTooBig(t *testing.T) {
	h := newHarness(t, Config{MaxFrameBytes: 1000})
	h.chain.commit(map[string]string{"big": strings.Repeat("x", 600)}, false)
	const want = `{"jsonrpc":"2.0","id":1,"error":{"code":-32008,"message":"Response is too big","data":"the limit is 1000 bytes; ask for less at a time"}}`
	for _, call := range []string{
		`"method":"state_getStorage","params":["0x626967"]`,
		`"method":"state_queryStorageAt","params":[["0x626967"]]`,
		`"method":"state_queryStorageAt","params":[["0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131","0x6131"]]`,
	} {
		if _, got := h.post(t, `{"jsonrpc":"2.0","id":1,`+call+`}`); got != want {
			t.Errorf("%s: got %s, want %s", call, got, want)
		}
	}
	wide := newHarness(t, Config{MaxFrameBytes: 16000})
	wide.chain.commit(map[string]string{"big": strings.Repeat("x", 6000)}, false)
	wide.post(t, `{"jsonrpc":"2.0","id":1,"method":"state_queryStorageAt","params":[[`+strings.Repeat(`"0x626967",`, 999)+`"0x00"]]}`)
	if reads := wide.chain.reads.Load(); reads != 2 {
		t.Errorf("%d values were read for an answer that had no room for the second", reads)
	}
	// A batch whose second answer does not fit any more still says so for that call.
	_, got := h.post(t, `[{"jsonrpc":"2.0","id":0,"method":"state_getStorage","params":["0x6131"]},{"jsonrpc":"2.0","id":1,"method":"state_getStorage","params":["0x626967"]}]`)
	if want := `[{"jsonrpc":"2.0","id":0,"result":"0x6f6e65"},` + want + `]`; got != want {
		t.Errorf("batch: got %s, want %s", got, want)
	}
}

func TestLimits_Subscriptions(t *testing.T) {
	h := newHarness(t, Config{MaxSubscriptions: 2})
	c := h.dial(t)
	const subscribe = `{"jsonrpc":"2.0","id":1,"method":"chain_subscribeNewHeads"}`
	for range 2 {
		c.ask(subscribe)
		c.receive()
	}
	const want = `{"jsonrpc":"2.0","id":1,"error":{"code":-32006,"message":"Too many subscriptions on the connection","data":"the limit is 2"}}`
	if got := c.ask(subscribe); got != want {
		t.Errorf("third subscription: %s, want %s", got, want)
	}
	c.ask(`{"jsonrpc":"2.0","id":1,"method":"chain_unsubscribeNewHeads","params":["sub1"]}`)
	if got := c.ask(subscribe); got != `{"jsonrpc":"2.0","id":1,"result":"sub3"}` {
		t.Errorf("after one was given up: %s", got)
	}
	other := h.dial(t)
	if got := other.ask(subscribe); got != `{"jsonrpc":"2.0","id":1,"result":"sub4"}` {
		t.Errorf("on another connection: %s", got)
	}
}

func TestLimits_WatchedKeys(t *testing.T) {
	h := newHarness(t, Config{})
	c := h.dial(t)
	keys := strings.TrimSuffix(strings.Repeat(`"0x01",`, maxWatchedKeys), ",")
	if got := c.ask(`{"jsonrpc":"2.0","id":1,"method":"state_subscribeStorage","params":[[` + keys + `]]}`); got != `{"jsonrpc":"2.0","id":1,"result":"sub1"}` {
		t.Fatalf("as many keys as allowed: %s", clip(got))
	}
	c.receive()
	const one = `{"jsonrpc":"2.0","id":1,"method":"state_subscribeStorage","params":[["0x01"]]}`
	const want = `{"jsonrpc":"2.0","id":1,"error":{"code":-32006,"message":"Too many subscriptions on the connection","data":"16384 storage keys watched and 1 more, the limit is 16384"}}`
	if got := c.ask(one); got != want {
		t.Errorf("one more: %s, want %s", got, want)
	}
	c.ask(`{"jsonrpc":"2.0","id":1,"method":"state_unsubscribeStorage","params":["sub1"]}`)
	if got := c.ask(one); got != `{"jsonrpc":"2.0","id":1,"result":"sub2"}` {
		t.Errorf("after the first was given up: %s", got)
	}
}

func TestLimits_ConnectionsOverTheLimitAreToldWhy(t *testing.T) {
	h := newHarness(t, Config{MaxConnections: 1})
	first := h.dial(t)
	first.ask(`{"jsonrpc":"2.0","id":1,"method":"system_name"}`)
	status, got := h.post(t, `{}`)
	const want = `{"jsonrpc":"2.0","id":null,"error":{"code":-32009,"message":"Server is busy. Try again later","data":"the limit is 1 connections (setting rpc.max_connections)"}}`
	if status != 503 || got != want {
		t.Errorf("second connection: %d %s, want 503 %s", status, got, want)
	}
	_ = first.ws.Close(websocket.StatusNormalClosure, "")
	for { // the server notices a closed socket a moment later; its answer says when
		if status, _ := h.post(t, `{"jsonrpc":"2.0","id":1,"method":"system_name"}`); status == 200 {
			return
		}
	}
}

func TestSlowConsumer_IsDisconnectedAndTheOthersGoOn(t *testing.T) {
	h := newHarness(t, Config{MaxQueueBytes: 1 << 20})
	slow, quick := h.dial(t), h.dial(t)
	const subscribe = `{"jsonrpc":"2.0","id":1,"method":"state_subscribeStorage","params":[["0x62696721"]]}`
	slow.ask(subscribe)
	quick.ask(subscribe)
	quick.receive()
	// 64 blocks of 512 kB: far more than the queue and what the operating system keeps for a socket.
	for n := range 64 {
		h.chain.commit(map[string]string{"big!": strings.Repeat("x", 256<<10), "n": fmt.Sprint(n)}, false)
		quick.receive()
	}
	var err error
	for err == nil {
		_, err = slow.tryReceive()
	}
	// The goodbye is lost if the socket is too full for it; what counts is that the connection ended.
	if status := websocket.CloseStatus(err); errors.Is(err, context.DeadlineExceeded) || status != -1 && status != websocket.StatusPolicyViolation {
		t.Errorf("the slow client sees %v, want %v", err, websocket.StatusPolicyViolation)
	}
	if !strings.Contains(h.logs.String(), "closing a connection that does not read its notifications") {
		t.Errorf("the log does not say why:\n%s", h.logs)
	}
	if got := quick.ask(`{"jsonrpc":"2.0","id":7,"method":"system_name"}`); got != `{"jsonrpc":"2.0","id":7,"result":"sepia"}` {
		t.Errorf("the other client: %s", got)
	}
}

func TestPanic_CostsOnlyTheCallAndIsLogged(t *testing.T) {
	h := newHarness(t, Config{})
	c := h.dial(t)
	if got := c.ask(`{"jsonrpc":"2.0","id":1,"method":"state_call","params":["Panic_panic","0x"]}`); got != `{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Internal error"}}` {
		t.Errorf("got %s", got)
	}
	if got := c.ask(`{"jsonrpc":"2.0","id":2,"method":"system_name"}`); got != `{"jsonrpc":"2.0","id":2,"result":"sepia"}` {
		t.Errorf("the same connection afterwards: %s", got)
	}
	if log := h.logs.String(); !strings.Contains(log, "a JSON-RPC method panicked") || !strings.Contains(log, "a bug of the node") || !strings.Contains(log, "fake_test.go") {
		t.Errorf("the log lacks the reason or the stack:\n%s", log)
	}
}

func TestMetadata_TheNewestThatClientsDecode(t *testing.T) {
	h := newHarness(t, Config{})
	fixed := func(output string) func([]byte) ([]byte, error) {
		return func([]byte) ([]byte, error) { return []byte(output), nil }
	}
	const call = `{"jsonrpc":"2.0","id":1,"method":"state_getMetadata"}`
	for _, c := range []struct {
		rule, name string
		answer     func([]byte) ([]byte, error)
		want       string
	}{
		{"16 of 14, 15, 16 and one to come", "", nil, `"result":"0x6d65746110"`},
		{"a list that is none", "Metadata_metadata_versions", fixed("\x04\x0e"), `"error":{"code":4003,"message":"Client error: Execution failed: Metadata_metadata_versions did not list a usable version"}`},
		{"only versions to come", "Metadata_metadata_versions", fixed("\x04\x11\x00\x00\x00"), `"error":{"code":4003,"message":"Client error: Execution failed: Metadata_metadata_versions did not list a usable version"}`},
		{"a version that is not there after all", "Metadata_metadata_at_version", fixed("\x00"), `"error":{"code":4003,"message":"Client error: Execution failed: Metadata_metadata_at_version did not return metadata"}`},
		{"a runtime from before there were several", "Metadata_metadata_versions", nil, `"result":"0x6d6574610e"`},
	} {
		chain := newFakeChain()
		if c.name != "" {
			delete(chain.calls, c.name)
		}
		if c.answer != nil {
			chain.calls[c.name] = c.answer
		}
		h.server.chain = chain
		if _, got := h.post(t, call); got != `{"jsonrpc":"2.0","id":1,`+c.want+`}` {
			t.Errorf("%s: %s, want %s", c.rule, got, c.want)
		}
	}
}

func TestFault_IsLoggedAndNotShown(t *testing.T) {
	h := newHarness(t, Config{})
	if _, got := h.post(t, `{"jsonrpc":"2.0","id":1,"method":"state_call","params":["Fault_fault","0x"]}`); strings.Contains(got, "secret") {
		t.Errorf("the client is told %s", got)
	}
	if !strings.Contains(h.logs.String(), "secret path") {
		t.Errorf("the log lacks the cause:\n%s", h.logs)
	}
	h.chain.failGet = errors.New("the disk is gone")
	for _, call := range []string{
		`"state_getStorage","params":["0x6131"]`, `"state_queryStorageAt","params":[["0x6131"]]`, `"state_getKeysPaged","params":[null,1]`,
		`"childstate_getKeys","params":["0x3a6368696c645f73746f726167653a64656661756c743a74726965"]`,
		`"childstate_getStorageEntries","params":["0x3a6368696c645f73746f726167653a64656661756c743a74726965",["0x"]]`,
	} {
		if _, got := h.post(t, `{"jsonrpc":"2.0","id":1,"method":`+call+`}`); got != `{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Internal error"}}` {
			t.Errorf("%s: %s", call, got)
		}
	}
}

func TestSubscriptions_EndWithTheirConnection(t *testing.T) {
	h := newHarness(t, Config{})
	c := h.dial(t)
	for _, name := range []string{"chain_subscribeNewHeads", "state_subscribeRuntimeVersion"} {
		c.ask(`{"jsonrpc":"2.0","id":1,"method":"` + name + `"}`)
		c.receive()
	}
	c.ask(`{"jsonrpc":"2.0","id":1,"method":"state_subscribeStorage","params":[["0x01","0x02"]]}`)
	c.receive()
	c.ask(`{"jsonrpc":"2.0","id":1,"method":"author_submitAndWatchExtrinsic","params":["0x0c840102"]}`)
	watching := <-h.pool.watching
	_ = c.ws.Close(websocket.StatusNormalClosure, "")
	<-watching.Done()
	h.server.sockets.Wait()
	h.server.hub.mu.Lock()
	defer h.server.hub.mu.Unlock()
	if n := h.server.hub.heads.Len() + h.server.hub.versions.Len() + len(h.server.hub.storage); n != 0 {
		t.Errorf("%d places in the hub are left", n)
	}
}

func TestSubscriptions_FailedOnesLeaveNothing(t *testing.T) {
	h := newHarness(t, Config{MaxSubscriptions: 1})
	h.chain.failGet = errors.New("the disk is gone")
	c := h.dial(t)
	c.ask(`{"jsonrpc":"2.0","id":1,"method":"state_subscribeStorage","params":[["0x01"]]}`)
	c.send(`{"jsonrpc":"2.0","method":"chain_subscribeNewHeads"}`) // nobody would learn the id
	if got := c.ask(`{"jsonrpc":"2.0","id":1,"method":"author_submitAndWatchExtrinsic","params":["0x0c84ee02"]}`); !strings.Contains(got, "outdated") {
		t.Errorf("got %s", got)
	}
	h.server.hub.mu.Lock()
	left := len(h.server.hub.storage)
	h.server.hub.mu.Unlock()
	if left != 0 {
		t.Errorf("%d keys are still watched", left)
	}
}

// TestSettle_WaitsForTheClientsQuestions: "finalized" must not overtake what a client does on "inBlock".
func TestSettle_WaitsForTheClientsQuestions(t *testing.T) {
	const quiet = 100 * time.Millisecond
	for _, c := range []struct {
		rule      string
		questions int // asked at 30 ms, 130 ms and so on
		busyUntil time.Duration
		want      time.Duration
	}{
		{"a silent client", 0, 0, quiet},
		{"three questions", 3, 0, 4 * quiet},
		{"an answer that takes long", 0, 350 * time.Millisecond, 4 * quiet},
		{"a client that asks without end", 1000, 0, finalizedWaits * quiet},
	} {
		synctest.Test(t, func(t *testing.T) {
			conn := &conn{server: &Server{config: Config{FinalizedQuiet: quiet}}, slots: make(chan struct{}, 1)}
			stop := make(chan struct{})
			go func() { // on the bubble's clock, which takes no time
				wait := time.NewTimer(30 * time.Millisecond)
				for range c.questions {
					select {
					case <-stop:
						return
					case <-wait.C:
						conn.asked.Add(1)
						wait.Reset(quiet)
					}
				}
			}()
			if c.busyUntil > 0 {
				conn.slots <- struct{}{}
				time.AfterFunc(c.busyUntil, func() { <-conn.slots })
			}
			start := time.Now()
			conn.settle(t.Context())
			if took := time.Since(start); took != c.want {
				t.Errorf("%s: waited %s, want %s", c.rule, took, c.want)
			}
			close(stop)
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	(&conn{server: &Server{config: Config{FinalizedQuiet: time.Hour}}}).settle(ctx) // returns at once
}

func TestClose_SaysGoodbye(t *testing.T) {
	h := newHarness(t, Config{})
	c := h.dial(t)
	c.ask(`{"jsonrpc":"2.0","id":1,"method":"chain_subscribeNewHeads"}`)
	c.receive()
	closed := make(chan error, 1)
	go func() { closed <- h.server.Close(context.Background()) }()
	_, err := c.tryReceive()
	if websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("the client sees %v, want %v", err, websocket.StatusGoingAway)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// A stranger who begins a call and does not end it is cut off when the node has waited long enough, and that is no failure.
func TestClose_CutsOffWhatDoesNotEnd(t *testing.T) {
	h := newHarness(t, Config{})
	stranger, err := net.Dial("tcp", h.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if _, err := stranger.Write([]byte("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n{")); err != nil {
		t.Fatal(err)
	}
	const goOn = "HTTP/1.1 100 Continue\r\n\r\n" // the server reads the body
	if got, err := io.ReadAll(io.LimitReader(stranger, int64(len(goOn)))); err != nil || string(got) != goOn {
		t.Fatalf("%q, %v", got, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // what a deadline does
	if err := h.server.Close(ctx); err != nil || !strings.Contains(h.logs.String(), "cutting off HTTP calls that did not end in time") {
		t.Errorf("error %v, log %q", err, h.logs)
	}
	if _, err := io.ReadAll(stranger); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the stranger's socket: %v", err)
	}
}

// A socket that was opened in advance and never used is closed at once. The HTTP library would wait 5 s for it.
func TestClose_DoesNotWaitForSilentSockets(t *testing.T) {
	h := newHarness(t, Config{})
	stranger, err := net.Dial("tcp", h.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	h.post(t, `{"jsonrpc":"2.0","id":1,"method":"system_name"}`) // sockets are accepted one after the other
	known := func() int {
		h.server.silent.mu.Lock()
		defer h.server.silent.mu.Unlock()
		return len(h.server.silent.sockets)
	}
	if n := known(); n != 1 {
		t.Errorf("%d silent sockets, want the stranger's", n)
	}
	if err := h.server.Close(context.Background()); err != nil || known() != 0 {
		t.Errorf("error %v, %d silent sockets are left", err, known())
	}
	late, other := net.Pipe()
	h.server.silent.follow(late, http.StateNew)
	for _, socket := range []net.Conn{stranger, other} {
		_ = socket.SetReadDeadline(time.Now().Add(testTimeout)) // a closed pipe takes none
		if _, err := socket.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("a silent socket: %v, want it closed", err)
		}
	}
}

// TestHeads_ConsecutiveUnderLoad subscribes while blocks come: each subscription must see consecutive numbers, its id
// first, and be able to read every block it hears of.
func TestHeads_ConsecutiveUnderLoad(t *testing.T) {
	const heads, clients = 20, 8
	h := newHarness(t, Config{})
	heard := make(chan struct{}, 1)
	var following, committing sync.WaitGroup
	for range clients {
		c := h.dial(t)
		following.Go(func() { followHeads(t, c, heads, heard) })
	}
	committing.Go(func() { // a block whenever somebody heard something, so nobody falls far behind
		n := 0
		for range heard {
			n++
			h.chain.commit(map[string]string{"n": fmt.Sprint(n)}, n%7 == 0)
		}
	})
	following.Wait()
	close(heard)
	committing.Wait()
}

func followHeads(t *testing.T, c *wsClient, want int, heard chan<- struct{}) {
	type message struct {
		ID     *int
		Result json.RawMessage
		Params struct {
			Subscription string
			Result       header
		}
	}
	c.send(`{"jsonrpc":"2.0","id":1,"method":"chain_subscribeNewHeads"}`)
	subscription, last, seen, asked := "", -1, 0, 0
	for seen < want || asked > 0 {
		text, err := c.tryReceive()
		if err != nil {
			t.Errorf("reading: %v", err)
			return
		}
		select {
		case heard <- struct{}{}:
		default: // a block is under way already
		}
		var m message
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Errorf("message %s: %v", text, err)
			return
		}
		switch {
		case m.ID != nil && *m.ID == 1:
			_ = json.Unmarshal(m.Result, &subscription)
		case m.ID != nil:
			asked--
			if string(m.Result) == "null" {
				t.Errorf("block %d of a head is not there", *m.ID)
			}
		default:
			var number int
			_, _ = fmt.Sscanf(m.Params.Result.Number, "0x%x", &number)
			if m.Params.Subscription != subscription || last >= 0 && number != last+1 {
				t.Errorf("subscription %q (want %q): number %d after %d", m.Params.Subscription, subscription, number, last)
				return
			}
			last = number
			seen++
			asked++
			c.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"chain_getBlockHash","params":[%d]}`, number+100, number))
		}
	}
}

// TestInOrder_SubmissionsKeepTheirOrder sends many without waiting: the pool must see them as they were sent.
func TestInOrder_SubmissionsKeepTheirOrder(t *testing.T) {
	h := newHarness(t, Config{})
	seen := &recordingPool{fakePool: h.pool}
	h.server.pool = seen
	c := h.dial(t)
	const n = 100
	for i := range n {
		c.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"author_submitExtrinsic","params":["0x0c84%04x"]}`, i, i))
	}
	for range n {
		c.receive()
	}
	for i, extrinsic := range seen.got {
		if want := fmt.Sprintf("%04x", i); fmt.Sprintf("%x", extrinsic[2:]) != want {
			t.Fatalf("submission %d is %x, want %s", i, extrinsic[2:], want)
		}
	}
}
