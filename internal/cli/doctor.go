package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"fob/internal/fault"

	"github.com/spf13/cobra"
)

func newDoctor(sys *System, g *globals) *cobra.Command {
	var asJSON, recover bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Find what is wrong with this machine's set-up",
		Long: "Look at the executables, the store, what opens it and where it rests while it is open, and say\n" +
			"what is wrong and which command mends it. It asks nothing, calls nobody and writes nothing.\n" +
			"With --recover: print how the keys are read without fob.",
		Example: "  fob doctor\n  fob doctor --recover",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if recover {
				return sys.runRecover(c.Context(), g)
			}
			return sys.runDoctor(c.Context(), g, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&recover, "recover", false, "print how the keys are read without fob, by the stock age tool")
	c.MarkFlagsMutuallyExclusive("json", "recover")
	return c
}

type doctorJSON struct {
	Findings []finding `json:"findings" doc:"what was looked at"`
	Wrong    int       `json:"wrong" doc:"how many findings are wrong; with any, the status is 1"`
}

// The levels of a finding.
const (
	fine    = "ok"
	warning = "warning"
	wrong   = "wrong"
)

type finding struct {
	Level string   `json:"level" doc:"ok, warning or wrong"`
	What  string   `json:"what" doc:"what was found"`
	Why   string   `json:"why,omitempty" doc:"the reason, or what it means"`
	Next  []string `json:"next,omitempty" doc:"what mends it"`
}

func (s System) runDoctor(ctx context.Context, g *globals, asJSON bool) error {
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	out := doctorJSON{Findings: []finding{}}
	for _, check := range checks() {
		out.Findings = append(out.Findings, check(ctx, k)...)
	}
	var b strings.Builder
	for _, f := range out.Findings {
		if f.Level == wrong {
			out.Wrong++
		}
		fmt.Fprintf(&b, "%-8s %s\n", f.Level, fault.Line(f.What))
		if f.Why != "" {
			fmt.Fprintf(&b, "           because: %s\n", fault.Line(f.Why))
		}
		for _, n := range f.Next {
			fmt.Fprintf(&b, "           try: %s\n", fault.Line(n))
		}
	}
	if asJSON {
		err = writeJSON(s.Stdout, out)
	} else {
		_, err = s.Stdout.Write([]byte(b.String()))
	}
	if err == nil && out.Wrong > 0 {
		err = &fault.Error{What: fmt.Sprintf("%d thing%s wrong", out.Wrong, map[bool]string{true: " is", false: "s are"}[out.Wrong == 1]), Code: fault.Failed}
	}
	return err
}

// badly is a finding of what an error says.
func badly(err error) finding {
	f := finding{Level: wrong, What: err.Error()}
	if known := (*fault.Error)(nil); errors.As(err, &known) {
		f.What, f.Next = known.What, known.Next
		if known.Why != nil {
			f.Why = known.Why.Error()
		}
	}
	return f
}
