package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// What accounts take of the budget is what each holds over its own, and never more than there is.
func TestAccount_EqualsModel(t *testing.T) {
	const limit, own = 1000, 100
	rng := rand.New(rand.NewPCG(3, 3))
	shared := newBudget(limit)
	accounts := make([]*account, 5)
	held := make([]int, len(accounts))
	for i := range accounts {
		accounts[i] = &account{shared: shared, own: own}
	}
	used := func() (sum int) {
		for _, n := range held {
			sum += max(0, n-own)
		}
		return sum
	}
	refused := 0
	for range 20_000 {
		i, n := rng.IntN(len(accounts)), rng.IntN(300)
		if rng.IntN(2) == 0 {
			n = min(n, held[i])
			accounts[i].give(n)
			held[i] -= n
		} else {
			before := held[i]
			held[i] += n
			fits := used() <= limit
			if !fits {
				held[i] = before
				refused++
			}
			if accounts[i].take(n) != fits {
				t.Fatalf("%d bytes for an account that holds %d, %d of %d taken: want %v", n, before, used(), limit, fits)
			}
		}
		if shared.bytes != limit-used() {
			t.Fatalf("%d bytes are left, want %d", shared.bytes, limit-used())
		}
	}
	if refused < 100 {
		t.Errorf("only %d refusals", refused)
	}
	for _, a := range accounts {
		a.close()
		if !a.take(5 * own) {
			t.Error("an account that has ended is refused")
		}
		a.give(own)
	}
	if shared.bytes != limit {
		t.Errorf("%d bytes are left when all have ended, want %d", shared.bytes, limit)
	}
}

