package sealkey

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
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

// A file that replaces another between reading and emptying is not touched: the
// key saved while others remove an ended one is there afterwards.
func TestRemovalRacesWithSave(t *testing.T) {
	t.Parallel()
	r := files(t, mkdir(t, 0o700), "/nonexistent/fob")
	ended := files(t, r.o.RuntimeDir, "/nonexistent/fob")
	ended.o.DataDir, ended.seal = r.o.DataDir, r.seal
	ended.o.Now = func() time.Time { return time.Now().Add(-life) }
	for i := range 100 {
		if _, err := ended.Save(cred.NewSecret("CANARY ended")); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { _, _ = r.Load() })
		}
		_, err := r.Save(cred.NewSecret(canary))
		wg.Wait()
		if got, lost := r.Load(); err != nil || lost != nil || got.Reveal() != canary {
			t.Fatalf("round %d: %v, %v", i, err, lost)
		}
	}
}
