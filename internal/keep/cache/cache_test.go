package cache

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fob/internal/cred"
	"fob/internal/keep/lock"
)

const sealText = "CANARY-seal-key-of-32-bytes-long"

var (
	seal  = cred.NewSecret(sealText)
	start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

func session(name string) Entry {
	return Entry{
		Name:    name,
		Session: cred.Session{ID: "ASIACANARY", Secret: cred.NewSecret("CANARY-SECRET"), Token: cred.NewSecret("CANARY-SESSION"), Expires: start.Add(time.Hour)},
		Made:    start.Add(7),
		Kind:    "AssumeRole",
		Owner:   "CANARY-profile",
		Detail:  "arn:aws:iam::345678901234:role/CANARY",
		Renews:  true,
		KeyID:   "AKIACANARY",
	}
}

// stored gives a cache and the entry in it.
func stored(t *testing.T) (*Cache, Entry) {
	t.Helper()
	c := New(home(t), seal)
	e := session(c.NameOf("AssumeRole", t.Name()))
	must(t, c.Store(e))
	return c, e
}

// home is a data directory that nobody has made yet; a test's own directory is
// open to others, and refused.
func home(t testing.TB) string { return filepath.Join(t.TempDir(), "share", "fob") }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantMissing(t *testing.T, c *Cache, name string) {
	t.Helper()
	if got, err := c.Load(name); !errors.Is(err, ErrNotFound) || !cmp.Equal(got, Entry{}) {
		t.Errorf("got %+v, %v; want %v", got, err, ErrNotFound)
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	c := New(home(t), seal)
	full := session(c.NameOf("a"))
	least := Entry{Name: c.NameOf("b"), Session: cred.Session{Expires: start}}
	large := session(c.NameOf("c"))
	large.Session.Token = cred.NewSecret(strings.Repeat("CANARY", 10000))
	zoned := session(c.NameOf("d"))
	zoned.Made = start.In(time.FixedZone("here", 3600))
	for _, e := range []Entry{full, least, large, zoned} {
		must(t, c.Store(e))
		got, err := c.Load(e.Name)
		must(t, err)
		e.Made = e.Made.UTC()
		if diff := cmp.Diff(e, got); diff != "" {
			t.Error(diff)
		}
	}
	all, err := c.Entries()
	must(t, err)
	if len(all) != 4 {
		t.Errorf("%d entries, want 4", len(all))
	}
	must(t, c.Delete(full.Name))
	must(t, c.Delete(full.Name))
	wantMissing(t, c, full.Name)
	wantModes(t, c)
}

func wantModes(t *testing.T, c *Cache) {
	t.Helper()
	must(t, filepath.WalkDir(c.dataDir, func(path string, d fs.DirEntry, err error) error {
		must(t, err)
		info, err := d.Info()
		must(t, err)
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %v", path, info.Mode())
		}
		return nil
	}))
}

func TestNothingThere(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "absent")
	c := New(dir, seal)
	wantMissing(t, c, c.NameOf("x"))
	if _, err := c.Index(); !errors.Is(err, ErrNotFound) {
		t.Errorf("index: %v", err)
	}
	all, err := c.Entries()
	n, err2 := c.Clear(nil)
	m, err3 := c.Sweep(start)
	names, err4 := c.Names()
	if err := errors.Join(err, err2, err3, err4, c.Delete("x")); err != nil || len(all)+n+m+len(names) > 0 {
		t.Errorf("%v, %d, %d, %v, %v", all, n, m, names, err)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading made the directory: %v", err)
	}
}

