package cli

import (
	"errors"
	"fmt"
	"strings"

	"fob/internal/decide/profile"
	"fob/internal/fault"
)

// nameless is the fault of a file whose keys do not say which profile they are for.
func (t *taking) nameless(n int) error {
	f := &fault.Error{What: "cannot tell the profile of the key in " + t.from.Where(), Why: errors.New("the file has no names"), Next: []string{"name one: --profile NAME"}, Code: fault.Usage}
	switch {
	case n > 1:
		f.What = fmt.Sprintf("cannot tell the profiles of the %d keys in %s", n, t.from.Where())
		f.Next = []string{"give each a file of its own, or a \"User name\" column with the names of the profiles"}
	case len(t.o.profiles) > 1:
		f.Why = fmt.Errorf("it has one key, and --profile names %d profiles", len(t.o.profiles))
	}
	return f
}

// noSuchKey says what there is in the place of a key that was asked for.
func noSuchKey(there []string) error {
	if len(there) == 0 {
		return errors.New("there is no key of that name")
	}
	const most = 10
	names := make([]string, 0, most)
	for _, name := range there[:min(len(there), most)] {
		names = append(names, profile.Shown(name))
	}
	more := ""
	if n := len(there) - most; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return errors.New("there is no key of that name; the names there are " + strings.Join(names, ", ") + more)
}

// sayWithoutSection says which profiles of the keys have no section in the config:
// add writes one, and an import of many keys does not.
func (t *taking) sayWithoutSection() {
	var names []string
	for _, key := range t.report.Keys {
		if key.New && !t.config.Has(key.Profile) {
			names = append(names, profile.Shown(key.Profile))
		}
	}
	if len(names) > 0 {
		t.k.sys.say("not in %s: %s; a profile works without a section there, and needs one for its MFA device (mfa_serial) and region", t.config.Display(), strings.Join(names, ", "))
	}
}

// inFile says of which file a key is that cannot be stored.
func inFile(path string, err error) error {
	f := (*fault.Error)(nil)
	if !errors.As(err, &f) {
		return err
	}
	return &fault.Error{What: f.What, Why: fmt.Errorf("--csv %s: %w", fault.Line(path), f.Why), Next: f.Next, Code: f.Code}
}
