package serve

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// askAs sends a request over a socket that belongs to another user: the kernel
// gives a socket to the file system user of the thread that makes it.
func (s started) askAs(t *testing.T, uid int, raw string) int {
	t.Helper()
	status := make(chan int, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		_, _, _ = syscall.RawSyscall(syscall.SYS_SETFSUID, uintptr(uid), 0, 0)
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Error(err)
			status <- 0
			return
		}
		f := os.NewFile(uintptr(fd), "socket")
		defer f.Close()
		to := netip.MustParseAddrPort(s.host)
		err = syscall.Connect(fd, &syscall.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()})
		if err == nil {
			_, err = io.WriteString(f, raw)
		}
		if err != nil {
			t.Error(err)
			status <- 0
			return
		}
		resp, err := http.ReadResponse(bufio.NewReader(f), nil)
		if err != nil {
			t.Error(err)
			status <- 0
			return
		}
		_ = resp.Body.Close()
		status <- resp.StatusCode
	}()
	return <-status
}

// Another user is refused with the right token, a granted one only with theirs.
func TestAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("needs root, to be another user")
	}
	const granted, stranger = 4242, 4243
	theirs := NewToken()
	s := start(t, Container, func(o *Options) { o.Grants = append(o.Grants, Grant{UID: granted, Token: theirs}) })
	s.put(t)
	with := func(text string) string { return s.request("GET /credentials", "Authorization: "+text) }
	got := []int{
		s.askAs(t, 0, with(s.token)), s.askAs(t, stranger, with(s.token)), s.askAs(t, stranger, with(theirs.Reveal())),
		s.askAs(t, granted, with(theirs.Reveal())), s.askAs(t, granted, with(s.token)), s.askAs(t, 0, with(theirs.Reveal())),
	}
	want := []int{200, 403, 403, 200, 403, 403}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %v, want %v", got, want)
			break
		}
	}
	m := start(t, Metadata)
	if status := m.askAs(t, stranger, m.request("PUT /latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 60")); status != http.StatusForbidden {
		t.Errorf("IMDS gives a stranger %d", status)
	}
}

func TestOwnerIn(t *testing.T) {
	t.Parallel()
	if !strings.HasPrefix(runtime.GOARCH, "a") && runtime.GOARCH != "386" {
		t.Skip("the table is written in this machine's order")
	}
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:115C 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 100 1 0 100 0 0 10 0
   1: 0100007F:C350 0100007F:115C 01 00000000:00000000 00:00000000 00000000  1000        0 101 1 0 20 4 30 10 -1
   2: 0100007F:115C 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 102 1 0 20 4 30 10 -1
   3: 0100007F:C351 0100007F:115C 01 00000000:00000000 00:00000000 00000000     0        0 0 1 0 20 4 30 10 -1
   4: 0100007F:C352 0100007F:115C 05 00000000:00000000 00:00000000 00000000  1000        0 103 1 0 20 4 30 10 -1
   5: 0000000000000000FFFF00000100007F:C353 0000000000000000FFFF00000100007F:115C 01 0:0 0:0 0  1001 0 104 1
   6: zz:C354 0100007F:115C 01 0 0 0 1000 0 105
`
	local := netip.MustParseAddrPort("127.0.0.1:4444")
	for peer, want := range map[string]int{
		"127.0.0.1:50000": 1000, "[::ffff:127.0.0.1]:50000": 1000, "127.0.0.1:50001": nobody, "127.0.0.1:50002": nobody,
		"127.0.0.1:50003": 1001, "127.0.0.1:50004": nobody, "127.0.0.2:50000": nobody,
	} {
		if got, _ := ownerIn([]byte(table), local, netip.MustParseAddrPort(peer)); got != want {
			t.Errorf("%s: got %d, want %d", peer, got, want)
		}
	}
}

// Both ways to find the user of a connection say the same, and the quick one works
// where the tests run.
func TestOwnersAgree(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	local, peer := addressOf(c.RemoteAddr()), addressOf(c.LocalAddr())
	if uid, err := tableOwner(local, peer); uid != os.Getuid() || err != nil {
		t.Errorf("the table says %d, %v", uid, err)
	}
	if uid, err := diagOwner(local, peer); uid != os.Getuid() || err != nil {
		t.Errorf("the kernel says %d, %v", uid, err)
	}
	other := netip.AddrPortFrom(peer.Addr(), local.Port()) // the listener itself
	if uid, err := diagOwner(local, other); err == nil {
		t.Errorf("a socket that listens is the end of a connection of %d", uid)
	}
	for _, bad := range [][]byte{nil, make([]byte, 20), make([]byte, diagHeader+diagAnswer)} {
		if _, err := diagUID(bad, local, peer); err == nil {
			t.Errorf("%d zero bytes are an answer", len(bad))
		}
	}
}

// A client whose socket is of IPv6, as those of Java are, has a user too, and so has
// the one beside it that is somebody else's.
func TestMappedClient(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	fd, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Skip("this machine has no IPv6")
	}
	defer syscall.Close(fd)
	to := &syscall.SockaddrInet6{Port: l.Addr().(*net.TCPAddr).Port, Addr: netip.MustParseAddr("::ffff:127.0.0.1").As16()}
	if err := syscall.Connect(fd, to); err != nil {
		t.Skipf("this machine has no IPv6 that leads to IPv4: %v", err)
	}
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	local, peer := addressOf(c.LocalAddr()), addressOf(c.RemoteAddr())
	if uid, err := tableOwner(local, peer); uid != os.Getuid() || err != nil {
		t.Errorf("the table says %d, %v", uid, err)
	}
	if uid, err := diagOwner(local, peer); uid != os.Getuid() || err != nil {
		t.Errorf("the kernel says %d, %v", uid, err)
	}
}
