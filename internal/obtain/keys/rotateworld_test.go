package keys_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/cred"
	"fob/internal/keep/store"
	"fob/internal/obtain/awsapi"
	"fob/internal/obtain/keys"
	"fob/internal/playground"
)

// world is a vault with the key of one user, and the AWS where that user is.
type world struct {
	t       *testing.T
	aws     *playground.Server
	ahead   time.Duration
	vault   *store.Vault
	session cred.Session // signs for IAM; zero: the stored key does
	auditor cred.Signer  // may see everything
	arn     string
	said    strings.Builder
	agrees  bool
	asked   int
}

const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// without is a policy that allows all but one action.
func without(action string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"` + action + `","Resource":"*"}]}`
}

// newWorld makes a user who signs with the key itself, or with an MFA session.
func newWorld(t *testing.T, withSession bool) *world {
	t.Helper()
	w := &world{t: t, agrees: true}
	var err error
	w.aws, err = playground.Start(playground.Options{Canary: true, Now: time.Now})
	w.must(err)
	t.Cleanup(func() { _ = w.aws.Close() })
	user, err := w.aws.AddUser("ann")
	w.must(err)
	w.must(w.aws.SetUserPolicy("ann", everything))
	auditor, err := w.aws.AddUser("auditor")
	w.must(err)
	w.must(w.aws.SetUserPolicy("auditor", everything))
	w.auditor = cred.Signer{ID: auditor.AccessKeyID, Secret: auditor.Secret}
	identity, err := store.NewIdentity()
	w.must(err)
	dir := filepath.Join(t.TempDir(), "data")
	w.must(store.Create(t.Context(), dir, identity, w.now))
	w.vault = store.Open(dir, func(context.Context) (cred.Secret, error) { return identity, nil }, w.now)
	stored := cred.AccessKey{ID: user.AccessKeyID, Secret: user.Secret}
	w.must(w.vault.Put(t.Context(), store.Record{Name: "p", Key: stored, Created: w.now()}))
	who, err := w.Who(t.Context(), stored)
	w.must(err)
	w.arn = who.ARN
	if withSession {
		code, _ := w.aws.Code("ann")
		got, err := w.client(stored.Signer()).GetSessionToken(t.Context(), awsapi.SessionTokenCall{Lifetime: time.Hour, Serial: user.MFASerial, Code: code})
		w.must(err)
		w.session = got.Session
	}
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) now() time.Time { return time.Now().Add(w.ahead) }

func (w *world) client(s cred.Signer) *awsapi.Client {
	return awsapi.New(awsapi.Config{Region: "us-east-1", URL: w.aws.URL, Attempts: 1, Version: "test", Clock: awsapi.NewClock(w.now)}, s)
}

func (w *world) Who(ctx context.Context, k cred.AccessKey) (awsapi.Identity, error) {
	return w.client(k.Signer()).CallerIdentity(ctx)
}

func (w *world) IAM(stored cred.AccessKey) keys.IAM {
	if w.session.ID != "" {
		return w.client(w.session.Signer())
	}
	return w.client(stored.Signer())
}

// rotator is one that nothing happens to.
func (w *world) rotator() *keys.Rotator {
	return &keys.Rotator{
		Profile: "p", Journal: journal{w.vault}, Who: w.Who, IAM: w.IAM, KeySigns: w.session.ID == "",
		Confirm: func(_ context.Context, question string) (bool, error) {
			w.asked++
			w.said.WriteString(question + "\n")
			return w.agrees, nil
		},
		Now: w.now,
		Sleep: func(ctx context.Context, d time.Duration) error {
			w.ahead += d
			w.aws.Advance(d)
			return ctx.Err()
		},
		Say: func(format string, args ...any) { fmt.Fprintf(&w.said, format+"\n", args...) },
	}
}

// journal is the vault as a rotation sees it.
type journal struct{ *store.Vault }

func (j journal) Key(ctx context.Context, profile string) (cred.AccessKey, error) {
	r, err := j.Record(ctx, profile)
	return r.Key, err
}

func (w *world) stored() cred.AccessKey {
	w.t.Helper()
	k, err := journal{w.vault}.Key(w.t.Context(), "p")
	w.must(err)
	return k
}

func (w *world) entry() *store.Rotation {
	w.t.Helper()
	r, err := w.vault.Rotation(w.t.Context(), "p")
	w.must(err)
	return r
}

// inIAM gives the user's keys, "-" before an inactive one.
func (w *world) inIAM() []string {
	w.t.Helper()
	have, err := w.client(w.auditor).AccessKeys(w.t.Context(), "ann")
	w.must(err)
	var ids []string
	for _, k := range have {
		if !k.Active {
			k.ID = "-" + k.ID
		}
		ids = append(ids, k.ID)
	}
	return ids
}

// wrong says what a rotation that was cut off must not leave: a store without a
// working key, or a key in IAM that neither store nor journal accounts for.
func (w *world) wrong() error {
	w.t.Helper()
	stored, entry := w.stored(), w.entry()
	if who, err := w.Who(w.t.Context(), stored); err != nil || who.ARN != w.arn {
		return fmt.Errorf("the stored key does not work: %q, %w", who.ARN, err)
	}
	for _, id := range w.inIAM() {
		id = strings.TrimPrefix(id, "-")
		known := id == stored.ID || entry != nil && (entry.New.ID == "" || slices.Contains([]string{entry.Old.ID, entry.New.ID}, id))
		if !known {
			return fmt.Errorf("IAM has the key %s, of which neither the store nor the journal knows", cred.Short(id))
		}
	}
	return nil
}

// unfinished says what is still wrong once a rotation has been gone on with: the
// user has the stored key, which works, no other, and the journal is empty.
func (w *world) unfinished() error {
	w.t.Helper()
	if err := w.wrong(); err != nil {
		return err
	}
	if got, want := w.inIAM(), []string{w.stored().ID}; !slices.Equal(got, want) || w.entry() != nil {
		return fmt.Errorf("IAM has %d keys, and the journal %v", len(got), w.entry() != nil)
	}
	return nil
}

// noCanary looks for a secret in what was said and returned.
func (w *world) noCanary(err error) error {
	if text := w.said.String() + fmt.Sprint(err); strings.Contains(text, "CANARY") {
		return errors.New("a secret was shown")
	}
	return nil
}
