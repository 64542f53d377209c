package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/keep/cache"
	"fob/internal/keep/lock"
	"fob/internal/obtain/awsapi"
	"fob/internal/obtain/keys"

	"github.com/spf13/cobra"
)

type rotateOptions struct {
	profile, code, grace string
	noSession, yes, json bool
}

type rotatedJSON struct {
	Profile     string     `json:"profile" doc:"the profile whose key was rotated"`
	New         string     `json:"new_key" doc:"id of the key that is stored now, cut short"`
	Old         string     `json:"old_key" doc:"id of the key that it replaces, cut short"`
	Deleted     bool       `json:"old_key_deleted" doc:"the old key is deleted; else it is inactive"`
	DeleteAfter *time.Time `json:"delete_after,omitempty" doc:"from when on fob rotate deletes the old key"`
	Waiting     bool       `json:"waiting,omitempty" doc:"this run had nothing to do: the key was rotated before, and delete_after is not reached"`
}

func newRotate(sys *System, g *globals) *cobra.Command {
	var o rotateOptions
	c := &cobra.Command{
		Use:   "rotate [PROFILE]",
		Short: "Replace the stored key of a profile by a new one, and delete the old",
		Long: "Make a new access key for the IAM user, see that it works, store it, and delete the\n" +
			"old one. Each step is written down before the next: a rotation that was cut off is\n" +
			"gone on with by the same command. A profile with a role rotates the key behind it.",
		Example:           "  fob rotate security\n  fob rotate security --grace 24h\n  fob rotate ci --no-session",
		Args:              atMostOneProfile,
		ValidArgsFunction: sys.completeProfile(g),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.profile = args[0]
			}
			return sys.runRotate(c.Context(), g, o)
		},
	}
	f := c.Flags()
	f.BoolVarP(&o.noSession, "no-session", "n", false, "sign with the stored key itself, without MFA")
	f.StringVarP(&o.code, "mfa-token", "t", "", "the MFA code, where it is known already")
	f.Var(some{&o.grace}, "grace", "leave the old key inactive for so long (24h, 7d) before it may be deleted; 0 deletes it now")
	f.BoolVarP(&o.yes, "yes", "y", false, "do not ask before deleting a key that a cut-off rotation has left")
	f.BoolVar(&o.json, "json", false, "print JSON")
	return c
}

func (s System) runRotate(ctx context.Context, g *globals, o rotateOptions) error {
	grace, err := o.duration()
	if err == nil {
		err = s.checkCalls()
	}
	if err != nil {
		return err
	}
	if o.profile == "" { // not AWS_PROFILE: nobody rotates a key by the way
		o.profile, err = s.pick(ctx, &fault.Error{What: "cannot rotate a key without a profile", Next: []string{"fob rotate PROFILE", "see which keys are stored: fob list --keys"}, Code: fault.Usage})
		if err != nil {
			return err
		}
	}
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	if ok, err := k.exists(); err != nil || !ok {
		return absent(o.profile, err)
	}
	release, err := k.holdRotation(ctx, o.profile)
	if err != nil {
		return err
	}
	defer release()
	plan, err := k.planUser(ctx, o)
	if err != nil {
		return err
	}
	if plan.Key != o.profile {
		s.say("profile %q uses the key of profile %q: that one is rotated", o.profile, plan.Key)
	}
	r := k.rotator(plan.Chain)
	r.Grace = grace
	r.Confirm = func(ctx context.Context, question string) (bool, error) { return s.confirm(ctx, question, o.yes) }
	done, err := r.Waiting(ctx)
	if err == nil && done == nil {
		done, err = k.rotate(ctx, r, plan)
	}
	if err != nil {
		return storeFault(err)
	}
	return s.tellRotated(newRotatedJSON(r.Profile, *done), o.json)
}

// duration reads --grace; nil where it is not given.
func (o rotateOptions) duration() (*time.Duration, error) {
	if o.grace == "" {
		return nil, nil
	}
	const longest = 365
	d, err := time.ParseDuration(o.grace)
	if text, ok := strings.CutSuffix(o.grace, "d"); ok {
		var days int
		days, err = strconv.Atoi(text)
		d = time.Duration(min(days, longest+1)) * day
	}
	if err != nil || d < 0 || d > longest*day {
		return nil, &fault.Error{What: fmt.Sprintf("--grace %q is not a length of time up to a year", o.grace), Next: []string{"write it like --grace 24h or --grace 7d"}, Code: fault.Usage}
	}
	return &d, nil
}

// holdRotation lets one rotation at a time go on here: two would each take the
// other's new key for a lost one.
func (k *keeper) holdRotation(ctx context.Context, name string) (release func(), err error) {
	return k.holdAlone(ctx, "rotate", fault.Error{
		What: "cannot rotate the key of profile " + profile.Shown(name), Why: errors.New("is rotating a key"),
		Next: []string{"wait until it is done, then: fob status"}, Code: fault.Failed,
	})
}

