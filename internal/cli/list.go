package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/guard"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/keep/cache"

	"github.com/spf13/cobra"
)

type listOptions struct {
	profiles, sessions, credentials, keys, all, json bool
}

func newList(sys *System, g *globals) *cobra.Command {
	var o listOptions
	c := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List profiles, stored keys and sessions",
		Example: "  fob list\n  fob list --profiles\n  fob list --json",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return sys.runList(c.Context(), g, o) },
	}
	f := c.Flags()
	f.BoolVar(&o.profiles, "profiles", false, "only the names of profiles")
	f.BoolVar(&o.sessions, "sessions", false, "only the names of sessions")
	f.BoolVar(&o.credentials, "credentials", false, "only the names of stored keys")
	f.BoolVar(&o.keys, "keys", false, "only the stored keys, with their ids and ages")
	f.BoolVar(&o.all, "all", false, "read every session file, not only those of the listed profiles")
	f.BoolVar(&o.json, "json", false, "print JSON")
	return c
}

// listed is one row. Its JSON fields are only ever added to.
type listed struct {
	Profile  string          `json:"profile" doc:"name of the profile, or of a stored key that no profile has"`
	InConfig bool            `json:"in_config" doc:"the AWS config has a section for it"`
	Guard    string          `json:"guard,omitempty" doc:"its guard: confirm or code"`
	Key      string          `json:"key,omitempty" doc:"id of its stored key, cut short"`
	KeyAge   int             `json:"key_age_days,omitempty" doc:"days since the key was stored"`
	Rotation string          `json:"rotation,omitempty" doc:"unfinished: fob rotate goes on with it; waiting: the old key is inactive and is to be deleted"`
	Sessions []listedSession `json:"sessions" doc:"sessions that hold"`
	Problem  string          `json:"problem,omitempty" doc:"why the profile cannot be resolved"`
}

type listedSession struct {
	Kind    string    `json:"kind" doc:"the call that made it (sts.AssumeRole)"`
	Detail  string    `json:"detail,omitempty" doc:"ARN of the role, or serial of the MFA device; of a grant, to whom"`
	Profile string    `json:"profile,omitempty" doc:"the profile whose step it is: of a role, the one that has it; of an MFA session, the one with the key"`
	Expires time.Time `json:"expires" doc:"when it ends"`
	left    time.Duration
}

type listing struct {
	Locked   bool     `json:"locked" doc:"the store is locked, so keys and sessions are not shown"`
	Profiles []listed `json:"profiles" doc:"in the order of the config; keys without a profile last"`
}

// profileNames are the profiles of the config, for completion.
func (s System) profileNames() ([]string, error) {
	k, err := s.newKeeper(&globals{passphraseFD: -1})
	if err != nil {
		return nil, err
	}
	set, err := k.home.Load()
	return set.Names(), err
}

func (s System) runList(_ context.Context, g *globals, o listOptions) error {
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	set, err := k.config()
	if err != nil {
		return err
	}
	if named := s.lookup("AWS_CONFIG_FILE"); named != "" && set.Absent() {
		s.say("there is no config at %s (AWS_CONFIG_FILE)", set.Display())
	}
	exists, err := k.exists()
	if err != nil {
		return err
	}
	l := listing{Locked: exists && !k.unseal(), Profiles: []listed{}}
	k.renewSDKConfig(set)
	l.Profiles, err = k.rows(set, o.all && !l.Locked)
	if err != nil {
		return err
	}
	if o.json {
		return writeJSON(s.Stdout, l)
	}
	for _, r := range k.rotations() {
		s.say("%s", r)
	}
	if l.Locked && (o.sessions || o.credentials || o.keys) {
		s.say("the store is locked, so its keys and sessions are not shown; see them after: fob unlock")
	}
	if o.profiles || o.sessions || o.credentials {
		return writeNames(s.Stdout, l, o)
	}
	if o.keys {
		return writeKeys(s.Stdout, l)
	}
	if guarded := l.guarded(); len(guarded) > 0 && !s.asIncumbent() {
		s.say("guarded: %s", someOfThem(guarded))
	}
	return writeTable(s.Stdout, l)
}

// guarded names the guarded profiles. The table has no room for that: scripts know
// it from aws-vault.
func (l listing) guarded() []string {
	var names []string
	for _, r := range l.Profiles {
		if r.Guard != "" {
			names = append(names, fault.Line(r.Profile)+" ("+r.Guard+")")
		}
	}
	return names
}

