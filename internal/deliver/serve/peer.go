package serve

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// CanTellUsers says whether this system tells whose a connection is (Users).
func CanTellUsers() bool { return Users() != nil }

type peerKey struct{}

// peer is the other end of a connection. Whose it is is looked up with the first
// request and holds for the connection: a socket may be handed on, but only by
// its owner.
type peer struct {
	conn          net.Conn
	local, remote netip.AddrPort
	once          sync.Once
	uid           int
}

func peerOf(c net.Conn) *peer {
	return &peer{conn: c, local: addressOf(c.LocalAddr()), remote: addressOf(c.RemoteAddr())}
}

// withPeer puts the other end into the context of a connection's requests.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, peerKey{}, peerOf(c))
}

// door is a listener that hangs up on strangers while half of the connections are
// taken. They are told why as long as there is room, but not at the cost of a
// goroutine each when they come by the thousand.
type door struct {
	net.Listener
	crowd    *crowd
	stranger func(*peer) bool
}

func (d door) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil || d.crowd.size() < d.crowd.most/2 || !d.stranger(peerOf(c)) {
			return c, err
		}
		_ = c.Close()
	}
}

// isStranger says whether the connection is of a user whom nothing lets in.
func (e *Endpoint) isStranger(p *peer) bool {
	return e.userOf != nil && !e.rules.admits(p.user(e.userOf))
}

func addressOf(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort()
	}
	return netip.AddrPort{}
}

func (p *peer) user(of func(local, remote netip.AddrPort) (int, error)) int {
	p.once.Do(func() {
		uid, err := of(p.local, p.remote)
		if err != nil {
			uid = nobody
		}
		p.uid = uid
	})
	return p.uid
}

// crowd bounds the connections. One more closes the oldest that is not at work on a
// request which the guard let through, so that whoever opens many shuts out
// themselves. Who was refused may still owe a body, for which net/http waits.
type crowd struct {
	most int
	mu   sync.Mutex
	idle map[net.Conn]uint64 // when it came, in turns
	all  map[net.Conn]bool
	next uint64
}

func newCrowd(most int) *crowd {
	return &crowd{most: most, idle: map[net.Conn]uint64{}, all: map[net.Conn]bool{}}
}

func (c *crowd) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.all)
}

// turn is a http.Server's ConnState.
func (c *crowd) turn(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if oldest := c.come(conn); oldest != nil {
			_ = oldest.Close()
		}
	case http.StateIdle:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.rest(conn)
	case http.StateClosed, http.StateHijacked:
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.idle, conn)
		delete(c.all, conn)
	}
}

// come takes in a new connection, and gives the one to close for it, if any. Where
// each is at work that is the new one.
func (c *crowd) come(conn net.Conn) (oldest net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all[conn] = true
	c.rest(conn)
	if len(c.all) <= c.most {
		return nil
	}
	oldest = conn
	for other, at := range c.idle {
		if at < c.idle[oldest] {
			oldest = other
		}
	}
	delete(c.idle, oldest)
	delete(c.all, oldest)
	return oldest
}

// work keeps a connection open whose request is being answered.
func (c *crowd) work(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.idle, conn)
}

// rest is for one that waits for its next request.
func (c *crowd) rest(conn net.Conn) {
	if c.all[conn] { // else it was closed to make room
		c.next++
		c.idle[conn] = c.next
	}
}
