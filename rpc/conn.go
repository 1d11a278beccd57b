package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// conn is one WebSocket. Its reader takes messages one by one and runs up to maxInFlight calls at once; its writer sends
// what is in the queue, in order.
type conn struct {
	server *Server
	ws     *websocket.Conn
	ctx    context.Context // done when the connection ends
	cancel context.CancelCauseFunc
	queue  *queue
	slots  chan struct{} // one token per running message
	calls  sync.WaitGroup
	asked  atomic.Int64 // messages taken from the client

	inbound  account // messages that arrive or are answered
	outbound account // messages that wait to be written

	mu struct {
		sync.Mutex
		closed      bool
		subs        map[string]*subscription
		reserved    int // subscriptions being made
		watchedKeys int
	}
}

// errSlowMessage ends a connection that does not finish a message.
var errSlowMessage = errors.New("slow producer: a message took too long to arrive")

// errSlowConsumer ends a connection that does not read what it subscribed to.
var errSlowConsumer = errors.New("slow consumer: too many notifications wait to be read")

func newConn(s *Server, ws *websocket.Conn) *conn {
	c := &conn{server: s, ws: ws, queue: newQueue(s.config.MaxQueueBytes, maxQueuedNotifications), slots: make(chan struct{}, maxInFlight)}
	c.inbound = account{shared: s.inbound, own: ownInboundBytes}
	c.outbound = account{shared: s.outbound, own: ownOutboundBytes}
	c.ctx, c.cancel = context.WithCancelCause(s.ctx)
	c.mu.subs = make(map[string]*subscription)
	return c
}

// serve runs the connection until the client or the server ends it. When it returns, nothing of it is left running.
func (c *conn) serve() {
	var own sync.WaitGroup
	own.Go(c.write)
	own.Go(func() { // whoever cancels first decides the goodbye; closing the socket ends the reader
		<-c.ctx.Done()
		c.queue.close()
		_ = c.ws.Close(goodbye(context.Cause(c.ctx))) // the client may be gone
	})
	c.read()
	c.cancel(nil)
	c.calls.Wait()
	c.dropSubscriptions()
	own.Wait()
	c.inbound.close()
	c.outbound.close()
}

func goodbye(cause error) (websocket.StatusCode, string) {
	switch {
	case errors.Is(cause, errNoMemory):
		return websocket.StatusTryAgainLater, errNoMemory.Error()
	case errors.Is(cause, errSlowMessage):
		return websocket.StatusPolicyViolation, errSlowMessage.Error()
	case errors.Is(cause, errSlowConsumer):
		return websocket.StatusPolicyViolation, errSlowConsumer.Error()
	case errors.Is(cause, errServerClosed):
		return websocket.StatusGoingAway, errServerClosed.Error()
	}
	return websocket.StatusNormalClosure, ""
}

// read handles messages until the socket fails. It reads without the connection's context, since a context that ends
// during a read makes the library drop the socket without a goodbye.
func (c *conn) read() {
	for {
		message, held, err := c.receive()
		if err != nil {
			return
		}
		c.asked.Add(1)
		requests, batch, parseErr := parseMessage(message, c.server.config.MaxBatch)
		if parseErr != nil {
			c.respond(appendError(nil, nullID, parseErr))
			c.inbound.give(held)
			continue
		}
		select {
		case c.slots <- struct{}{}:
		case <-c.ctx.Done():
			return
		}
		if !batch && c.server.inOrder(&requests[0]) {
			c.handle(requests, batch, held)
			continue
		}
		c.calls.Add(1)
		go func() {
			defer c.calls.Done()
			c.handle(requests, batch, held)
		}()
	}
}

// receive waits for a message and reads it. held is what it takes of the connection's account.
func (c *conn) receive() (message []byte, held int, err error) {
	_, reader, err := c.ws.Reader(context.Background())
	if err != nil {
		return nil, 0, fmt.Errorf("waiting for a message: %w", err)
	}
	late := time.AfterFunc(c.server.config.MessageTimeout, func() { c.cancel(errSlowMessage) })
	defer late.Stop()
	message, held, err = c.inbound.read(reader, c.server.config.MaxFrameBytes)
	if errors.Is(err, errNoMemory) {
		c.endBusy()
	}
	return message, held, err
}

// endBusy ends a connection for which there is no memory.
func (c *conn) endBusy() {
	c.server.log.Warn("closing a connection whose messages find no memory", "err", errNoMemory)
	c.cancel(errNoMemory)
}