// The names and the file were computed apart, with Python's hmac and
// cryptography. A change of the format needs a new version, and then this file
// must stop opening; a field more at the end is no such change.
func TestFormat(t *testing.T) {
	t.Parallel()
	c := New(home(t), seal)
	const name = "eef3ffb60898804ec05e8debfcc2f7e336ef86de394a1c6dd8c0644b0b564179"
	if got := c.NameOf("AssumeRole", "arn:aws:iam::345678901234:role/x", ""); got != name {
		t.Errorf("got %s, want %s", got, name)
	}
	file, err := os.ReadFile("testdata/entry-v1.sealed")
	must(t, err)
	must(t, lock.MakeDir(c.dir()))
	must(t, os.WriteFile(c.path(name), file, 0o600))
	got, err := c.Load(name)
	must(t, err)
	want := Entry{
		Name:    name,
		Session: cred.Session{ID: "ASIAEXAMPLE", Secret: cred.NewSecret("CANARY-SECRET"), Token: cred.NewSecret("CANARY-SESSION"), Expires: start.Add(time.Hour)},
		Made:    start.Add(7),
		Kind:    "AssumeRole",
		Owner:   "dev",
		Detail:  "arn:aws:iam::345678901234:role/x",
		Renews:  true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Every single bit, every length, every other place: the file does not open,
// and it is not touched.
func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	c, e := stored(t)
	path := c.path(e.Name)
	good, err := os.ReadFile(path)
	must(t, err)
	try := func(what string, text []byte) {
		must(t, os.WriteFile(path, text, 0o600))
		if _, err := c.Load(e.Name); !errors.Is(err, ErrNotFound) {
			t.Fatalf("%s: %v", what, err)
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, text) {
			t.Fatalf("%s: the file was touched: %v", what, err)
		}
	}
	for bit := range 8 * len(good) {
		bad := slices.Clone(good)
		bad[bit/8] ^= 1 << (bit % 8)
		try(fmt.Sprintf("bit %d", bit), bad)
	}
	for n := range good {
		try(fmt.Sprintf("%d bytes", n), good[:n])
	}
	try("longer", append(slices.Clone(good), 0))
	try("zeros", make([]byte, len(good)))

	must(t, os.WriteFile(path, good, 0o600))
	other := c.NameOf("other")
	must(t, os.Rename(path, c.path(other)))
	wantMissing(t, c, other)
	must(t, os.Rename(c.path(other), path))
	wantMissing(t, New(c.dataDir, cred.NewSecret("CANARY of another epoch")), e.Name)
	wantMissing(t, New(c.dataDir, cred.Secret{}), e.Name)
	if _, err := c.Load(e.Name); err != nil {
		t.Errorf("the file does not open any more: %v", err)
	}
}

// A content that opens and names another entry, which no writer of ours makes.
func TestOtherNameInside(t *testing.T) {
	t.Parallel()
	c, e := stored(t)
	liar := e
	liar.Name = c.NameOf("other")
	must(t, os.WriteFile(c.path(e.Name), c.seal.seal(entryMagic, e.Name, encodeEntry(liar)), 0o600))
	wantMissing(t, c, e.Name)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	c, e := stored(t)
	endless := e
	endless.Session.Expires = time.Time{}
	huge := e
	huge.Session.Token = cred.NewSecret(strings.Repeat("CANARY", maxEntry/5))
	noKey := New(home(t), cred.Secret{})
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"session without an end", c.Store(endless), "a session without an end is not cached"},
		{"too large", c.Store(huge), "is not cached"},
		{"no seal key", noKey.Store(e), "there is no seal key to cache a session with"},
		{"no seal key for an index", noKey.Update(t.Context(), time.Now, nil), "there is no seal key to keep an index with"},
	}
	for _, name := range []string{"", ".", "..", "../index", "a/b", `a\b`, "a.b", "x\x00", strings.Repeat("a", 129), "é"} {
		_, loaded := c.Load(name)
		tests = append(tests, []struct {
			name string
			err  error
			want string
		}{
			{"load " + name, loaded, "is not the name of a cache entry"},
			{"store " + name, c.Store(Entry{Name: name, Session: e.Session}), "is not the name of a cache entry"},
			{"delete " + name, c.Delete(name), "is not the name of a cache entry"},
		}...)
	}
	for _, tt := range tests {
		if tt.err == nil || !strings.Contains(tt.err.Error(), tt.want) || strings.Contains(tt.err.Error(), "CANARY") {
			t.Errorf("%q: got %v, want %q", tt.name, tt.err, tt.want)
		}
	}
}

