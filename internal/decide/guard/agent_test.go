package guard

import (
	"strings"
	"testing"

	"fob/internal/decide/profile"

	"github.com/google/go-cmp/cmp"
)

func TestDetect(t *testing.T) {
	t.Parallel()
	claude := Agent{"claude-code", Detected, "CLAUDECODE"}
	for _, tc := range []struct {
		environ []string
		want    Agent
	}{
		{nil, Agent{}},
		{[]string{"HOME=/", "SSH_AGENT_PID=1", "AGENTS=1", "XCLAUDECODE=1", "CLAUDECODES=1", "CLAUDECODE", "=C:", ""}, Agent{}},
		{[]string{"CLAUDECODE=1"}, claude},
		{[]string{"CLAUDECODE=0"}, claude},
		{[]string{"CLAUDECODE=false"}, claude},
		{[]string{"CLAUDECODE="}, claude},
		{[]string{"AGENT=", "AI_AGENT="}, Agent{}},
		{[]string{"AGENT=goose"}, Agent{"goose", Detected, "AGENT"}},
		{[]string{"AGENT=1"}, Agent{"1", Detected, "AGENT"}},
		{[]string{"AI_AGENT=claude-code/2.1.120/agent"}, Agent{"claude-code", Detected, "AI_AGENT"}},
		{[]string{"AGENT=a\nb"}, Agent{"agent", Detected, "AGENT"}},
		{[]string{"AGENT=" + strings.Repeat("a", 33)}, Agent{"agent", Detected, "AGENT"}},
		{[]string{"CURSOR_AGENT=1", "AGENT=x", "CLAUDECODE=1"}, claude},
		{[]string{"CLAUDECODE=1", "FOB_AGENT=mine.x7k2q"}, Agent{"mine.x7k2q", Declared, "FOB_AGENT"}},
		{[]string{"CLAUDECODE=1", "FOB_AGENT=mine"}, Agent{"mine", Detected, "FOB_AGENT"}},
		{[]string{"FOB_AGENT=.x7k2q"}, Agent{".x7k2q", Detected, "FOB_AGENT"}},
		{[]string{"FOB_AGENT=mine.x7k-q"}, Agent{"mine.x7k-q", Detected, "FOB_AGENT"}},
		{[]string{"FOB_AGENT=mine.x7k2"}, Agent{"mine.x7k2", Detected, "FOB_AGENT"}},
		{[]string{"AGENT=mine.x7k2q"}, Agent{"mine.x7k2q", Detected, "AGENT"}},
		{[]string{"FOB_AGENT="}, Agent{"agent", Detected, "FOB_AGENT"}},
		{[]string{"CLAUDECODE=1", "FOB_AGENT="}, Agent{"agent", Detected, "FOB_AGENT"}},
	} {
		if diff := cmp.Diff(tc.want, Detect(tc.environ)); diff != "" {
			t.Errorf("%q: %s", tc.environ, diff)
		}
	}
	for _, name := range MarkerNames() {
		if Detect([]string{name + "=x"}).IsZero() {
			t.Errorf("%s is nobody's", name)
		}
	}
}

