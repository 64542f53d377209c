package broker_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/keep/cache"
	"fob/internal/keep/lock"
	"fob/internal/obtain/awsapi"
	"fob/internal/obtain/broker"
	"fob/internal/obtain/mfa"

	"github.com/google/go-cmp/cmp"
)

const (
	roleARN = "arn:aws:iam::345678901234:role/ops"
	serial  = "arn:aws:iam::123456789012:mfa/ann"
	keyID   = "AKIAABCDEFGHIJKLMNOP"
)

// aws is an STS that answers with what refuse gives, else with a session, and
// writes down what it was asked.
type aws struct {
	mu     sync.Mutex
	calls  []string
	during func(call string)
	refuse func(call string, n int) error // n counts from 1
	now    func() time.Time
	life   time.Duration // of what is given; 0 stands for an hour
}

func (a *aws) call(call, code string) (cred.Session, error) {
	a.mu.Lock()
	n := 1
	for _, old := range a.calls {
		if strings.HasPrefix(old, call) {
			n++
		}
	}
	a.calls = append(a.calls, strings.TrimSpace(call+" "+code))
	a.mu.Unlock()
	if a.during != nil {
		a.during(call)
	}
	if a.refuse != nil {
		if err := a.refuse(call, n); err != nil {
			return cred.Session{}, err
		}
	}
	return cred.Session{ID: fmt.Sprintf("ASIA%s%d", call, n), Secret: cred.NewSecret("CANARY"), Token: cred.NewSecret("CANARY"), Expires: a.now().Add(a.lasts())}, nil
}

func (a *aws) lasts() time.Duration {
	if a.life == 0 {
		return time.Hour
	}
	return a.life
}

func (a *aws) GetSessionToken(_ context.Context, in source.SessionTokenCall) (source.Issued, error) {
	s, err := a.call("GetSessionToken", in.Code)
	return source.Issued{Session: s}, err
}

func (a *aws) AssumeRoleWithWebIdentity(context.Context, source.WebIdentityCall) (source.Issued, error) {
	return source.Issued{}, errors.New("nobody has asked for this")
}

func (a *aws) GetFederationToken(context.Context, source.FederationTokenCall) (source.Issued, error) {
	return source.Issued{}, errors.New("nobody has asked for this")
}

func (a *aws) AssumeRole(_ context.Context, in source.AssumeRoleCall) (source.Issued, error) {
	s, err := a.call("AssumeRole", in.Code)
	return source.Issued{Session: s, ARN: "arn:aws:sts::345678901234:assumed-role/ops/x"}, err
}

func refusal(op, code, message string) error {
	return &awsapi.Refusal{Op: op, Code: code, Message: message, Status: 403}
}

// person gives codes in turn.
type person struct {
	codes     []string
	asked     []string // the problems they were told of
	automatic bool
}

func (p *person) Interactive() bool { return !p.automatic }
func (p *person) Ready() bool       { return true }

func (p *person) Code(_ context.Context, q mfa.Question) (string, error) {
	p.asked = append(p.asked, q.Problem)
	if len(p.codes) == 0 {
		return "", &fault.Error{What: "cannot get an MFA code", Code: fault.Attend}
	}
	code := p.codes[0]
	p.codes = p.codes[1:]
	return code, nil
}

// keys is a store that must be opened first.
type keys struct {
	open   bool
	opened int
	onOpen func()
	never  bool // Open has no effect
}

func (k *keys) ID() string { return keyID }

func (k *keys) Open(_ context.Context, needed func() bool) error {
	if k.onOpen != nil {
		k.onOpen()
	}
	k.opened++
	k.open = !k.never && needed()
	return nil
}

func (k *keys) Key(context.Context) (cred.AccessKey, error) {
	if !k.open {
		return cred.AccessKey{}, broker.ErrShut
	}
	return cred.AccessKey{ID: keyID, Secret: cred.NewSecret("CANARY")}, nil
}

