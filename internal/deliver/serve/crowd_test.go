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