func TestAccount_ReadTakesWhatItAllocates(t *testing.T) {
	const limit, own = 1 << 20, 64
	for _, c := range []struct {
		size, held int
	}{{0, 512}, {511, 512}, {512, 1024}, {5000, 8192}, {limit, limit + 2}} {
		a := account{shared: newBudget(3 << 20), own: own}
		message := bytes.Repeat([]byte{7}, c.size)
		got, held, err := a.read(io.MultiReader(bytes.NewReader(message[:c.size/3]), bytes.NewReader(message[c.size/3:])), limit)
		if err != nil || !bytes.Equal(got, message) || held != c.held || cap(got) != held || a.held != held {
			t.Errorf("%d bytes: %d read with a buffer of %d, %d and %d held, %v; want %d held", c.size, len(got), cap(got), held, a.held, err, c.held)
		}
	}
	for name, c := range map[string]struct {
		r    io.Reader
		want error
	}{
		"no memory": {bytes.NewReader(make([]byte, 1<<20)), errNoMemory},
		"cut":       {io.MultiReader(strings.NewReader("a"), failing{}), io.ErrUnexpectedEOF},
	} {
		a := account{shared: newBudget(1 << 20), own: own}
		message, held, err := a.read(c.r, limit)
		if !errors.Is(err, c.want) || message != nil || held != 0 || a.held != 0 || a.shared.bytes != 1<<20 {
			t.Errorf("%s: %d bytes, %d and %d held, %v", name, len(message), held, a.held, err)
		}
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// unfinished begins a message in fragments and does not end it. finish ends it; ended is how the
// server ended the connection instead.
func (c *wsClient) unfinished(part []byte) (finish io.Closer, ended error) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c.t.Cleanup(cancel)
	writer, err := c.ws.Writer(ctx, websocket.MessageText)
	if err != nil {
		c.t.Fatal(err)
	}
	read := make(chan error, 1)
	go func() {
		_, message, err := c.ws.Read(ctx)
		c.early <- message
		read <- err
	}()
	_, err = writer.Write(part)
	if err == nil {
		err = c.ws.Ping(ctx) // a pong says that all before the ping was read
	}
	if err != nil {
		return nil, <-read
	}
	return writer, nil
}

// Strangers who begin messages and never finish them hold what the limits say and no more; those with small messages are
// served meanwhile, and what was held is there again when they are gone.
func TestUnfinishedMessages_HoldNoMoreThanTheirBudget(t *testing.T) {
	const connections, budgetBytes, partBytes = 100, 8 << 20, 700 << 10 // 68 MiB are sent
	h := newHarness(t, Config{MaxInboundBytes: budgetBytes, MessageTimeout: time.Hour})
	part := append([]byte(`{"jsonrpc":"2.0","id":1,"method":"system_name","x":"`), bytes.Repeat([]byte("x"), partBytes)...)
	before := heapBytes()
	var kept []io.Closer
	var keepers []*wsClient
	for range connections {
		c := h.dial(t)
		switch finish, ended := c.unfinished(part); {
		case ended == nil:
			kept, keepers = append(kept, finish), append(keepers, c)
		case websocket.CloseStatus(ended) != websocket.StatusTryAgainLater || !strings.Contains(ended.Error(), errNoMemory.Error()):
			t.Fatalf("ended with %v, want %v and %q", ended, websocket.StatusTryAgainLater, errNoMemory)
		}
	}
	// A message of 700 KiB has a buffer of 1 MiB, of which 64 KiB are the connection's own.
	if most := budgetBytes / (1<<20 - ownInboundBytes); len(kept) > most || len(kept) < most-1 {
		t.Errorf("%d of %d connections hold an unfinished message, want %d", len(kept), connections, most)
	}
	if held := heapBytes() - before; held > budgetBytes+connections*(ownInboundBytes+32<<10) {
		t.Errorf("%d bytes are held, %d are budgeted", held, budgetBytes)
	}
	const call, answer = `{"jsonrpc":"2.0","id":1,"method":"system_name"}`, `{"jsonrpc":"2.0","id":1,"result":"sepia"}`
	if got := h.dial(t).ask(call); got != answer {
		t.Errorf("a small message meanwhile: %s", got)
	}
	const busy = `{"jsonrpc":"2.0","id":null,"error":{"code":-32009,"message":"Server is busy. Try again later","data":"other connections' messages fill the memory set aside for them"}}`
	if status, got := h.post(t, string(part)); status != 503 || got != busy {
		t.Errorf("a large POST meanwhile: %d %s", status, got)
	}
	if status, got := h.post(t, call); status != 200 || got != answer {
		t.Errorf("a small POST meanwhile: %d %s", status, got)
	}
	for i, finish := range kept {
		if err := finish.Close(); err != nil {
			t.Fatal(err)
		}
		// The message is cut, so its answer is an error; it was read whole.
		if got := string(<-keepers[i].early); !strings.Contains(got, "the message is not JSON") {
			t.Errorf("a message that was kept and finished: %s", got)
		}
	}
}

// A connection's messages may come to many times the budget, one after the other.
func TestFinishedMessages_GiveTheirMemoryBack(t *testing.T) {
	c := newHarness(t, Config{MaxInboundBytes: 2 << 20}).dial(t)
	for _, message := range []struct{ text, want string }{
		{`{"jsonrpc":"2.0","id":1,"method":"system_name","x":"` + strings.Repeat("x", 700<<10) + `"}`, `{"jsonrpc":"2.0","id":1,"result":"sepia"}`},
		{strings.Repeat("x", 700<<10), `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error","data":"the message is not JSON"}}`},
	} {
		for range 8 {
			if got := c.ask(message.text); got != message.want {
				t.Fatalf("got %s, want %s", got, message.want)
			}
		}
	}
}

// heapBytes is how much memory is reachable.
func heapBytes() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func TestUnfinishedMessage_EndsTheConnectionInTime(t *testing.T) {
	h := newHarness(t, Config{MessageTimeout: 20 * time.Millisecond})
	idle, slow := h.dial(t), h.dial(t)
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	writer, err := slow.ws.Writer(ctx, websocket.MessageText)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Write(make([]byte, 8<<10)); err != nil {
		t.Fatal(err)
	}
	_, err = slow.tryReceive()
	if websocket.CloseStatus(err) != websocket.StatusPolicyViolation || !strings.Contains(err.Error(), errSlowMessage.Error()) {
		t.Errorf("ended with %v, want %v and %q", err, websocket.StatusPolicyViolation, errSlowMessage)
	}
	// Without a message under way a connection may be idle for longer.
	if got := idle.ask(`{"jsonrpc":"2.0","id":1,"method":"system_name"}`); got != `{"jsonrpc":"2.0","id":1,"result":"sepia"}` {
		t.Errorf("the idle connection: %s", got)
	}
}

// Answers that nobody reads are held up to their budget; then whoever asks for more is cut off.
func TestUnreadAnswers_HoldNoMoreThanTheirBudget(t *testing.T) {
	h := newHarness(t, Config{MaxOutboundBytes: 4 << 20, MaxQueueBytes: 1 << 20})
	h.chain.commit(map[string]string{"big": strings.Repeat("x", 256<<10)}, false)
	const call = `{"jsonrpc":"2.0","id":1,"method":"state_getStorage","params":["0x626967"]}`
	greedy := h.dial(t)
	for range 64 { // 32 MiB of answers: more than the budget and what the operating system keeps for a socket
		ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
		err := greedy.ws.Write(ctx, websocket.MessageText, []byte(call))
		cancel()
		if err != nil {
			break // it was cut off already
		}
	}
	var err error
	for err == nil {
		_, err = greedy.tryReceive()
	}
	// The goodbye is lost if the socket is too full for it; what counts is that the connection ended.
	if status := websocket.CloseStatus(err); errors.Is(err, context.DeadlineExceeded) || status != -1 && status != websocket.StatusTryAgainLater {
		t.Errorf("the greedy client sees %v, want %v", err, websocket.StatusTryAgainLater)
	}
	if !strings.Contains(h.logs.String(), "closing a connection whose messages find no memory") {
		t.Errorf("the log does not say why:\n%s", h.logs)
	}
	modest := h.dial(t)
	for served := 0; served < 12; { // one at a time, more than the budget in all
		modest.send(call)
		got, err := modest.tryReceive()
		switch {
		case err == nil && len(got) > 512<<10:
			served++
		case served == 0 && websocket.CloseStatus(err) == websocket.StatusTryAgainLater:
			modest = h.dial(t) // the server gives back the memory a moment after its goodbye; its answer says when
		default:
			t.Fatalf("the modest client: %s, %v", clip(got), err)
		}
	}
}

// A short text must not become many times its size in memory: arrays and objects are counted before they are made.
func TestParse_AllocatesNoMoreThanAFewCopies(t *testing.T) {
	const size = 1 << 20
	fill := func(head, element, tail string) string {
		return head + strings.Repeat(element, size/len(element)) + tail
	}
	for name, message := range map[string]string{
		"batch":        fill(`[`, `1,`, `1]`),
		"parameters":   fill(`{"jsonrpc":"2.0","id":1,"method":"system_name","params":[`, `1,`, `1]}`),
		"named":        fill(`{"jsonrpc":"2.0","id":1,"method":"system_name","params":{`, `"":1,`, `"":1}}`),
		"members":      fill(`{`, `"":1,`, `"":1}`),
		"keys":         fill(`{"jsonrpc":"2.0","id":1,"method":"state_subscribeStorage","params":[[`, `"",`, `""]]}`),
		"numbers":      fill(`{"jsonrpc":"2.0","id":1,"method":"chain_getBlockHash","params":[[`, `1,`, `1]]}`),
		"nested keys":  fill(`{"jsonrpc":"2.0","id":1,"method":"state_queryStorageAt","params":[[[`, `1,`, `1]]]}`),
		"no such keys": fill(`{"jsonrpc":"2.0","id":1,"method":"no_such","params":[[`, `"",`, `""]]}`),
	} {
		t.Run(name, func(t *testing.T) {
			server, _ := newSilentServer(t)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			requests, batch, parseErr := parseMessage([]byte(message), 50)
			if parseErr == nil {
				server.respond(t.Context(), nil, requests, batch)
			}
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 5*size {
				t.Errorf("%d bytes are allocated for a message of %d", used, len(message))
			}
		})
	}
}

func TestCountElements(t *testing.T) {
	for text, want := range map[string]int{
		`[]`: 0, "[ \n]": 0, `{}`: 0, `[[]]`: 1, `[[],[1,2],{"a":1,"b":2}]`: 3, `["a,b","\",","\\"]`: 3, `{"a":[1,2],"b":"},{"}`: 2, `[1]`: 1,
	} {
		if got := countElements([]byte(text)); got != want || !json.Valid([]byte(text)) {
			t.Errorf("%s: %d elements, want %d", text, got, want)
		}
	}
}

// A key is counted by its length: one of a megabyte is not one of 80 bytes.
func TestLimits_WatchedKeysAreWeighed(t *testing.T) {
	c := newHarness(t, Config{}).dial(t)
	long := `{"jsonrpc":"2.0","id":1,"method":"state_subscribeStorage","params":[["0x` + strings.Repeat("01", 2<<20-1) + `"]]}`
	if got := c.ask(long); got != `{"jsonrpc":"2.0","id":1,"result":"sub1"}` {
		t.Fatalf("a key as long as allowed: %s", clip(got))
	}
	c.receive()
	const want = `{"jsonrpc":"2.0","id":1,"error":{"code":-32006,"message":"Too many subscriptions on the connection","data":"16384 storage keys watched and 16384 more, the limit is 16384"}}`
	if got := c.ask(long); got != want {
		t.Errorf("a second: %s, want %s", clip(got), want)
	}
}
