package rpc

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
)

// maxRefusals is how many sockets over the limit are open at most while they are told so; further ones are closed without
// a word.
const maxRefusals = 64

// admission counts a server's sockets. A socket over the limit is marked, so that its first request is answered with the
// reason.
type admission struct {
	net.Listener
	server *Server
}

type admitted struct {
	net.Conn
	refused bool
	left    sync.Once
	server  *Server
}

type admissionKey struct{}

func (a *admission) Accept() (net.Conn, error) {
	for {
		socket, err := a.Listener.Accept()
		if err != nil {
			return nil, fmt.Errorf("accepting: %w", err)
		}
		open := int(a.server.connections.Add(1))
		limit := a.server.config.MaxConnections
		counted := &admitted{Conn: socket, refused: open > limit, server: a.server}
		if open > limit+maxRefusals {
			_ = counted.Close()
			continue
		}
		return counted, nil
	}
}

// Close closes the socket and uncounts it, once.
func (c *admitted) Close() error {
	c.left.Do(func() { c.server.connections.Add(-1) })
	return c.Conn.Close()
}

func withAdmission(ctx context.Context, socket net.Conn) context.Context {
	return context.WithValue(ctx, admissionKey{}, socket)
}

func refused(ctx context.Context) bool {
	socket, ok := ctx.Value(admissionKey{}).(*admitted)
	return ok && socket.refused
}

// silent are the sockets that have not sent anything yet. Browsers open some in advance; the HTTP library takes them for
// busy for 5 s, and the end of a server would wait for them.
type silent struct {
	mu      sync.Mutex
	sockets map[net.Conn]struct{} // guarded by mu; nil once closed
}

func newSilent() *silent { return &silent{sockets: map[net.Conn]struct{}{}} }

// follow is told of every change of a socket.
func (s *silent) follow(socket net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(s.sockets, socket)
	case s.sockets == nil:
		_ = socket.Close() // nobody has used it
	default:
		s.sockets[socket] = struct{}{}
	}
}

// close closes them, and those that come later.
func (s *silent) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for socket := range s.sockets {
		_ = socket.Close() // nobody has used it
	}
	s.sockets = nil
}
