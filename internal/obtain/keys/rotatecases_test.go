package keys_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"fob/internal/cred"
	"fob/internal/fault"
	"fob/internal/keep/store"
	"fob/internal/obtain/awsapi"
	"fob/internal/obtain/keys"
)

// rotate runs one that nothing happens to.
func (w *world) rotate() (keys.Rotated, error) {
	w.t.Helper()
	got, err := w.rotator().Run(w.t.Context())
	w.must(w.noCanary(err))
	return got, err
}

// wantKept checks that a rotation failed with these words and changed nothing.
func (w *world) wantKept(old cred.AccessKey, err error, words ...string) {
	w.t.Helper()
	if err == nil {
		w.t.Fatal("it succeeded")
	}
	for _, part := range words {
		if !strings.Contains(err.Error(), part) {
			w.t.Errorf("the error lacks %q: %v", part, err)
		}
	}
	if w.stored().ID != old.ID || w.entry() != nil {
		w.t.Errorf("stored %s, journal %v", cred.Short(w.stored().ID), w.entry())
	}
	if who, err := w.Who(w.t.Context(), old); err != nil || who.ARN != w.arn {
		w.t.Errorf("the key that stayed is %q, %v", who.ARN, err)
	}
}

func TestRotate(t *testing.T) {
	t.Parallel()
	for _, withSession := range []bool{false, true} {
		w := newWorld(t, withSession)
		old := w.stored()
		got, err := w.rotate()
		w.must(err)
		w.must(w.unfinished())
		if got.Old != old.ID || got.New != w.stored().ID || got.New == got.Old || !got.Deleted {
			t.Errorf("%+v", got)
		}
	}
}

// The answer is lost, AWS has made the key: the next run finds it, and asks.
func TestRotateLostAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	old := w.stored()
	lostCreate := w.rotator()
	iam := lostCreate.IAM
	lostCreate.IAM = func(k cred.AccessKey) keys.IAM { return losesNew{iam(k)} }
	_, err := lostCreate.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "it is not known whether AWS made a new key") || len(w.inIAM()) != 2 {
		t.Fatalf("%v, %v", err, w.inIAM())
	}
	w.agrees = false
	if _, err := w.rotate(); err == nil || w.asked != 1 || w.stored().ID != old.ID || len(w.inIAM()) != 2 {
		t.Fatalf("asked %d times, %v", w.asked, err)
	}
	if !strings.Contains(w.said.String(), "never used") {
		t.Errorf("the question does not tell the key: %s", w.said.String())
	}
	w.agrees = true
	_, err = w.rotate()
	w.must(err)
	w.must(w.unfinished())
}

type losesNew struct{ keys.IAM }

func (l losesNew) CreateAccessKey(ctx context.Context, user string) (cred.AccessKey, error) {
	_, err := l.IAM.CreateAccessKey(ctx, user)
	return cred.AccessKey{}, errors.Join(err, &awsapi.UnreachableError{Op: "CreateAccessKey", Host: "h", Err: errors.New("connection reset by peer")})
}

// A second key that is in use is not one whose secret got lost.
func TestRotateUsedStranger(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	old := w.stored()
	w.must(w.vault.WriteRotation(t.Context(), store.Rotation{Profile: "p", Began: w.now(), Account: "123456789012", ARN: w.arn, Old: old}))
	used, err := w.client(w.auditor).CreateAccessKey(t.Context(), "ann")
	w.must(err)
	_, err = w.Who(t.Context(), used)
	w.must(err)
	_, err = w.rotate()
	w.wantKept(old, err, "both are there")
	if w.asked != 0 || len(w.inIAM()) != 2 {
		t.Errorf("asked %d times, %v", w.asked, w.inIAM())
	}
}

// The store cannot be written: known before AWS is asked for a key.
func TestRotateStoreUnwritable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	old := w.stored()
	r := w.rotator()
	r.Journal = full{r.Journal}
	_, err := r.Run(t.Context())
	w.wantKept(old, err, "no space left")
	if got := w.inIAM(); len(got) != 1 {
		t.Errorf("IAM has %d keys", len(got))
	}
}

type full struct{ keys.Journal }

func (full) WriteRotation(context.Context, store.Rotation) error {
	return errors.New("no space left on device")
}

