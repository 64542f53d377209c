package launch

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// witness tells a signal for the whole process group, which the child has got by
// itself, from one for this process alone, which must be passed on. A signal does
// not say so (a key is told from kill(2) by siginfo, which Go does not give, but
// `kill %1` of a shell and a service manager address the group, too), and twice is
// not once: Terraform gives up its state at the second SIGTERM.
//
// It is a process of our group that has every signal blocked and so keeps it
// pending, where /proc shows it: cat, which ends with the pipe that it reads, and
// so with us. The kernel sends to the newest process of a group first, so what we
// have got is there already.
type witness struct {
	pid  int
	pipe *os.File
	// seen are signals for the group that we have not been told of yet.
	seen uint64
}

func watchGroup() *witness {
	w := &witness{}
	w.renew()
	return w
}

// got is those of signals that the child has got without us.
func (w *witness) got(signals uint64) uint64 {
	if w.pid == 0 {
		return byKey(signals)
	}
	pending := w.pending()
	w.seen |= pending | undone(pending)&signals
	group := w.seen & signals
	if group != 0 {
		// A signal that is pending already cannot be seen to come again.
		w.renew()
		w.seen &^= group
	}
	return group
}

// undone is what the kernel takes back of earlier signals when these come: a stop
// ends a SIGCONT that is pending, and the other way round (signal(7)). The later
// one counts, and the earlier one must not be passed on after it.
func undone(pending uint64) (taken uint64) {
	if pending&bit(syscall.SIGTSTP) != 0 {
		taken |= bit(syscall.SIGCONT)
	}
	if pending&bit(syscall.SIGCONT) != 0 {
		taken |= bit(syscall.SIGTSTP)
	}
	return taken
}

// expect says that the child has got a signal that we are yet to be told of.
func (w *witness) expect(s syscall.Signal) { w.seen |= bit(s) }

// renew puts a new witness in the place of the old one, and takes what that has
// seen.
func (w *witness) renew() {
	old := *w
	w.pid, w.pipe = 0, nil
	w.start()
	w.seen |= old.pending()
	old.close()
}

func (w *witness) start() {
	r, write, err := os.Pipe()
	if err != nil {
		return
	}
	defer r.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err == nil {
		defer null.Close()
		w.pid, err = startBlocked([]uintptr{r.Fd(), null.Fd(), null.Fd()})
	}
	if err != nil {
		w.pid = 0
		_ = write.Close()
		return
	}
	w.pipe = write
}

// startBlocked starts cat with all signals blocked: a child has the mask of the
// thread that starts it.
func startBlocked(files []uintptr) (int, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	all, before := unix.Sigset_t{}, unix.Sigset_t{}
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &all, &before); err != nil {
		return 0, err
	}
	defer func() { _ = unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil) }()
	const cat = "/bin/cat"
	return syscall.ForkExec(cat, []string{cat}, &syscall.ProcAttr{Env: []string{}, Files: files})
}

// pending is the signals that wait for the witness, 0 where there is none.
func (w *witness) pending() uint64 {
	if w.pid == 0 {
		return 0
	}
	text, err := os.ReadFile("/proc/" + strconv.Itoa(w.pid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "\nShdPnd:")
	line, _, _ := strings.Cut(rest, "\n")
	mask, err := strconv.ParseUint(strings.TrimSpace(line), 16, 64)
	if err != nil {
		return 0
	}
	return mask
}

// close ends the witness, also one that is stopped, so that none outlives us.
func (w *witness) close() {
	if w.pid == 0 {
		return
	}
	_ = w.pipe.Close()
	_ = syscall.Kill(w.pid, syscall.SIGKILL)
	_, _ = syscall.Wait4(w.pid, nil, 0, nil)
}
