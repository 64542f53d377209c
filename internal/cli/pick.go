package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"fob/internal/fault"

	"github.com/spf13/cobra"
)

// mostPicked bounds the list that a person is shown: a longer one does not help
// to choose.
const mostPicked = 40

// pick asks a person at the terminal for a profile, by its number or by the
// beginning of its name. Where nobody can be asked, or there is nothing to choose
// from, it gives missing.
func (s System) pick(ctx context.Context, missing error) (string, error) {
	names, err := s.profileNames()
	if err != nil || len(names) == 0 {
		return "", missing
	}
	t, err := s.OpenTTY()
	if err != nil {
		return "", missing
	}
	defer t.Close()
	for i, name := range names[:min(len(names), mostPicked)] {
		t.Say(fmt.Sprintf("%3d  %s", i+1, fault.Line(name)))
	}
	if more := len(names) - mostPicked; more > 0 {
		t.Say(fmt.Sprintf("     and %d more", more))
	}
	for {
		answer, err := t.ReadLine(ctx, "Profile (number, or the beginning of its name): ")
		if err != nil {
			return "", err
		}
		name, why := picked(names, strings.TrimSpace(answer))
		switch {
		case why == "":
			return name, nil
		case strings.TrimSpace(answer) == "":
			return "", missing
		}
		t.Say("fob: " + why)
	}
}

// picked finds the one profile that an answer means, or says why there is none.
// A whole name goes before a number, and both before a beginning.
func picked(names []string, answer string) (name, why string) {
	var fit []string
	for _, name := range names {
		if name == answer {
			return name, ""
		}
		if answer != "" && strings.HasPrefix(name, answer) {
			fit = append(fit, name)
		}
	}
	if n, err := strconv.Atoi(answer); err == nil && len(fit) == 0 {
		if n < 1 || n > len(names) {
			return "", fmt.Sprintf("there is no number %d", n)
		}
		return names[n-1], ""
	}
	switch len(fit) {
	case 0:
		return "", "no profile begins with " + strconv.Quote(answer)
	case 1:
		return fit[0], ""
	}
	return "", fmt.Sprintf("%d profiles begin with %s", len(fit), strconv.Quote(answer))
}

// called is the profile that a command line names, else AWS_PROFILE, for commands
// that ask nobody.
func (s System) called(c *cobra.Command, args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	if name := s.lookup("AWS_PROFILE"); name != "" {
		return name, nil
	}
	return "", usage(c, errors.New("the name of a profile is missing, and AWS_PROFILE is not set"))
}

// named settles the profile of a command: what was typed, else AWS_PROFILE, else
// what a person picks.
func (s System) named(ctx context.Context, typed, what, example string) (string, error) {
	if typed != "" {
		return typed, nil
	}
	if name := s.lookup("AWS_PROFILE"); name != "" {
		return name, nil
	}
	return s.pick(ctx, &fault.Error{
		What: "cannot " + what + " without a profile", Why: errors.New("none is named, and AWS_PROFILE is not set"),
		Next: []string{example, "see the profiles: fob list --profiles"}, Code: fault.Usage,
	})
}