// handle answers one message and then starts the subscriptions that it made. It gives back the message's slot and memory.
func (c *conn) handle(requests []request, batch bool, held int) {
	defer func() {
		c.inbound.give(held)
		<-c.slots
	}()
	response, made := c.server.respond(c.ctx, c, requests, batch)
	if response != nil {
		c.respond(response)
	}
	for _, s := range made {
		s.start()
	}
}

// respond queues a response. A full queue makes it wait, and with it the caller, so a client that does not read is not
// read from either.
func (c *conn) respond(response []byte) {
	if !c.outbound.take(len(response)) {
		c.endBusy()
		return
	}
	c.queue.put(response)
}

// sendNotification queues a notification. A full queue ends the connection: the blocks go on.
func (c *conn) sendNotification(message []byte) {
	if !c.outbound.take(len(message)) {
		c.endBusy()
		return
	}
	if !c.queue.offer(message) {
		c.server.log.Warn("closing a connection that does not read its notifications", "err", errSlowConsumer)
		c.cancel(errSlowConsumer)
	}
}

func (c *conn) write() {
	for {
		message, ok := c.queue.take()
		if !ok {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), c.server.config.WriteTimeout)
		err := c.ws.Write(ctx, websocket.MessageText, message)
		cancel()
		c.outbound.give(len(message))
		if err != nil {
			c.server.log.Debug("cannot write to a connection", slog.Any("err", err))
			c.cancel(fmt.Errorf("writing: %w", err))
			return
		}
	}
}

// settle waits until the client has asked nothing for one quiet time, has its answers, or has asked for long enough.
//
// Here an extrinsic is final as soon as it is in a block, but polkadot.js, told "inBlock", first asks for the block and its
// events (three questions, one after the other) before it tells the application; told "finalized" meanwhile, it drops the
// first report. Chains of Substrate's own kind leave it seconds for that.
func (c *conn) settle(ctx context.Context) {
	quiet := time.NewTicker(c.server.config.FinalizedQuiet)
	defer quiet.Stop()
	before := c.asked.Load()
	for range finalizedWaits {
		select {
		case <-ctx.Done():
			return
		case <-quiet.C:
		}
		now := c.asked.Load()
		if now == before && len(c.slots) == 0 {
			return
		}
		before = now
	}
}

// newSubscription makes a subscription that counts against the connection's limits. keep or discard must follow.
func (c *conn) newSubscription(notifies string, keys int) (*subscription, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if limit := c.server.config.MaxSubscriptions; len(c.mu.subs)+c.mu.reserved >= limit {
		return nil, &Error{CodeTooManySubs, "Too many subscriptions on the connection", fmt.Sprintf("the limit is %d", limit)}
	}
	if c.mu.watchedKeys+keys > maxWatchedKeys {
		return nil, &Error{CodeTooManySubs, "Too many subscriptions on the connection", fmt.Sprintf("%d storage keys watched and %d more, the limit is %d", c.mu.watchedKeys, keys, maxWatchedKeys)}
	}
	c.mu.reserved++
	c.mu.watchedKeys += keys
	number := c.server.lastSubscription.Add(1)
	return &subscription{id: c.server.subscriptionID(number), number: number, notifies: notifies, conn: c, keys: keys}, nil
}

// keep makes a subscription known by its id, unless the connection has ended meanwhile.
func (c *conn) keep(s *subscription) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.closed {
		return false
	}
	c.mu.reserved--
	c.mu.subs[s.id] = s
	return true
}

// discard gives up a subscription that was not kept.
func (c *conn) discard(s *subscription) {
	c.mu.Lock()
	c.mu.reserved--
	c.mu.watchedKeys -= s.keys
	c.mu.Unlock()
	if s.leave != nil {
		s.leave()
	}
}

// unsubscribe ends a subscription and says whether there was one with this id and kind.
func (c *conn) unsubscribe(id, notifies string) bool {
	c.mu.Lock()
	s := c.mu.subs[id]
	if s == nil || s.notifies != notifies {
		c.mu.Unlock()
		return false
	}
	delete(c.mu.subs, id)
	c.mu.watchedKeys -= s.keys
	c.mu.Unlock()
	s.leave()
	return true
}

func (c *conn) dropSubscriptions() {
	c.mu.Lock()
	c.mu.closed = true
	subs := c.mu.subs
	c.mu.subs = nil
	c.mu.Unlock()
	for _, s := range subs {
		s.leave()
	}
}
