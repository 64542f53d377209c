package serve

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
)

// Tables of this network namespace's connections (proc(5)). A client may have
// opened a socket of either family.
const (
	tcp4Table = "/proc/self/net/tcp"
	tcp6Table = "/proc/self/net/tcp6"
)

// lookups bounds how often the tables are read for one connection: the kernel
// may pass over an entry while others come and go.
const lookups = 3

// Users gives what tells the user whose process holds the other end of a connection
// on loopback; one that nobody holds any more has no user. Where the kernel has
// sock_diag, it alone is asked: who opens and closes many connections would else have
// long tables read for each of them.
func Users() func(local, peer netip.AddrPort) (uid int, err error) {
	if diagWorks() {
		return diagOwner
	}
	f, err := os.Open(tcp4Table)
	if err != nil {
		return nil
	}
	_ = f.Close()
	return tableOwner
}

var errNotInTable = errors.New("the connection is in no table of the kernel")

// tableOwner reads the tables of /proc, for kernels without sock_diag.
func tableOwner(local, peer netip.AddrPort) (uid int, err error) {
	for range lookups {
		for _, file := range [...]string{tcp4Table, tcp6Table} {
			text, err := os.ReadFile(file)
			if err != nil && file == tcp4Table {
				return nobody, err
			}
			if uid, ok := ownerIn(text, local, peer); ok {
				return uid, nil
			}
		}
	}
	return nobody, fmt.Errorf("%s: %w", peer, errNotInTable)
}

// ownerIn looks for the peer's end in a table: its local address is the peer's,
// and its remote one is ours.
func ownerIn(table []byte, local, peer netip.AddrPort) (uid int, ok bool) {
	const established = "01"
	for line := range bytes.Lines(table) {
		f := bytes.Fields(line)
		if len(f) < 10 || string(f[3]) != established || string(f[9]) == "0" {
			continue
		}
		if !same(f[1], peer) || !same(f[2], local) {
			continue
		}
		uid, err := strconv.Atoi(string(f[7]))
		return uid, err == nil
	}
	return nobody, false
}

// same compares an address of the table, words in the machine's own order and a
// port, with one of ours. IPv4 in IPv6 is IPv4.
func same(text []byte, want netip.AddrPort) bool {
	address, port, ok := bytes.Cut(text, []byte(":"))
	n, err := strconv.ParseUint(string(port), 16, 16)
	if !ok || err != nil || uint16(n) != want.Port() {
		return false
	}
	raw := make([]byte, hex.DecodedLen(len(address)))
	if _, err := hex.Decode(raw, address); err != nil || len(raw)%4 != 0 {
		return false
	}
	for at := 0; at < len(raw); at += 4 {
		binary.NativeEndian.PutUint32(raw[at:], binary.BigEndian.Uint32(raw[at:]))
	}
	got, ok := netip.AddrFromSlice(raw)
	return ok && got.Unmap() == want.Addr().Unmap()
}
