package postgrestest

import (
	"net"
	"net/url"
	"sync"
)

// Proxy passes connections on to a server, and can cut them.
type Proxy struct {
	listener net.Listener
	socket   string

	mu    sync.Mutex
	left  int // how many chunks are passed on until all is cut; negative: any number
	cut   int // how often that happened
	conns map[net.Conn]bool
	wg    sync.WaitGroup
}

// Proxy makes a proxy in front of the server, on a port of its own.
func (s *Server) Proxy() (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: l, socket: s.Socket(), left: -1, conns: map[net.Conn]bool{}}
	p.wg.Go(p.accept)
	return p, nil
}

// URL returns the address of a database behind the proxy.
func (p *Proxy) URL(database string) string {
	return "postgres://postgres@" + p.listener.Addr().String() + "/" + database + "?" + url.Values{"sslmode": {"disable"}}.Encode()
}

// CutAfter passes n more chunks on, in either direction, then half of one, and then cuts all
// connections, once. New ones are possible at once.
func (p *Proxy) CutAfter(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = n
}

// Heal cuts no more, and returns how often all was cut.
func (p *Proxy) Heal() (cut int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = -1
	return p.cut
}

// Close ends the proxy and its connections.
func (p *Proxy) Close() error {
	err := p.listener.Close()
	p.cutAll()
	p.wg.Wait()
	return err
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", p.socket)
		if err != nil {
			_ = client.Close() // nothing was sent on it
			continue
		}
		p.mu.Lock()
		p.conns[client], p.conns[server] = true, true
		p.mu.Unlock()
		p.wg.Go(func() { p.pass(client, server) })
		p.wg.Go(func() { p.pass(server, client) })
	}
}

// pass passes on what comes, and closes both ends when one is.
func (p *Proxy) pass(from, to net.Conn) {
	defer p.forget(from, to)
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			part := p.take(n)
			if _, err := to.Write(buffer[:part]); err != nil {
				return
			}
			if part < n {
				p.cutAll()
				return
			}
		}
		if err != nil {
			return // io.EOF or a cut
		}
	}
}

// take returns how much of a chunk is passed on.
func (p *Proxy) take(n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.left == 0:
		p.left = -1
		p.cut++
		return n / 2
	case p.left > 0:
		p.left--
	}
	return n
}

func (p *Proxy) cutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close() // whoever waits for it is told
	}
	clear(p.conns)
}

func (p *Proxy) forget(ends ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range ends {
		_ = c.Close() // the other direction may have done so
		delete(p.conns, c)
	}
}
