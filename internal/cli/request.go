package cli

import (
	"fmt"
	"io"
	"os"

	"fob/internal/decide/chain"
	"fob/internal/decide/policy"
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
	account    string       // that the session must be of; "": any
	granted    bool         // only what a person has granted
	promised   *chain.Chain // what a running command has: only the same is given again
	agent      string
}

func (w *wanted) flags(c *cobra.Command) {
	f := c.Flags()
	f.BoolVarP(&w.noSession, "no-session", "n", false, "skip GetSessionToken; costs one code, and hands out the stored key itself where there is no role")
	f.StringVarP(&w.duration, "duration", "d", "", "how long the credentials shall hold (1h30m, or seconds)")
	f.StringVar(&w.region, "region", "", "region of the last call and of the child")
	f.StringVarP(&w.code, "mfa-token", "t", "", "the MFA code, where it is known already")
	f.BoolVar(&w.fresh, "fresh", false, "make a new session even though one is kept")
	f.Var(some{&w.policy}, "policy", "narrow the session: view, read-only, plan, or the JSON of a policy; full lifts fob_policy")
	f.Var(some{&w.policyFile}, "policy-file", "narrow the session by the policy in this file")
	f.Var(someOf{&w.policyARNs}, "policy-arns", "narrow the session by these managed policies")
	f.StringVar(&w.agent, agentFlag, "", "the credentials are for an agent of this name: the profile's fob_agent narrows them")
	c.MarkFlagsMutuallyExclusive("policy", "policy-file")
	_ = c.RegisterFlagCompletionFunc("policy", cobra.FixedCompletions(append(policy.Names(), policy.Full), cobra.ShellCompDirectiveNoFileComp))
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
	r.Console, r.Agent, r.Terminal = w.console, s.agent.ID, s.Terminal()
	var err error
	r.Policy, err = w.sessionPolicy()
	return s.readingPolicies(r), err
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
