package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"fob/internal/fault"
	"fob/internal/keep/audit"

	"github.com/spf13/cobra"
)

func newLog(sys *System, g *globals) *cobra.Command {
	var asJSON bool
	var agent string
	c := &cobra.Command{
		Use:   "log",
		Short: "Show who took which credentials",
		Long: "Show who took which credentials, the oldest first: each call by which fob gets a session\n" +
			"(call), each command that got credentials (given) or none (refused), each change of a\n" +
			"long-term key or an MFA device (key). The record is sealed like the store, and each line\n" +
			"is bound to the one before it. What fob answers at once from a session that is kept has\n" +
			"no line (exec, export, credential-process).",
		Example: "  fob log\n  fob log --agent claude-code\n  fob log --json",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return sys.runLog(c.Context(), g, agent, asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().StringVar(&agent, agentFlag, "", "only the lines of this agent, by its id or its name")
	return c
}

type logJSON struct {
	Lines  []recordedLine `json:"lines" doc:"the oldest first"`
	Faults []logFault     `json:"faults" doc:"where lines were changed or taken out"`
}

type logFault struct {
	Before int    `json:"before" doc:"the number of lines in front of it"`
	Fault  string `json:"fault" doc:"what is wrong there"`
}

func (s System) runLog(ctx context.Context, g *globals, agent string, asJSON bool) error {
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	if err := k.mustExist(); err != nil {
		return err
	}
	if err := k.open(ctx); err != nil {
		return err
	}
	if k.index.Log.IsZero() { // the index was made by an earlier version
		if err := k.Open(ctx, func() bool { return true }); err != nil {
			return err
		}
	}
	k.close()
	lines, err := audit.New(k.home.Data, k.index.Log, s.Now).Read()
	if err != nil {
		return storeFault(err)
	}
	out := logJSON{Lines: []recordedLine{}, Faults: []logFault{}}
	for _, l := range lines {
		if l.Fault != "" {
			out.Faults = append(out.Faults, logFault{len(out.Lines), l.Fault})
		}
		if line := (recordedLine{}); l.Text != nil && json.Unmarshal(l.Text, &line) == nil && (agent == "" || line.Agent != "" && goesBy(line.Agent, agent)) {
			out.Lines = append(out.Lines, line)
		}
	}
	if asJSON {
		err = writeJSON(s.Stdout, out)
	} else {
		err = writeLog(s.Stdout, out)
	}
	if err != nil || len(out.Faults) == 0 {
		return err
	}
	return &fault.Error{
		What: "the record is not whole", Why: errors.New(out.Faults[0].Fault),
		Next: []string{"compare it with CloudTrail: each call has its request id there"}, Code: fault.Failed,
	}
}

// writeLog prints a line for each event, so that grep finds it.
func writeLog(w io.Writer, out logJSON) error {
	var b strings.Builder
	faults := out.Faults
	for i := 0; i <= len(out.Lines); i++ {
		for ; len(faults) > 0 && faults[0].Before == i; faults = faults[1:] {
			fmt.Fprintf(&b, "-- %s --\n", faults[0].Fault)
		}
		if i < len(out.Lines) {
			b.WriteString(out.Lines[i].row() + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (l recordedLine) row() string {
	words := []string{l.Time.Local().Format(time.DateTime), l.Event}
	add := func(format, value string) {
		if value != "" {
			words = append(words, fmt.Sprintf(format, fault.Line(value)))
		}
	}
	switch l.Event {
	case "call":
		add("%s", l.Call)
	case "given", "refused":
		add("%s", l.Command)
	case "key":
		add("%s", l.Command)
		add("%s", l.Call)
	}
	add("%s", l.Profile)
	add("%s", l.Account)
	if l.Event == "call" || l.Session != "" {
		add("%s", l.Role[strings.LastIndexByte(l.Role, '/')+1:])
	}
	add("as %s", l.Session)
	add("for agent %s", l.Agent)
	add("by grant %s", l.Grant)
	add("%s", l.KeyID)
	if l.Code {
		words = append(words, "with a code")
	}
	if l.Policy != "" {
		words = append(words, "narrowed")
	}
	add("(%s)", l.Named)
	if !l.Until.IsZero() {
		format := "15:04"
		if l.Until.Local().Format(time.DateOnly) != l.Time.Local().Format(time.DateOnly) {
			format = "2006-01-02 15:04"
		}
		words = append(words, "until "+l.Until.Local().Format(format))
	}
	add("request %s", l.RequestID)
	if len(l.Processes) > 0 {
		add("from %s", strings.Join(l.Processes, " "))
	}
	add("because %s", l.Error)
	return strings.Join(words, " ")
}