// The new key is not known everywhere for a while, or never.
func TestRotateEventualConsistency(t *testing.T) {
	t.Parallel()
	for _, withSession := range []bool{false, true} {
		w := newWorld(t, withSession)
		w.aws.NewKeyDelay(30 * time.Second)
		_, err := w.rotate()
		w.must(err)
		w.must(w.unfinished())
		if w.ahead < 30*time.Second || w.ahead > 70*time.Second {
			t.Errorf("waited %s", w.ahead)
		}
	}
	w := newWorld(t, true)
	old := w.stored()
	w.aws.NewKeyDelay(time.Hour)
	_, err := w.rotate()
	w.wantKept(old, err, "does not take the new key", "the new key is deleted")
	if got := w.inIAM(); len(got) != 1 || w.ahead < 2*time.Minute || w.ahead > 3*time.Minute {
		t.Errorf("%v after %s", got, w.ahead)
	}
}

// Two keys are there already: which is which is told, nothing is changed.
func TestRotateTwoKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	old := w.stored()
	second, err := w.client(w.auditor).CreateAccessKey(t.Context(), "ann")
	w.must(err)
	_, err = w.rotate()
	w.wantKept(old, err, cred.Short(old.ID)+", stored here, active, 0 days old, last used at ", cred.Short(second.ID)+", active, 0 days old, never used")
	if strings.Contains(err.Error(), old.ID) || len(w.inIAM()) != 2 {
		t.Errorf("%v; %v", w.inIAM(), err)
	}

	// IAM's list may be behind, and the limit then says so.
	r := w.rotator()
	iam := r.IAM
	r.IAM = func(k cred.AccessKey) keys.IAM { return &behind{IAM: iam(k), lists: &w.asked} }
	_, err = r.Run(t.Context())
	w.wantKept(old, err, "both are there")
}

// behind lists one key the first time.
type behind struct {
	keys.IAM
	lists *int
}

func (b *behind) AccessKeys(ctx context.Context, user string) ([]awsapi.KeyState, error) {
	have, err := b.IAM.AccessKeys(ctx, user)
	if *b.lists++; *b.lists == 1 && err == nil {
		have = have[:1]
	}
	return have, err
}

// The old key may be made inactive and not deleted: that is told, and the next
// run tries again.
func TestRotateDeleteDenied(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	old := w.stored()
	w.must(w.aws.SetUserPolicy("ann", without("iam:DeleteAccessKey")))
	got, err := w.rotate()
	w.must(err)
	if got.Deleted || !strings.Contains(w.said.String(), "is inactive, but AWS does not let it be deleted") {
		t.Errorf("%+v: %s", got, w.said.String())
	}
	if have := w.inIAM(); len(have) != 2 || have[0] != "-"+old.ID || have[1] != w.stored().ID || w.entry() == nil {
		t.Errorf("%v, journal %v", have, w.entry())
	}
	w.must(w.aws.SetUserPolicy("ann", everything))
	if got, err = w.rotate(); err != nil || !got.Deleted {
		t.Fatalf("%+v, %v", got, err)
	}
	w.must(w.unfinished())
}

func TestRotateDenied(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	old := w.stored()
	w.must(w.aws.SetUserPolicy("ann", without("iam:CreateAccessKey")))
	_, err := w.rotate()
	w.wantKept(old, err, "AccessDenied")
	if fault.CodeOf(err) != fault.Refused {
		t.Errorf("status %d", fault.CodeOf(err))
	}
	// Without the right to make it inactive the old key stays as it is.
	w.must(w.aws.SetUserPolicy("ann", without("iam:UpdateAccessKey")))
	_, err = w.rotate()
	if have := w.inIAM(); err == nil || len(have) != 2 || w.entry() == nil || w.stored().ID == old.ID {
		t.Errorf("%v: %v", have, err)
	}
	w.must(w.wrong())
}

// A key that turns out to be another user's does not come into the store.
func TestRotateHostile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	old := w.stored()
	r := w.rotator()
	iam := r.IAM
	r.IAM = func(k cred.AccessKey) keys.IAM { return givesAnothers{iam(k), w.auditor} }
	_, err := r.Run(t.Context())
	w.must(w.noCanary(err))
	w.wantKept(old, err, "belongs to arn:aws:iam::123456789012:user/auditor", "stays stored")
}

type givesAnothers struct {
	keys.IAM
	other cred.Signer
}

func (g givesAnothers) CreateAccessKey(context.Context, string) (cred.AccessKey, error) {
	return cred.AccessKey{ID: g.other.ID, Secret: g.other.Secret}, nil
}