// writeKeys prints how old each key is, for which the table has no room either.
func writeKeys(w io.Writer, l listing) error {
	var b strings.Builder
	for _, r := range l.Profiles {
		if r.Key != "" {
			fmt.Fprintf(&b, "%-24s %s %d day%s\n", fault.Line(r.Profile), r.Key, r.KeyAge, plural(r.KeyAge))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// oneLookFrom is from when on one look at the folder of sessions, of which there
// may be thousands, is cheaper than a look for the sessions of each profile.
const oneLookFrom = 500

// rows gives a row for each profile of the config and for each stored key that
// no profile has. A locked store shows profiles only.
func (k *keeper) rows(set profile.Set, all bool) ([]listed, error) {
	rows, kinds := []listed{}, source.Kinds(k.inClear(set))
	if len(set.Names()) > oneLookFrom {
		// Nothing of a folder that is not ours is shown, as nothing of it is used.
		if k.kept, _ = k.cache.Names(); k.kept == nil {
			k.kept = map[string]bool{}
		}
	}
	for _, name := range set.Names() {
		rows = append(rows, k.row(set, kinds, name, true))
	}
	var lone []string
	for name := range k.index.Keys {
		if !set.Has(name) {
			lone = append(lone, name)
		}
	}
	slices.Sort(lone)
	for _, name := range lone {
		rows = append(rows, k.row(set, kinds, name, false))
	}
	if !all {
		return rows, nil
	}
	entries, err := k.cache.Entries()
	if err != nil {
		return nil, storeFault(err)
	}
	entries = slices.DeleteFunc(entries, k.orphaned)
	for _, e := range entries {
		if e.Holds(k.sys.Now(), 0) && !slices.ContainsFunc(rows, func(r listed) bool { return r.Profile == e.Owner }) {
			rows = append(rows, listed{Profile: e.Owner, Sessions: []listedSession{}})
		}
	}
	for i := range rows {
		rows[i].Sessions = rows[i].Sessions[:0]
		for _, e := range entries {
			if e.Owner == rows[i].Profile && e.Holds(k.sys.Now(), 0) {
				rows[i].Sessions = append(rows[i].Sessions, k.listedSession(e))
			}
		}
	}
	return rows, nil
}

func (k *keeper) row(set profile.Set, kinds []source.Kind, name string, inConfig bool) listed {
	r := listed{Profile: name, InConfig: inConfig, Sessions: []listedSession{}}
	if p, err := set.Profile(name); err == nil {
		level, _, _ := guard.Of(p)
		r.Guard = string(level)
	}
	if info, ok := k.index.Keys[name]; ok {
		r.Key = cred.Short(info.ID)
		r.KeyAge = int(k.sys.Now().Sub(info.Created) / day)
		if unfinished, ok := k.index.Rotations[name]; ok {
			r.Rotation = newRotationJSON(name, unfinished).State
		}
	}
	if k.seal.IsZero() {
		return r
	}
	c, err := chain.Resolve(set, kinds, k.hasKey, k.index.Refused(k.sys.Now()), k.sys.readingPolicies(chain.Request{Profile: name, Terminal: k.sys.Terminal(), Env: front.Env(k.sys.Environ)}))
	if err != nil {
		r.Problem = err.Error()
		return r
	}
	r.Guard = string(c.Guard) // one that only passes on a guarded profile has its guard
	for i, n := range chain.Names(c, k.keyID(c), k.cache.NameOf) {
		if n == "" || k.kept != nil && !k.kept[n] || source.CardOf(c.Steps[i]).Owner != name && i < len(c.Steps)-1 {
			continue
		}
		if e, ok := k.cache.Held(n, k.sys.Now(), 0); ok {
			r.Sessions = append(r.Sessions, k.listedSession(e))
		}
	}
	return r
}

func (k *keeper) listedSession(e cache.Entry) listedSession {
	kind := e.Kind
	if unicode.IsUpper(rune(kind[0])) { // a call of STS; a credential_process is none
		kind = "sts." + kind
	}
	detail := e.Detail
	if e.Kind == grantKind {
		detail = "to agent " + detail
	}
	return listedSession{Kind: kind, Detail: detail, Profile: e.Owner, Expires: e.Session.Expires, left: e.Session.Left(k.sys.Now())}
}

func (s listedSession) String() string { return s.Kind + ":" + s.left.Truncate(time.Second).String() }

func writeNames(w io.Writer, l listing, o listOptions) error {
	var b strings.Builder
	for _, r := range l.Profiles {
		switch {
		case o.credentials:
			if r.Key != "" {
				b.WriteString(fault.Line(r.Profile) + "\n")
			}
		case o.profiles:
			if r.InConfig {
				b.WriteString(fault.Line(r.Profile) + "\n")
			}
		default:
			for _, s := range r.Sessions {
				b.WriteString(s.String() + "\n")
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeTable prints the three columns that users of the incumbent know.
func writeTable(w io.Writer, l listing) error {
	rows := [][3]string{{"Profile", "Credentials", "Sessions"}, {"=======", "===========", "========"}}
	for _, r := range l.Profiles {
		row := [3]string{"-", "-", "-"}
		if r.InConfig {
			row[0] = fault.Line(r.Profile)
		}
		if r.Key != "" {
			row[1] = fault.Line(r.Profile)
		}
		var sessions []string
		for _, s := range r.Sessions {
			sessions = append(sessions, s.String())
		}
		if len(sessions) > 0 {
			row[2] = strings.Join(sessions, ", ")
		}
		if l.Locked {
			row[1], row[2] = "locked", "locked"
		}
		rows = append(rows, row)
	}
	wide := [2]int{24, 24}
	for _, r := range rows {
		wide[0], wide[1] = max(wide[0], len([]rune(r[0]))), max(wide[1], len([]rune(r[1])))
	}
	var b strings.Builder
	for _, r := range rows {
		b.WriteString(strings.TrimRight(fmt.Sprintf("%-*s %-*s %s", wide[0], r[0], wide[1], r[1], r[2]), " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// until says how long a session still holds.
func until(s cred.Session, now time.Time) string {
	if s.Expires.IsZero() {
		return ""
	}
	return fmt.Sprintf(" for %s", s.Left(now).Truncate(time.Minute))
}
