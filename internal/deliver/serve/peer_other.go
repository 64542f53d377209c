//go:build !linux

package serve

import (
	"errors"
	"net/netip"
)

// CanTellUsers says whether UserOf works here. What is left is the token.
func CanTellUsers() bool { return false }

// UserOf is not known on this system.
func UserOf(_, _ netip.AddrPort) (uid int, err error) {
	return nobody, errors.New("this system does not tell whose a connection is")
}
