package keys

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"fob/internal/cred"
	"fob/internal/fault"
	"fob/internal/keep/lock"
	"fob/internal/keep/store"
	"fob/internal/obtain/awsapi"
)

// begin writes the intent, which also shows that the store can be written
// before there is a new key to lose. Two keys are AWS's limit, so with two there
// is nothing to begin.
func (r *Rotator) begin(ctx context.Context, s *state) error {
	if len(s.have) > 1 {
		return r.twoKeys(ctx, s)
	}
	if len(s.have) == 0 || s.have[0].ID != s.stored.ID {
		return r.failed(fmt.Errorf("AWS does not list the stored key %s among the keys of %s", cred.Short(s.stored.ID), s.who.ARN), fault.Refused)
	}
	entry := store.Rotation{Profile: r.Profile, Began: r.Now().UTC(), Account: s.who.Account, ARN: s.who.ARN, Old: s.stored}
	if r.Grace != nil {
		entry.Grace = *r.Grace
	}
	if err := r.Journal.WriteRotation(ctx, entry); err != nil {
		return err
	}
	s.entry, s.fresh = &entry, true
	return nil
}

// settle deletes keys whose secrets nobody has, if a person agrees.
func (r *Rotator) settle(ctx context.Context, s *state) error {
	for _, k := range s.strangers() {
		// A key whose secret never arrived cannot have been used.
		if use, err := r.IAM(s.stored).KeyLastUsed(ctx, k.ID); err == nil && !use.At.IsZero() && !s.names(k.ID) {
			if err := r.Journal.EndRotation(ctx, r.Profile); err != nil {
				return err
			}
			return r.twoKeys(ctx, s)
		}
	}
	text := r.describe(ctx, s, s.strangers())
	yes, err := r.Confirm(ctx, "AWS has a key of this user that is not stored here, made by a rotation that was cut off:\n"+text+"\nDelete it? [y/N] ")
	if err != nil || !yes {
		return r.unsettled(text, err)
	}
	for _, k := range s.strangers() {
		if err := r.delete(ctx, s, k.ID); err != nil {
			return r.refused(err)
		}
		r.Say("deleted the key %s", cred.Short(k.ID))
	}
	s.have = []awsapi.KeyState{{ID: s.stored.ID}}
	return nil
}

// drop ends a rotation whose keys are both stored no more.
func (r *Rotator) drop(ctx context.Context, s *state) error {
	if err := r.Journal.EndRotation(ctx, r.Profile); err != nil {
		return err
	}
	r.Say("another key was stored since, so the rotation of the key %s of %s is forgotten", cred.Short(s.entry.Old.ID), s.entry.ARN)
	if s.who.ARN != s.entry.ARN && s.entry.New.ID != "" {
		r.Say("AWS may still have the key %s, which it made", cred.Short(s.entry.New.ID))
	}
	s.entry = nil
	return nil
}

// create makes the new key and writes it down before anything else happens. An
// interruption waits for that: between the two only this process has the secret.
func (r *Rotator) create(ctx context.Context, s *state) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	key, err := r.IAM(s.stored).CreateAccessKey(ctx, userName(s.who))
	if err != nil {
		return r.notMade(ctx, s, err)
	}
	entry := *s.entry
	entry.New = key
	err = r.Journal.WriteRotation(ctx, entry)
	if saved := (*lock.NotDurableError)(nil); err == nil || errors.As(err, &saved) {
		s.entry = &entry
		r.Say("made the key %s", cred.Short(key.ID))
		return err
	}
	if gone := r.delete(ctx, s, key.ID); gone != nil {
		return r.failed(fmt.Errorf("the new key %s could not be written down (%w), nor deleted again: %w", cred.Short(key.ID), err, gone), fault.Locked, r.again()+" finds it and offers to delete it")
	}
	return r.failed(fmt.Errorf("the new key could not be written down, and is deleted again: %w", err), fault.Locked)
}

