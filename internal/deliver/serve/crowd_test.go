package serve

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// A request of 8 KiB is read, and of one byte more nothing is.
func TestLongestHeader(t *testing.T) {
	t.Parallel()
	s := start(t, Container)
	s.put(t)
	for length, want := range map[int]int{mostHeader: http.StatusOK, mostHeader + 1: http.StatusRequestHeaderFieldsTooLarge} {
		short := s.request("GET /credentials", "Authorization: "+s.token, "X: ")
		raw := s.request("GET /credentials", "Authorization: "+s.token, "X: "+strings.Repeat("x", length-len(short)))
		if status, _, _ := s.ask(t, raw); status != want {
			t.Errorf("%d bytes: got %d, want %d", len(raw), status, want)
		}
	}
}

// Whoever is refused, or has not yet said what they want, keeps nobody out by the
// connections that they hold open: not by saying nothing, by saying it slowly, or
// by owing a body.
func TestHeldConnections(t *testing.T) {
	t.Parallel()
	s := start(t, Container)
	s.put(t)
	for name, raw := range map[string]string{
		"idle":            "",
		"half a header":   "GET /credentials HTTP/1.1\r\nHost:",
		"a body owed":     s.request("POST /credentials", "Content-Length: 10"),
		"chunks owed":     s.request("GET /credentials", "Authorization: "+s.token, "Transfer-Encoding: chunked"),
		"continue owed":   s.request("POST /credentials", "Content-Length: 10", "Expect: 100-continue"),
		"refused, kept":   s.request("GET /credentials"),
		"answered, kept":  s.authorized(),
		"half the second": s.authorized() + "GET",
	} {
		t.Run(name, func(t *testing.T) {
			var open []net.Conn
			defer func() {
				for _, c := range open {
					_ = c.Close()
				}
			}()
			for range 2 * mostConnections {
				c, err := net.Dial("tcp4", s.host)
				if err != nil {
					t.Fatal(err)
				}
				open = append(open, c)
				_, _ = io.WriteString(c, raw)
			}
			var got []string
			for range 10 {
				if resp, _, err := s.send(s.authorized()); err != nil {
					got = append(got, err.Error())
				} else if resp.StatusCode != http.StatusOK {
					got = append(got, resp.Status)
				}
			}
			if len(got) > 0 {
				t.Errorf("%d of 10 good requests are not served: %v", len(got), got)
			}
		})
	}
}

// line is a listener at which these connections wait.
type line struct {
	net.Listener
	all []net.Conn
}

func (l *line) Accept() (net.Conn, error) {
	if len(l.all) == 0 {
		return nil, net.ErrClosed
	}
	c := l.all[0]
	l.all = l.all[1:]
	return c, nil
}

// Strangers take half of the connections at most, and so keep nobody out; who is no
// stranger comes in.
func TestStrangersTakeHalf(t *testing.T) {
	t.Parallel()
	const most = 8
	own, _ := net.Pipe()
	waiting := &line{}
	for range 3 * most {
		one, _ := net.Pipe()
		waiting.all = append(waiting.all, one)
	}
	waiting.all = append(waiting.all, own)
	crowd := newCrowd(most)
	d := door{waiting, crowd, func(p *peer) bool { return p.conn != own }}
	var in []net.Conn
	for {
		c, err := d.Accept()
		if err != nil {
			break
		}
		crowd.turn(c, http.StateNew)
		in = append(in, c)
	}
	if len(in) != most/2+1 || in[most/2] != own {
		t.Errorf("%d were let in", len(in))
	}
}
