//go:build unix

package cli

import (
	"io/fs"
	"syscall"
)

// ownerOf is whose a file is; -1 where the system does not say.
func ownerOf(info fs.FileInfo) (owner, group int) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid), int(st.Gid)
	}
	return -1, -1
}
