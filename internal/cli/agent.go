package cli

import (
	"errors"
	"io"
	"strings"

	"fob/internal/decide/chain"
	"fob/internal/decide/guard"
	"fob/internal/decide/profile"
	"fob/internal/fault"
	"fob/internal/obtain/tty"

	"github.com/spf13/cobra"
)

// agentFlag is the flag of a line that a person writes for an agent.
const agentFlag = "agent"

// meetAgent settles for whom this run works, before anything is asked or read.
// For an agent nobody is asked: its window is no place for a code. Only who
// starts one by hand, with nothing of an agent's around them, is asked as ever.
func (s *System) meetAgent(c *cobra.Command, g *globals) error {
	seen, name := guard.Detect(s.Environ), ""
	if f := c.Flags().Lookup(agentFlag); f != nil && f.Changed {
		name = f.Value.String()
		if why := guard.CheckID(name); why != "" {
			return inExec(c, &fault.Error{What: "cannot use the name " + profile.Shown(name) + " of --agent", Why: errors.New("it " + why), Code: fault.Usage})
		}
	}
	if c.Name() == "log" { // which shows the lines of one, and works for none
		name = ""
	}
	s.agent = guard.Named(name, seen)
	if s.agent.IsZero() {
		return nil
	}
	s.starting = seen.IsZero() && c.Name() == "exec"
	if !s.starting {
		s.OpenTTY, g.noInput = s.noWindow, true
	}
	err := s.gate(c)
	if err != nil {
		s.recordRefusal(c.Context(), g, "", err)
	}
	return err
}

// noWindow stands for the terminal of an agent.
func (s *System) noWindow() (tty.TTY, error) {
	return nil, &fault.Error{What: "cannot ask", Why: errors.New("a person is needed, and nobody is asked in an agent's window"), Code: fault.Attend}
}

// unasked says that this run is an agent's own, so that nothing is asked of
// anybody, by whatever program.
func (s System) unasked() bool { return !s.agent.IsZero() && !s.starting }

// neverFlags are the flags that no agent may use, with the reason.
func neverFlags() map[string]string {
	const asks = "it is for a person who is asked"
	return map[string]string{
		"no-session":      "an agent gets no session but a short one of a role",
		"reveal":          "what is shown stands in what the agent reads",
		"mfa-token":       "a code is typed by a person, never given to an agent",
		"prompt":          asks,
		"passphrase-fd":   asks,
		"backend":         asks,
		"accept-rollback": "it takes an older store for good",
		"forget":          "it takes sessions from the person",
	}
}

// gate lets through what an agent may do: the commands of agentRows, without the
// flags of neverFlags.
func (s *System) gate(c *cobra.Command) error {
	path := commandPath(c)
	row, known := agentRows()[path]
	why := row.never
	if !known {
		why = "it is not known to be safe for one"
	}
	if s.prints(c, path) && !guard.Detect(s.Environ).IsZero() {
		why = "what it prints would stand in what the agent reads: fob exec hands the credentials to a command"
	}
	if why != "" {
		return inExec(c, s.refuse(guardRefusal{what: "agents may not use fob " + path, why: why, ask: row.ask}))
	}
	for name, why := range neverFlags() {
		f := c.Flags().Lookup(name)
		if f == nil || !f.Changed || s.starting && name != "no-session" {
			continue
		}
		return inExec(c, s.refuse(guardRefusal{what: "agents may not use --" + name, why: why}))
	}
	return nil
}

// prints says whether a command writes credentials for whoever called it. That
// credential-process does is what an SDK waits for; these two are run by hand.
func (s *System) prints(c *cobra.Command, path string) bool {
	on := func(flag string) bool { return c.Flags().Lookup(flag).Value.String() == "true" }
	return path == "export" && !on("check") || path == "exec" && on("json")
}

// commandPath is a command as it is typed, without fob.
func commandPath(c *cobra.Command) string {
	_, path, _ := strings.Cut(c.CommandPath(), " ")
	return path
}

// guardRefusal is what an agent is told that gets nothing.
type guardRefusal struct {
	what, why string
	profile   string
	ask       string // what a person may run
	next      []string
}

// agentRefusal is the cause by which Main knows that the failure is told to an
// agent, as JSON.
type agentRefusal struct {
	refused guardRefusal
	agent   guard.Agent
}

// Error gives the reason.
func (e *agentRefusal) Error() string { return e.refused.why }

func (s System) refuse(r guardRefusal) error {
	return &fault.Error{What: r.what, Why: &agentRefusal{r, s.agent}, Next: r.next, Code: fault.Attend}
}

// refusalJSON is one object on standard error, whatever the command was told.
type refusalJSON struct {
	Error   string   `json:"error" doc:"what was refused"`
	Profile string   `json:"profile,omitempty" doc:"the profile that was asked for"`
	Agent   string   `json:"agent" doc:"id of the agent, as fob grant --to takes it"`
	Tier    string   `json:"tier" doc:"how it was known: declared, configured or detected"`
	By      string   `json:"by" doc:"the variable or the flag that told"`
	Reason  string   `json:"reason" doc:"why"`
	Next    []string `json:"next" doc:"what to change, where something can be"`
	Ask     string   `json:"ask_a_person,omitempty" doc:"the command that a person can run in a terminal of their own; nothing where no command helps"`
	Note    string   `json:"note" doc:"what the person must know"`
	Status  int      `json:"status" doc:"the exit status"`
}

const windowNote = "A person runs it in a terminal of their own. Never type a code or a passphrase into an agent's window."

// renderRefusal writes err if it is a refusal to an agent.
func renderRefusal(w io.Writer, err error) bool {
	r, f := (*agentRefusal)(nil), (*fault.Error)(nil)
	if !errors.As(err, &r) || !errors.As(err, &f) {
		return false
	}
	_ = writeJSON(w, refusalJSON{
		Error: f.What, Profile: r.refused.profile, Agent: r.agent.ID, Tier: r.agent.Tier.String(), By: r.agent.By,
		Reason: r.refused.why, Next: append([]string{}, f.Next...), Ask: r.refused.ask, Note: windowNote, Status: int(f.Code),
	})
	return true
}

// toAgent makes a failure that only a person can mend into a refusal which says
// what the person runs.
func (s System) toAgent(profile string, err error) error {
	told, f := (*agentRefusal)(nil), (*fault.Error)(nil)
	if !s.unasked() || errors.As(err, &told) || !errors.As(err, &f) || f.Code != fault.Attend {
		return err
	}
	r := guardRefusal{what: f.What, why: "a person is needed", profile: profile, next: f.Next}
	if f.Why != nil {
		r.why = f.Why.Error()
	}
	if !chain.IsUnnarrowed(err) {
		r.next, r.ask = nil, "fob unlock"
		if profile != "" {
			r.ask = "fob exec " + fault.Operand(profile) + " -- true"
		}
	}
	return s.refuse(r)
}