// holdAlone takes a lock that one process may have while it works on what AWS
// keeps; busy is the fault where another one has it, with what that one is doing
// as its Why.
func (k *keeper) holdAlone(ctx context.Context, file string, busy fault.Error) (release func(), err error) {
	l, err := lock.AcquireIn(ctx, filepath.Join(k.home.Data, "locks"), file, lock.Options{Wait: time.Millisecond, Now: k.sys.Now})
	if held := (*lock.BusyError)(nil); errors.As(err, &held) {
		busy.Why = fmt.Errorf("%s %w", held.Holder, busy.Why)
		return nil, &busy
	}
	if err != nil {
		return nil, storeFault(err)
	}
	return func() { _ = l.Release() }, nil
}

// userPlan is how to act as the user whose key is rotated.
type userPlan struct {
	chain.Chain
	iam source.Endpoint
	rotateOptions
}

// planUser opens the vault itself, and plans how to call IAM.
func (k *keeper) planUser(ctx context.Context, o rotateOptions) (p userPlan, err error) {
	p.rotateOptions = o
	set, err := k.config()
	if err != nil {
		return p, err
	}
	request := chain.Request{Profile: o.profile, NoSession: o.noSession, Env: front.Env(k.sys.Environ)}
	if err := k.openFor(ctx, set, source.Kinds(), request); err != nil {
		return p, err
	}
	if there, _ := k.exists(); there && k.seal.IsZero() {
		// Without its key the profile could be used, but what is rotated is the key.
		if err := k.open(ctx); err != nil {
			return p, err
		}
	}
	if p.Chain, p.iam, err = chain.User(set, source.Kinds(), k.hasKey, request); err != nil {
		return p, err
	}
	return p, k.Open(ctx, func() bool { return true })
}

func (k *keeper) rotator(c chain.Chain) *keys.Rotator {
	return &keys.Rotator{
		Profile: c.Key, Journal: rotationJournal{k},
		Who: func(ctx context.Context, key cred.AccessKey) (awsapi.Identity, error) {
			return awsapi.New(k.sys.awsConfig(c.STS), key.Signer()).CallerIdentity(ctx)
		},
		Now: k.sys.Now, Sleep: k.sys.Sleep, Say: k.sys.say,
	}
}

// rotate gets a session with MFA, which a kept one serves as, and rotates. Other
// runs need not wait until it is done: AWS may take minutes to know a new key.
func (k *keeper) rotate(ctx context.Context, r *keys.Rotator, p userPlan) (*keys.Rotated, error) {
	h, err := k.userSession(ctx, p)
	if err != nil {
		return nil, err
	}
	session := h.session
	r.KeySigns = session.ID == ""
	r.IAM = func(stored cred.AccessKey) keys.IAM {
		if r.KeySigns {
			return recordedKeys{awsapi.New(k.sys.awsConfig(p.iam), stored.Signer()), k, p.Key}
		}
		return recordedKeys{awsapi.New(k.sys.awsConfig(p.iam), session.Signer()), k, p.Key}
	}
	var done keys.Rotated
	_, err = k.using(ctx, h, func(now cred.Session) (err error) {
		session = now
		done, err = r.Run(ctx)
		return err
	})
	k.warnClock()
	return &done, err
}

// userSession is the session that IAM's calls are signed with, or none where the
// key itself signs.
func (k *keeper) userSession(ctx context.Context, p userPlan) (h handout, err error) {
	h.chain = p.Chain
	if len(p.Steps) == 0 {
		if !p.noSession {
			k.sys.say("no mfa_serial is set, so the key itself signs: IAM takes no session without MFA")
		}
		return h, nil
	}
	minLeft, err := k.minLeft()
	if err != nil {
		return h, err
	}
	if err := k.sys.endless(p.Chain, p.code != ""); err != nil {
		return h, err
	}
	h.broker = k.broker(minLeft.Duration, wanted{code: p.code}, chainKeys{keeper: k, chain: p.Chain})
	h.session, err = h.broker.Session(ctx, p.Chain)
	return h, err
}

// confirm asks a question that only y or yes agrees to.
func (s System) confirm(ctx context.Context, question string, agreed bool) (bool, error) {
	if agreed {
		return true, nil
	}
	t, err := s.OpenTTY()
	if err != nil {
		return false, err
	}
	defer t.Close()
	answer, err := t.ReadLine(ctx, question)
	return strings.EqualFold(answer, "y") || strings.EqualFold(answer, "yes"), err
}

func newRotatedJSON(name string, r keys.Rotated) rotatedJSON {
	out := rotatedJSON{Profile: name, New: cred.Short(r.New), Old: cred.Short(r.Old), Deleted: r.Deleted, Waiting: r.Earlier}
	if !r.Deleted {
		out.DeleteAfter = &r.DeleteAfter
	}
	return out
}

func (s System) tellRotated(r rotatedJSON, asJSON bool) error {
	if asJSON {
		return writeJSON(s.Stdout, r)
	}
	switch {
	case r.Deleted:
		s.say("rotated the key of profile %q: %s is stored, %s is deleted", r.Profile, r.New, r.Old)
		return nil
	case r.Waiting:
		s.say("there is nothing to do yet for the key of profile %q: it was rotated, %s is stored, %s is inactive", r.Profile, r.New, r.Old)
	default:
		s.say("rotated the key of profile %q: %s is stored, %s is inactive", r.Profile, r.New, r.Old)
	}
	s.say("%s", newRotationJSON(r.Profile, cache.Rotation{DeleteAfter: *r.DeleteAfter}))
	return nil
}
