package guard

import "strings"

// Tier says how a run is known to be an agent's: each tier is surer than the one
// before it, and none gives an agent more than another.
type Tier int

// The tiers. Declared stands in the environment of what fob exec --agent started,
// Configured on the command line, Detected in a variable of the agent's own, or in
// AgentVariable without the word of a run.
const (
	Person Tier = iota
	Detected
	Configured
	Declared
)

// String is the tier in words.
func (t Tier) String() string {
	return [...]string{"person", "detected", "configured", "declared"}[t]
}

// AgentVariable tells every fob below another one whom it works for.
const AgentVariable = "FOB_AGENT"

// Agent is a program that acts for a person without their eyes on it. The zero
// value is a person.
type Agent struct {
	// ID is a name such as claude-code: what grants are made out to and session
	// names end with. It fits into a role session name.
	ID   string
	Tier Tier
	// By is what told: a variable, or --agent.
	By string
}

// IsZero says that a person is at work, as far as can be told.
func (a Agent) IsZero() bool { return a.Tier == Person }

// anonymous is the id of an agent that gives no name, or none that fits.
const anonymous = "agent"

// marker is a variable by which agents make themselves known. An empty id means
// that the value has the name.
type marker struct{ name, id string }

// markers are those that the AWS CLI puts into its user agent
// (botocore/useragent.py), then what else agents set for what they start and for
// nobody's terminal, then the two names that agents share. The first one that is
// there gives the id.
func markers() [16]marker {
	return [...]marker{
		{AgentVariable, ""},
		{"CLAUDECODE", "claude-code"},
		{"GEMINI_CLI", "gemini-cli"},
		{"CODEX_THREAD_ID", "codex"},
		{"KIRO_SESSION_ID", "kiro"},
		{"OPENCODE", "opencode"},
		{"ANTIGRAVITY_AGENT", "antigravity"},
		{"AMP_CURRENT_THREAD_ID", "amp"},
		{"PI_CODING_AGENT", "pi"},
		{"COPILOT_CLI", "copilot-cli"},
		{"CURSOR_AGENT", "cursor"},
		{"CLAUDE_CODE_ENTRYPOINT", "claude-code"},
		{"CODEX_SANDBOX", "codex"},
		{"CODEX_SANDBOX_NETWORK_DISABLED", "codex"},
		{"AI_AGENT", ""},
		{"AGENT", ""},
	}
}

// MarkerNames lists the variables, for who has to take them out.
func MarkerNames() []string {
	var names []string
	for _, m := range markers() {
		names = append(names, m.name)
	}
	return names
}

// Detect looks for an agent in an environment. No variable and no value says that
// there is none: CLAUDECODE=0 is an agent's, and so is an empty one, since no
// person has it by chance and `CLAUDECODE= fob` is the shortest way around. Only
// the two names that anybody may use for something else need a value.
func Detect(environ []string) Agent {
	all := markers()
	best, value := len(all), ""
	for _, e := range environ {
		if len(e) < 5 || !begins(e[0]) {
			continue
		}
		for i := 0; i < best; i++ {
			name := all[i].name
			if len(e) > len(name) && e[len(name)] == '=' && e[:len(name)] == name && (len(e) > len(name)+1 || !shared(name)) {
				best, value = i, e[len(name)+1:]
				break
			}
		}
	}
	if best == len(all) {
		return Agent{}
	}
	a := Agent{ID: all[best].id, Tier: Detected, By: all[best].name}
	if a.ID == "" {
		a.ID = named(value)
	}
	if a.By == AgentVariable && ofRun(a.ID) {
		a.Tier = Declared
	}
	return a
}

// WordOfRun is the length of the word that ends the id of an agent which fob exec
// --agent started, behind a dot: of a to z and 2 to 7.
const WordOfRun = 5

// ofRun says whether an id has the word of a run. FOB_AGENT tells the name of a
// detected agent, too, to what runs below it, and people write it themselves.
func ofRun(id string) bool {
	at := len(id) - WordOfRun - 1
	return at > 0 && id[at] == '.' && strings.Trim(id[at+1:], "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// begins says whether a marker has this first letter: a cheap way past the rest.
func begins(c byte) bool {
	switch c {
	case 'A', 'C', 'F', 'G', 'K', 'O', 'P':
		return true
	}
	return false
}

func shared(name string) bool { return name == "AGENT" || name == "AI_AGENT" }

// named takes the name out of a value such as claude-code/2.1.120/agent. What
// stands there is anybody's text.
func named(value string) string {
	name, _, _ := strings.Cut(value, "/")
	if CheckID(name) != "" {
		return anonymous
	}
	return name
}

// mostID leaves room for the user's name before it in a role session name.
const mostID = 32

// CheckID says why a name cannot be an agent's, or "". It is made of what a role
// session name may have, but for the + that parts the two names.
func CheckID(name string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@-"
	switch {
	case name == "":
		return "is empty"
	case len(name) > mostID:
		return "is longer than 32 characters"
	case name[0] == '-' || strings.Trim(name, plain) != "":
		return "has something else in it than letters, digits and _ . @ -"
	}
	return ""
}

// Named is the agent of a command line that says --agent NAME, seen is what its
// environment says. Neither takes the other back; what fob itself has named
// keeps its name, so that who runs below it is found under it.
func Named(name string, seen Agent) Agent {
	if name == "" || seen.By == AgentVariable {
		return seen
	}
	return Agent{ID: name, Tier: Configured, By: "--agent"}
}
