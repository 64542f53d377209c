package serve

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// neighbourID is a user of the machine that no endpoint lets in.
const neighbourID = 4243

// orders are what a process of another user is to do; it gets them on its standard
// input and says what came of each.
type orders struct {
	Ask     string // the address to send Request to, by a socket of its own
	Held    bool   // send it by descriptor 4, too, which somebody else has connected
	Hand    string // connect there, and hand the socket over by descriptor 3
	Listen  string // take this address
	Read    []string
	Request string
}

// TestAsNeighbour is no test: it is the process of the other user.
func TestAsNeighbour(t *testing.T) {
	if os.Getenv("SERVE_NEIGHBOUR") == "" {
		return
	}
	var o orders
	lines := bufio.NewReader(os.Stdin)
	if err := json.NewDecoder(lines).Decode(&o); err != nil {
		t.Fatal(err)
	}
	said := map[string]string{"user": strconv.Itoa(os.Geteuid())}
	if o.Ask != "" {
		c, err := net.Dial("tcp4", o.Ask)
		said["ask"] = statusOf(c, err, o.Request)
	}
	if o.Held {
		c, err := net.FileConn(os.NewFile(4, "held"))
		said["held"] = statusOf(c, err, o.Request)
	}
	if o.Hand != "" {
		said["hand"] = handOver(o.Hand)
	}
	if o.Listen != "" {
		l, err := net.Listen("tcp4", o.Listen)
		if err != nil {
			t.Fatal(err)
		}
		said["listen"] = "yes"
		go func() {
			if c, err := l.Accept(); err == nil {
				text, _ := io.ReadAll(c)
				_ = os.WriteFile("/proc/self/fd/2", text, 0)
			}
		}()
	}
	for _, file := range o.Read {
		_, err := os.ReadFile(file)
		said[filepath.Base(file)] = fmt.Sprint(errors.Is(err, os.ErrPermission))
	}
	text, _ := json.Marshal(said) // strings marshal
	fmt.Printf("said %s\n", text)
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test has done
}

// statusOf sends a request on a connection.
func statusOf(c net.Conn, err error, request string) string {
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		return err.Error()
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	return strconv.Itoa(resp.StatusCode)
}

func handOver(address string) string {
	c, err := net.Dial("tcp4", address)
	if err != nil {
		return err.Error()
	}
	f, err := c.(*net.TCPConn).File()
	if err != nil {
		return err.Error()
	}
	if err := syscall.Sendmsg(3, []byte("x"), syscall.UnixRights(int(f.Fd())), nil, 0); err != nil {
		return err.Error()
	}
	return "yes"
}

// neighbour starts the process of the other user and gives what it said. It lives
// until the end of the test or until end is called.
type neighbour struct {
	said   map[string]string
	errors *bytes.Buffer
	end    func()
}

func startNeighbour(t *testing.T, o orders, files ...*os.File) neighbour {
	t.Helper()
	c := exec.Command("/proc/self/exe", "-test.run=^TestAsNeighbour$")
	c.Env, c.Dir, c.ExtraFiles = []string{"SERVE_NEIGHBOUR=1"}, "/", files
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: neighbourID, Gid: neighbourID}}
	n := neighbour{errors: &bytes.Buffer{}}
	c.Stderr = n.errors
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	n.end = func() {
		if !ended {
			ended = true
			_ = in.Close()
			_ = c.Wait()
		}
	}
	t.Cleanup(n.end)
	text, _ := json.Marshal(o) // strings marshal
	if _, err := in.Write(text); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if text, ok := strings.CutPrefix(line, "said "); ok {
			if err := json.Unmarshal([]byte(text), &n.said); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if err != nil {
			t.Fatalf("the neighbour says nothing: %s", n.errors)
		}
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root, to be another user")
	}
}

