package serve

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestAsServer is no test: it is an endpoint in a process of its own.
func TestAsServer(t *testing.T) {
	if os.Getenv("SERVE_ALONE") == "" {
		return
	}
	s := start(t, Container)
	s.put(t)
	fmt.Printf("said %s %s\n", s.host, s.token)
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test has done
}

// alone is an endpoint whose process can be looked at, and killed.
func alone(t *testing.T) (s started, server *os.Process) {
	t.Helper()
	c := exec.Command("/proc/self/exe", "-test.run=^TestAsServer$")
	c.Env = append(os.Environ(), "SERVE_ALONE=1")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = c.Wait()
	})
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Sscanf(line, "said %s %s", &s.host, &s.token); err == nil {
			return s, c.Process
		}
	}
}

// A thousand idle connections, a thousand that are slow, a body without end and
// long pipelines cost a process a bounded part of memory and descriptors, and a
// good client is served all the time.
func TestBounds(t *testing.T) {
	t.Parallel()
	s, server := alone(t)
	served := func(when string) {
		t.Helper()
		if status, _, _ := s.ask(t, s.authorized()); status != http.StatusOK {
			t.Errorf("%s: %d", when, status)
		}
	}
	served("at first")
	fds, memory := footprint(t, server.Pid)
	var open []net.Conn
	defer func() {
		for _, c := range open {
			_ = c.Close()
		}
	}()
	for i := range 2000 {
		c, err := net.Dial("tcp4", s.host)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
		if i >= 1000 {
			_, _ = io.WriteString(c, "GET /credentials HTTP/1.1\r\nX: "+strings.Repeat("x", 6<<10))
		}
		if i%250 == 249 {
			served(fmt.Sprintf("with %d connections", i))
		}
	}
	sent := s.flood(s.request("POST /credentials", "Content-Length: 1073741824"), strings.Repeat("x", 64<<10), 1<<30)
	if sent > 32<<20 {
		t.Errorf("%d bytes of a body were taken", sent)
	}
	served("after a body")
	s.flood("", strings.Repeat(s.request("GET /nothing"), 100), 8<<20) // whose answers nobody reads
	served("after a pipeline")
	fdsAfter, memoryAfter := footprint(t, server.Pid)
	if fdsAfter > fds+mostConnections+8 || memoryAfter > memory+memoryRoom {
		t.Errorf("from %d to %d descriptors, from %d to %d MiB", fds, fdsAfter, memory>>20, memoryAfter>>20)
	}
	t.Logf("from %d to %d descriptors, from %d to %d MiB; %d bytes of a body", fds, fdsAfter, memory>>20, memoryAfter>>20, sent)
}

// flood sends the same again and again, at most so many bytes, and gives how many
// were taken before the other end would have no more.
func (s started) flood(first, again string, most int) (sent int) {
	c, err := net.Dial("tcp4", s.host)
	if err != nil {
		return 0
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(3 * time.Second)) // one that takes no more but stays is done with, too
	_, err = io.WriteString(c, first)
	for err == nil && sent < most {
		var n int
		n, err = io.WriteString(c, again)
		sent += n
	}
	return sent
}

// footprint is how many descriptors a process has, and its memory in bytes.
func footprint(t *testing.T, pid int) (fds, memory int) {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return len(entries), pages * os.Getpagesize()
}

// Killed, an endpoint takes no connection any more, within a second.
func TestKilled(t *testing.T) {
	t.Parallel()
	s, server := alone(t)
	if status, _, _ := s.ask(t, s.authorized()); status != http.StatusOK {
		t.Fatal(status)
	}
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) { // the end of a process that is not waited for is not told
		c, err := net.Dial("tcp4", s.host)
		if err != nil {
			return
		}
		_ = c.Close()
		if time.Since(begun) > time.Second {
			t.Fatal("it still listens")
		}
	}
}

// Of a process that serves, one socket listens: on 127.0.0.1, and on nothing else.
func TestOneListener(t *testing.T) {
	t.Parallel()
	s, server := alone(t)
	want := []string{s.host}
	if diff := cmp.Diff(want, listeners(t, server.Pid)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// listeners are the addresses at which a process takes connections or datagrams, as
// ss -ltnup says.
func listeners(t *testing.T, pid int) (all []string) {
	t.Helper()
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil || len(fds) == 0 {
		t.Fatal(fds, err)
	}
	held := map[string]bool{}
	for _, fd := range fds {
		to, _ := os.Readlink(fd)
		held[strings.TrimSuffix(strings.TrimPrefix(to, "socket:["), "]")] = true
	}
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil && !os.IsNotExist(err) { // a kernel without IPv6
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			const listens, unconnected = "0A", "07"
			f := strings.Fields(line)
			if len(f) < 10 || !held[f[9]] || f[3] != listens && f[3] != unconnected {
				continue
			}
			address, port, _ := strings.Cut(f[1], ":")
			if n, err := strconv.ParseUint(port, 16, 16); err == nil && address == "0100007F" {
				all = append(all, fmt.Sprintf("127.0.0.1:%d", n))
			} else {
				all = append(all, table+" "+f[1])
			}
		}
	}
	return all
}
