package cli

import (
	"context"
	"errors"

	"fob/internal/decide/chain"
	"fob/internal/decide/health"
	"fob/internal/fault"
	"fob/internal/obtain/access"
	"fob/internal/obtain/awsapi"
)

// one looks at what concerns one profile: explains it, enters it, and makes those
// checks of the machine that touch it.
func (d *checkup) one(ctx context.Context) ([]health.Finding, error) {
	if d.setErr != nil {
		return checkConfig(ctx, d), nil
	}
	var entered []health.Finding
	e, err := d.explainFor(wanted{profile: d.profile})
	if err == nil {
		d.explained = true
		if d.out.Explain = &e; !d.json {
			_, err = d.sys.Stdout.Write([]byte(fault.Printable(e.text(d.sys.Now())) + "\n"))
		}
		if err != nil {
			return nil, err
		}
		if entered, err = d.enter(ctx); err != nil {
			return nil, err
		}
	}
	d.look()
	d.resolve(d.way())
	found := append(entered, checkEnvironment(ctx, d)...)
	if _, lacks := chain.LacksKey(d.plans[0].Err); e.Profile == "" && (lacks || d.plans[0].Err == nil) {
		return append(found, badly(errOf(d.plans[0].Err, err))), nil
	}
	found = append(found, health.Profiles(d.set, d.plans)...)
	if e.Profile == "" {
		return found, nil // nothing is called for a profile that cannot be planned
	}
	return append(found, checkAWS(ctx, d)...), nil
}

// errOf is the first of the two that is there.
func errOf(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// way are the names of the profile and of those that it leads to.
func (d *checkup) way() []string {
	names := []string{d.profile}
	for seen := map[string]bool{d.profile: true}; ; {
		p, err := d.set.Profile(names[len(names)-1])
		next := p.Value("source_profile")
		if err != nil || next == "" || seen[next] || !d.set.Has(next) {
			return names
		}
		seen[next] = true
		names = append(names, next)
	}
}

// enter asks AWS whether the profile can be entered, by what exec would do. A
// person who is needed and not there makes it a check that was not made.
func (d *checkup) enter(ctx context.Context) ([]health.Finding, error) {
	what := "whether profile " + fault.Line(d.profile) + " can be entered"
	if d.offline {
		return []health.Finding{{Level: health.Skipped, What: what, Why: "--offline: AWS was not asked"}}, nil
	}
	q := &inquiry{keeper: d.keeper, accessOptions: accessOptions{profiles: []string{d.profile}, code: d.code}, set: d.set, in: d.in, kinds: d.kinds, book: access.NewBook()}
	ask := d.askRole
	if q.roleOf(d.profile) == "" {
		ask = d.askUser
	}
	found, err := ask(ctx, q)
	d.close() // other runs need not wait for the rest
	switch {
	case errors.Is(err, context.Canceled):
		return nil, err
	case fault.CodeOf(err) == fault.Attend:
		return []health.Finding{unseen(what, err)}, nil
	case err != nil:
		return []health.Finding{badly(err)}, nil
	}
	return []health.Finding{found}, nil
}

func (d *checkup) askRole(ctx context.Context, q *inquiry) (health.Finding, error) {
	var err error
	if q.minimum, err = d.minLeft(); err != nil {
		return health.Finding{}, err
	}
	for _, step := range []func(context.Context) error{q.plan, q.sit, q.ask, q.judge} {
		if err := step(ctx); err != nil {
			return health.Finding{}, err
		}
	}
	t := q.targets[0]
	f := health.Finding{Why: t.verdict.Why, Next: t.verdict.Next}
	switch t.verdict.Answer {
	case access.Yes:
		f.Level, f.What = health.Fine, "profile "+fault.Line(d.profile)+" can be entered: "+t.arn
		if t.held != nil {
			f.What += " (a session is kept)"
		}
	case access.No:
		f.Level, f.What = health.Wrong, "profile "+fault.Line(d.profile)+" cannot be entered: "+t.arn+" ("+string(t.verdict.Reason)+")"
	default:
		f.Level, f.What = health.Skipped, "whether profile "+fault.Line(d.profile)+" can be entered: "+t.arn
	}
	return f, nil
}

// askUser asks for a profile without a role, whose session is the user's own.
func (d *checkup) askUser(ctx context.Context, q *inquiry) (health.Finding, error) {
	if f, err := d.askDevice(ctx, q); err != nil || f.Level != "" {
		return f, err
	}
	h, err := d.session(ctx, wanted{profile: d.profile, code: d.code})
	if err != nil {
		return health.Finding{}, err
	}
	d.close()
	id, err := awsapi.New(d.sys.awsConfig(h.chain.STS), h.session.Signer()).CallerIdentity(ctx)
	if err != nil {
		return health.Finding{}, cannotIdentify(d.profile, err)
	}
	return health.Finding{Level: health.Fine, What: "AWS says who profile " + fault.Line(d.profile) + " is: " + id.ARN}, nil
}

// askDevice looks whether the user has the device that the config names, which
// needs no code.
func (d *checkup) askDevice(ctx context.Context, q *inquiry) (f health.Finding, err error) {
	r, err := q.request(d.profile, 0)
	if err != nil {
		return f, err
	}
	r.Unguarded = true
	if q.minimum, err = d.minLeft(); err != nil {
		return f, err
	}
	c, err := chain.Resolve(d.set, d.kinds, d.hasKey, nil, r)
	if err != nil {
		return f, nil // which the session tells
	}
	t := q.basisOf(c)
	if err := q.checkDevice(ctx, t, chainKeys{d.keeper, d.in, c}); err != nil || t.verdict == nil {
		return f, err
	}
	v := t.verdict
	return health.Finding{Level: health.Wrong, What: "profile " + fault.Line(d.profile) + " cannot be entered (" + string(v.Reason) + ")", Why: v.Why, Next: v.Next}, nil
}
