package serve

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"fob/internal/cred"
)

// Trouble is why there are no credentials, in a word for the client.
type Trouble string

// The troubles that a renewal may have.
const (
	NotYet      Trouble = "NotYet"      // none were got so far
	NeedsPerson Trouble = "NeedsPerson" // a code or a passphrase is needed
	Failed      Trouble = "Failed"      // AWS, or the way to it
)

// patience is how long a request waits for a renewal that is under way. SDKs give
// up after one second (IMDS) or two, so the answer comes before that.
const patience = 800 * time.Millisecond

// Current is the session of the moment. One goroutine puts sessions into it, and
// any number of requests read it.
type Current struct {
	now    func() time.Time
	at     atomic.Pointer[held]
	wanted chan struct{}

	mu      sync.Mutex
	changed chan struct{} // closed, and made anew, when something was put
}

// held is a session as it is served, or the trouble in its place.
type held struct {
	expires, due        time.Time // zero: never
	container, metadata []byte
	trouble             Trouble
}

// NewCurrent holds nothing yet.
func NewCurrent(now func() time.Time) *Current {
	c := &Current{now: now, wanted: make(chan struct{}, 1), changed: make(chan struct{})}
	c.at.Store(&held{trouble: NotYet})
	return c
}

// Put serves a session from now on. From due on requests ask for its renewal
// (Wanted) and get it as long as it holds; due is zero for one that does not end.
func (c *Current) Put(s cred.Session, account string, due time.Time) error {
	container, metadata, err := encode(s, account, c.now())
	if err != nil {
		return err
	}
	c.turn(&held{expires: s.Expires, due: due, container: container, metadata: metadata})
	return nil
}

// Fail says why a renewal failed. A session that still holds is served on.
func (c *Current) Fail(t Trouble) {
	h := *c.at.Load()
	h.trouble = t
	c.turn(&h)
}

// Wanted tells that a request found a session that is due, or none.
func (c *Current) Wanted() <-chan struct{} { return c.wanted }

func (c *Current) turn(h *held) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at.Store(h)
	close(c.changed)
	c.changed = make(chan struct{})
}

// await gives what holds now. If there is nothing it waits for the renewal that
// it asks for, but never long, and gives the trouble.
func (c *Current) await(ctx context.Context) (*held, Trouble) {
	if h, ok := c.serves(); ok {
		return h, ""
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
		h, ok := c.serves()
		if ok {
			return h, ""
		}
		select {
		case <-changed:
			if h, ok := c.serves(); ok {
				return h, ""
			} else if h.trouble != NotYet {
				return h, h.trouble
			}
		case <-timeout.C:
			if h.trouble == "" {
				return h, NotYet
			}
			return h, h.trouble
		case <-ctx.Done():
			return h, NotYet
		}
	}
}

// serves gives what is held, and asks for its renewal where that is due.
func (c *Current) serves() (*held, bool) {
	h, now := c.at.Load(), c.now()
	ok := h.container != nil && (h.expires.IsZero() || now.Before(h.expires))
	if !ok || !h.due.IsZero() && !now.Before(h.due) {
		select {
		case c.wanted <- struct{}{}:
		default:
		}
	}
	return h, ok
}
