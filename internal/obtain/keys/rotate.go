package keys

import (
	"context"
	"slices"
	"time"

	"fob/internal/cred"
	"fob/internal/keep/store"
	"fob/internal/obtain/awsapi"
)

// Rotator replaces the stored key of one profile by a new one of the same user.
// The journal says after each step how far it has come, so that whatever cuts it
// off, Run goes on from there. At every moment the store holds a key that works,
// and AWS none that neither the store nor the journal tells of.
type Rotator struct {
	Profile string
	Journal Journal
	// Who asks AWS whose a key is, signed by that key.
	Who func(context.Context, cred.AccessKey) (awsapi.Identity, error)
	// IAM makes the calls, given the key that is stored at that time. KeySigns
	// says that they are signed by that key, and not by an MFA session.
	IAM      func(stored cred.AccessKey) IAM
	KeySigns bool
	// Grace is how long the old key stays, inactive, before it is deleted; nil is
	// what the run said that began the rotation, and else not at all.
	Grace *time.Duration
	// Confirm asks a person.
	Confirm func(ctx context.Context, question string) (bool, error)
	Now     func() time.Time
	Sleep   func(context.Context, time.Duration) error
	Say     func(format string, args ...any)
}

// Journal is the part of the vault that a rotation uses. What it writes is
// durable when the call returns.
type Journal interface {
	Key(ctx context.Context, profile string) (cred.AccessKey, error)
	// Rotation gives the profile's unfinished rotation, or nil.
	Rotation(ctx context.Context, profile string) (*store.Rotation, error)
	WriteRotation(ctx context.Context, r store.Rotation) error
	SwapKey(ctx context.Context, profile, from string, to cred.AccessKey) error
	EndRotation(ctx context.Context, profile string) error
}

// IAM is the part of IAM that a rotation uses. An empty user is the one that
// signs, as for root.
type IAM interface {
	AccessKeys(ctx context.Context, user string) ([]awsapi.KeyState, error)
	CreateAccessKey(ctx context.Context, user string) (cred.AccessKey, error)
	SetKeyActive(ctx context.Context, user, id string, active bool) error
	DeleteAccessKey(ctx context.Context, user, id string) error
	KeyLastUsed(ctx context.Context, id string) (awsapi.LastUse, error)
}

// Rotated is what became of the two keys.
type Rotated struct {
	Old, New string // ids
	// Deleted says that the old key is no more. Else it is inactive, and Run
	// deletes it when it is called after DeleteAfter.
	Deleted     bool
	DeleteAfter time.Time
	// Earlier says that an earlier run has done all that there is to do before
	// DeleteAfter.
	Earlier bool
}

// action is one step of a rotation.
type action string

const (
	begin  action = "begin"  // look at the user's keys, write the intent
	settle action = "settle" // ask about keys that nobody has, delete them
	drop   action = "drop"   // forget a rotation that another key has overtaken
	create action = "create" // make the new key, write it down
	prove  action = "prove"  // see that it works and whose it is, store it
	retire action = "retire" // make the old key inactive, see that the new one still works
	await  action = "await"  // the old key stays inactive for a while
	finish action = "finish" // delete the old key, clear the journal
)

// state is all that the next step depends on.
type state struct {
	entry  *store.Rotation
	stored cred.AccessKey
	who    awsapi.Identity   // whose keys these are
	have   []awsapi.KeyState // the user's keys, once they were listed
	fresh  bool              // the intent is of this run: nothing was asked for before it
}

// overtaken says that another key was stored since the rotation began.
func (s state) overtaken() bool {
	return s.entry != nil && s.stored.ID != s.entry.Old.ID && s.stored.ID != s.entry.New.ID
}

// strangers are the user's keys that are not stored and that a rotation which was
// cut off may have left: those that the journal names, and beside an intent
// without a new key every other one, for when the intent was written the user had
// one key. Of another user than the journal's, only those that it names.
func (s state) strangers() []awsapi.KeyState {
	lost := s.entry.New.ID == "" && s.who.ARN == s.entry.ARN
	return slices.DeleteFunc(slices.Clone(s.have), func(k awsapi.KeyState) bool {
		return k.ID == s.stored.ID || !lost && !s.names(k.ID)
	})
}

