package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/obtain/access"
)

// probeLife is the shortest that AWS gives: the session is thrown away.
const probeLife = source.MinLifetime

// accessTarget is one role by one way to it.
type accessTarget struct {
	arn      string
	profiles []string // of the config; none for a role that a group names
	basis    *basis
	step     source.Step
	// held is the kept session that exec would hand out, or nil.
	held    *cred.Session
	entered cred.Session // what asking gave
	err     error        // what came of asking
	verdict access.Verdict
}

// settled says that there is nothing to ask.
func (t *accessTarget) settled() bool { return t.verdict.Answer != "" }

// plan reads the config: which roles there are, and what is signed with. The store
// is opened for it, since only that knows which profiles have a key.
func (q *inquiry) plan(ctx context.Context) error {
	if err := q.sys.checkCalls(); err != nil {
		return err
	}
	names, err := q.wantedProfiles()
	if err != nil {
		return err
	}
	if err := q.open(ctx); err != nil {
		return err
	}
	for _, name := range q.set.Names() {
		q.book.FromProfile(name, q.roleOf(name))
	}
	var broken error
	for _, name := range names {
		err := q.planProfile(name)
		if err != nil && len(q.profiles) > 0 {
			return err
		}
		if broken == nil {
			broken = err
		}
	}
	usable := func(t *accessTarget) bool { return t.basis != nil || t.verdict.Answer == access.No }
	if !slices.ContainsFunc(q.targets, usable) && len(q.profiles) == 0 {
		if err := q.planKeys(); err != nil {
			return err
		}
	}
	switch {
	case len(q.bases) > 0 || slices.ContainsFunc(q.targets, usable):
		return nil
	case broken != nil:
		return broken
	}
	return q.nothing()
}

// wantedProfiles are those that were named, else all that have a role.
func (q *inquiry) wantedProfiles() ([]string, error) {
	if len(q.profiles) == 0 {
		return slices.DeleteFunc(q.set.Names(), func(name string) bool { return q.roleOf(name) == "" }), nil
	}
	var names []string
	for _, name := range q.profiles {
		if q.set.Has(name) && q.roleOf(name) == "" {
			if _, err := q.set.Profile(name); err != nil {
				return nil, fmt.Errorf("read profile %q: %w", name, err)
			}
			return nil, roleless(name)
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

func roleless(name string) error {
	return &fault.Error{What: fmt.Sprintf("cannot ask for the role of profile %q", name), Why: errors.New("it has no role_arn"), Next: []string{"ask for every role: fob access", "who is its user: fob whoami " + fault.Operand(name)}, Code: fault.Usage}
}

func (q *inquiry) roleOf(name string) string {
	p, err := q.set.Profile(name)
	if err != nil {
		return ""
	}
	return p.Value("role_arn")
}

// request is that of exec, but for the variables that would give every profile
// the same role.
func (q *inquiry) request(name string, life time.Duration) (chain.Request, error) {
	r, err := q.sys.request(wanted{profile: name, code: q.code})
	r.Lifetime = life
	delete(r.Env, "AWS_ROLE_ARN")
	delete(r.Env, "AWS_ROLE_SESSION_NAME")
	return r, err
}

// planProfile adds the role of one profile. A profile that cannot be used is a
// row too, and an error.
func (q *inquiry) planProfile(name string) error {
	t := &accessTarget{arn: q.roleOf(name), profiles: []string{name}}
	r, err := q.request(name, probeLife)
	if err != nil {
		return err
	}
	r.Unguarded = true
	c, err := chain.Resolve(q.set, q.kinds, q.hasKey, nil, r)
	if err != nil && q.badAccount(t) {
		q.targets = append(q.targets, t)
		return nil
	}
	if f := (*fault.Error)(nil); err != nil {
		t.verdict = access.Verdict{Answer: access.Unknown, Reason: access.Config, Why: err.Error()}
		if errors.As(err, &f) {
			t.verdict.Next = f.Next
		}
		q.targets = append(q.targets, t)
		return err
	}
	if c.Card().Role == "" {
		return roleless(name) // a stored key that has no section in the config
	}
	last := len(c.Steps) - 1
	t.step, t.arn = c.Steps[last], source.CardOf(c.Steps[last]).Role
	c.Steps = c.Steps[:last:last]
	if source.Device(t.step).Serial != "" {
		// The groups are read with the session that other roles are asked with.
		if user, _, err := chain.User(q.set, q.kinds, q.hasKey, r); err == nil {
			c = user
		}
		t.verdict = access.Verdict{Answer: access.Unknown, Reason: access.OwnCode, Why: "its MFA device is another than its source's, so each session costs an MFA code of its own", Next: []string{"enter it: fob exec " + fault.Operand(name)}}
	}
	t.basis, t.held = q.basisOf(c), q.heldBy(name)
	if t.held != nil {
		t.verdict = access.Verdict{Answer: access.Yes}
	}
	q.add(t)
	return nil
}

// badAccount gives its verdict to a role whose account cannot be one.
func (q *inquiry) badAccount(t *accessTarget) bool {
	why, meant := access.BadAccount(t.arn, append(chain.Accounts(q.set), q.book.Sure()...))
	if why == "" {
		return false
	}
	t.verdict = access.Verdict{Answer: access.No, Reason: access.WrongAccount, Why: why}
	if meant != "" {
		t.verdict.Next = []string{fmt.Sprintf("correct the account's id in role_arn of profile %q: %s", t.profiles[0], meant)}
	}
	return true
}

// add joins profiles that lead to one role in one way.
func (q *inquiry) add(t *accessTarget) {
	for _, o := range q.targets {
		if o.arn != t.arn || o.basis != t.basis || o.basis == nil {
			continue
		}
		o.profiles = append(o.profiles, t.profiles...)
		if o.held == nil && t.held != nil || o.verdict.Reason == access.OwnCode {
			o.held, o.verdict, o.step = t.held, t.verdict, t.step
		}
		return
	}
	q.targets = append(q.targets, t)
}

// heldBy is the kept session that exec would hand out for a profile now.
func (q *inquiry) heldBy(name string) *cred.Session {
	r, err := q.request(name, 0)
	if err != nil {
		return nil
	}
	c, err := chain.Resolve(q.set, q.kinds, q.hasKey, q.index.Refused(q.sys.Now()), r)
	if err != nil {
		return nil
	}
	if kept, ok := q.keptSteps(c, q.minimum.Duration)[len(c.Steps)-1]; ok {
		return &kept.Session
	}
	return nil
}

// planKeys makes a basis of each profile with a key: its user's groups may name
// roles though the config has none.
func (q *inquiry) planKeys() error {
	for _, name := range q.set.Names() {
		if !q.hasKey(name) {
			continue
		}
		r, err := q.request(name, 0)
		if err != nil {
			return err
		}
		if c, _, err := chain.User(q.set, q.kinds, q.hasKey, r); err == nil {
			q.basisOf(c)
		}
	}
	return nil
}

// basisOf finds the basis of what comes before the last step of a chain.
func (q *inquiry) basisOf(base chain.Chain) *basis {
	id := []string{base.Key, base.InClear.ID}
	for _, step := range base.Steps {
		if named, ok := step.(source.Named); ok {
			id = append(id, named.Parts()...)
			continue
		}
		id = append(id, base.Profile, step.Describe())
	}
	name := strings.Join(id, "\x00")
	for _, one := range q.bases {
		if one.name == name {
			return one
		}
	}
	made := &basis{name: name, chain: base}
	made.readUser(q)
	q.bases = append(q.bases, made)
	return made
}