// Who is asked on every start must cost next to nothing.
func TestDetectAllocates(t *testing.T) {
	environ := append(make([]string, 0, 100), "CODEX_THREAD_IDX=1")
	for range 99 {
		environ = append(environ, "FOB_SOMETHING=x")
	}
	if n := testing.AllocsPerRun(10, func() { Detect(environ) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestNamed(t *testing.T) {
	t.Parallel()
	seen, declared := Agent{"claude-code", Detected, "CLAUDECODE"}, Agent{"mine.x7k2q", Declared, AgentVariable}
	below := Agent{"claude-code", Detected, AgentVariable}
	for _, tc := range []struct {
		flag       string
		seen, want Agent
	}{
		{"", Agent{}, Agent{}},
		{"", seen, seen},
		{"tool", Agent{}, Agent{"tool", Configured, "--agent"}},
		{"tool", seen, Agent{"tool", Configured, "--agent"}},
		{"tool", declared, declared},
		{"tool", below, below},
	} {
		if got := Named(tc.flag, tc.seen); got != tc.want {
			t.Errorf("%q beside %v: %v", tc.flag, tc.seen, got)
		}
	}
}

func TestCheckID(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"claude-code": true, "a": true, "x_y.z@w": true, strings.Repeat("a", 32): true,
		"": false, "a b": false, "a+b": false, "-a": false, "ä": false, strings.Repeat("a", 33): false, "a\n": false, "*": false,
	} {
		if why := CheckID(name); (why == "") != ok {
			t.Errorf("%q: %q", name, why)
		}
	}
}

func TestRuleAgent(t *testing.T) {
	t.Parallel()
	const odd = "fob_agent (config:2) is none of deny, view, read-only, plan, full, file:PATH, profile:OTHER"
	const correct = "correct fob_agent at config:2"
	for _, tc := range []struct {
		lines string
		want  AgentRuling
	}{
		{"", AgentRuling{Policy: "read-only", From: byDefault}},
		{"fob_agent =", AgentRuling{Policy: "read-only", From: byDefault}},
		{"fob_agent = deny", AgentRuling{Deny: "its config says fob_agent = deny (config:2)", From: "config:2"}},
		{"fob_agent = view", AgentRuling{Policy: "view", From: "config:2"}},
		{"fob_agent = plan", AgentRuling{Policy: "plan", From: "config:2"}},
		{"fob_agent = full", AgentRuling{Full: true, From: "config:2"}},
		{"fob_agent = file:~/p.json", AgentRuling{File: "~/p.json", From: "config:2"}},
		{"fob_agent = profile:other", AgentRuling{Profile: "other", From: "config:2"}},
		{"fob_agent = profile:dev", AgentRuling{Deny: odd, Mend: correct, From: "config:2"}},
		{"fob_agent = file:", AgentRuling{Deny: odd, Mend: correct, From: "config:2"}},
		{"fob_agent = FULL", AgentRuling{Deny: odd, Mend: correct + ": did you mean full?", From: "config:2"}},
		{"fob_agent = readonly", AgentRuling{Deny: odd, Mend: correct + ": did you mean read-only?", From: "config:2"}},
		{"fob_agent = yes", AgentRuling{Deny: odd, Mend: correct, From: "config:2"}},
		{"fob_guard = none", AgentRuling{Policy: "read-only", From: byDefault}},
		{"fob_guard = code", AgentRuling{Deny: "it is guarded (fob_guard, config:2): a person lets an agent have it each time", From: "config:2"}},
		{"fob_guard = cod\nfob_agent = full", AgentRuling{Deny: "fob_guard (config:2) is none of none, confirm or code, and so nothing is given", Mend: "correct fob_guard at config:2: did you mean code?", From: "config:2"}},
		{"fob_agent = profile:other\nfob_guard = code", AgentRuling{Profile: "other", From: "config:2"}},
	} {
		set, err := profile.Parse("config", []byte("[profile dev]\n"+tc.lines+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		p, err := set.Profile("dev")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, ruled(p)); diff != "" {
			t.Errorf("%q: %s", tc.lines, diff)
		}
	}
}

// A profile in the place of another was made for agents, unless it says otherwise
// itself; that it has a guard is said otherwise, too.
func TestRuleAgentElsewhere(t *testing.T) {
	t.Parallel()
	const named, guarded = "config:2", "it is guarded (fob_guard, config:4): a person lets an agent have it each time"
	for _, tc := range []struct {
		name, other string // what stands in the other profile, "-": there is none
		want        AgentRuling
		of          string
	}{
		{"dev", "", AgentRuling{Full: true, From: named}, "other"},
		{"dev", "fob_agent =", AgentRuling{Full: true, From: named}, "other"},
		{"dev", "fob_agent = plan", AgentRuling{Policy: "plan", From: "config:4"}, "other"},
		{"dev", "fob_agent = deny", AgentRuling{Deny: "its config says fob_agent = deny (config:4)", From: "config:4"}, "other"},
		{"dev", "fob_agent = profile:third", AgentRuling{Deny: `fob_agent of profile "other" (config:4) names a third profile`, Mend: "name that one, or write another value: fob_agent (config:2)"}, "other"},
		{"dev", "fob_guard = confirm", AgentRuling{Deny: guarded, From: "config:4"}, "other"},
		{"dev", "fob_guard = x", AgentRuling{Deny: "fob_guard (config:4) is none of none, confirm or code, and so nothing is given", Mend: "correct fob_guard at config:4", From: "config:4"}, "other"},
		{"dev", "-", AgentRuling{Deny: `its fob_agent (config:2) names profile "other", which is not there`, Mend: "correct fob_agent at config:2"}, "dev"},
		{"other", "fob_agent = view", AgentRuling{Policy: "view", From: "config:4"}, "other"},
		{"nowhere", "", AgentRuling{Policy: "read-only", From: byDefault}, "nowhere"},
	} {
		text := "[profile dev]\nfob_agent = profile:other\n[profile other]\n" + tc.other + "\n"
		if tc.other == "-" {
			text = "[profile dev]\nfob_agent = profile:other\n"
		}
		set, err := profile.Parse("config", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		got, of := RuleAgent(set, tc.name)
		if diff := cmp.Diff(tc.want, got); diff != "" || of != tc.of {
			t.Errorf("%s, %q: of %q: %s", tc.name, tc.other, of, diff)
		}
	}
}

func TestBeside(t *testing.T) {
	t.Parallel()
	policy := func(name string) AgentRuling { return AgentRuling{Policy: name, From: "config:1"} }
	deny, file := AgentRuling{Deny: "no", From: "config:2"}, AgentRuling{File: "~/p", From: "config:3"}
	full, plain := AgentRuling{Full: true, From: "config:4"}, AgentRuling{Policy: "read-only", From: byDefault}
	other, guarded := AgentRuling{Profile: "other", From: "config:5"}, AgentRuling{Deny: "guarded", From: "config:6"}
	for _, tc := range []struct{ r, passed, want AgentRuling }{
		{plain, deny, deny}, {full, deny, deny}, {file, deny, deny}, {plain, guarded, guarded},
		{deny, full, deny}, {deny, plain, deny},
		{plain, plain, plain}, {plain, full, plain}, {full, plain, full}, {full, policy("view"), policy("view")},
		{plain, policy("view"), policy("view")}, {plain, policy("plan"), plain}, {policy("plan"), policy("view"), policy("view")},
		{policy("view"), policy("plan"), policy("view")}, {policy("plan"), plain, policy("plan")},
		{plain, file, file}, {plain, other, other}, {file, plain, file}, {full, file, file}, {file, file, file},
		{policy("view"), file, AgentRuling{Deny: "fob_agent (config:1) and that of the profile which it passes on (config:3) differ, and which of them gives less cannot be told", From: "config:1"}},
	} {
		if diff := cmp.Diff(tc.want, tc.r.Beside(tc.passed)); diff != "" {
			t.Errorf("%+v beside %+v: %s", tc.r, tc.passed, diff)
		}
	}
}

func TestWithin(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		ruling AgentRuling
		name   string
		want   bool
	}{
		{AgentRuling{Policy: "read-only"}, "view", true},
		{AgentRuling{Policy: "read-only"}, "read-only", true},
		{AgentRuling{Policy: "read-only"}, "plan", false},
		{AgentRuling{Policy: "plan"}, "full", false},
		{AgentRuling{Policy: "plan"}, "", false},
		{AgentRuling{Full: true}, "", true},
		{AgentRuling{Full: true}, "plan", true},
		{AgentRuling{File: "x"}, "view", false},
		{AgentRuling{Deny: "x"}, "view", false},
	} {
		if got := tc.ruling.Within(tc.name); got != tc.want {
			t.Errorf("%q within %+v: %v", tc.name, tc.ruling, got)
		}
	}
}
