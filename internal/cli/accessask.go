package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/iampolicy"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/obtain/access"
	"fob/internal/obtain/awsapi"
)

// widen adds the roles that the config does not have: those that a user's groups
// name, or with --probe all of the accounts that are known.
func (q *inquiry) widen(ctx context.Context) error {
	if len(q.profiles) > 0 && !q.probe {
		return nil
	}
	if err := q.readPeople(ctx, func(*basis) bool { return true }); err != nil {
		return err
	}
	for _, t := range q.bases {
		if !t.isUser || t.verdict != nil || q.outdone(t) {
			continue
		}
		if len(q.profiles) == 0 {
			q.addRoles(t, iampolicy.Named(t.who.Policies, t.who.Name))
		}
		if q.probe {
			q.addRoles(t, access.Sweep(q.arnsOf(t)))
		}
	}
	if len(q.targets) == 0 {
		for _, t := range q.bases {
			if t.verdict != nil && t.verdict.Answer == access.No {
				return nil
			}
		}
		return q.nothing()
	}
	return nil
}

// outdone says whether the same user asks with another basis too, by which more
// can be entered: one with MFA, or the first of those that are alike.
func (q *inquiry) outdone(t *basis) bool {
	first := true
	for _, o := range q.bases {
		if o == t {
			first = false
			continue
		}
		rival := o.isUser && o.verdict == nil && o.who.ARN == t.who.ARN
		if rival && (o.mfa() && !t.mfa() || first && o.mfa() == t.mfa()) {
			return true
		}
	}
	return false
}

// arnsOf has a role of each account that is to be probed from a basis, the user's
// own account first.
func (q *inquiry) arnsOf(t *basis) []string {
	var arns []string
	if len(q.profiles) == 0 && t.who.Account != "" {
		arns = append(arns, access.RoleARN(access.PartitionOf(t.who.ARN), t.who.Account, "x"))
	}
	for _, o := range q.targets {
		if o.basis == t {
			arns = append(arns, o.arn)
		}
	}
	return arns
}

// addRoles adds roles that no profile leads to, by the user's own basis.
func (q *inquiry) addRoles(t *basis, arns []string) {
	for _, arn := range arns {
		step := source.AssumeRole{Profile: t.chain.Profile, RoleARN: arn, SessionName: "fob", Generated: true, Lifetime: probeLife, Endpoint: t.user.STS}
		if n := t.who.Name; len(n) >= 2 {
			step.SessionName = n[:min(len(n), 64)]
		}
		q.add(&accessTarget{arn: arn, basis: t, step: step})
	}
}

// readPeople reads the groups of the users of these bases.
func (q *inquiry) readPeople(ctx context.Context, which func(*basis) bool) error {
	for _, t := range q.bases {
		if t.read || t.verdict != nil || t.signer.ID == "" || !which(t) {
			continue
		}
		t.read = true
		if !t.callable {
			continue
		}
		var err error
		if t.who, err = access.Read(ctx, awsapi.New(q.patient(t.iam), t.signer), t.who); err != nil {
			return err
		}
		q.book.FromPerson(t.who)
		if t.isUser {
			q.book.FromProfile(t.chain.Key, t.who.ARN)
		}
		q.book.Vouch(t.who.Account)
	}
	return nil
}

// ask asks for every role that is not settled, a few at a time.
func (q *inquiry) ask(ctx context.Context) error {
	var open []*accessTarget
	for _, t := range q.targets {
		if t.basis != nil && t.basis.verdict != nil && !t.settled() {
			t.verdict = *t.basis.verdict
		}
		if !t.settled() {
			open = append(open, t)
		}
	}
	env := source.Env{Outside: q.outside(q.in), Now: q.sys.Now, STS: func(e source.Endpoint, signer cred.Signer) source.STS {
		return recordedSTS{stsClient{awsapi.New(q.patient(e), signer)}, q.keeper, chain.Chain{}}
	}}
	told, gone := q.progress(len(open))
	errs := access.Each(ctx, len(open), func(ctx context.Context, i int) error {
		defer told()
		t := open[i]
		card := source.CardOf(t.step)
		err := checkBundle(card.Endpoint)
		if err == nil { // a token may come from a command that asks for this very role
			err = q.sys.endless(chain.Chain{Profile: card.Owner, Steps: []source.Step{t.step}}, true)
		}
		if err != nil {
			return err
		}
		t.entered, err = t.step.Fetch(ctx, env, source.Input{Signer: t.basis.signer})
		return err
	})
	gone()
	for i, t := range open {
		if t.err = errs[i]; t.err == nil {
			t.verdict = access.Verdict{Answer: access.Yes}
		}
	}
	return interruption(ctx, errs)
}

