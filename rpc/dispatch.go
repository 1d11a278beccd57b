package rpc

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"runtime/debug"
)

// randomID makes subscription ids that no client can guess or mistake for those of an earlier connection.
func randomID(uint64) string { return rand.Text() }

// inOrder says whether a call must be handled before the next message is read.
func (s *Server) inOrder(r *request) bool {
	m := s.methods[r.method]
	return r.err == nil && m != nil && m.inOrder
}

// respond answers the calls of one message, one after the other. c is nil over HTTP. The response is nil if no call wants
// one. The caller starts the subscriptions that were made, after it has queued the response.
func (s *Server) respond(ctx context.Context, c *conn, requests []request, batch bool) (response []byte, made []*subscription) {
	if !batch {
		answer, subscribed := s.answer(ctx, c, &requests[0], s.config.MaxFrameBytes)
		if subscribed != nil {
			made = append(made, subscribed)
		}
		return answer, made
	}
	for i := range requests {
		answer, subscribed := s.answer(ctx, c, &requests[i], s.config.MaxFrameBytes-len(response))
		if subscribed != nil {
			made = append(made, subscribed)
		}
		if answer == nil {
			continue
		}
		separator := byte(',')
		if response == nil {
			separator = '['
		}
		response = append(append(response, separator), answer...)
	}
	if response != nil {
		response = append(response, ']')
	}
	return response, made
}

// answer runs one call. room is how large the response may be.
func (s *Server) answer(ctx context.Context, c *conn, r *request, room int) (response []byte, made *subscription) {
	result, made, err := s.run(ctx, c, r)
	var encoded []byte
	if err == nil {
		encoded, err = encodeJSON(result)
	}
	if err == nil && len(encoded) > room {
		err = responseTooBig(s.config.MaxFrameBytes)
	}
	if made != nil && (err != nil || r.id == nil) { // nobody would learn its id
		c.unsubscribe(made.id, made.notifies)
		made = nil
	}
	if r.id == nil {
		return nil, nil
	}
	if err != nil {
		return appendError(nil, r.id, s.visible(r, err)), nil
	}
	return appendResult(nil, r.id, encoded), made
}

// run finds the method and calls it. A panic in a handler costs that call only.
func (s *Server) run(ctx context.Context, c *conn, r *request) (result any, made *subscription, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			s.log.Error("a JSON-RPC method panicked", "method", clip(r.method), "reason", reason, "stack", string(debug.Stack()))
			result, made, err = nil, nil, internalError()
		}
	}()
	if r.err != nil {
		return nil, nil, r.err
	}
	m := s.methods[r.method]
	if m == nil {
		return nil, nil, methodNotFound(fmt.Sprintf("%q is not served; rpc_methods lists what is", clip(r.method)))
	}
	if m.unsafe {
		return nil, nil, unsafeMethod()
	}
	a, paramErr := decodeArgs(r, m.params)
	if paramErr != nil {
		return nil, nil, paramErr
	}
	if c == nil && m.call == nil {
		return nil, nil, methodNotFound("subscriptions need a WebSocket connection")
	}
	return s.invoke(ctx, c, m, a)
}

func (s *Server) invoke(ctx context.Context, c *conn, m *method, a args) (any, *subscription, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.RequestTimeout)
	defer cancel()
	if m.runsRuntime {
		select {
		case s.runtimeSlots <- struct{}{}:
			defer func() { <-s.runtimeSlots }()
		case <-ctx.Done():
			return nil, nil, &Error{CodeServerBusy, "Server is busy. Try again later", "all slots for runtime calls are taken"}
		}
	}
	switch {
	case m.subscribe != nil:
		made, err := s.makeSubscription(ctx, c, m, a)
		if err != nil {
			return nil, nil, err
		}
		return made.id, made, nil
	case m.unsubscribes != "":
		id, _ := arg[string](a, 0)
		return c.unsubscribe(id, m.unsubscribes), nil, nil
	}
	result, err := m.call(s, ctx, a)
	return result, nil, err
}

// makeSubscription gives a subscription its place: first within the connection's limits, then at the source; then its id
// is known. Whatever goes wrong, nothing of it stays.
func (s *Server) makeSubscription(ctx context.Context, c *conn, m *method, a args) (*subscription, error) {
	made, err := c.newSubscription(m.notifies, countKeys(a))
	if err != nil {
		return nil, err
	}
	kept := false
	defer func() {
		if !kept {
			c.discard(made)
		}
	}()
	if err := m.subscribe(s, ctx, made, a); err != nil {
		return nil, err
	}
	if kept = c.keep(made); !kept {
		return nil, errServerClosed
	}
	return made, nil
}

// countKeys is how many storage keys a subscription watches, a long one counting as several.
func countKeys(a args) int {
	if len(a) == 0 {
		return 0
	}
	keys, _ := arg[[][]byte](a, 0)
	count := len(keys)
	for _, key := range keys {
		count += len(key) / watchedKeyBytes
	}
	return count
}

// visible is what a client is told of an error. Faults of the node are logged and not shown.
func (s *Server) visible(r *request, err error) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &Error{CodeServerBusy, "Server is busy. Try again later", fmt.Sprintf("the call took longer than %s", s.config.RequestTimeout)}
	}
	if !errors.Is(err, context.Canceled) && !errors.Is(err, errServerClosed) {
		s.log.Error("a JSON-RPC method failed", "method", clip(r.method), "err", err)
	}
	return internalError()
}