// world is one machine for a broker.
type world struct {
	dir    string
	aws    *aws
	person *person
	keys   *keys
	cache  *cache.Cache
	broker *broker.Broker
	said   *[]string
	slept  *[]time.Duration
	names  []string
}

var noon = time.Date(2026, 1, 2, 12, 0, 10, 0, time.UTC)

func newWorld(t *testing.T) world {
	t.Helper()
	now := func() time.Time { return noon }
	w := world{dir: filepath.Join(t.TempDir(), "fob"), aws: &aws{now: now}, person: &person{codes: []string{"111111", "222222", "333333", "444444"}}, keys: &keys{}, said: &[]string{}, slept: &[]time.Duration{}}
	seal := cred.NewSecret(strings.Repeat("k", 32))
	w.cache = cache.New(w.dir, seal)
	w.broker = &broker.Broker{
		Cache: func() *cache.Cache { return w.cache }, Keys: w.keys, Locks: filepath.Join(w.dir, "locks"),
		Env:     source.Env{STS: func(source.Endpoint, cred.Signer) source.STS { return w.aws }, Now: now},
		Driver:  func(source.MFA) mfa.Driver { return w.person },
		MinLeft: 5 * time.Minute, Timeout: 10 * time.Second, Now: now,
		Sleep: func(_ context.Context, d time.Duration) error { *w.slept = append(*w.slept, d); return nil },
		Say:   func(format string, args ...any) { *w.said = append(*w.said, fmt.Sprintf(format, args...)) },
	}
	if err := lock.MakeDir(w.dir); err != nil {
		t.Fatal(err)
	}
	w.names = chain.Names(plan(), keyID, w.cache.NameOf)
	return w
}

// plan is the usual chain: one code opens a session, which opens a role.
func plan() chain.Chain {
	return chain.Chain{Profile: "dev", Key: "security", Steps: []source.Step{
		source.SessionToken{Profile: "security", Lifetime: time.Hour, Device: source.MFA{Serial: serial}},
		source.AssumeRole{Profile: "dev", RoleARN: roleARN, SessionName: "x", Lifetime: time.Hour},
	}}
}

// direct is a role that the key assumes itself.
func direct(life time.Duration) chain.Chain {
	return chain.Chain{Profile: "dev", Key: "security", Steps: []source.Step{
		source.AssumeRole{Profile: "dev", RoleARN: roleARN, SessionName: "x", Lifetime: life, Device: source.MFA{Serial: serial}},
	}}
}

// held says which of the steps' locks a process holds now.
func (w world) held(t *testing.T) (held [2]bool) {
	for i, name := range w.names {
		l, err := lock.Acquire(context.Background(), filepath.Join(w.dir, "locks", name), lock.Options{Wait: time.Millisecond, Now: time.Now})
		busy := (*lock.BusyError)(nil)
		switch {
		case err == nil:
			if err := l.Release(); err != nil {
				t.Error(err)
			}
		case errors.As(err, &busy):
			held[i] = true
		default:
			t.Error(err)
		}
	}
	return held
}

func (w world) store(t *testing.T, i int, id string, left time.Duration) {
	t.Helper()
	w.storeAt(t, i, id, left, noon)
}

// storeOf keeps a session of which so much is left of its life.
func (w world) storeOf(t *testing.T, i int, left, life time.Duration) {
	t.Helper()
	w.storeAt(t, i, "ASIAKEPT", left, noon.Add(left-life))
}

func (w world) storeAt(t *testing.T, i int, id string, left time.Duration, made time.Time) {
	t.Helper()
	err := w.cache.Store(cache.Entry{Name: w.names[i], Made: made, Renews: i > 0, Session: cred.Session{ID: id, Secret: cred.NewSecret("CANARY"), Token: cred.NewSecret("CANARY"), Expires: noon.Add(left)}})
	if err != nil {
		t.Fatal(err)
	}
}

