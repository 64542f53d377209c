package mfa

import (
	"context"
	"strconv"
)

func terminal() Kind {
	return Kind{
		Name: "terminal", Help: "ask at the terminal",
		Wanted: func(e Env) bool { return e.Named == "terminal" || e.Named == "" && e.terminal() },
		Open:   func(e Env) Driver { return terminalDriver{env: e} },
		Named:  true,
	}
}

type terminalDriver struct{ env Env }

func (e Env) terminal() bool {
	t, err := e.OpenTTY()
	if err != nil {
		return false
	}
	_ = t.Close()
	return true
}

func (d terminalDriver) Interactive() bool { return true }

func (d terminalDriver) Ready() bool { return d.env.terminal() }

// mistypes is how often a person may type something that is no code before the
// question is given up. None of it is sent anywhere.
const mistypes = 3

// Code asks without echo: what is typed at the wrong question may be the
// passphrase.
func (d terminalDriver) Code(ctx context.Context, q Question) (string, error) {
	terminal, err := d.env.OpenTTY()
	if err != nil {
		if d.env.NoInput {
			return "", noCode(q, err, byHand, "or by a command that prints it: mfa_process = COMMAND in the profile")
		}
		return "", noCode(q, err, "ask in a window, or by a YubiKey: --prompt zenity, --prompt ykman", byHand)
	}
	defer terminal.Close()
	for _, line := range introduction(q) {
		terminal.Say(line)
	}
	for range mistypes {
		answer, readErr := terminal.ReadHidden(ctx, "MFA code for "+q.Serial+": ")
		if readErr != nil {
			return "", noCode(q, readErr)
		}
		code := ""
		if code, err = CheckCode(answer.Reveal()); err == nil {
			return code, nil
		}
		terminal.Say("fob: " + err.Error())
	}
	return "", noCode(q, err)
}

// introduction is what stands above the question: who asks, for what, and where
// the code goes. What was said at the first attempt still stands there.
func introduction(q Question) []string {
	var lines []string
	switch {
	case q.Problem != "":
		lines = append(lines, "fob: "+q.Problem)
	case q.Why != "" && q.Profile != "":
		lines = append(lines, "fob: profile "+strconv.Quote(q.Profile)+": "+q.Why)
	case q.Why != "":
		lines = append(lines, "fob: "+q.Why)
	case q.Profile != "":
		lines = append(lines, "fob: profile "+strconv.Quote(q.Profile))
	}
	if q.Host != "" {
		lines = append(lines, "fob: the code goes to "+q.Host)
	}
	return lines
}