// notMade tells a key that was surely not made from one that may have been.
func (r *Rotator) notMade(ctx context.Context, s *state, err error) error {
	no := (*awsapi.Refusal)(nil)
	if !errors.As(err, &no) || transient(err) {
		return r.failed(fmt.Errorf("it is not known whether AWS made a new key: %w", err), fault.Failed, r.again()+" looks, and offers to delete one that is of no use")
	}
	if s.fresh {
		if ended := r.Journal.EndRotation(ctx, r.Profile); ended != nil {
			return ended
		}
	}
	if no.Code == "LimitExceeded" {
		if s.have, err = r.IAM(s.stored).AccessKeys(ctx, userName(s.who)); err == nil {
			return r.twoKeys(ctx, s)
		}
	}
	return r.refused(err)
}

// prove asks AWS who the new key is. One that is the same user's becomes the
// stored key; any other is deleted, and the old one stays.
func (r *Rotator) prove(ctx context.Context, s *state) error {
	who, err := r.known(ctx, s.entry.New)
	no := (*awsapi.Refusal)(nil)
	switch {
	case err == nil && who.Account == s.entry.Account && who.ARN == s.entry.ARN:
		return r.swap(ctx, s, s.entry.Old, s.entry.New)
	case err == nil:
		return r.rollback(ctx, s, fmt.Errorf("AWS says that the new key %s belongs to %s, and not to %s", cred.Short(s.entry.New.ID), who.ARN, s.entry.ARN))
	case errors.As(err, &no) && !transient(err):
		return r.rollback(ctx, s, fmt.Errorf("AWS does not take the new key %s: %w", cred.Short(s.entry.New.ID), err))
	}
	return r.unfinished(err)
}

// swap puts one key into the record in place of the other.
func (r *Rotator) swap(ctx context.Context, s *state, from, to cred.AccessKey) error {
	err := r.Journal.SwapKey(ctx, r.Profile, from.ID, to)
	if errors.Is(err, store.ErrChanged) {
		return r.failed(err, fault.Failed, "see which key is to stay, then: "+r.again())
	}
	if err == nil {
		s.stored = to
		r.Say("stored the key %s for profile %q", cred.Short(to.ID), r.Profile)
	}
	return err
}

// rollback deletes the new key, which the store does not use.
func (r *Rotator) rollback(ctx context.Context, s *state, why error) error {
	ctx = context.WithoutCancel(ctx)
	if err := r.delete(ctx, s, s.entry.New.ID); err != nil {
		return r.failed(fmt.Errorf("%w; the old key stays stored, and the new one could not be deleted: %w", why, err), fault.Refused, "try again: "+r.again())
	}
	if err := r.Journal.EndRotation(ctx, r.Profile); err != nil {
		return err
	}
	return r.failed(fmt.Errorf("%w; the new key is deleted, and the old one %s stays stored", why, cred.Short(s.entry.Old.ID)), fault.Refused)
}

// retire makes the old key inactive, which can be undone, and looks once more
// whether the new one works without it.
func (r *Rotator) retire(ctx context.Context, s *state) error {
	retired := r.patiently(ctx, func() error {
		return r.IAM(s.stored).SetKeyActive(ctx, userName(s.who), s.entry.Old.ID, false)
	})
	newIsDead := r.KeySigns && unknownKey(retired)
	if retired != nil && !noSuchKey(retired) && !newIsDead {
		return r.unfinished(retired)
	}
	switch _, err := r.known(ctx, s.entry.New); {
	case unknownKey(err):
		return r.revive(ctx, s, err)
	case err != nil:
		return r.unfinished(err)
	case newIsDead:
		return r.unfinished(retired)
	}
	if r.Grace != nil {
		s.entry.Grace = *r.Grace
	}
	s.entry.DeleteAfter = r.Now().UTC().Add(s.entry.Grace)
	if s.entry.Grace == 0 {
		return nil // it is deleted next
	}
	return r.Journal.WriteRotation(ctx, *s.entry)
}

