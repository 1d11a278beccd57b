package rpc

import "sync"

// queue holds what waits to be written to one connection. Responses wait for room; notifications do not.
type queue struct {
	maxBytes         int
	maxNotifications int

	mu            sync.Mutex
	changed       sync.Cond // on mu: something was added, taken, or the queue was closed
	messages      []queued  // guarded by mu
	bytes         int       // guarded by mu
	notifications int       // guarded by mu
	closed        bool      // guarded by mu
}

type queued struct {
	message      []byte
	notification bool
}

func newQueue(maxBytes, maxNotifications int) *queue {
	q := &queue{maxBytes: maxBytes, maxNotifications: maxNotifications}
	q.changed.L = &q.mu
	return q
}

// put appends a message when there is room; a message larger than the queue is let into an empty one. It returns at once
// if the queue is closed.
func (q *queue) put(message []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed && q.bytes > 0 && q.bytes+len(message) > q.maxBytes {
		q.changed.Wait()
	}
	q.add(queued{message: message})
}

// offer appends a notification if there is room, and says whether the client keeps up.
func (q *queue) offer(message []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return true
	}
	if q.notifications >= q.maxNotifications || q.bytes > 0 && q.bytes+len(message) > q.maxBytes {
		return false
	}
	q.add(queued{message: message, notification: true})
	return true
}

// add REQUIRES that q.mu is held.
func (q *queue) add(m queued) {
	if q.closed {
		return
	}
	q.messages = append(q.messages, m)
	q.bytes += len(m.message)
	if m.notification {
		q.notifications++
	}
	q.changed.Broadcast()
}

// take removes the oldest message, waiting for one. It returns false when the queue is closed.
func (q *queue) take() ([]byte, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed && len(q.messages) == 0 {
		q.changed.Wait()
	}
	if q.closed {
		return nil, false
	}
	m := q.messages[0]
	q.messages[0] = queued{} // let it be collected
	q.messages = q.messages[1:]
	q.bytes -= len(m.message)
	if m.notification {
		q.notifications--
	}
	q.changed.Broadcast()
	return m.message, true
}

// close drops what is left and wakes everybody.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.messages = nil
	q.changed.Broadcast()
}
