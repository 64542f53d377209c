package front

import (
	"io"
	"strings"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/profile"
)

// endsSoon is the time within which a run may well outlive its credentials.
const endsSoon = 15 * time.Minute

// Ending says that the session which a command gets in its environment ends soon,
// "" where it does not. Who has asked for so short a session knows, and what an
// agent has is short by intent.
func Ending(c chain.Chain, session cred.Session, now time.Time) string {
	left := session.Expires.Sub(now)
	if c.Agent != "" || session.Expires.IsZero() || left >= endsSoon || c.Card().Lifetime <= endsSoon {
		return ""
	}
	return "the credentials of profile " + profile.Shown(c.Profile) + " end in " + strings.TrimSuffix(left.Truncate(time.Minute).String(), "0s") +
		" and are not renewed; for a longer run: --min-ttl 40m, --duration 4h, or a profile that asks fob (fob sdk-config)"
}

// warnEnding tells a person of such a session, if they have not said how long one
// must hold.
func (sys System) warnEnding(line Line, c chain.Chain, session cred.Session) {
	text := Ending(c, session, sys.Now())
	if _, said, _ := MinLeft(line.MinTTL, sys.Environ); text != "" && said == "" && line.Lifetime == 0 && sys.StderrIsTerminal() {
		_, _ = io.WriteString(sys.Stderr, "fob: "+text+"\n")
	}
}
