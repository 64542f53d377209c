package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/source"
	"fob/internal/fault"

	"github.com/spf13/cobra"
)

type explainOptions struct {
	wanted
	json bool
}

func newExplain(sys *System, g *globals) *cobra.Command {
	var o explainOptions
	c := &cobra.Command{
		Use:               "explain PROFILE",
		Short:             "Show what a profile would do: key, calls, MFA device, lifetimes, and why",
		Long:              "Show every step to a profile's credentials before it happens. Nothing is asked or called.",
		Example:           "  fob explain dev\n  fob explain dev --duration 8h\n  fob explain dev --json",
		Args:              oneProfile,
		ValidArgsFunction: sys.completeProfile(g),
		RunE: func(c *cobra.Command, args []string) error {
			o.profile = args[0]
			return sys.runExplain(c.Context(), g, o)
		},
	}
	o.flags(c)
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

type explainedStep struct {
	Call     string     `json:"call"`
	Text     string     `json:"text"`
	Profile  string     `json:"profile"`
	Role     string     `json:"role_arn,omitempty"`
	Lifetime int        `json:"lifetime_seconds"`
	MFA      string     `json:"mfa_serial,omitempty"`
	Process  bool       `json:"mfa_process,omitempty"`
	Region   string     `json:"region,omitempty"`
	Endpoint string     `json:"endpoint,omitempty"`
	Cached   string     `json:"cached"` // yes, no, unknown
	Expires  *time.Time `json:"expires,omitempty"`
}

type explained struct {
	Profile  string          `json:"profile"`
	Account  string          `json:"account,omitempty"`
	Region   string          `json:"region,omitempty"`
	Key      string          `json:"key_profile"`
	KeyID    string          `json:"key_id,omitempty"`
	Locked   bool            `json:"locked"`
	Steps    []explainedStep `json:"steps"`
	Codes    int             `json:"codes_needed"`
	Calls    int             `json:"calls_needed"`
	Why      []string        `json:"why"`
	Warnings []string        `json:"warnings"`
}

func (s System) runExplain(_ context.Context, g *globals, o explainOptions) error {
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	minLeft, err := k.minLeft()
	if err != nil {
		return err
	}
	r, err := s.request(o.wanted)
	if err != nil {
		return err
	}
	set, err := k.config()
	if err != nil {
		return err
	}
	exists, err := k.exists()
	if err != nil {
		return err
	}
	locked := exists && !k.unseal()
	hasKey := k.hasKey
	if locked && set.Has(o.profile) {
		hasKey = assumedKeys(set)
	}
	c, err := chain.Resolve(set, source.Kinds(), hasKey, k.index.Refused(k.sys.Now()), r)
	if err != nil {
		return err
	}
	out := k.explain(c, minLeft, locked)
	if o.json {
		return writeJSON(s.Stdout, out)
	}
	_, err = s.Stdout.Write([]byte(fault.Printable(out.text(s.Now()))))
	return err
}

// explain puts a chain and the state of the cache into words. Steps before the
// last kept session will not be made.
func (k *keeper) explain(c chain.Chain, minLeft time.Duration, locked bool) explained {
	e := explained{Profile: c.Profile, Account: c.Account, Region: c.Region, Key: c.Key, KeyID: cred.Short(k.ID(c.Key)), Locked: locked, Steps: []explainedStep{}, Why: c.Notes, Warnings: c.Warnings}
	if e.Why == nil {
		e.Why = []string{}
	}
	if e.Warnings == nil {
		e.Warnings = []string{}
	}
	var names []string
	if !k.seal.IsZero() {
		names = chain.Names(c, k.ID(c.Key), k.cache.NameOf)
	}
	for i, step := range c.Steps {
		one := explainStep(step)
		one.Cached = "unknown"
		if names != nil {
			one.Cached = "no"
			if kept, err := k.cache.Load(names[i]); err == nil && kept.Holds(k.sys.Now(), minLeft) {
				one.Cached, one.Expires = "yes", &kept.Session.Expires
				e.Codes, e.Calls = 0, 0
			}
		}
		if one.Cached != "yes" {
			e.Calls++
			if one.MFA != "" {
				e.Codes++
			}
		}
		e.Steps = append(e.Steps, one)
	}
	return e
}

func explainStep(step source.Step) explainedStep {
	card, device := source.CardOf(step), source.Device(step)
	return explainedStep{
		Call: card.Call, Text: step.Describe(), Profile: card.Owner, Role: card.Role, Lifetime: int(card.Lifetime / time.Second),
		MFA: device.Serial, Process: device.Process != "", Region: card.Endpoint.Region, Endpoint: card.Endpoint.URL,
	}
}

func (e explained) text(now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "profile %s", e.Profile)
	if e.Account != "" {
		fmt.Fprintf(&b, ": account %s", e.Account)
	}
	if e.Region != "" {
		fmt.Fprintf(&b, ", region %s", e.Region)
	}
	b.WriteString("\n")
	switch {
	case e.Locked:
		fmt.Fprintf(&b, "  the store is locked: that profile %s has a key, and what is cached, is assumed\n", e.Key)
	default:
		fmt.Fprintf(&b, "  key   %s of profile %s\n", e.KeyID, e.Key)
	}
	for i, s := range e.Steps {
		fmt.Fprintf(&b, "  %d. %-15s %s\n", i+1, s.Call, s.Text)
		if s.MFA != "" {
			fmt.Fprintf(&b, "     code of         %s\n", s.MFA)
		}
		if s.Endpoint != "" {
			fmt.Fprintf(&b, "     at              %s\n", s.Endpoint)
		}
		if s.Cached == "yes" {
			fmt.Fprintf(&b, "     cached          for another %s\n", s.Expires.Sub(now).Truncate(time.Minute))
		}
	}
	if len(e.Steps) == 0 {
		b.WriteString("  the stored key itself is handed out: it does not expire\n")
	} else {
		fmt.Fprintf(&b, "  costs %d MFA code%s and %d call%s to AWS\n", e.Codes, plural(e.Codes), e.Calls, plural(e.Calls))
	}
	for _, w := range e.Why {
		fmt.Fprintf(&b, "  why   %s\n", w)
	}
	for _, w := range e.Warnings {
		fmt.Fprintf(&b, "  note  %s\n", w)
	}
	return b.String()
}
