package rpc

import "sync"

// subscription is one stream of notifications on one connection. It holds notifications back until start, so that the
// client reads its id first and then the initial state, then what happened since.
type subscription struct {
	id       string
	number   uint64 // order of subscribing, over all connections
	notifies string
	conn     *conn
	keys     int    // watched storage keys, counted against the connection's limit
	initial  []byte // result of the first notification, nil for none
	leave    func() // takes it out of its source; set once, before it is shared
	run      func() // what start begins, nil for nothing

	mu      sync.Mutex
	started bool     // guarded by mu
	backlog [][]byte // guarded by mu: results to send at start
}

// notify sends one result, or keeps it until start.
func (s *subscription) notify(result []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started {
		s.backlog = append(s.backlog, result)
		return
	}
	s.conn.sendNotification(notification(s.notifies, s.id, result))
}

// start sends the initial result and the backlog. The response with the id must be in the connection's queue.
func (s *subscription) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started = true
	if s.initial != nil {
		s.conn.sendNotification(notification(s.notifies, s.id, s.initial))
	}
	for _, result := range s.backlog {
		s.conn.sendNotification(notification(s.notifies, s.id, result))
	}
	s.initial, s.backlog = nil, nil
	if s.run != nil {
		s.conn.calls.Go(s.run)
	}
}
