// Package export gives a session as text that another program reads: one file
// per format. It does not know profiles, where a session comes from, or who
// reads the text.
package export

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"fob/internal/cred"
)

// Output is what is written. Profile names the section of an ini file; Region
// may be empty.
type Output struct {
	Profile, Region string
	Session         cred.Session
}

// Format is one way to write an Output. Write checks every value before it
// writes the first byte, and returns *ValueError for one that the format cannot
// carry exactly, or the writer's own error.
type Format struct {
	Name, Help string
	Write      func(io.Writer, Output) error
}

// Formats is every format, the default first. The AWS CLI has names of its own
// for two of them (aws configure export-credentials --format).
func Formats() []Format {
	return []Format{
		env(), exportEnv(), jsonFormat(), ini(), fish(), nushell(), powerShell(), windowsCmd(), terragrunt(),
		alias("env-no-export", env()), alias("process", jsonFormat()),
	}
}

// alias is a format under another name.
func alias(name string, f Format) Format {
	return Format{Name: name, Help: "the same as " + f.Name, Write: func(w io.Writer, o Output) error {
		err := f.Write(w, o)
		if refused := (*ValueError)(nil); errors.As(err, &refused) {
			refused.Format = name
		}
		return err
	}}
}

// Named finds a format by the name that --format takes.
func Named(name string) (Format, bool) {
	for _, f := range Formats() {
		if f.Name == name {
			return f, true
		}
	}
	return Format{}, false
}

// ValueError is a value that a format would change or that would be read as
// something else. It names the value and never shows it.
type ValueError struct{ Format, Name, Why string }

// Error says which value of which format, and what is in it.
func (e *ValueError) Error() string {
	return "format " + strconv.Quote(e.Format) + " cannot carry " + e.Name + ": " + e.Why
}

// field is a value under the name of its format. Empty values are left out.
type field struct{ name, value string }

// fields gives the values under the given names, in the one order that all
// formats share: id, secret, session token, end, region.
func fields(o Output, names ...string) []field {
	values := [...]string{o.Session.ID, o.Session.Secret.Reveal(), o.Session.Token.Reveal(), end(o.Session), o.Region, o.Region}
	out := make([]field, 0, len(names))
	for i, name := range names {
		if values[i] != "" {
			out = append(out, field{name, values[i]})
		}
	}
	return out
}

// variables are the fields as SDKs read them from an environment.
func variables(o Output) []field {
	return fields(o, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
		"AWS_CREDENTIAL_EXPIRATION", "AWS_REGION", "AWS_DEFAULT_REGION")
}

// end is the moment the session ends in RFC 3339, UTC, whole seconds: never
// later than the true one. It is empty for a session without an end.
func end(s cred.Session) string {
	if s.Expires.IsZero() {
		return ""
	}
	return s.Expires.UTC().Format(time.RFC3339)
}

// control says whether a line of text would end or change within the value.
func control(value string) bool {
	return strings.ContainsFunc(value, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// writeAll writes in one call, so that a reader gets all of it or nothing.
func writeAll(w io.Writer, text string) error {
	_, err := io.WriteString(w, text)
	return err
}