// A process of another user that has the right token is refused, by its own socket
// and by the hands of the endpoint's own user. A socket of the endpoint's own user
// that was given away lets in: who gives it away could give the answer away.
func TestNeighbour(t *testing.T) {
	t.Parallel()
	needRoot(t)
	for name, kind := range map[string]Kind{"container": Container, "IMDS": Metadata} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, kind)
			s.put(t)
			request := s.authorized()
			if kind == Metadata {
				request = s.request("GET /latest/meta-data/instance-id", metadataToken+s.issueToken(t, "60"))
			}
			ours, theirs := socketPair(t)
			held, err := net.Dial("tcp4", s.host)
			if err != nil {
				t.Fatal(err)
			}
			defer held.Close()
			heldFile, err := held.(*net.TCPConn).File()
			if err != nil {
				t.Fatal(err)
			}
			defer heldFile.Close()
			n := startNeighbour(t, orders{Ask: s.host, Held: true, Hand: s.host, Request: request}, theirs, heldFile)
			want := map[string]string{"user": strconv.Itoa(neighbourID), "ask": "403", "held": "200", "hand": "yes"}
			if diff := cmp.Diff(want, n.said); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			c, err := net.FileConn(receive(t, ours))
			if got := statusOf(c, err, request); got != "403" {
				t.Errorf("a socket of the neighbour's, used by us: %s", got)
			}
		})
	}
}

func socketPair(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs = os.NewFile(uintptr(ends[0]), "ours"), os.NewFile(uintptr(ends[1]), "theirs")
	t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
	return ours, theirs
}

// receive takes the descriptor that was handed over.
func receive(t *testing.T, from *os.File) *os.File {
	t.Helper()
	rights := make([]byte, syscall.CmsgSpace(4))
	_, n, _, _, err := syscall.Recvmsg(int(from.Fd()), make([]byte, 1), rights, 0)
	if err != nil {
		t.Fatal(err)
	}
	all, err := syscall.ParseSocketControlMessage(rights[:n])
	if err != nil || len(all) != 1 {
		t.Fatal(len(all), err)
	}
	fds, err := syscall.ParseUnixRights(&all[0])
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fds[0]), "handed over")
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// The process of the other user does get in where nothing looks at users: it is the
// look that keeps it out.
func TestNeighbourUnseen(t *testing.T) {
	t.Parallel()
	needRoot(t)
	s := start(t, Container, func(o *Options) { o.UserOf = nil })
	s.put(t)
	want := map[string]string{"user": strconv.Itoa(neighbourID), "ask": "200"}
	if diff := cmp.Diff(want, startNeighbour(t, orders{Ask: s.host, Request: s.authorized()}).said); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The file of a token cannot be read by another user, at no moment and in no
// folder, and one that they are granted can be read by them alone.
func TestNeighbourReadsTokens(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir, err := os.MkdirTemp("/tmp", "fob-test-open-") // t.TempDir is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	files := []string{filepath.Join(dir, "own"), filepath.Join(dir, "granted"), filepath.Join(dir, "theirs")}
	for i, uid := range []int{0, neighbourID + 1, neighbourID} {
		if err := (Grant{UID: uid, Token: NewToken()}).WriteToken(files[i]); err != nil {
			t.Fatal(err)
		}
	}
	n := startNeighbour(t, orders{Read: files})
	want := map[string]string{"user": strconv.Itoa(neighbourID), "own": "true", "granted": "true", "theirs": "false"}
	if diff := cmp.Diff(want, n.said); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
}

// Who takes a port that an endpoint had gets nothing from the endpoints after it:
// none uses that port again or asks there.
func TestNeighbourTakesThePort(t *testing.T) {
	t.Parallel()
	needRoot(t)
	before := start(t, Container)
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	n := startNeighbour(t, orders{Listen: before.host})
	if n.said["listen"] != "yes" {
		t.Fatalf("got %v: %s", n.said, n.errors)
	}
	var hosts []string
	for range 20 {
		s := start(t, Container)
		s.put(t)
		if status, _, _ := s.ask(t, s.authorized()); status != http.StatusOK {
			t.Errorf("status %d", status)
		}
		hosts = append(hosts, s.host)
	}
	n.end()
	if slices.Contains(hosts, before.host) || n.errors.Len() > 0 {
		t.Errorf("the neighbour got %q; the ports after are %v", n.errors, hosts)
	}
}
