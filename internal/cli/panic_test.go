//go:build unix

package cli

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// mayPanic gives a clock and a way to hand over that fall over where TEST_PANIC
// says: "fob-core 3" when fob-core asks for the time for the third time, "fob exec"
// when fob hands the session over, and "fob-core leak" then too, with the session's
// secret in the message.
func mayPanic(program string, now func() time.Time) (clock func() time.Time, handOver func(environ []string)) {
	which, where, _ := strings.Cut(os.Getenv("TEST_PANIC"), " ")
	if which != program {
		return now, func([]string) {}
	}
	var asked atomic.Int64
	clock = func() time.Time {
		if n, err := strconv.ParseInt(where, 10, 64); err == nil && asked.Add(1) == n {
			panic("forced")
		}
		return now()
	}
	return clock, func(environ []string) {
		for _, e := range environ {
			if secret, ok := strings.CutPrefix(e, "AWS_SECRET_ACCESS_KEY="); ok && where == "leak" {
				panic("forced with " + secret)
			}
		}
		if where == "exec" {
			panic("forced")
		}
	}
}
