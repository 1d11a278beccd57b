package rpc

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// errNoMemory ends a message or a connection for which the server has no memory to spare.
var errNoMemory = errors.New("server is busy: other connections' messages fill the memory set aside for them")

// budget is a number of bytes that all connections share.
type budget struct {
	mu    sync.Mutex
	bytes int // left; guarded by mu
}

func newBudget(bytes int) *budget { return &budget{bytes: bytes} }

// move takes n bytes, or gives them back if n is negative. It says whether there were as many.
func (b *budget) move(n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.bytes {
		return false
	}
	b.bytes -= n
	return true
}

// account is what one connection holds in one direction. Its first bytes are its own, so that a client with small messages
// is served whatever the others do; the rest come from the shared budget.
type account struct {
	shared *budget
	own    int

	mu     sync.Mutex
	held   int  // guarded by mu
	closed bool // guarded by mu
}

// take says whether the connection may hold n more bytes. A connection that has ended holds nothing.
func (a *account) take(n int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return true
	}
	if more := max(0, a.held+n-a.own) - max(0, a.held-a.own); more > 0 && !a.shared.move(more) {
		return false
	}
	a.held += n
	return true
}

// give returns n bytes that were taken.
func (a *account) give(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.giveLocked(n)
	}
}

// giveLocked REQUIRES that a.mu is held.
func (a *account) giveLocked(n int) {
	a.shared.move(max(0, a.held-n-a.own) - max(0, a.held-a.own))
	a.held -= n
}

// close returns all that is held, when the connection ends.
func (a *account) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.giveLocked(a.held)
	a.closed = true
}

// firstReadBytes is the buffer that a message begins with: most calls fit.
const firstReadBytes = 512

// read reads a message to its end; r fails if there are more than limit bytes. Each buffer is taken before it is made. The
// caller gives back held; after an error nothing is held.
func (a *account) read(r io.Reader, limit int) (message []byte, held int, err error) {
	for {
		if len(message) == cap(message) {
			size := min(max(firstReadBytes, 2*cap(message)), limit+2) // one for r to fail, one to see the end
			if !a.take(size) {
				a.give(held)
				return nil, 0, errNoMemory
			}
			message = append(make([]byte, 0, size), message...)
			a.give(held)
			held = size
		}
		n, err := r.Read(message[len(message):cap(message)])
		message = message[:len(message)+n]
		if errors.Is(err, io.EOF) {
			return message, held, nil
		}
		if err != nil {
			a.give(held)
			return nil, 0, fmt.Errorf("reading a message: %w", err)
		}
	}
}