// With a grace the old key stays, inactive, until a run after it.
func TestRotateGrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	old, grace := w.stored(), 30*time.Minute
	r := w.rotator()
	r.Grace = &grace
	got, err := r.Run(t.Context())
	if err != nil || got.Deleted || got.DeleteAfter.Sub(w.now()).Round(time.Minute) != grace {
		t.Fatalf("%+v, %v", got, err)
	}
	if got.Earlier {
		t.Error("the run that made the key says that an earlier one has")
	}
	got.Earlier = true
	if waits, err := w.rotator().Waiting(t.Context()); err != nil || waits == nil || *waits != got {
		t.Errorf("%v, %v", waits, err)
	}
	again, err := w.rotate()
	if err != nil || again != got || w.inIAM()[0] != "-"+old.ID {
		t.Errorf("%+v, %v", again, err)
	}
	w.ahead += grace
	w.aws.Advance(grace)
	if waits, err := w.rotator().Waiting(t.Context()); err != nil || waits != nil {
		t.Errorf("%v, %v", waits, err)
	}
	if got, err = w.rotate(); err != nil || !got.Deleted {
		t.Fatalf("%+v, %v", got, err)
	}
	w.must(w.unfinished())

	// Or at once, by saying so.
	r = w.rotator()
	r.Grace = &grace
	_, err = r.Run(t.Context())
	w.must(err)
	none := time.Duration(0)
	r = w.rotator()
	r.Grace = &none
	if got, err = r.Run(t.Context()); err != nil || !got.Deleted {
		t.Fatalf("%+v, %v", got, err)
	}
	w.must(w.unfinished())
}

// Who asked for a grace gets it, also when the rotation was cut off and gone on
// with by somebody who did not say so again.
func TestRotateGraceIsRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	grace := time.Hour
	r := (&tripwire{at: 6, how: killedAfter, world: w}).tripped(w.rotator())
	r.Grace = &grace
	if _, err := r.Run(t.Context()); err == nil {
		t.Fatal("it was not cut off")
	}
	got, err := w.rotate()
	if err != nil || got.Deleted || got.DeleteAfter.Sub(w.now()).Round(time.Minute) != grace {
		t.Errorf("%+v, %v", got, err)
	}
}

// Somebody stores another key while a rotation stands still.
func TestRotateOvertaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	// The new key is pending when the process dies, and made again by hand.
	wire := &tripwire{at: 5, how: killedAfter, world: w}
	_, err := wire.tripped(w.rotator()).Run(t.Context())
	entry := w.entry()
	if err == nil || entry == nil || entry.New.ID == "" {
		t.Fatalf("%v, %v", err, entry)
	}
	auditor := w.client(w.auditor)
	w.must(auditor.DeleteAccessKey(t.Context(), "ann", entry.Old.ID))
	byHand, err := auditor.CreateAccessKey(t.Context(), "ann")
	w.must(err)
	w.must(w.vault.Put(t.Context(), store.Record{Name: "p", Key: byHand}))
	_, err = w.rotate()
	w.must(err)
	w.must(w.unfinished())
	if w.asked != 1 {
		t.Errorf("asked %d times", w.asked)
	}
}

// The new key dies when the old one is made inactive: the old one comes back.
func TestRotateRevives(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	old := w.stored()
	r := w.rotator()
	who := r.Who
	r.Who = func(ctx context.Context, k cred.AccessKey) (awsapi.Identity, error) {
		if have := w.inIAM(); k.ID != old.ID && have[0] == "-"+old.ID {
			return awsapi.Identity{}, &awsapi.Refusal{Op: "GetCallerIdentity", Code: "InvalidClientTokenId", Status: 403}
		}
		return who(ctx, k)
	}
	_, err := r.Run(t.Context())
	w.wantKept(old, err, "takes the new key", "no more", "stays stored")
	if got := w.inIAM(); len(got) != 1 || got[0] != old.ID {
		t.Error(got)
	}
}

// An interruption never comes between the new key and its being written down.
func TestRotateInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	ctx, stop := context.WithCancel(t.Context())
	r := w.rotator()
	iam := r.IAM
	r.IAM = func(k cred.AccessKey) keys.IAM { return interrupts{iam(k), stop} }
	_, err := r.Run(ctx)
	if !errors.Is(err, context.Canceled) || w.entry() == nil || w.entry().New.ID == "" {
		t.Fatalf("%v, %v", err, w.entry())
	}
	if !strings.Contains(w.said.String(), "fob rotate p") {
		t.Error(w.said.String())
	}
	_, err = w.rotate()
	w.must(err)
	w.must(w.unfinished())
}

type interrupts struct {
	keys.IAM
	stop func()
}

func (i interrupts) CreateAccessKey(ctx context.Context, user string) (cred.AccessKey, error) {
	i.stop()
	return i.IAM.CreateAccessKey(ctx, user)
}
