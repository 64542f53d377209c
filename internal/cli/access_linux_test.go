package cli

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"fob/internal/playground"
)

// Ctrl-C while roles are asked for, or while reasons are looked for, prints what is
// known until then and ends at once, although AWS takes minutes to answer.
func TestAccessInterrupted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault playground.Fault
		after string // is shown before the person interrupts
		has   []string
	}{
		"asking": {
			playground.Fault{Action: "AssumeRole", Times: 100, Skip: 3, Status: "slow", Delay: time.Hour}, "asked for 3 of 9 roles",
			[]string{"yes  ", "unknown: ", "(not-asked)\n  because: it was interrupted before an answer came\n"},
		},
		"looking": {
			playground.Fault{Action: "GetRole", Times: 100, Status: "slow", Delay: time.Hour}, "asked for 9 of 9 roles",
			[]string{"yes  ", "no: dev logs"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVault(t, false)
			v.aws.CapSessionToken(true)
			if err := v.aws.Fault(tt.fault); err != nil {
				t.Fatal(err)
			}
			out, err := os.Create(v.path("out"))
			v.must(err)
			defer out.Close()
			s := v.sit(out, "fob", "access", "--probe", "dev")
			s.asked("MFA code for")
			s.says(v.code())
			s.asked(tt.after)
			begun := time.Now()
			s.says("\x03")
			status, said := s.end()
			took := time.Since(begun)
			t.Logf("ended after %s", took)
			// Idle it is some milliseconds; the answers take an hour.
			if took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
			if status.ExitStatus() != 130 {
				t.Errorf("status %d: %s", status.ExitStatus(), said)
			}
			got := v.read("out")
			for _, want := range tt.has {
				if !strings.Contains(got, want) {
					t.Errorf("%q is not in:\n%s", want, got)
				}
			}
			if strings.Contains(said, "cannot") {
				t.Errorf("it says %q", said)
			}
		})
	}
}

// TestAccessOfManyAccounts: all nine roles of 500 accounts are asked for in bounded time
// and memory, with few calls at once.
func TestAccessOfManyAccounts(t *testing.T) {
	t.Parallel()
	accounts := 500
	if raced {
		accounts = 50 // such a program takes many times as long
	}
	h := newHouse(t)
	h.store()
	var config strings.Builder
	config.WriteString(roleBehindPlain)
	for i := range accounts {
		fmt.Fprintf(&config, "[profile p%d]\nrole_arn = arn:aws:iam::%012d:role/allow-full-access-from-other-accounts\nsource_profile = plain\nregion = us-east-1\n", i, i+1)
	}
	h.write(config.String(), ".aws", "config")
	h.env["AWS_ENDPOINT_URL"], h.env["AWS_EC2_METADATA_DISABLED"] = h.aws.URL, "true"
	h.measured()
	begun := time.Now()
	got := h.sh("exec fob access --probe --json <&-")
	took, kib := h.took()
	asked := 0
	for _, line := range h.calls() {
		if strings.HasPrefix(line, "AssumeRole ") {
			asked++
		}
	}
	t.Logf("%d roles in %v, %v of the processor, %d KiB", asked, time.Since(begun), took, kib)
	// The nine of each account and of the user's own, and the one that has another
	// name.
	if want := 9*(accounts+1) + 1; got.status != 5 || asked != want {
		t.Errorf("status %d, %d roles were asked for: %.300s", got.status, asked, got.errors)
	}
	if n := strings.Count(got.out, `"answer": "no"`); n < 9*accounts {
		t.Errorf("%d are refused", n)
	}
	if kib > 150<<10 && !raced {
		t.Errorf("it took %d KiB", kib)
	}
}