// What is not a private file of ours is neither opened nor taken for a miss,
// and a link is not followed.
func TestUnsafeFiles(t *testing.T) {
	t.Parallel()
	c, e := stored(t)
	victim := filepath.Join(t.TempDir(), "victim")
	must(t, os.WriteFile(victim, []byte("keep"), 0o600))
	linked, open := c.NameOf("linked"), c.NameOf("open")
	must(t, os.Symlink(victim, c.path(linked)))
	must(t, os.WriteFile(c.path(open), nil, 0o644))
	for _, name := range []string{linked, open} {
		unsafe := (*lock.UnsafeError)(nil)
		if _, err := c.Load(name); !errors.As(err, &unsafe) {
			t.Errorf("load: %v", err)
		}
		if err := c.Store(session(name)); !errors.As(err, &unsafe) {
			t.Errorf("store: %v", err)
		}
	}
	if n, err := c.Sweep(start); n != 2 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	if text, err := os.ReadFile(victim); err != nil || string(text) != "keep" {
		t.Errorf("the link was followed: %q, %v", text, err)
	}
	if _, err := c.Load(e.Name); err != nil {
		t.Error(err)
	}
	must(t, os.Chmod(c.dir(), 0o755))
	if unsafe := (*lock.UnsafeError)(nil); !errors.As(c.Store(e), &unsafe) {
		t.Error("stored in a directory that others may enter")
	}
}

func TestSweepAndClear(t *testing.T) {
	t.Parallel()
	c := New(home(t), seal)
	put := func(owner string, ends time.Duration) string {
		e := session(c.NameOf(owner))
		e.Owner, e.Session.Expires = owner, start.Add(ends)
		must(t, c.Store(e))
		return owner
	}
	owners := func() []string {
		all, err := c.Entries()
		must(t, err)
		var names []string
		for _, e := range all {
			names = append(names, e.Owner)
		}
		slices.Sort(names)
		return names
	}
	put("old", -time.Hour-1)
	put("ended", -time.Hour)
	put("dev", time.Hour)
	put("prod", time.Hour)
	must(t, os.WriteFile(c.path(c.NameOf("damaged")), []byte("damaged"), 0o600))
	must(t, os.WriteFile(filepath.Join(c.dir(), ".x.0123456789abcdef.tmp"), nil, 0o600))
	must(t, os.WriteFile(filepath.Join(c.dir(), "foreign.txt"), nil, 0o600))

	if n, err := New(c.dataDir, cred.Secret{}).Sweep(start); n != 0 || err != nil {
		t.Errorf("without a seal key: swept %d, %v", n, err)
	}
	if n, err := c.Clear(func(e Entry) bool { return e.Owner == "prod" }); n != 1 || err != nil {
		t.Errorf("cleared %d, %v", n, err)
	}
	if n, err := c.Sweep(start); n != 2 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	if diff := cmp.Diff([]string{"dev", "ended"}, owners()); diff != "" {
		t.Error(diff)
	}
	must(t, os.WriteFile(c.path(c.NameOf("damaged")), []byte("damaged"), 0o600))
	if n, err := c.Clear(nil); n != 3 || err != nil {
		t.Errorf("cleared %d, %v", n, err)
	}
	left, err := os.ReadDir(c.dir())
	must(t, err)
	if len(left) != 1 || left[0].Name() != "foreign.txt" {
		t.Errorf("left: %v", left)
	}
}

func TestFiftyStores(t *testing.T) {
	t.Parallel()
	c := New(home(t), seal)
	name := c.NameOf("one")
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			e := session(name)
			e.Owner = fmt.Sprint("owner", i)
			err := c.Store(e)
			got, err2 := c.Load(name)
			if err := errors.Join(err, err2); err != nil || !strings.HasPrefix(got.Owner, "owner") {
				t.Errorf("%q, %v", got.Owner, err)
			}
		})
	}
	wg.Wait()
}
