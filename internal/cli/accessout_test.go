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

// What is to be asked for is asked for at once, for all roles with one reason.
func TestReasonsTogether(t *testing.T) {
	t.Parallel()
	row := func(name, id, role, profile, reason, why, next string) accessRole {
		return accessRole{Account: id, Name: name, Role: role, ARN: "arn:aws:iam::" + id + ":role/" + role, Profiles: []string{profile}, Answer: "no", Reason: reason, Why: why, Next: []string{next}}
	}
	o := accessJSON{Roles: []accessRole{
		row("dev", "1", "full-access", "dev", "no-group", "none allows it", "ask for: _account.dev-full-access"),
		row("dev", "1", "read-only", "dev-read-only", "no-group", "none allows it", "ask for: _account.dev-read-only"),
		row("prod", "2", "full-access", "prod", "no-group", "none allows it", "ask for: _account.prod-full-access"),
		row("stage", "3", "full-access", "stage", "unclear", "AWS says nothing of arn:aws:iam::3:role/full-access", "see account stage: correct role_arn of profile \"stage\""),
		row("prod", "2", "dev", "prod-dev", "unclear", "AWS says nothing of arn:aws:iam::2:role/dev", "see account prod: correct role_arn of profile \"prod-dev\""),
		row("prod", "2", "logs", "logs", "unclear", "something else", "see account prod"),
	}}
	const want = `
no: dev full-access, dev read-only, prod full-access (no-group)
  because: none allows it
  try: ask for: _account.dev-full-access, _account.dev-read-only, _account.prod-full-access

no: stage full-access, prod dev (unclear)
  because: AWS says nothing of arn:aws:iam::3:role/full-access, arn:aws:iam::2:role/dev
  try: see accounts stage, prod: correct role_arn of profiles "stage", "prod-dev"

no: prod logs (unclear)
  because: something else
  try: see account prod
`
	if got := o.reasons(); got != want {
		t.Errorf("%s", got)
	}
}
