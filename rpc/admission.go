package rpc

import (
	"context"
	"fmt"
	"net"
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