// names says whether the journal names a key.
func (s state) names(id string) bool { return id == s.entry.Old.ID || id == s.entry.New.ID }

// mustList says whether the next step depends on what keys the user has.
func (s state) mustList() bool {
	return s.have == nil && (s.entry == nil || s.entry.New.ID == "" || s.overtaken())
}

func (s state) next(now time.Time) action {
	switch {
	case s.entry == nil:
		return begin
	case s.overtaken(), s.entry.New.ID == "":
		if len(s.strangers()) > 0 {
			return settle
		}
		if s.overtaken() {
			return drop
		}
		return create
	case s.stored.ID == s.entry.Old.ID:
		return prove
	case s.entry.DeleteAfter.IsZero():
		return retire
	case now.Before(s.entry.DeleteAfter):
		return await
	}
	return finish
}

// Waiting tells of an old key that is inactive and stays so for now, in which case
// there is nothing to do and nobody to ask for a code; else it is nil.
func (r *Rotator) Waiting(ctx context.Context) (*Rotated, error) {
	var s state
	var err error
	if s.stored, err = r.Journal.Key(ctx, r.Profile); err != nil || r.Grace != nil {
		return nil, err
	}
	if s.entry, err = r.Journal.Rotation(ctx, r.Profile); err != nil || s.next(r.Now()) != await {
		return nil, err
	}
	done := s.waiting()
	done.Earlier = true
	return done, nil
}

func (s state) waiting() *Rotated {
	return &Rotated{Old: s.entry.Old.ID, New: s.entry.New.ID, DeleteAfter: s.entry.DeleteAfter}
}

// Run rotates the key, or goes on with a rotation that was cut off. Its errors
// are *fault.Error, those of the journal, and that of an interrupted run.
func (r *Rotator) Run(ctx context.Context) (Rotated, error) {
	s, err := r.load(ctx)
	for steps := 0; err == nil; steps++ {
		if s.mustList() {
			if s.have, err = r.IAM(s.stored).AccessKeys(ctx, userName(s.who)); err != nil {
				return Rotated{}, r.refused(err)
			}
		}
		switch act := s.next(r.Now()); act {
		case await:
			done := s.waiting()
			done.Earlier = steps == 0
			return *done, nil
		case finish:
			return r.finish(ctx, &s)
		default:
			err = r.step(ctx, act, &s)
		}
	}
	return Rotated{}, err
}

func (r *Rotator) step(ctx context.Context, act action, s *state) error {
	switch act {
	case begin:
		return r.begin(ctx, s)
	case settle:
		return r.settle(ctx, s)
	case create:
		return r.create(ctx, s)
	case prove:
		return r.prove(ctx, s)
	case retire:
		return r.retire(ctx, s)
	}
	return r.drop(ctx, s)
}

// load finds out where things stand. A longer or shorter grace, where one is
// asked for, goes for an old key that is waiting already.
func (r *Rotator) load(ctx context.Context) (s state, err error) {
	if s.stored, err = r.Journal.Key(ctx, r.Profile); err != nil {
		return s, err
	}
	if s.entry, err = r.Journal.Rotation(ctx, r.Profile); err != nil {
		return s, err
	}
	if s.entry == nil || s.overtaken() {
		if s.who, err = r.Who(ctx, s.stored); err != nil {
			return s, r.notKnown(s.stored, err)
		}
		return s, nil
	}
	r.Say("going on with the rotation that began at %s", s.entry.Began.Local().Format("2006-01-02 15:04"))
	s.who = awsapi.Identity{Account: s.entry.Account, ARN: s.entry.ARN}
	if r.Grace != nil && !s.entry.DeleteAfter.IsZero() {
		s.entry.DeleteAfter = r.Now().Add(*r.Grace)
		err = r.Journal.WriteRotation(ctx, *s.entry)
	}
	return s, err
}
