package lock

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Holder is who holds a lock, from the heartbeat in the lock file. The zero
// Holder is an unknown one.
type Holder struct {
	PID int
	// Started is the start time of the process in clock ticks since boot, as
	// in field 22 of /proc/PID/stat (proc_pid_stat(5)); 0 where unknown. With
	// the PID it names one process, also after the PID was given out again.
	Started uint64
	Beat    time.Time // of the last heartbeat, wall clock
}

// A heartbeat is always this long, so that a beat overwrites the one before it
// in a single write and the file never has to be cut.
const (
	beatForm = "%010d %020d %020d\n"
	beatSize = 10 + 1 + 20 + 1 + 20 + 1
)

// beater writes the heartbeat of one lock.
type beater struct {
	file *os.File
	now  func() time.Time
	last int64 // nanoseconds of the last beat
}

// beat writes one heartbeat. A beat that cannot be written, say on a full
// disk, is not a reason to refuse the lock: removing things needs it too.
func (b *beater) beat() {
	var t int64
	if b.now != nil {
		t = b.now().UnixNano()
	}
	// The text must change with each beat even when the clock does not move.
	b.last = max(t, b.last+1)
	_, _ = b.file.WriteAt(fmt.Appendf(nil, beatForm, os.Getpid(), started(), b.last), 0)
}

func (b *beater) run(stop <-chan struct{}, done chan<- struct{}) {
	defer close(done)
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			// A free lock names nobody, so that the next waiter is not told
			// of a process that is long gone.
			_, _ = b.file.WriteAt(fmt.Appendf(nil, beatForm, 0, 0, 0), 0)
			return
		case <-ticker.C:
			b.beat()
		}
	}
}

// readBeat gives the heartbeat's text, whatever it is.
func readBeat(f *os.File) string {
	var b [beatSize]byte
	n, _ := f.ReadAt(b[:], 0)
	return string(b[:n])
}

// parseBeat is the inverse of beatForm; what is not a heartbeat is the zero
// Holder.
func parseBeat(text string) Holder {
	part := strings.Fields(text)
	if len(text) != beatSize || len(part) != 3 {
		return Holder{}
	}
	pid, err1 := strconv.Atoi(part[0])
	start, err2 := strconv.ParseUint(part[1], 10, 64)
	beat, err3 := strconv.ParseInt(part[2], 10, 64)
	if err1 != nil || err2 != nil || err3 != nil || pid <= 0 {
		return Holder{}
	}
	return Holder{PID: pid, Started: start, Beat: time.Unix(0, beat).UTC()}
}

// watch is what a waiter has seen of the holder.
type watch struct {
	text string
	// silent is how long the heartbeat has not changed, as the sum of the
	// pauses made. Neither a suspended machine nor a stopped waiter adds to
	// it, and no clock can be set under it.
	silent time.Duration
}

func (w *watch) see(text string) {
	if text != w.text {
		w.text, w.silent = text, 0
	}
}

func (w *watch) holder() Holder { return parseBeat(w.text) }

// stuck says whether the holder has been silent for too long, and how long. A
// heartbeat that is old by the clock is not enough: after a suspend every
// heartbeat is, so a live holder gets the time for one more beat.
func (w *watch) stuck(now func() time.Time) (time.Duration, bool) {
	if w.silent >= stuckAfter {
		return w.silent, true
	}
	h := w.holder()
	if h.PID == 0 || now == nil || w.silent < beatEvery+beatEvery/2 {
		return 0, false
	}
	age := now().Sub(h.Beat)
	return age, age > stuckAfter
}