// revive goes back to the old key, because the new one has stopped working.
func (r *Rotator) revive(ctx context.Context, s *state, why error) error {
	ctx = context.WithoutCancel(ctx)
	if _, err := r.Who(ctx, s.entry.Old); err != nil { // nobody has made it active by hand
		if err := r.IAM(s.stored).SetKeyActive(ctx, userName(s.who), s.entry.Old.ID, true); err != nil {
			return r.failed(fmt.Errorf("AWS takes the new key no more (%w), and the old one %s could not be made active again: %w", why, cred.Short(s.entry.Old.ID), err),
				fault.Refused, "make it active in the IAM console, then: "+r.again())
		}
	}
	if err := r.swap(ctx, s, s.entry.New, s.entry.Old); err != nil {
		return err
	}
	return r.rollback(ctx, s, fmt.Errorf("AWS takes the new key %s no more: %w", cred.Short(s.entry.New.ID), why))
}

// finish deletes the old key. Where that is refused the rotation has reached its
// aim all the same: the old key is of no use. The journal keeps naming it.
func (r *Rotator) finish(ctx context.Context, s *state) (Rotated, error) {
	done := Rotated{Old: s.entry.Old.ID, New: s.entry.New.ID}
	err := r.patiently(ctx, func() error { return r.delete(ctx, s, s.entry.Old.ID) })
	no := (*awsapi.Refusal)(nil)
	switch {
	case err == nil:
		done.Deleted = true
		return done, r.Journal.EndRotation(ctx, r.Profile)
	case errors.As(err, &no) && !transient(err):
		done.DeleteAfter = s.entry.DeleteAfter
		r.Say("the old key %s is inactive, but AWS does not let it be deleted: %v", cred.Short(s.entry.Old.ID), err)
		return done, r.Journal.WriteRotation(ctx, *s.entry)
	}
	return done, r.unfinished(err)
}

// delete deletes a key; one that is gone already is no error.
func (r *Rotator) delete(ctx context.Context, s *state, id string) error {
	if err := r.IAM(s.stored).DeleteAccessKey(ctx, userName(s.who), id); !noSuchKey(err) {
		return err
	}
	return nil
}

// known asks whose a key is until AWS knows it.
func (r *Rotator) known(ctx context.Context, key cred.AccessKey) (awsapi.Identity, error) {
	var who awsapi.Identity
	err := r.retry(ctx, func() (err error) {
		who, err = r.Who(ctx, key)
		return err
	})
	return who, err
}

// patiently repeats a call that a key signs which may be too new to be known.
func (r *Rotator) patiently(ctx context.Context, call func() error) error {
	if !r.KeySigns {
		return call()
	}
	return r.retry(ctx, call)
}

// retry repeats a call for about two minutes: IAM is eventually consistent, and
// a key that was just made is not known everywhere at once
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency).
func (r *Rotator) retry(ctx context.Context, call func() error) error {
	for i, seconds := range []time.Duration{1, 2, 4, 8, 16, 32, 60} {
		err := call()
		if err == nil || !transient(err) && !unknownKey(err) {
			return err
		}
		if i == 0 {
			r.Say("waiting until AWS knows the new key everywhere, up to 2 min: %v", err)
		}
		if err := r.Sleep(ctx, seconds*time.Second); err != nil {
			return err
		}
	}
	return call()
}

// transient says that the same call may be answered otherwise in a while.
func transient(err error) bool {
	no, gone := (*awsapi.Refusal)(nil), (*awsapi.UnreachableError)(nil)
	if errors.As(err, &gone) {
		return true
	}
	return errors.As(err, &no) && (no.Status >= 500 || strings.HasPrefix(no.Code, "Throttling") || no.Code == "RequestLimitExceeded")
}

func unknownKey(err error) bool { return refusedBy(err, "InvalidClientTokenId") }
func noSuchKey(err error) bool  { return refusedBy(err, "NoSuchEntity") }

func refusedBy(err error, code string) bool {
	no := (*awsapi.Refusal)(nil)
	return errors.As(err, &no) && no.Code == code
}
