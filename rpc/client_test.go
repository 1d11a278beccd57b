package rpc

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// testTimeout only bounds a test that hangs; no test waits for it when the server is right.
const testTimeout = 30 * time.Second

// wsClient is one WebSocket to the server.
type wsClient struct {
	t     *testing.T
	ws    *websocket.Conn
	early chan []byte // what unfinished receives
}

func (h *harness) dial(t *testing.T) *wsClient {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, "ws://"+h.addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(64 << 20)
	t.Cleanup(func() { _ = ws.CloseNow() })
	return &wsClient{t: t, ws: ws, early: make(chan []byte, 1)}
}

func (c *wsClient) send(message string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	if err := c.ws.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *wsClient) receive() string {
	c.t.Helper()
	message, err := c.tryReceive()
	if err != nil {
		c.t.Fatal(err)
	}
	return message
}

func (c *wsClient) tryReceive() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	_, message, err := c.ws.Read(ctx)
	return string(message), err
}

func (c *wsClient) ask(message string) string {
	c.t.Helper()
	c.send(message)
	return c.receive()
}

// post is the status and body of a POST.
func (h *harness) post(t *testing.T, body string) (int, string) {
	t.Helper()
	response, err := http.Post("http://"+h.addr, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}
