package sealkey

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fob/internal/cred"
)

// Whatever of the place differs where somebody locks, all is shut here.
func TestLockFromElsewhere(t *testing.T) {
	t.Parallel()
	session := ownSession(t)
	for _, name := range []string{"other session", "other runtime directory", "other spelling"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			data, runtime := m.data, m.runtime
			switch name {
			case "other runtime directory":
				runtime = mkdir(t, 0o700)
			case "other spelling":
				data = filepath.Join(t.TempDir(), "link")
				if err := os.Symlink(m.data, data); err != nil {
					t.Fatal(err)
				}
			}
			lock := "elsewhere " + data + " " + runtime
			want(t, m.run(t, session, "save", "save-identity", lock, "places", "limits", "load", "load-identity", "limits", "new", "save", "load"),
				"save: session keyring",
				"save-identity: session keyring",
				lock+": forget: done",
				"places: ",
				"limits: seal 3f000000 12h, identity 3f000000 10m",
				"load: no key is at rest",
				"load-identity: no key is at rest",
				"limits: ",
				"save: session keyring",
				"load: true",
			)
		})
	}
}

// A run that began before the lock lets nothing rest after it.
func TestRunUnderWayInSession(t *testing.T) {
	t.Parallel()
	session, m := ownSession(t), newMachine(t)
	lock := "elsewhere " + m.data + " " + m.runtime
	want(t, m.run(t, session, "load", lock, "save-identity", "limits", "new", "save-identity", "load-identity"),
		"load: no key is at rest",
		lock+": forget: done",
		"save-identity: no place for the identity: session keyring: the store was locked meanwhile",
		"limits: ",
		"save-identity: session keyring",
		"load-identity: true",
	)
}

// erase takes away what was read and nothing that was saved since.
func TestEraseSparesFreshKey(t *testing.T) {
	t.Parallel()
	dir := mkdir(t, 0o700)
	places := map[string]place{"file": file{parent: dir, check: func(string) error { return nil }, dir: filepath.Join(dir, "fob"), home: "x"}}
	if k := userKeyring(homeHash(dir)); k.save(holdsSeal, []byte("CANARY"), time.Minute) == nil {
		places["user keyring"] = k
		t.Cleanup(func() { _ = k.forget(holdsSeal) })
	}
	for name, p := range places {
		save := func(text string) {
			if err := p.save(holdsSeal, []byte(text), time.Minute); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		wantHeld := func(text string) {
			t.Helper()
			got, err := p.load(holdsSeal)
			if string(got) != text || (text == "") != errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: holds %q, %v; want %q", name, got, err, text)
			}
		}
		save("CANARY old")
		save("CANARY new")
		if err := p.erase(holdsSeal, []byte("CANARY old")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		wantHeld("CANARY new")
		if err := p.erase(holdsSeal, []byte("CANARY new")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		wantHeld("")
		save("CANARY next")
		wantHeld("CANARY next")
	}
}

// between is a place in which something happens after it was read.
type between struct {
	place
	happens func()
}

func (b between) load(holds string) ([]byte, error) {
	data, err := b.place.load(holds)
	b.happens()
	return data, err
}

// The key that is saved while another run finds an ended one stays.
func TestRemovalSparesSave(t *testing.T) {
	t.Parallel()
	r := files(t, mkdir(t, 0o700), "/nonexistent/fob")
	spots := map[string]*spot{"file": r.seal[0]}
	if k := userKeyring(homeHash(r.o.DataDir)); k.save(holdsSeal, []byte("CANARY"), time.Minute) == nil {
		spots["user keyring"] = &spot{name: "user keyring", place: k}
		t.Cleanup(func() { _ = k.forget(holdsSeal) })
	}
	for name, s := range spots {
		run := func(now time.Time, p place) *Rest {
			o := r.o
			o.Now = func() time.Time { return now }
			return &Rest{o: o, seal: []*spot{{name: name, place: p}}}
		}
		save := func(now time.Time) {
			if _, err := run(now, s.place).Save(cred.NewSecret(canary)); err != nil {
				t.Fatal(err)
			}
		}
		save(start.Add(-life))
		_, err := run(start, between{s.place, func() { save(start) }}).Load()
		if !errors.Is(err, ErrNone) {
			t.Errorf("%s: the ended key opens: %v", name, err)
		}
		if got, err := run(start, s.place).Load(); err != nil || got.Reveal() != canary {
			t.Errorf("%s: the fresh key is gone: %v", name, err)
		}
	}
}

// A key's number stands for one content, so that a removal by number cannot hit
// what was saved since.
func TestSaveMakesNewKey(t *testing.T) {
	t.Parallel()
	k := userKeyring(homeHash(t.TempDir()))
	if err := k.save(holdsSeal, []byte("CANARY one"), time.Minute); err != nil {
		t.Skipf("needs keyrings: %v", err)
	}
	t.Cleanup(func() { _ = k.forget(holdsSeal) })
	one, err := k.find(holdsSeal)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.save(holdsSeal, []byte("CANARY two"), time.Minute); err != nil {
		t.Fatal(err)
	}
	if two, err := k.find(holdsSeal); err != nil || two == one {
		t.Errorf("key %d is filled anew, %v", one, err)
	}
}
