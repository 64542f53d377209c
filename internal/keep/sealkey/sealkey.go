// Package sealkey is where the seal key and the vault's identity rest between
// runs: kernel keyrings and files in memory, each for a bounded time. It also
// derives the seal key. It does not know what the two open, nor how the
// identity is unlocked.
package sealkey

import (
	"errors"
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
	holdsSeal     = "seal key"
	holdsIdentity = "identity"
)

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
// that still holds; one that has ended is removed.
func (r *Rest) Load() (cred.Secret, error) {
	for _, s := range r.seal {
		if rec, ok := r.read(s, holdsSeal); ok {
			return rec.secret, nil
		}
	}
	return cred.Secret{}, ErrNone
}

// Save lets the seal key rest for 12 hours in the first place that takes it,
// and gives that place's name. Otherwise it is *NoPlaceError.
func (r *Rest) Save(key cred.Secret) (string, error) {
	end := r.now().add(life)
	return save(r.seal, holdsSeal, record{secret: key, hard: end, idle: end}, life)
}

// LoadIdentity gives the vault's identity and lets it rest for another ten
// minutes, up to 12 hours after it was saved. Otherwise it is ErrNone.
func (r *Rest) LoadIdentity() (cred.Secret, error) {
	for _, s := range r.identity {
		rec, ok := r.read(s, holdsIdentity)
		if !ok {
			continue
		}
		now := r.now()
		rec.idle = now.add(idle).earlier(rec.hard)
		lasts := max(min(idle, time.Duration(rec.hard.wall-now.wall)), time.Second)
		// One that cannot be renewed ends sooner, and is good until then.
		_ = s.renew(holdsIdentity, rec.encode(), lasts)
		return rec.secret, nil
	}
	return cred.Secret{}, ErrNone
}

// SaveIdentity lets the identity rest where only processes of this login can
// reach it: in a session keyring that is a real one, not the fallback that all
// processes of the user share. Otherwise it is *NoPlaceError.
func (r *Rest) SaveIdentity(identity cred.Secret) (string, error) {
	now := r.now()
	rec := record{secret: identity, hard: now.add(life), idle: now.add(idle)}
	return save(r.identity, holdsIdentity, rec, idle)
}

// Forget removes both from every place, also from those that would not be used
// now. A place that cannot be reached is no error: nothing is read from there
// either.
func (r *Rest) Forget() error {
	var failed []error
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
	for _, holds := range []string{holdsSeal, holdsIdentity} {
		data, err := s.load(holds)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			why = err.Error()
			continue
		}
		if rec, ok := decode(data); ok && !rec.ended(r.now()) {
			held = append(held, Place{Name: s.name, Holds: holds, Until: rec.until()})
		}
	}
	return held, why
}

// read gives what rests in s and still holds.
func (r *Rest) read(s *spot, holds string) (record, bool) {
	data, err := s.load(holds)
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, false
	}
	if err != nil {
		s.remember(err)
		return record{}, false
	}
	rec, ok := decode(data)
	clear(data)
	if !ok || rec.ended(r.now()) {
		_ = s.forget(holds)
		return record{}, false
	}
	return rec, true
}

func save(spots []*spot, holds string, rec record, lasts time.Duration) (string, error) {
	data := rec.encode()
	defer clear(data)
	refused := &NoPlaceError{Holds: holds}
	for i, s := range spots {
		err := s.save(holds, data, lasts)
		s.remember(err)
		if err == nil {
			for _, before := range spots[:i] {
				// An older key there would be found first.
				_ = before.forget(holds)
			}
			return s.name, nil
		}
		refused.Places = append(refused.Places, Place{Name: s.name, Why: err.Error()})
	}
	return "", refused
}

func (r *Rest) now() moment {
	return moment{wall: r.o.Now().UnixNano(), boot: int64(r.o.Boot())}
}
