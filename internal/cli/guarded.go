package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/guard"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/obtain/mfa"
)

// approver asks the person at the terminal for what a guard wants: nobody else can
// answer, neither standard input, nor a window, nor a flag.
type approver struct {
	k *keeper
	w wanted
}

// Ready says whether there is a terminal to ask at.
func (a approver) Ready() bool { return a.k.sys.canAsk() }

// nameTries bounds how often a person may mistype the name.
const nameTries = 3

// Approve has the profile's name typed, but where the code is typed there anyway.
// Without a terminal nobody can type either, so that is opened whatever is asked.
func (a approver) Approve(ctx context.Context, c chain.Chain) error {
	t, err := a.k.sys.OpenTTY()
	if err != nil {
		return a.nobodyThere(c, err)
	}
	defer t.Close()
	if !guard.Rule(a.facts(c)).TypeName {
		return nil
	}
	t.Say("fob: profile " + profile.Shown(c.Profile) + " is guarded (" + string(c.Guard) + "): " + whatOpens(c))
	for range nameTries {
		answer, err := t.ReadLine(ctx, "Type the name of the profile to go on: ")
		if err != nil {
			return a.nobodyThere(c, err)
		}
		if strings.TrimSpace(answer) == c.Profile {
			return nil
		}
		t.Say("fob: that is not its name")
	}
	return &fault.Error{What: fault.NoCredentials(c.Profile), Why: fmt.Errorf("it is guarded (%s), and its name was not typed", c.Guard), Code: fault.Failed}
}

// facts are what the guard rules on: what is about to be handed out, and who gives
// its code.
func (a approver) facts(c chain.Chain) guard.Handed {
	h := c.Handed()
	driver := a.k.driver(cred.NewSecret(a.w.code))
	for _, step := range c.Steps {
		if device := source.Device(step); device.Serial != "" {
			h.TypedCode = mfa.Typed(driver(device))
		}
	}
	return h
}

// whatOpens says what is about to be handed out.
func whatOpens(c chain.Chain) string {
	if len(c.Steps) == 0 {
		return "its stored key itself is handed out, which does not end"
	}
	return c.Card().Call + inAccount(c)
}

func inAccount(c chain.Chain) string {
	text := ""
	if c.Account != "" {
		text = " " + c.Account
	}
	if _, role, ok := strings.Cut(c.Card().Role, ":role/"); ok {
		text += " " + role
	}
	return text
}

// nobodyThere says what the guard would have asked.
func (a approver) nobodyThere(c chain.Chain, err error) error {
	f := (*fault.Error)(nil)
	if !errors.As(err, &f) || f.Code != fault.Attend {
		return err
	}
	wants := "somebody who types its name"
	if c.Guard.FreshCode() {
		wants = "somebody who types an MFA code"
	}
	at := "at the terminal"
	if a.w.code != "" {
		at += ", where --mfa-token does not count"
	}
	return &fault.Error{
		What: fault.NoCredentials(c.Profile),
		Why:  fmt.Errorf("it is guarded (%s) and wants %s %s: %w", c.Guard, wants, at, f.Why),
		Next: []string{"run it in a terminal", "or do it once in the terminal of these programs, which then get the same session: fob exec " + fault.Operand(c.Profile)},
		Code: fault.Attend,
	}
}

// banner is one line on the person's screen, so that nobody takes this shell for
// another one. Where standard error is no terminal there is nobody to read it.
func (s System) banner(c chain.Chain, session cred.Session) {
	if c.Guard == guard.None || !s.StderrIsTerminal() {
		return
	}
	text := fault.Line(c.Profile + inAccount(c) + ": guarded (" + string(c.Guard) + ")")
	switch {
	case session.Expires.IsZero():
		text += ", the key itself"
	default:
		text += ", until " + session.Expires.Local().Format("15:04")
	}
	if s.lookup("NO_COLOR") == "" && s.coloured() {
		const whiteOnRed, plain = "\x1b[97;41m", "\x1b[0m"
		text = whiteOnRed + " " + text + " " + plain
	}
	_, _ = fmt.Fprintln(s.Stderr, "fob: "+text)
}

// guardedBy is the end of a line about a guarded profile.
func guardedBy(level string) string {
	if level == "" {
		return ""
	}
	return ", guarded (" + level + ")"
}

// coloured says whether a terminal of this kind knows escape sequences.
func (s System) coloured() bool {
	term := s.lookup("TERM")
	return term != "" && term != "dumb"
}
