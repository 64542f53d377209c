package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"fob/internal/decide/chain"
	"fob/internal/fault"
	"fob/internal/front"

	"github.com/spf13/cobra"
)

// wanted is what every command that hands out credentials can be told.
type wanted struct {
	profile    string
	noSession  bool
	duration   string
	region     string
	code       string
	policy     string
	policyFile string
	policyARNs []string
	console    chain.Console
	fresh      bool
}

func (w *wanted) flags(c *cobra.Command) {
	f := c.Flags()
	f.BoolVarP(&w.noSession, "no-session", "n", false, "skip GetSessionToken; costs one code, and hands out the stored key itself where there is no role")
	f.StringVarP(&w.duration, "duration", "d", "", "how long the credentials shall hold (1h30m, or seconds)")
	f.StringVar(&w.region, "region", "", "region of the last call and of the child")
	f.StringVarP(&w.code, "mfa-token", "t", "", "the MFA code, where it is known already")
	f.BoolVar(&w.fresh, "fresh", false, "make a new session even though one is kept")
	f.Var(some{&w.policy}, "policy", "narrow the session by this policy (JSON)")
	f.Var(some{&w.policyFile}, "policy-file", "narrow the session by the policy in this file")
	f.Var(someOf{&w.policyARNs}, "policy-arns", "narrow the session by these managed policies")
	c.MarkFlagsMutuallyExclusive("policy", "policy-file")
}

// request turns flags and environment into what chain decides on.
func (s System) request(w wanted) (chain.Request, error) {
	if err := s.checkCalls(); err != nil {
		return chain.Request{}, err
	}
	line := front.Line{Profile: w.profile, NoSession: w.noSession, Region: w.region}
	if w.duration != "" {
		ok := false
		if line.Lifetime, ok = front.Lifetime(w.duration); !ok {
			return chain.Request{}, &fault.Error{What: fmt.Sprintf("--duration %q is not a duration", w.duration), Next: []string{"write it like --duration 1h30m, or in seconds"}, Code: fault.Usage}
		}
	}
	if err := checkGivenCode(w.code); err != nil {
		return chain.Request{}, err
	}
	r := line.Request(s.Environ)
	r.Console, r.Terminal = w.console, s.Terminal()
	r.Policy = chain.Policy{Inline: w.policy, ARNs: w.policyARNs}
	if w.policyFile != "" {
		text, err := readPolicy(w.policyFile)
		if err != nil {
			return r, &fault.Error{What: "cannot read the session policy of --policy-file", Why: err, Code: fault.Usage}
		}
		r.Policy.Inline = text
	}
	// AWS would say so too, but perhaps only after it has taken a code.
	if r.Policy.Inline != "" && !json.Valid([]byte(r.Policy.Inline)) {
		return r, &fault.Error{What: "cannot use the session policy of --policy or --policy-file", Why: errors.New("it is not JSON"), Code: fault.Usage}
	}
	return r, nil
}

// readPolicy reads a session policy, which may come out of a pipe. An empty one
// is refused: it would not narrow anything.
func readPolicy(path string) (string, error) {
	text, err := readSmall(path)
	if err == nil && strings.TrimSpace(string(text)) == "" {
		err = fmt.Errorf("%s: %w", fault.Line(path), errEmpty)
	}
	return string(text), err
}

// readSmall reads a file, or a pipe, of which no more than 64 KiB can be meant.
func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 64<<10))
}
