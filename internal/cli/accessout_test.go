package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// The count of what was asked is for a terminal only, and leaves nothing there.
func TestProgress(t *testing.T) {
	t.Parallel()
	for _, terminal := range []bool{true, false} {
		var out bytes.Buffer
		q := &inquiry{keeper: &keeper{sys: System{Stderr: &out, StderrIsTerminal: func() bool { return terminal }}}}
		told, gone := q.progress(3)
		told()
		told()
		gone() // two of three: it was interrupted
		told, gone = q.progress(0)
		told()
		gone()
		want := ""
		if terminal {
			want = "\rasked for 1 of 3 roles\rasked for 2 of 3 roles\r" + strings.Repeat(" ", len("asked for 2 of 3 roles")) + "\r"
		}
		if out.String() != want {
			t.Errorf("terminal %v: %q, want %q", terminal, out.String(), want)
		}
	}
}

// Many roles of their own stand below each other, and no name moves the cursor.
func TestAccessTable(t *testing.T) {
	t.Parallel()
	var o accessJSON
	for i := range mostColumns + 1 {
		o.Roles = append(o.Roles, accessRole{Account: "012345678901", Name: "a\x1b[2J", Role: fmt.Sprintf("role%d", i), ARN: "x", Answer: "yes"})
	}
	if got := strings.Split(o.table(), "\n"); len(got) != mostColumns+2 || got[0] != `a\x1b[2J 012345678901  role0   yes` {
		t.Errorf("%q", got)
	}
	two := accessJSON{Roles: []accessRole{
		{Account: "1", Name: "1", Role: "x", ARN: "x", Answer: "yes"},
		{Account: "1", Name: "1", Role: "x", ARN: "x", Answer: "no", Reason: "unclear", Why: "w"},
	}}
	if got := two.table() + two.reasons(); got != "   x\n1  yes, no\n\nno: 1 x (unclear)\n  because: w\n" {
		t.Errorf("%q", got)
	}
}

// A security key has a serial too, and gives no codes.
func TestGivesCodes(t *testing.T) {
	t.Parallel()
	const key, app = "arn:aws:iam::123456789012:u2f/user/ann/x", "arn:aws:iam::123456789012:mfa/ann"
	for want, serials := range map[string][]string{"": {key}, app: {key, app}, "GAHT12345678": {"GAHT12345678", app}} {
		if got := givesCodes(serials); got != want {
			t.Errorf("%v: %q, want %q", serials, got, want)
		}
	}
}
