package cli

import (
	"fmt"
	"strings"
	"time"

	"fob/internal/decide/chain"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/front"
)

// minLeft is how long a session must still hold to be handed out, and who says
// so ("" where nobody does).
type minLeft struct {
	time.Duration
	from string
}

func (k *keeper) minLeft() (minLeft, error) {
	d, from, ok := front.MinLeft(k.g.minTTL, k.sys.Environ)
	if !ok {
		text := k.g.minTTL
		if from != front.MinLeftFlag {
			text = k.sys.lookup(from)
		}
		return minLeft{}, &fault.Error{What: fmt.Sprintf("%s %q is not a length of time up to %s", from, text, fault.Lasting(front.MostMinLeft)), Next: []string{"write it like --min-ttl 5m (or FOB_MIN_TTL, AWS_MIN_TTL)"}, Code: fault.Usage}
	}
	return minLeft{d, from}, nil
}

// mostLifetime is the longest session of a role that AWS gives.
const mostLifetime = source.MaxRoleLifetime

// unmet is the fault of a plan whose session cannot hold for so long, even when it
// is new: no kept one would ever be used, and who asked would get less than they
// count on. plan plans again, for another length. It is nil where all is well.
func (m minLeft) unmet(c chain.Chain, plan func(time.Duration) (chain.Chain, error)) *fault.Error {
	life := c.Card().Lifetime // 0 where it is not decided here
	if life == 0 || m.Duration < life {
		return nil
	}
	f := &fault.Error{
		What: fmt.Sprintf("cannot get a session of profile %q that holds for %s (%s)", c.Profile, fault.Lasting(m.Duration), m.from),
		Why:  fmt.Errorf("its sessions are made for %s", fault.Lasting(life)), Code: fault.Usage,
	}
	longer := min(m.Truncate(time.Hour)+time.Hour, mostLifetime)
	if other, err := plan(longer); err == nil && other.Card().Lifetime > m.Duration {
		f.Next = append(f.Next, "use a longer one: --duration "+fault.Lasting(longer))
	}
	f.Next = append(f.Next, "or ask for less than "+fault.Lasting(life)+": --min-ttl "+fault.Lasting(life/2))
	return f
}

// longEnough refuses a plan that cannot meet --min-ttl. A variable may be set for
// all profiles at once, so there it is said on each run.
func (k *keeper) longEnough(m minLeft, c chain.Chain, plan func(time.Duration) (chain.Chain, error)) error {
	f := m.unmet(c, plan)
	switch {
	case f == nil:
		return nil
	case m.from == front.MinLeftFlag:
		return f
	}
	k.sys.say("%s", inOneLine(f))
	return nil
}

// inOneLine is an unmet length on one line.
func inOneLine(f *fault.Error) string {
	return f.Error() + ", so each run makes a new one; " + strings.Join(f.Next, ", ")
}
