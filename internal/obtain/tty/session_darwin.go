package tty

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Session tells the terminal session of this process from every other one; see
// session_linux.go.
func Session() string {
	sid, err := unix.Getsid(0)
	if err != nil || sid <= 0 {
		return ""
	}
	own, err := unix.SysctlKinfoProc("kern.proc.pid", unix.Getpid())
	if err != nil || own.Eproc.Tdev == -1 {
		return ""
	}
	leader, err := unix.SysctlKinfoProc("kern.proc.pid", sid)
	if err != nil || int(leader.Proc.P_pid) != sid {
		return ""
	}
	began := leader.Proc.P_starttime
	return fmt.Sprint(sid, began.Sec, began.Usec, own.Eproc.Tdev)
}
