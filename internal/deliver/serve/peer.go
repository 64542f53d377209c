package serve

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"
)

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

// withPeer puts the other end into the context of a connection's requests.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, peerKey{}, &peer{conn: c, local: addressOf(c.LocalAddr()), remote: addressOf(c.RemoteAddr())})
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

// turn is a http.Server's ConnState.
func (c *crowd) turn(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.all[conn] = true
		c.rest(conn)
		if len(c.all) > c.most {
			c.closeOldest(conn)
		}
	case http.StateIdle:
		c.rest(conn)
	case http.StateClosed, http.StateHijacked:
		delete(c.idle, conn)
		delete(c.all, conn)
	}
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

// closeOldest closes the connection that has rested longest; where each is at
// work, the new one.
func (c *crowd) closeOldest(fresh net.Conn) {
	oldest, since := fresh, c.idle[fresh]
	for conn, at := range c.idle {
		if at < since {
			oldest, since = conn, at
		}
	}
	delete(c.idle, oldest)
	delete(c.all, oldest)
	_ = oldest.Close()
}
