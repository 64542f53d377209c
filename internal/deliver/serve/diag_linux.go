package serve

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
)

// What sock_diag(7) has for one TCP connection: a header of 16 bytes, then
// inet_diag_req_v2; the answer's inet_diag_msg ends with uid and inode.
const (
	netlinkSockDiag   = 4
	sockDiagByFamily  = 20
	diagHeader        = 16
	diagRequest       = 56
	diagAnswer        = 72
	diagIDAt          = 8 // in the request: ports, addresses, interface, cookie
	diagEstablished   = 1
	diagWaitMicros    = 200_000
	diagLargestAnswer = 4096
)

var errNoDiag = errors.New("the kernel does not tell of the connection")

// diagWorks asks for a connection of our own.
func diagWorks() bool {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return false
	}
	defer l.Close()
	c, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		return false
	}
	defer c.Close()
	uid, err := diagOwner(addressOf(c.RemoteAddr()), addressOf(c.LocalAddr()))
	return err == nil && uid == os.Geteuid()
}

// diagOwner asks the kernel for the peer's end of one connection. The tables of
// /proc tell the same, but have every connection of the machine: with thousands
// they take longer to read than all else that fob does before a command starts.
func diagOwner(local, peer netip.AddrPort) (uid int, err error) {
	if !local.Addr().Unmap().Is4() || !peer.Addr().Unmap().Is4() {
		return nobody, errNoDiag
	}
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, netlinkSockDiag)
	if err != nil {
		return nobody, err
	}
	defer syscall.Close(fd)
	wait := syscall.NsecToTimeval(diagWaitMicros * 1000)
	if err := syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &wait); err != nil {
		return nobody, err
	}
	if err := syscall.Sendto(fd, diagQuestion(local, peer), 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return nobody, err
	}
	buf := make([]byte, diagLargestAnswer)
	n, from, err := syscall.Recvfrom(fd, buf, 0)
	if err != nil {
		return nobody, err
	}
	if kernel, ok := from.(*syscall.SockaddrNetlink); !ok || kernel.Pid != 0 {
		return nobody, errNoDiag
	}
	return diagUID(buf[:n], local, peer)
}

func diagQuestion(local, peer netip.AddrPort) []byte {
	b := make([]byte, diagHeader+diagRequest)
	binary.NativeEndian.PutUint32(b, uint32(len(b)))
	binary.NativeEndian.PutUint16(b[4:], sockDiagByFamily)
	binary.NativeEndian.PutUint16(b[6:], syscall.NLM_F_REQUEST)
	r := b[diagHeader:]
	r[0], r[1] = syscall.AF_INET, syscall.IPPROTO_TCP
	binary.NativeEndian.PutUint32(r[4:], ^uint32(0)) // any state: the answer says which
	id := r[diagIDAt:]
	binary.BigEndian.PutUint16(id, peer.Port())
	binary.BigEndian.PutUint16(id[2:], local.Port())
	from, to := peer.Addr().Unmap().As4(), local.Addr().Unmap().As4()
	copy(id[4:], from[:])
	copy(id[20:], to[:])
	binary.NativeEndian.PutUint64(id[40:], ^uint64(0)) // no cookie
	return b
}

// diagUID reads the answer: it must be about a connection that stands and that
// somebody holds, from the port of the peer to ours.
func diagUID(b []byte, local, peer netip.AddrPort) (int, error) {
	if len(b) < diagHeader+diagAnswer || binary.NativeEndian.Uint16(b[4:]) != sockDiagByFamily {
		return nobody, errNoDiag
	}
	m := b[diagHeader:]
	id, uid, inode := m[4:], binary.NativeEndian.Uint32(m[64:]), binary.NativeEndian.Uint32(m[68:])
	if m[1] != diagEstablished || inode == 0 || binary.BigEndian.Uint16(id) != peer.Port() || binary.BigEndian.Uint16(id[2:]) != local.Port() {
		return nobody, errNoDiag
	}
	return int(uid), nil
}