// Every process takes the locks in one order: unlocking before any step, a
// step's before that of the step before it.
func TestLocksAreTakenInOneOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := lock.MakeDir(filepath.Join(w.dir, "locks")); err != nil {
		t.Fatal(err)
	}
	got := map[string][2]bool{}
	w.keys.onOpen = func() { got["Open"] = w.held(t) }
	w.aws.during = func(call string) { got[call] = w.held(t) }
	if _, err := w.broker.Session(t.Context(), plan()); err != nil {
		t.Fatal(err)
	}
	want := map[string][2]bool{"Open": {false, false}, "GetSessionToken": {true, true}, "AssumeRole": {false, true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("locks held during a call (first step, last step):\n%s", diff)
	}
	if left := w.held(t); left != [2]bool{} {
		t.Errorf("locks held afterwards: %v", left)
	}
}

// Who waited for a lock looks in the cache again before it asks or calls.
func TestSecondLook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keys.open = true
	if err := lock.MakeDir(filepath.Join(w.dir, "locks")); err != nil {
		t.Fatal(err)
	}
	l, err := lock.Acquire(t.Context(), filepath.Join(w.dir, "locks", w.names[1]), lock.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	w.keys.onOpen = func() { // the first look is over, and found nothing
		w.store(t, 1, "ASIAOTHER", time.Hour)
		if err := l.Release(); err != nil {
			t.Error(err)
		}
	}
	s, err := w.broker.Session(t.Context(), plan())
	if err != nil || s.ID != "ASIAOTHER" || len(w.aws.calls) != 0 {
		t.Errorf("got %s, %v after the calls %v, want the other process's session and no call", s.ID, err, w.aws.calls)
	}
}

func TestManyAtOnceAskOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.keys.open = true
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			b := *w.broker
			b.Keys = &keys{}
			if _, err := b.Session(t.Context(), plan()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if diff := cmp.Diff([]string{"GetSessionToken 111111", "AssumeRole"}, w.aws.calls); diff != "" {
		t.Error(diff)
	}
}

