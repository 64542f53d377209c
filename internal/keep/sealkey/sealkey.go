// Package sealkey is where the seal key and the vault's identity rest between
// runs: kernel keyrings and files in memory, each for a bounded time. It also
// derives the seal key. It does not know what the two open, nor how the
// identity is unlocked.
package sealkey

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"fob/internal/cred"
)

const (
	// life is the hard end of both, counted from the unlock.
	life = 12 * time.Hour
	// idle is how long the identity outlives its last use.
	idle = 10 * time.Minute
)

// What can rest in a place, as Place.Holds says it.
const (
	Seal     = "seal key"
	Identity = "identity"

	holdsSeal, holdsIdentity = Seal, Identity
)

// SessionKeyring is the place that a process in another session keyring does not
// see, unlike all others of the same user.
const SessionKeyring = "session keyring"

// ErrNone says that there is no such key at rest, or that its time has ended.
var ErrNone = errors.New("no key is at rest")

// NoPlaceError says why no place took the key. It is also ErrNone.
type NoPlaceError struct {
	Holds  string  // what was to rest
	Places []Place // each with its Why
}

func (e *NoPlaceError) Error() string {
	why := make([]string, len(e.Places))
	for i, p := range e.Places {
		why[i] = p.Name + ": " + p.Why
	}
	if len(why) == 0 {
		why = []string{"this system has none"}
	}
	return "no place for the " + e.Holds + ": " + strings.Join(why, "; ")
}

// Is makes the error an ErrNone for callers that need not know why.
func (e *NoPlaceError) Is(target error) bool { return target == ErrNone }

// Options says whose keys these are.
type Options struct {
	// DataDir is the directory of the vault. Two vaults never share a key.
	DataDir string
	// RuntimeDir is $XDG_RUNTIME_DIR, on macOS the user's own temporary
	// directory. Empty means that there is none.
	RuntimeDir string
	UID        int
	Now        func() time.Time // wall clock
	// Boot is the time since boot with suspends counted, 0 where unknown. Nil
	// means the system's own clock.
	Boot func() time.Duration
	// NoKeyring leaves the kernel's keyrings alone: for tests, which must not
	// put keys where the developer's own programs find them.
	NoKeyring bool
	// AnyDisk takes a directory for one in memory that is not: for tests, whose
	// directories are on a disk.
	AnyDisk bool
}

// Place is one place and what it holds now. Until and Holds are empty when it
// holds nothing, and Why then says what makes it unusable, if anything does.
type Place struct {
	Name  string
	Holds string
	Until time.Time
	Why   string
}

// Rest is the places in the order in which they are tried.
type Rest struct {
	o        Options
	seal     []*spot
	identity []*spot // a subset of seal

	mu     sync.Mutex
	first  *firstStamp // nil before the first use
	loaded loaded
}

// loaded is the identity that LoadIdentity gave, and the spot it still rests
// in, nil when it was forgotten since. The zero value means that whatever this
// run has comes from a person.
type loaded struct {
	rec record
	at  *spot
}

// place keeps bytes under a name for a while. An absent name is fs.ErrNotExist;
// any other error says why the place cannot be used.
type place interface {
	load(holds string) ([]byte, error)
	save(holds string, data []byte, lasts time.Duration) error
	// renew replaces what is there and makes nothing: what was forgotten
	// meanwhile stays forgotten.
	renew(holds string, data []byte, lasts time.Duration) error
	forget(holds string) error
	// erase removes data and nothing that was saved since it was read.
	erase(holds string, data []byte) error
}

// spot is a place with its name, and what was in the way the last time.
type spot struct {
	name string
	place
	mu  sync.Mutex
	why string
}

func (s *spot) remember(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.why = ""
	if err != nil {
		s.why = err.Error()
	}
}

func (s *spot) inTheWay() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why
}

// New lists the places of this system. It touches none of them.
func New(o Options) *Rest {
	if o.Boot == nil {
		o.Boot = sinceBoot
	}
	seal, identity := places(o)
	return &Rest{o: o, seal: seal, identity: identity}
}

// Load gives the seal key, 32 raw bytes. It is ErrNone when no place has one
// that still holds; one that has ended or was locked is removed.
func (r *Rest) Load() (cred.Secret, error) {
	at, err := r.stampNow()
	if err != nil {
		return cred.Secret{}, ErrNone
	}
	for _, s := range r.seal {
		if rec, ok := r.read(s, holdsSeal, at); ok {
			return rec.secret, nil
		}
	}
	return cred.Secret{}, ErrNone
}

// Save lets the seal key rest in the first place that takes it, and gives that
// place's name. It lasts 12 hours, or as long as the identity that LoadIdentity
// gave. Otherwise it is *NoPlaceError, also when the store was locked since
// this Rest was first used.
func (r *Rest) Save(key cred.Secret) (string, error) {
	now := r.now()
	end := now.add(life)
	if from := r.from(); !from.rec.secret.IsZero() {
		end = from.rec.hard
	}
	return r.put(r.seal, holdsSeal, record{secret: key, hard: end, idle: end}, now)
}

