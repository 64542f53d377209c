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

// MostMinLeft is the longest that may be asked for, and MinLeftFlag what asks.
const (
	MostMinLeft = 12 * time.Hour
	MinLeftFlag = "--min-ttl"
)

// MinLeft reads --min-ttl, else FOB_MIN_TTL, else AWS_MIN_TTL, else gives five
// minutes. from is the one that was read, "" where none is set; ok is false where
// that is no duration.
func MinLeft(flag string, environ []string) (d time.Duration, from string, ok bool) {
	for _, one := range [][2]string{{MinLeftFlag, flag}, {"FOB_MIN_TTL", Lookup(environ, "FOB_MIN_TTL")}, {"AWS_MIN_TTL", Lookup(environ, "AWS_MIN_TTL")}} {
		if one[1] == "" {
			continue
		}
		d, err := time.ParseDuration(one[1])
		return d, one[0], err == nil && d >= 0 && d <= MostMinLeft
	}
	return defaultMinLeft, "", true
}
