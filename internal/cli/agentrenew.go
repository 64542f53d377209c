package cli

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"fob/internal/decide/profile"
	"fob/internal/fault"
)

const (
	// renewLook is how often the sessions of a running agent are looked at: the clock
	// may have leapt, as after a sleep of the machine.
	renewLook = 5 * time.Second
	// renewAgain is how long what failed is left alone.
	renewAgain = time.Minute
)

// renew keeps the files fresh until the context or the agent's time ends, or the
// folder is taken away. Nobody is asked: the terminal is the agent's now. What
// cannot be renewed is told in a line, and removed when it ends.
func (f *agentFiles) renew(ctx context.Context) {
	loud := f.sys
	f = f.askingNobody()
	for f.sys.Sleep(ctx, renewLook) == nil {
		now := f.sys.Now()
		if !f.about.Until.IsZero() && !now.Before(f.about.Until) {
			f.dir.end()
			loud.say("the time of agent %s is over: it has no credentials any more", f.about.ID)
			return
		}
		if _, err := os.Lstat(f.dir.path); err != nil {
			loud.say("agent %s was revoked: it has no credentials any more", f.about.ID)
			return
		}
		f.takeGrants(ctx, loud)
		for _, name := range f.about.Profiles {
			f.renewOne(ctx, loud, name)
		}
	}
}

// askingNobody is what renews in place of f, beside a terminal that is the agent's.
func (f *agentFiles) askingNobody() *agentFiles {
	own, g := *f, *f.g
	g.noInput = true
	own.g, own.sys.starting, own.sys.OpenTTY, own.sys.Stderr = &g, false, f.sys.noWindow, io.Discard
	return &own
}

func (f *agentFiles) renewOne(ctx context.Context, loud System, name string) {
	now, ends := f.sys.Now(), f.ends[name]
	left := ends.Sub(now)
	if left <= 0 {
		delete(f.grants.profiles, name)
		defer f.drop(name)
	}
	onlyGranted := slices.Index(f.about.Profiles, name) >= f.grants.after
	if left >= agentRenews || onlyGranted || f.grants.profiles[name] || now.Before(f.again[name]) {
		return
	}
	before := f.about.Gives[name]
	err := f.get(ctx, name)
	if err == nil && f.about.Gives[name] != before { // a grant has ended
		err = f.describe()
	}
	if err == nil || ctx.Err() != nil {
		return
	}
	f.again[name] = now.Add(renewAgain)
	if !f.told[name].Equal(ends) {
		f.told[name] = ends
		help := "a person runs, in another terminal: fob exec " + fault.Operand(name) + " -- true"
		if next := nextOf(err); next != "" && fault.CodeOf(err) == fault.Config {
			help = next
		}
		loud.say("profile %s of agent %s ends at %s and cannot be renewed: %s; %s", profile.Shown(name), f.about.ID, ends.Local().Format("15:04"), fault.Line(whyOf(err)), help)
	}
}

// drop removes the file of a session that has ended.
func (f *agentFiles) drop(name string) {
	if !f.ends[name].After(f.sys.Now()) {
		_ = os.Remove(filepath.Join(f.dir.path, f.file(name)))
	}
}

// agentGrants is what a running agent has by grants.
type agentGrants struct {
	looked   time.Time            // when the kept sessions had changed at the last look
	again    time.Time            // when what failed at that look is tried again; zero: nothing did
	told     map[string]time.Time // the end of the grant that a line was said of
	profiles map[string]bool      // that it has by one now
	after    int                  // so many profiles it has without
}

// takeGrants hands on what a person has granted to this agent since the last look:
// its own fob cannot open the store. A grant is not renewed.
func (f *agentFiles) takeGrants(ctx context.Context, loud System) {
	k, err := f.sys.newKeeper(f.g)
	if err != nil {
		return
	}
	now, g := f.sys.Now(), &f.grants
	changed, err := k.cache.Changed()
	if err != nil || changed.Equal(g.looked) && (g.again.IsZero() || now.Before(g.again)) || !k.unseal() {
		return
	}
	entries, err := k.cache.Entries()
	if err != nil {
		return
	}
	g.looked, g.again = changed, time.Time{}
	for _, e := range entries {
		name := e.Owner
		if e.Kind != grantKind || e.Detail != f.about.ID || !e.Holds(now, grantLeft) || g.profiles[name] && e.Session.Expires.Equal(f.ends[name]) {
			continue
		}
		if err := f.takeGrant(ctx, name); err != nil {
			g.again = now.Add(renewAgain)
			if !g.told[name].Equal(e.Session.Expires) {
				g.told[name] = e.Session.Expires
				loud.say("what was granted to agent %s of profile %s cannot be given to it: %s", f.about.ID, profile.Shown(name), fault.Line(whyOf(err)))
			}
			continue
		}
		loud.say("agent %s has profile %s by a person's grant, until %s", f.about.ID, profile.Shown(name), f.ends[name].Local().Format("15:04"))
	}
}

// takeGrant gets what was granted, and nothing else: it is a session as it was made,
// which no policy that the agent was started with narrows.
func (f *agentFiles) takeGrant(ctx context.Context, name string) error {
	before := f.about.Profiles
	if !slices.Contains(before, name) {
		f.about.Profiles = append(slices.Clone(before), name)
	}
	w := f.want
	w.profile, w.granted = name, true
	w.policy, w.policyFile, w.policyARNs = "", "", nil
	err := f.getAs(ctx, w)
	if err == nil {
		if err = f.describe(); err != nil {
			delete(f.grants.profiles, name)
		}
	}
	if err != nil {
		f.about.Profiles = before
	}
	return err
}