// The calls that each situation costs, the questions, and what comes out.
func TestSession(t *testing.T) {
	t.Parallel()
	wrong := func(call string, n int) error {
		return refusal(call, "AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code. ")
	}
	const again = "AWS did not take that code: it was mistyped, is too old, or was used before. Wait for the next one"
	const used = "That code was used already. Type the next one"
	type result struct {
		ID    string
		Calls []string
		Asked []string
		Slept int
		Code  fault.Code
	}
	tests := []struct {
		name  string
		set   func(*testing.T, world)
		chain chain.Chain
		want  result
	}{
		{name: "nothing kept", chain: plan(), want: result{ID: "ASIAAssumeRole1", Calls: words("GetSessionToken 111111", "AssumeRole"), Asked: words("")}},
		{name: "all kept", chain: plan(), set: func(t *testing.T, w world) { w.store(t, 1, "ASIAKEPT", time.Hour) }, want: result{ID: "ASIAKEPT"}},
		{name: "the first step kept: one call", chain: plan(), set: func(t *testing.T, w world) { w.store(t, 0, "ASIABASE", time.Hour) }, want: result{ID: "ASIAAssumeRole1", Calls: words("AssumeRole")}},
		{
			name: "too little left", chain: plan(),
			set: func(t *testing.T, w world) {
				w.store(t, 0, "ASIABASE", 4*time.Minute)
				w.store(t, 1, "ASIAKEPT", 4*time.Minute)
			},
			want: result{ID: "ASIAAssumeRole1", Calls: words("GetSessionToken 111111", "AssumeRole"), Asked: words("")},
		},
		{
			name: "a wrong code is asked for again, three times in all", chain: plan(),
			set:  func(_ *testing.T, w world) { w.aws.refuse = wrong },
			want: result{Calls: words("GetSessionToken 111111", "GetSessionToken 222222", "GetSessionToken 333333"), Asked: words("", again, again), Code: fault.Refused},
		},
		{
			name: "a program is not asked again", chain: plan(),
			set:  func(_ *testing.T, w world) { w.aws.refuse = wrong; w.person.automatic = true },
			want: result{Calls: words("GetSessionToken 111111"), Asked: words(""), Code: fault.Refused},
		},
		{
			name: "the same code twice: the next step is awaited", chain: plan(),
			set: func(t *testing.T, w world) { spend(t, w, "111111"); w.person.codes = words("111111", "222222") },
			want: result{
				ID: "ASIAAssumeRole1", Calls: words("GetSessionToken 222222", "AssumeRole"), Asked: words("", used), Slept: 1,
			},
		},
		{
			name: "the same code for ever", chain: plan(),
			set: func(t *testing.T, w world) {
				spend(t, w, "111111")
				w.person.codes = words("111111", "111111", "111111", "111111", "111111", "111111")
			},
			want: result{Asked: words("", used, used, used), Slept: 3, Code: fault.Attend},
		},
		{
			name: "a program prints the same code: asked at once again, then awaited", chain: plan(),
			set: func(t *testing.T, w world) {
				spend(t, w, "111111")
				w.person.automatic, w.person.codes = true, words("111111", "111111", "222222")
			},
			want: result{ID: "ASIAAssumeRole1", Calls: words("GetSessionToken 222222", "AssumeRole"), Asked: words("", used, used), Slept: 1},
		},
		{
			name: "a session that AWS took back is dropped once", chain: plan(),
			set: func(t *testing.T, w world) {
				w.store(t, 0, "ASIABASE", time.Hour)
				w.aws.refuse = func(call string, n int) error {
					if call == "AssumeRole" && n == 1 {
						return refusal(call, "ExpiredToken", "The security token included in the request is expired")
					}
					return nil
				}
			},
			want: result{ID: "ASIAAssumeRole2", Calls: words("AssumeRole", "GetSessionToken 111111", "AssumeRole"), Asked: words("")},
		},
		{
			name: "and not twice", chain: plan(),
			set: func(t *testing.T, w world) {
				w.store(t, 0, "ASIABASE", time.Hour)
				w.aws.refuse = func(call string, _ int) error {
					if call == "AssumeRole" {
						return refusal(call, "ExpiredToken", "expired")
					}
					return nil
				}
			},
			want: result{Calls: words("AssumeRole", "GetSessionToken 111111", "AssumeRole"), Asked: words(""), Code: fault.Refused},
		},
		{
			name: "another refusal drops nothing", chain: plan(),
			set: func(t *testing.T, w world) {
				w.store(t, 0, "ASIABASE", time.Hour)
				w.aws.refuse = func(call string, _ int) error { return refusal(call, "AccessDenied", "no") }
			},
			want: result{Calls: words("AssumeRole"), Code: fault.Refused},
		},
		{name: "no step: the key itself", chain: chain.Chain{Profile: "security", Key: "security"}, want: result{ID: keyID}},
		{name: "nobody there", chain: plan(), set: func(_ *testing.T, w world) { w.person.codes = nil }, want: result{Asked: words(""), Code: fault.Attend}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if tc.set != nil {
				tc.set(t, w)
			}
			s, err := w.broker.Session(t.Context(), tc.chain)
			got := result{ID: s.ID, Calls: w.aws.calls, Asked: w.person.asked, Slept: len(*w.slept), Code: fault.CodeOf(err)}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
			if f := (*fault.Error)(nil); err != nil && !errors.As(err, &f) {
				t.Errorf("the error is no fault: %v", err)
			}
		})
	}
}

func words(w ...string) []string { return w }

func spend(t *testing.T, w world, code string) {
	t.Helper()
	if err := w.cache.Spend(t.Context(), w.broker.Now, code, time.Minute); err != nil {
		t.Fatal(err)
	}
}

