package keys_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"fob/internal/cred"
	"fob/internal/keep/lock"
	"fob/internal/keep/store"
	"fob/internal/obtain/awsapi"
	"fob/internal/obtain/keys"
)

// A rotation touches the outside in calls to AWS and writes of the journal. The
// sweep lets each of them in turn go wrong in each way, then goes on with the
// rotation as the next run would. It ends with the first rotation that had fewer
// calls and writes.

// trouble is what happens at one touch.
type trouble string

const (
	killedBefore trouble = "killed before it" // so is everything after: the process is no more
	killedAfter  trouble = "killed after it"
	failed       trouble = "failed"       // not done, and no answer or no write
	lost         trouble = "answer lost"  // done, and nobody knows
	refused      trouble = "refused"      // not done, and AWS said no
	outOfOrder   trouble = "out of order" // AWS answers with 500
)

var errKilled = errors.New("the process is no more")

// tripwire counts touches, and makes the one with the number at go wrong.
type tripwire struct {
	at      int
	how     trouble
	touches int
	hit     bool
	dead    bool
	world   *world
	made    string // a key whose secret must be on the disk before AWS is called again
	late    error
}

// touch does work, or what becomes of it here.
func (w *tripwire) touch(work func() error, refusal, failure, unsure error) error {
	if w.dead {
		return errKilled
	}
	if w.touches++; w.touches != w.at {
		return work()
	}
	w.hit = true
	switch w.how {
	case killedBefore:
		w.dead = true
		return errKilled
	case killedAfter:
		_ = work()
		w.dead = true
		return errKilled
	case lost:
		if err := work(); err != nil {
			return err
		}
		return unsure
	case refused:
		return refusal
	case outOfOrder:
		return &awsapi.Refusal{Op: "Any", Code: "InternalFailure", Status: 500}
	}
	return failure
}

func (w *tripwire) aws(work func() error) error {
	if w.made != "" {
		if entry := w.world.entry(); entry == nil || entry.New.ID != w.made {
			w.late = errors.New("AWS was called again before the new key was on the disk")
		}
		w.made = ""
	}
	gone := &awsapi.UnreachableError{Op: "Any", Host: "h", Err: errors.New("reset")}
	return w.touch(work, &awsapi.Refusal{Op: "Any", Code: "AccessDenied", Status: 403}, gone, gone)
}

func (w *tripwire) disk(work func() error) error {
	if w.touches+1 == w.at && w.how != lost {
		w.made = "" // it cannot be, and is deleted again
	}
	full := errors.New("no space left on device")
	return w.touch(work, full, full, &lock.NotDurableError{Path: "vault.age", Err: errors.New("input/output error")})
}

// trippedJournal and trippedIAM are a rotation's outside with the wire in it.
type trippedJournal struct {
	keys.Journal
	w *tripwire
}

func (j trippedJournal) WriteRotation(ctx context.Context, r store.Rotation) error {
	return j.w.disk(func() error { return j.Journal.WriteRotation(ctx, r) })
}

func (j trippedJournal) SwapKey(ctx context.Context, profile, from string, to cred.AccessKey) error {
	return j.w.disk(func() error { return j.Journal.SwapKey(ctx, profile, from, to) })
}

func (j trippedJournal) EndRotation(ctx context.Context, profile string) error {
	return j.w.disk(func() error { return j.Journal.EndRotation(ctx, profile) })
}

type trippedIAM struct {
	iam keys.IAM
	w   *tripwire
}

func (i trippedIAM) AccessKeys(ctx context.Context, user string) (have []awsapi.KeyState, err error) {
	err = i.w.aws(func() error { have, err = i.iam.AccessKeys(ctx, user); return err })
	return have, err
}

func (i trippedIAM) CreateAccessKey(ctx context.Context, user string) (k cred.AccessKey, err error) {
	err = i.w.aws(func() error { k, err = i.iam.CreateAccessKey(ctx, user); return err })
	if err != nil {
		return cred.AccessKey{}, err
	}
	i.w.made = k.ID
	return k, nil
}

func (i trippedIAM) SetKeyActive(ctx context.Context, user, id string, active bool) error {
	return i.w.aws(func() error { return i.iam.SetKeyActive(ctx, user, id, active) })
}

func (i trippedIAM) DeleteAccessKey(ctx context.Context, user, id string) error {
	return i.w.aws(func() error { return i.iam.DeleteAccessKey(ctx, user, id) })
}

