package playground

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// What a fault does, beside an HTTP status from 400 to 599 in digits.
const (
	faultReset    = "reset"    // the connection is reset
	faultThrottle = "throttle" // 400 Throttling
	faultSlow     = "slow"     // the answer comes after Delay
)

// Fault makes requests go wrong: the next Times of Action, after Skip of them
// went through.
type Fault struct {
	Action string        // AssumeRole, s3:PutObject, s3:PUT, a path, or * for every request
	Times  int           // 0 stands for 1
	Skip   int           // so many go through first
	Status string        // "500" and the like, "reset", "throttle" or "slow"
	Delay  time.Duration // of slow; 0 stands for 5 s
	After  bool          // the work is done first, and only the answer is lost
}

func (f Fault) check() error {
	n, err := strconv.Atoi(f.Status)
	known := slices.Contains([]string{faultReset, faultThrottle, faultSlow}, f.Status) || err == nil && n >= 400 && n <= 599
	if f.Action == "" || !known {
		return fmt.Errorf(`a fault wants an action, and as its status 400 to 599, "reset", "throttle" or "slow"`)
	}
	return nil
}

// Fault adds a fault; one that names no action or no known status is dropped
// and told.
func (s *Server) Fault(f Fault) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.Times == 0 {
		f.Times = 1
	}
	if f.Status == faultSlow && f.Delay == 0 {
		f.Delay = 5 * time.Second
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
	return nil
}

// ClearFaults forgets the faults that are still to come.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// meet gives the fault that this request runs into, and counts it down.
func (s *Server) meet(c *call) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.faults, func(f Fault) bool {
		return slices.Contains([]string{c.action, c.name(), c.service + ":" + c.req.Method, c.req.URL.Path, "*"}, f.Action)
	})
	if at < 0 {
		return Fault{}, false
	}
	f := &s.faults[at]
	if f.Skip > 0 {
		f.Skip--
		return Fault{}, false
	}
	met := *f
	if f.Times--; f.Times <= 0 {
		s.faults = slices.Delete(s.faults, at, at+1)
	}
	if met.Status != faultSlow {
		seen := c.seen(s.now())
		seen.Verdict = "fault:" + met.Status
		s.calls = append(s.calls, seen)
	}
	return met, true
}

// fail is the wrong answer itself.
func (s *Server) fail(w http.ResponseWriter, c *call, f Fault) {
	switch f.Status {
	case faultReset:
		reset(w)
		return
	case faultThrottle:
		c.failure(refuse(http.StatusBadRequest, "Throttling", "Rate exceeded")).send(w)
		return
	}
	status, _ := strconv.Atoi(f.Status) // checked when it was added
	r := refuse(status, "AccessDenied", "Access denied by a fault of the playground")
	switch {
	case status == http.StatusTooManyRequests:
		r = refuse(status, "TooManyRequestsException", "Rate exceeded")
	case status == http.StatusServiceUnavailable:
		r = refuse(status, "ServiceUnavailable", "Service is unable to handle request")
	case status >= http.StatusInternalServerError:
		r = refuse(status, "InternalFailure", "The request processing has failed because of an unknown error, exception or failure.")
	}
	c.failure(r).send(w)
}

func (c *call) failure(r *refusal) answer {
	if c.service == "s3" {
		return c.s3Refused(r)
	}
	return c.refused(r)
}

// reset closes the connection without a goodbye, which clients see as
// "connection reset by peer".
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // what makes Close send RST
	}
	_ = conn.Close()
}

// wait gives false when the client went away first.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
