package web

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

// connections is a listener that limits how many connections are open. When one more comes, it
// closes the one that has waited longest for a request, or for the rest of one, so that a client
// that only holds connections keeps nobody out. While all are being answered, new ones wait.
type connections struct {
	net.Listener
	most    int
	stalled time.Duration // how long a client may take nothing of its answer
	metrics *metrics

	mu      sync.Mutex
	changed *sync.Cond // a connection was closed, or has no answer under way any more
	open    map[*connection]struct{}
	closed  bool
}

func newConnections(l net.Listener, most int, stalled time.Duration, m *metrics) *connections {
	c := &connections{Listener: l, most: most, stalled: stalled, metrics: m, open: map[*connection]struct{}{}}
	c.changed = sync.NewCond(&c.mu)
	return c
}

// Accept implements net.Listener.
func (c *connections) Accept() (net.Conn, error) {
	accepted, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	one := &connection{Conn: accepted, of: c, since: time.Now()}
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.open) >= c.most && !c.closed && !c.evict() {
		c.changed.Wait()
	}
	if c.closed {
		_ = accepted.Close() // nobody will serve it
		return nil, net.ErrClosed
	}
	c.open[one] = struct{}{}
	c.metrics.connections.Inc()
	return one, nil
}

// evict closes the connection that has been waiting longest; ok is false if none is.
func (c *connections) evict() (ok bool) {
	var oldest *connection
	for one := range c.open {
		if !one.busy && (oldest == nil || one.since.Before(oldest.since)) {
			oldest = one
		}
	}
	if oldest == nil {
		return false
	}
	c.remove(oldest)
	_ = oldest.Conn.Close() // the server notices when it reads
	c.metrics.evicted.Inc()
	return true
}

// remove forgets a connection, once.
func (c *connections) remove(one *connection) {
	if _, is := c.open[one]; is {
		delete(c.open, one)
		c.metrics.connections.Dec()
		c.changed.Broadcast()
	}
}

// Close implements net.Listener.
func (c *connections) Close() error {
	c.mu.Lock()
	c.closed = true
	c.changed.Broadcast()
	c.mu.Unlock()
	return c.Listener.Close()
}

// stateChanged is called by the server when a connection changes. It is busy from when a request's
// header was read until it is answered.
func (c *connections) stateChanged(conn net.Conn, state http.ConnState) {
	if over, is := conn.(*tls.Conn); is {
		conn = over.NetConn()
	}
	one, is := conn.(*connection)
	if !is {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	one.busy, one.since = state == http.StateActive, time.Now()
	if !one.busy {
		c.changed.Broadcast()
	}
}

// connection is one of connections.
type connection struct {
	net.Conn
	of    *connections
	busy  bool
	since time.Time // of its state

	mu      sync.Mutex
	written time.Time // the server's own deadline for the whole answer; zero: none
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.of.mu.Lock()
	c.of.remove(c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// Write implements net.Conn. It fails if the client takes nothing for too long.
func (c *connection) Write(p []byte) (n int, err error) {
	const atOnce = 64 << 10
	for first := true; first || len(p) > 0; first = false {
		c.mu.Lock()
		deadline := time.Now().Add(c.of.stalled)
		if !c.written.IsZero() && c.written.Before(deadline) {
			deadline = c.written
		}
		err := c.Conn.SetWriteDeadline(deadline)
		c.mu.Unlock()
		if err != nil {
			return n, err
		}
		took, err := c.Conn.Write(p[:min(len(p), atOnce)])
		if n += took; err != nil {
			return n, err
		}
		p = p[took:]
	}
	return n, nil
}

// SetWriteDeadline implements net.Conn.
func (c *connection) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.written = t
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline implements net.Conn.
func (c *connection) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}