// LoadIdentity gives the vault's identity and lets it rest for another ten
// minutes, up to 12 hours after it was saved. Otherwise it is ErrNone.
func (r *Rest) LoadIdentity() (cred.Secret, error) {
	at, err := r.stampNow()
	if err != nil {
		return cred.Secret{}, ErrNone
	}
	for _, s := range r.identity {
		rec, ok := r.read(s, holdsIdentity, at)
		if !ok {
			continue
		}
		now := r.now()
		rec.idle = now.add(idle).earlier(rec.hard)
		// One that cannot be renewed ends sooner, and is good until then.
		_ = s.renew(holdsIdentity, rec.encode(), rec.left(now))
		r.mu.Lock()
		defer r.mu.Unlock()
		r.loaded = loaded{rec: rec, at: s}
		return rec.secret, nil
	}
	return cred.Secret{}, ErrNone
}

// SaveIdentity lets the identity rest where only processes of this login can
// reach it: in a session keyring that is a real one, not the fallback that all
// processes of the user share. Otherwise it is *NoPlaceError. One that
// LoadIdentity gave rests there already and keeps its hard end: only a person
// starts new hours.
func (r *Rest) SaveIdentity(identity cred.Secret) (string, error) {
	now := r.now()
	hard := now.add(life)
	if from := r.from(); !identity.IsZero() && from.rec.secret.Equal(identity) {
		if from.at != nil {
			return from.at.name, nil
		}
		hard = from.rec.hard
	}
	rec := record{secret: identity, hard: hard, idle: now.add(idle).earlier(hard)}
	return r.put(r.identity, holdsIdentity, rec, now)
}

func (r *Rest) from() loaded {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.loaded
}

// Forget locks: with a new stamp everything that rests anywhere is refused from
// now on, in other logins too. Then it removes both from every place, also from
// those that would not be used now. A place that cannot be reached is no error:
// nothing is read from there either. What this run saves later rests again.
func (r *Rest) Forget() error {
	var failed []error
	if err := r.renewStamp(); err != nil {
		failed = append(failed, fmt.Errorf("the lock is only partial, and what rests in other logins still opens: %w", err))
	}
	r.mu.Lock()
	r.loaded.at = nil
	r.mu.Unlock()
	for _, s := range r.seal {
		for _, holds := range []string{holdsSeal, holdsIdentity} {
			if err := s.forget(holds); err != nil {
				failed = append(failed, errors.New("the "+holds+" stays in the "+s.name+": "+err.Error()))
			}
		}
	}
	return errors.Join(failed...)
}

// Places looks into every place without changing anything. A place that holds
// both keys is there twice.
func (r *Rest) Places() []Place {
	var all []Place
	for _, s := range r.seal {
		held, why := r.look(s)
		if len(held) == 0 {
			held = []Place{{Name: s.name, Why: why}}
		}
		all = append(all, held...)
	}
	return all
}

func (r *Rest) look(s *spot) (held []Place, why string) {
	why = s.inTheWay()
	if f, ok := s.place.(file); ok && why == "" {
		if err := f.lasts(); err != nil {
			why = err.Error()
		}
	}
	at, err := r.stampNow()
	if err != nil {
		return nil, err.Error()
	}
	for _, holds := range []string{holdsSeal, holdsIdentity} {
		data, err := s.load(holds)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			why = err.Error()
			continue
		}
		if rec, ok := decode(data); ok && rec.stamp == at && !rec.ended(r.now()) {
			held = append(held, Place{Name: s.name, Holds: holds, Until: rec.until()})
		}
	}
	return held, why
}

// read gives what rests in s and still holds. What does not is removed, except
// what a newer fob has put there.
func (r *Rest) read(s *spot, holds string, at stamp) (record, bool) {
	data, err := s.load(holds)
	defer clear(data)
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, false
	}
	if err != nil {
		s.remember(err)
		return record{}, false
	}
	rec, ok := decode(data)
	if ok && rec.stamp != at {
		// It may be younger than the stamp, and is not younger than this one.
		if at, err = r.stampNow(); err != nil {
			return record{}, false
		}
	}
	if ok && rec.stamp == at && !rec.ended(r.now()) {
		return rec, true
	}
	if !newer(data) {
		_ = s.erase(holds, data)
	}
	return record{}, false
}

// put saves a record under the stamp of this run, in the first of the places
// that takes it. A lock that comes meanwhile makes it stale, and it is removed.
func (r *Rest) put(spots []*spot, holds string, rec record, now moment) (string, error) {
	var err error
	if rec.stamp, err = r.sameStamp(); err == nil && rec.ended(now) {
		err = errors.New("its time has ended")
	}
	if err != nil {
		return "", refuse(spots, holds, err)
	}
	data := rec.encode()
	defer clear(data)
	place, err := save(spots, holds, data, rec.left(now))
	if err != nil {
		return "", err
	}
	if _, err := r.sameStamp(); err != nil {
		_ = place.erase(holds, data)
		return "", refuse([]*spot{place}, holds, err)
	}
	return place.name, nil
}

func refuse(spots []*spot, holds string, why error) error {
	refused := &NoPlaceError{Holds: holds}
	for _, s := range spots {
		refused.Places = append(refused.Places, Place{Name: s.name, Why: why.Error()})
	}
	return refused
}

func save(spots []*spot, holds string, data []byte, lasts time.Duration) (*spot, error) {
	refused := &NoPlaceError{Holds: holds}
	for i, s := range spots {
		err := s.save(holds, data, lasts)
		s.remember(err)
		if err == nil {
			for _, before := range spots[:i] {
				// An older key there would be found first.
				_ = before.forget(holds)
			}
			return s, nil
		}
		refused.Places = append(refused.Places, Place{Name: s.name, Why: err.Error()})
	}
	return nil, refused
}

func (r *Rest) now() moment {
	return moment{wall: r.o.Now().UnixNano(), boot: int64(r.o.Boot())}
}