func (i trippedIAM) KeyLastUsed(ctx context.Context, id string) (use awsapi.LastUse, err error) {
	err = i.w.aws(func() error { use, err = i.iam.KeyLastUsed(ctx, id); return err })
	return use, err
}

// tripped puts the wire into a rotator.
func (w *tripwire) tripped(r *keys.Rotator) *keys.Rotator {
	who, iam := r.Who, r.IAM
	r.Journal = trippedJournal{r.Journal, w}
	r.IAM = func(stored cred.AccessKey) keys.IAM { return trippedIAM{iam(stored), w} }
	r.Who = func(ctx context.Context, k cred.AccessKey) (id awsapi.Identity, err error) {
		err = w.aws(func() error { id, err = who(ctx, k); return err })
		return id, err
	}
	return r
}

// cut makes one rotation go wrong at one touch, and gives what it complains of:
// of how it left things, and of how the next run ended.
func cut(t *testing.T, withSession bool, change func(*keys.Rotator), wire *tripwire) error {
	t.Helper()
	w := newWorld(t, withSession)
	wire.world = w
	r := w.rotator()
	change(r)
	_, first := wire.tripped(r).Run(t.Context())
	if err := errors.Join(wire.late, w.wrong()); err != nil {
		return fmt.Errorf("left so: %w", err)
	}
	if err := w.noCanary(first); err != nil {
		return err
	}
	if first != nil || w.entry() != nil {
		if _, err := w.rotator().Run(t.Context()); err != nil {
			return fmt.Errorf("first %v; the next run: %w", first, err)
		}
	}
	if err := errors.Join(w.unfinished(), w.noCanary(nil)); err != nil {
		return fmt.Errorf("first %v; in the end: %w", first, err)
	}
	return nil
}

// sweep cuts at the first, second, ... touch.
func sweep(t *testing.T, withSession bool, how trouble, change func(*keys.Rotator)) (hits int, complaints []error) {
	t.Helper()
	for at := 1; ; at++ {
		wire := &tripwire{at: at, how: how}
		if err := cut(t, withSession, change, wire); err != nil {
			complaints = append(complaints, fmt.Errorf("touch %d %s: %w", at, how, err))
		}
		if !wire.hit {
			return hits, complaints
		}
		hits++
	}
}

func asItIs(*keys.Rotator) {}

// fewest is how many calls and writes a rotation has at least: who, list, intent,
// create, pending, prove, swap, inactive, prove, delete, end.
const fewest = 11

func TestRotationCutAnywhere(t *testing.T) {
	t.Parallel()
	for _, withSession := range []bool{false, true} {
		for _, how := range []trouble{killedBefore, killedAfter, failed, lost, refused, outOfOrder} {
			t.Run(fmt.Sprintf("%s, session %v", how, withSession), func(t *testing.T) {
				t.Parallel()
				hits, complaints := sweep(t, withSession, how, asItIs)
				for _, err := range complaints {
					t.Error(err)
				}
				if hits < fewest {
					t.Errorf("%d touches, want at least %d: nothing was proved", hits, fewest)
				}
			})
		}
	}
}

// forgetful writes a new key down only when it is stored: the window in which
// aws-vault loses keys.
type forgetful struct{ keys.Journal }

func (j forgetful) WriteRotation(ctx context.Context, r store.Rotation) error {
	if r.New.ID != "" {
		return nil
	}
	return j.Journal.WriteRotation(ctx, r)
}

// hasty takes the journal's entry out when the new key is stored, with the old
// one still there.
type hasty struct{ keys.Journal }

func (j hasty) SwapKey(ctx context.Context, profile, from string, to cred.AccessKey) error {
	return errors.Join(j.Journal.SwapKey(ctx, profile, from, to), j.Journal.EndRotation(ctx, profile))
}

// A sweep is worth something only if it finds what is wrong.
func TestSweepFindsMutants(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*keys.Rotator){
		"the new key is not written down": func(r *keys.Rotator) { r.Journal = forgetful{r.Journal} },
		"the journal is cleared early":    func(r *keys.Rotator) { r.Journal = hasty{r.Journal} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, complaints := sweep(t, false, killedAfter, change)
			if len(complaints) == 0 {
				t.Error("it went unnoticed")
			}
		})
	}
}