func interruption(ctx context.Context, errs []error) error {
	for _, err := range errs {
		if errors.Is(err, context.Canceled) && ctx.Err() != nil {
			return context.Canceled
		}
	}
	return nil
}

// progress counts on the terminal, on one line that gone takes away. It says
// nothing where standard error is none.
func (q *inquiry) progress(all int) (one, gone func()) {
	if !q.sys.StderrIsTerminal() || all == 0 {
		return func() {}, func() {}
	}
	var mu sync.Mutex
	done, line := 0, ""
	show := func(text string) { _, _ = fmt.Fprint(q.sys.Stderr, "\r"+text) }
	one = func() {
		mu.Lock()
		defer mu.Unlock()
		done++
		line = fmt.Sprintf("asked for %d of %d roles", done, all)
		show(line)
	}
	return one, func() { show(strings.Repeat(" ", len(line)) + "\r") }
}

// judge finds the reason of each refusal.
func (q *inquiry) judge(ctx context.Context) error {
	refused := map[*basis]bool{}
	for _, t := range q.targets {
		if t.verdict.Answer == access.Yes {
			q.book.Vouch(access.AccountOf(t.arn))
		}
		if !t.settled() {
			refused[t.basis] = true
		}
	}
	if err := q.readPeople(ctx, func(t *basis) bool { return refused[t] }); err != nil {
		return err
	}
	var open []*accessTarget
	for _, t := range q.targets {
		if t.basis == nil && t.verdict.Reason == access.WrongAccount {
			q.badAccount(t) // groups may name the account that is meant
		}
		if !t.settled() {
			open = append(open, t)
		}
	}
	seen, sessions := make([]access.Seen, len(open)), q.sessions()
	errs := access.Each(ctx, len(open), func(ctx context.Context, i int) (err error) {
		if t := open[i]; q.evidence(t).WorthALook() {
			seen[i], err = access.Look(ctx, t.arn, q.readers(t, sessions[access.AccountOf(t.arn)]))
		}
		return err
	})
	q.decide(open, seen)
	return interruption(ctx, errs)
}

// decide gives each of these roles its verdict.
func (q *inquiry) decide(open []*accessTarget, seen []access.Seen) {
	for i, t := range open {
		e := q.evidence(t)
		e.Seen = seen[i]
		t.verdict = access.Decide(e)
	}
}

// rest decides what an interruption has left open, by what is known until then.
func (q *inquiry) rest() {
	for _, t := range q.targets {
		if !t.settled() {
			q.decide([]*accessTarget{t}, []access.Seen{{}})
		}
	}
}

func (q *inquiry) evidence(t *accessTarget) access.Evidence {
	e := access.Evidence{ARN: t.arn, Err: t.err, Who: t.basis.who, MFA: t.basis.mfa(), Book: q.book}
	if len(t.profiles) > 0 {
		e.Profile = t.profiles[0]
	}
	switch other := givesCodes(t.basis.devices); {
	case t.basis.isUser && other != "":
		e.AddMFA = fmt.Sprintf("set mfa_serial = %s in profile %q", other, t.basis.chain.Key)
	case t.basis.isUser && t.basis.devices != nil:
		e.AddMFA = "enrol an MFA device, which mfa_serial then names: fob mfa enrol " + fault.Operand(t.basis.chain.Key)
	case t.basis.isUser:
		e.AddMFA = fmt.Sprintf("set mfa_serial in profile %q; which there are: fob mfa list %s", t.basis.chain.Key, fault.Operand(t.basis.chain.Key))
	default:
		e.AddMFA = "begin at credentials that carry MFA"
	}
	return e
}

// at are ways to read a role in its own account: by the sessions that were entered
// there, and by the user's where it is theirs.
type at map[string][]cred.Signer

func (q *inquiry) sessions() at {
	in := at{}
	for _, t := range q.bases {
		if t.signer.ID != "" {
			in[t.who.Account] = append(in[t.who.Account], t.signer)
		}
	}
	for _, t := range q.targets {
		account := access.AccountOf(t.arn)
		switch {
		case t.held != nil:
			in[account] = append(in[account], t.held.Signer())
		case t.entered.ID != "":
			in[account] = append(in[account], t.entered.Signer())
		}
	}
	return in
}

func (q *inquiry) readers(t *accessTarget, signers []cred.Signer) []func(context.Context, string) (string, error) {
	if !t.basis.callable {
		return nil
	}
	end := t.basis.iam
	end.Region = source.CardOf(t.step).Endpoint.Region
	var ways []func(context.Context, string) (string, error)
	for _, s := range signers {
		ways = append(ways, awsapi.New(q.patient(end), s).RoleTrust)
	}
	return ways
}
