package export

import (
	"io"
	"strings"
)

// ini is a section of a shared credentials file. aws_credential_expiration is
// the incumbent's own key; SDKs pass over it.
func ini() Format {
	return Format{Name: "ini", Help: "a section of a shared credentials file", Write: writeIni}
}

func writeIni(w io.Writer, o Output) error {
	if o.Profile == "" || control(o.Profile) || strings.ContainsAny(o.Profile, "[]") {
		return &ValueError{Format: ini().Name, Name: "the profile name", Why: "it is empty, or holds a bracket or a control character"}
	}
	var b strings.Builder
	b.WriteString("[" + o.Profile + "]\n")
	for _, f := range fields(o, "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_credential_expiration", "region") {
		if why := unfitForIni(f.value); why != "" {
			return &ValueError{Format: ini().Name, Name: f.name, Why: why}
		}
		b.WriteString(f.name + " = " + f.value + "\n")
	}
	return writeAll(w, b.String())
}

// unfitForIni says why SDKs would read back another value: the format has no
// quotes and no escapes.
func unfitForIni(value string) string {
	switch {
	case control(value):
		return "it holds a control character"
	case strings.TrimSpace(value) != value:
		return "it begins or ends with a space"
	case strings.Contains(value, " #") || strings.Contains(value, " ;"):
		return "what follows the # or ; in it would be read as a comment"
	}
	return ""
}