// A code is recorded before it is sent: who dies in the call has recorded it.
func TestSpentBeforeSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.aws.during = func(call string) {
		if err := w.cache.Spend(t.Context(), w.broker.Now, "111111", time.Minute); !errors.Is(err, cache.ErrSpent) {
			t.Errorf("at %s the code is not recorded as spent: %v", call, err)
		}
	}
	if _, err := w.broker.Session(t.Context(), plan()); err != nil {
		t.Fatal(err)
	}
	// Where it cannot be recorded it is not sent.
	w = newWorld(t)
	if err := os.MkdirAll(filepath.Join(w.dir, "spent", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := w.broker.Session(t.Context(), plan()); err == nil || len(w.aws.calls) != 0 {
		t.Errorf("calls %v, error %v, want none and one", w.aws.calls, err)
	}
}

// A person gave a code for the session: a disk that is full must not take it.
func TestCacheThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := os.WriteFile(filepath.Join(w.dir, "cache"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := w.broker.Session(t.Context(), plan())
	if err != nil || s.ID != "ASIAAssumeRole1" {
		t.Errorf("got %s, %v", s.ID, err)
	}
	if len(*w.said) != 2 || !strings.HasPrefix((*w.said)[0], "the session is not kept, so the next run asks again: ") {
		t.Errorf("said %q", *w.said)
	}
}

// The kept session made the store unnecessary; then AWS refuses it. The walk
// begins again, now with the store open, and no lock of a step is held while a
// person is asked for the passphrase.
func TestStoreOpenedLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := lock.MakeDir(filepath.Join(w.dir, "locks")); err != nil {
		t.Fatal(err)
	}
	w.store(t, 0, "ASIABASE", time.Hour)
	w.keys.onOpen = func() {
		if held := w.held(t); held != [2]bool{} {
			t.Errorf("locks held while the store is opened: %v", held)
		}
	}
	w.aws.refuse = func(call string, n int) error {
		if call == "AssumeRole" && n == 1 {
			return refusal(call, "ExpiredToken", "expired")
		}
		return nil
	}
	s, err := w.broker.Session(t.Context(), plan())
	if err != nil || s.ID != "ASIAAssumeRole2" || w.keys.opened != 1 {
		t.Errorf("got %s, %v, with the store opened %d times", s.ID, err, w.keys.opened)
	}
	// A store that will not open ends it.
	w = newWorld(t)
	w.keys.never = true
	_, err = w.broker.Session(t.Context(), plan())
	if f := (*fault.Error)(nil); !errors.As(err, &f) || f.Code != fault.Locked || w.keys.opened != 4 {
		t.Errorf("got %v after %d tries", err, w.keys.opened)
	}
}

// The length that AWS refused is kept, the smallest that it refused.
func TestRefusedLengthIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.aws.refuse = func(call string, _ int) error {
		return refusal(call, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	for _, life := range []time.Duration{8 * time.Hour, 12 * time.Hour, 4 * time.Hour, time.Hour} {
		_, err := w.broker.Session(t.Context(), direct(life))
		long := (*broker.TooLongError)(nil)
		if got := errors.As(err, &long); got != (life > time.Hour) || got && (long.Asked != life || long.Role != roleARN) {
			t.Errorf("%s: %v", life, err)
		}
	}
	x, err := w.cache.Index()
	if err != nil || x.Limits[roleARN].Refused != 4*time.Hour {
		t.Errorf("kept %v, %v", x.Limits, err)
	}
}

// Ctrl-C is no failure to explain, and leaves no lock.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := lock.MakeDir(filepath.Join(w.dir, "locks")); err != nil {
		t.Fatal(err)
	}
	w.aws.refuse = func(string, int) error { return fmt.Errorf("GetSessionToken: %w", context.Canceled) }
	_, err := w.broker.Session(t.Context(), plan())
	if fault.CodeOf(err) != fault.Interrupted {
		t.Errorf("got %v", err)
	}
	if held := w.held(t); held != [2]bool{} {
		t.Errorf("locks held afterwards: %v", held)
	}
}
