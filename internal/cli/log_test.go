//go:build unix

package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fob/internal/fault"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

// cmdJoins is `joins FILE [CALLS OF AGENTS]`: each call of the record in FILE, as fob log --json
// prints it, stands in AWS's own audit under its request id, and each call there
// that makes a session stands in the record. What an agent's session does there has
// the line of that session here, with the agent's id; and each session of an agent
// here has its name there.
func cmdJoins(ts *testscript.TestScript, _ bool, args []string) {
	var out logJSON
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &out))
	calls, err := ts.Value("aws").(localAWS).Calls()
	ts.Check(err)
	var recorded, seen []string
	made, agents := map[string]string{}, 0
	for _, l := range out.Lines {
		if l.Event == "call" {
			recorded = append(recorded, l.RequestID+" "+l.Call)
		}
		if l.Agent != "" && l.KeyID != "" && l.Call == "AssumeRole" && l.Error == "" {
			made[l.Event+l.KeyID] = l.Session + " " + l.Agent
		}
	}
	for _, c := range calls {
		name := c.ARN[strings.LastIndexByte(c.ARN, '/')+1:]
		if _, agent, ok := strings.Cut(name, "+"); ok && c.Kind == "role" {
			agents++
			for _, event := range []string{"call", "given"} {
				if want := name + " " + agent; made[event+c.KeyID] != want {
					ts.Fatalf("%s by %s: the line %q of the record is %q, want %q", c.Action, c.ARN, event, made[event+c.KeyID], want)
				}
			}
		}
		if call := strings.TrimPrefix(c.Action, "sts:"); call != "GetCallerIdentity" && c.Action != call {
			seen = append(seen, c.RequestID+" "+call)
		}
	}
	slices.Sort(recorded)
	slices.Sort(seen)
	if diff := cmp.Diff(seen, recorded); diff != "" || len(seen) == 0 {
		ts.Fatalf("%d calls; AWS's audit (-) and the record (+): %s", len(seen), diff)
	}
	for _, names := range made {
		if session, agent, _ := strings.Cut(names, " "); !strings.HasSuffix(session, "+"+agent) {
			ts.Fatalf("agent %q has a session of the name %q", agent, session)
		}
	}
	if len(args) > 1 && strconv.Itoa(agents) != args[1] {
		ts.Fatalf("agents made %d calls, want %s", agents, args[1])
	}
}

func TestRecordedRow(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 28, 16, 0, 0, 0, time.Local)
	for want, l := range map[string]recordedLine{
		"2026-11-28 16:00:00 given exec dev 345678901234 allow-full as gruntwork ASIACANARY until 17:00 from sh(12) tmux(3)": {
			Time: at, Event: "given", Command: "exec", Profile: "dev", Account: "345678901234", Role: "arn:aws:iam::345678901234:role/path/allow-full",
			Session: "gruntwork", Call: "AssumeRole", KeyID: "ASIACANARY", Until: at.Add(time.Hour), Processes: []string{"sh(12)", "tmux(3)"},
		},
		"2026-11-28 16:00:00 call GetSessionToken 123456789012 ASIACANARY with a code until 2026-11-29 00:00 request 1-2": {
			Time: at, Event: "call", Command: "exec", Call: "GetSessionToken", Account: "123456789012", KeyID: "ASIACANARY", Code: true, Until: at.Add(8 * time.Hour), RequestID: "1-2",
		},
		"2026-11-28 16:00:00 refused export dev narrowed because " + fault.Line("no\x1b[31m"): {
			Time: at, Event: "refused", Command: "export", Profile: "dev", Policy: "sha256:00", Error: "no\x1b[31m",
		},
	} {
		if diff := cmp.Diff(want, l.row()); diff != "" {
			t.Error(diff)
		}
	}
}

// What another program says of its failure may hold a secret, and is not recorded.
func TestRefusedWithoutOutput(t *testing.T) {
	t.Parallel()
	said := &programError{err: errTooMuch, said: "CANARY\x1b"}
	err := &fault.Error{What: "cannot get credentials", Why: fmt.Errorf("credential_process (config:2): %w", said)}
	want := "cannot get credentials: credential_process (config:2): " + errTooMuch.Error()
	if !strings.Contains(err.Why.Error(), "CANARY") || whyOf(err) != want || whyOf(fmt.Errorf("x: %w", said)) != "x: "+errTooMuch.Error() {
		t.Errorf("%q", whyOf(err))
	}
}
