package cli

import (
	"context"
	"errors"
	"slices"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/obtain/access"
	"fob/internal/obtain/awsapi"
	"fob/internal/obtain/broker"
)

// basis is what roles are asked for with: a user's key or MFA session, another
// role's session, or what a machine has.
type basis struct {
	name  string
	chain chain.Chain // up to the session that asks
	// user is how the user behind the key calls STS; isUser says that the basis is
	// that user's.
	user   chain.Chain
	isUser bool
	// iam is where IAM is called, where callable says so.
	iam      source.Endpoint
	callable bool

	session cred.Session // zero where a key signs, or nothing
	broker  *broker.Broker
	signer  cred.Signer
	who     access.Person
	read    bool            // who has the groups, where these may be read
	devices []string        // of the user, nil where they are not known
	verdict *access.Verdict // of every role, where the basis cannot be taken
}

// readUser plans the calls as the user behind the key, where there is one.
func (t *basis) readUser(q *inquiry) {
	r, err := q.request(t.chain.Profile, 0)
	if err != nil {
		return
	}
	if t.user, t.iam, err = chain.User(q.set, q.kinds, q.hasKey, r); err != nil {
		t.iam, err = chain.IAM(q.set, q.kinds, q.hasKey, r)
		t.callable = err == nil
		return
	}
	t.callable = true
	role := func(s source.Step) bool { return source.CardOf(s).Role != "" }
	t.isUser = t.chain.Key != "" && !slices.ContainsFunc(t.chain.Steps, role)
}

// device is the one whose code opens the basis, or "".
func (t *basis) device() string {
	if len(t.chain.Steps) == 0 {
		return ""
	}
	return source.Device(t.chain.Steps[0]).Serial
}

// mfa says whether the basis's session carries MFA. What other programs give is
// taken to have it until IAM says otherwise; a role's session passes none on.
func (t *basis) mfa() bool {
	switch {
	case t.who.WithoutMFA:
		return false
	case t.isUser:
		return t.device() != ""
	}
	last := len(t.chain.Steps) - 1
	return last < 0 || last == 0 && source.CardOf(t.chain.Steps[0]).Role == ""
}

// sit gets each basis that is needed: one code for all roles over one key.
func (q *inquiry) sit(ctx context.Context) error {
	var first error
	taken := false
	for _, t := range q.bases {
		if !q.needs(t) {
			taken = true
			continue
		}
		err := q.take(ctx, t)
		code := fault.CodeOf(err)
		switch {
		case err == nil:
			taken = true
			continue
		case errors.Is(err, context.Canceled), code == fault.Attend, code == fault.Locked:
			return err
		case first == nil:
			first = err
		}
		t.verdict = &access.Verdict{Answer: access.Unknown, Reason: access.Unclear, Why: err.Error()}
		if f := (*fault.Error)(nil); errors.As(err, &f) {
			t.verdict.Next = f.Next
		}
	}
	if first != nil && !taken {
		return first
	}
	return nil
}

// needs says whether there is something to ask with the basis: a role, or its
// user's groups.
func (q *inquiry) needs(t *basis) bool {
	if len(q.profiles) == 0 || q.probe {
		return true
	}
	return slices.ContainsFunc(q.targets, func(o *accessTarget) bool { return o.basis == t && !o.settled() })
}

// take gets the basis's session or key, and asks AWS who that is.
func (q *inquiry) take(ctx context.Context, t *basis) error {
	keys := chainKeys{q.keeper, q.in, t.chain}
	b := q.broker(q.minimum.Duration, wanted{code: q.code, profile: t.chain.Profile}, keys)
	q.warnOf(t.chain)
	if err := q.sys.endless(t.chain, q.code != ""); err != nil {
		return err
	}
	if err := q.checkDevice(ctx, t, keys); err != nil || t.verdict != nil {
		return err
	}
	switch {
	case len(t.chain.Steps) > 0:
		s, err := b.Session(ctx, t.chain)
		if err != nil {
			return err
		}
		t.session, t.broker, t.signer = s, b, s.Signer()
	case t.chain.Key != "":
		key, err := q.keyOf(ctx, t, keys)
		if err != nil {
			return err
		}
		t.signer = key.Signer()
	default:
		return nil // a token opens the role by itself
	}
	return q.identify(ctx, t)
}

func (q *inquiry) keyOf(ctx context.Context, t *basis, keys chainKeys) (cred.AccessKey, error) {
	if err := keys.Open(ctx, func() bool { return true }); err != nil {
		return cred.AccessKey{}, err
	}
	return keys.Key(ctx)
}

// identify asks who signs, which needs no permission. A kept session that AWS
// takes no more is made anew.
func (q *inquiry) identify(ctx context.Context, t *basis) error {
	end := t.chain.STS
	if t.user.Key != "" {
		end = t.user.STS
	}
	var id awsapi.Identity
	ask := func(signer cred.Signer) (err error) {
		id, err = awsapi.New(q.sys.awsConfig(end), signer).CallerIdentity(ctx)
		return err
	}
	var err error
	if t.session.ID == "" {
		err = ask(t.signer)
	} else {
		t.session, err = q.using(ctx, handout{chain: t.chain, session: t.session, broker: t.broker}, func(s cred.Session) error { return ask(s.Signer()) })
		t.signer = t.session.Signer()
	}
	t.who = access.Of(id)
	if err != nil {
		return cannotIdentify(t.chain.Profile, err)
	}
	return nil
}

// checkDevice looks whether the user has the device that the config names, before
// a code of another one is asked for. The key may ask that without MFA, where the
// user may manage themselves.
func (q *inquiry) checkDevice(ctx context.Context, t *basis, keys chainKeys) error {
	if t.chain.Key == "" || t.user.Key == "" || q.kept(t) {
		return nil
	}
	// A run that this one waits for may have got the session meanwhile: then
	// nobody is asked to open the store once more.
	if err := keys.Open(ctx, func() bool { return !q.kept(t) }); err != nil || q.kept(t) {
		return err
	}
	key, err := keys.Key(ctx)
	if err != nil {
		return err
	}
	have, err := awsapi.New(q.sys.awsConfig(t.iam), key.Signer()).OwnMFADevices(ctx)
	if err != nil {
		return ctx.Err() // it may not be asked: the code tells
	}
	t.devices = have
	serial := t.device()
	if serial == "" || slices.Contains(have, serial) {
		return nil
	}
	why, next := strange(q.set, serial, t.chain.Key, have)
	t.verdict = &access.Verdict{Answer: access.No, Reason: access.MFADevice, Why: why, Next: next}
	return nil
}

// kept says whether the session that opens the basis is kept, so that no code is
// asked for.
func (q *inquiry) kept(t *basis) bool {
	return len(q.keptSteps(t.chain, q.minimum.Duration)) > 0
}

func (q *inquiry) patient(e source.Endpoint) awsapi.Config { return q.sys.patient(e) }
