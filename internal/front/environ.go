package front

import (
	"strings"
	"time"
)

// Lookup reads one variable of an environment; the first one counts where it
// stands twice, as for getenv(3).
func Lookup(environ []string, name string) string {
	for i := range environ {
		if v, ok := strings.CutPrefix(environ[i], name); ok && v != "" && v[0] == '=' {
			return v[1:]
		}
	}
	return ""
}

func without(environ []string, name string) []string {
	out := make([]string, 0, len(environ)+1)
	for _, e := range environ {
		if !strings.HasPrefix(e, name+"=") {
			out = append(out, e)
		}
	}
	return out
}

// defaultMinLeft is how long a session must still hold to be handed out.
const defaultMinLeft = 5 * time.Minute

// MinLeft reads --min-ttl, else FOB_MIN_TTL, else AWS_MIN_TTL, else gives five
// minutes. ok is false where the first of them that is set is no duration.
func MinLeft(flag string, environ []string) (d time.Duration, ok bool) {
	for _, text := range []string{flag, Lookup(environ, "FOB_MIN_TTL"), Lookup(environ, "AWS_MIN_TTL")} {
		if text == "" {
			continue
		}
		d, err := time.ParseDuration(text)
		return d, err == nil && d >= 0 && d <= 12*time.Hour
	}
	return defaultMinLeft, true
}
