package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"fob/internal/cred"
	"fob/internal/keep/store"
)

// byText compares secrets, which hide from cmp.
var byText = cmp.Comparer(func(a, b cred.Secret) bool { return a.Equal(b) })

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func at() time.Time { return noon }

// home is one data directory with a vault in it.
type home struct {
	dir      string
	identity cred.Secret
	asked    *int
}

func newHome(t *testing.T) home {
	t.Helper()
	id, err := store.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	h := home{dir: filepath.Join(t.TempDir(), "fob"), identity: id, asked: new(int)}
	if err := store.Create(t.Context(), h.dir, id, at, store.Version("1.0")); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h home) open(o ...store.Option) *store.Vault {
	return store.Open(h.dir, func(context.Context) (cred.Secret, error) {
		*h.asked++
		return h.identity, nil
	}, at, append([]store.Option{store.Version("1.0")}, o...)...)
}

func (h home) file(name string) string { return filepath.Join(h.dir, name) }

func (h home) put(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := h.open().Put(t.Context(), record(name)); err != nil {
			t.Fatalf("Put %q: %v", name, err)
		}
	}
}

func (h home) names(t *testing.T) []string {
	t.Helper()
	records, err := h.open().Records(t.Context())
	if err != nil {
		t.Fatalf("Records: %v", err)
	}
	names := []string{}
	for _, r := range records {
		names = append(names, r.Name)
	}
	return names
}

func record(name string) store.Record {
	return store.Record{
		Name:    name,
		Key:     cred.AccessKey{ID: "AKIACANARY0000000000", Secret: cred.NewSecret("CANARY/wJalrXUtnFEMI+" + fmt.Sprint(len(name)))},
		Created: noon.Add(-time.Hour),
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestNoVault(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "not", "there")
	v := store.Open(dir, func(context.Context) (cred.Secret, error) {
		t.Error("asked for the identity of a vault that is not there")
		return cred.Secret{}, nil
	}, at)
	if there, err := v.Exists(); there || err != nil {
		t.Errorf("Exists = %v, %v", there, err)
	}
	_, list := v.Records(t.Context())
	_, one := v.Record(t.Context(), "a")
	_, sum := v.Sum()
	for name, err := range map[string]error{
		"Records": list, "Record": one, "Sum": sum,
		"Put": v.Put(t.Context(), record("a")), "Delete": v.Delete(t.Context(), "a"),
	} {
		if !errors.Is(err, store.ErrNoVault) {
			t.Errorf("%s = %v, want ErrNoVault", name, err)
		}
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("looking made the directory (%v)", err)
	}
}

func TestPutAndDelete(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	if diff := cmp.Diff([]string{}, h.names(t)); diff != "" {
		t.Fatal(diff)
	}
	h.put(t, "b", "a", "c")
	changed := record("a")
	changed.Key.ID = "AKIACANARY1111111111"
	if err := h.open().Put(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	if err := h.open().Delete(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	got, err := h.open().Records(t.Context())
	if diff := cmp.Diff([]store.Record{changed, record("c")}, got, byText); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	one, err := h.open().Record(t.Context(), "a")
	if diff := cmp.Diff(changed, one, byText); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	_, err = h.open().Record(t.Context(), "b")
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Record of what was deleted = %v", err)
	}
	before := read(t, h.file("vault.age"))
	if err := h.open().Delete(t.Context(), "b"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Delete of what is not there = %v", err)
	}
	if !bytes.Equal(before, read(t, h.file("vault.age"))) {
		t.Error("a change that was refused wrote the vault")
	}
}

// What was removed is in neither file: putting the copy back is the vault
// without it, and a removal that is cut off between the two is done by asking
// once more.
func TestDeletedIsInNoCopy(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.put(t, "a", "b")
	before := read(t, h.file("vault.age"))
	if err := h.open().Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	copied := read(t, h.file("vault.age.prev"))
	if !bytes.Equal(copied, read(t, h.file("vault.age"))) {
		t.Error("the copy before is not a copy of the vault without the record")
	}
	write(t, h.file("vault.age"), copied)
	if diff := cmp.Diff([]string{"b"}, h.names(t)); diff != "" {
		t.Errorf("the copy put back (-want +got)\n%s", diff)
	}

	write(t, h.file("vault.age"), before)
	if err := os.Remove(h.file("seen")); err != nil {
		t.Fatal(err)
	}
	if err := h.open().Delete(t.Context(), "a"); err != nil {
		t.Errorf("Delete once more = %v", err)
	}
	for _, name := range []string{"vault.age", "vault.age.prev"} {
		write(t, h.file("vault.age"), read(t, h.file(name)))
		if diff := cmp.Diff([]string{"b"}, h.names(t)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
	// The next change keeps the copy before it again.
	h.put(t, "c")
	if bytes.Equal(read(t, h.file("vault.age.prev")), read(t, h.file("vault.age"))) {
		t.Error("the copy before is the vault itself after a record was put")
	}
}

// Names are text inside the document: none of them is a path.
func TestNames(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	names := []string{
		"../../x", "/etc/passwd", "vault.age", "a\nb", "a\x00b", " ", "\u00e9", "e\u0301", "日本語", "🗝", "con", `C:\x`, `"`, `\`, "<&>\u2028", "\ufeff",
		strings.Repeat("n", 4096), strings.Repeat("é", 2048),
	}
	h.put(t, names...)
	if diff := cmp.Diff(names, h.names(t)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	entries, err := os.ReadDir(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if diff := cmp.Diff([]string{"seen", "vault.age", "vault.age.prev", "vault.lock"}, got); diff != "" {
		t.Errorf("files (-want +got)\n%s", diff)
	}
}

func TestPutRefuses(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	for name, r := range map[string]store.Record{
		"no name":            record(""),
		"long name":          record(strings.Repeat("n", 4097)),
		"name not UTF-8":     record("a\xff"),
		"no key":             {Name: "a"},
		"no secret":          {Name: "a", Key: cred.AccessKey{ID: "AKIA"}},
		"secret not UTF-8":   {Name: "a", Key: cred.AccessKey{ID: "AKIA", Secret: cred.NewSecret("CANARY\xff")}},
		"year out of bounds": {Name: "a", Key: record("a").Key, Created: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if err := h.open().Put(t.Context(), r); err == nil || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%s: Put = %v", name, err)
		}
	}
	if *h.asked > 0 || len(h.names(t)) > 0 {
		t.Errorf("asked %d times, holds %d records", *h.asked, len(h.names(t)))
	}
}

func TestCreateTwice(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	before := read(t, h.file("vault.age"))
	if err := store.Create(t.Context(), h.dir, h.identity, at); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create over a vault = %v, want fs.ErrExist", err)
	}
	if !bytes.Equal(before, read(t, h.file("vault.age"))) {
		t.Error("Create changed the vault that was there")
	}
	for _, text := range []string{"", "CANARY", "AGE-SECRET-KEY-1CANARY"} {
		err := store.Create(t.Context(), filepath.Join(t.TempDir(), "fob"), cred.NewSecret(text), at)
		if err == nil || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("Create with no identity = %v", err)
		}
	}
}

// What rests tells nobody a name, a key, or to whom the vault is sealed.
func TestWhatRests(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.put(t, "CANARY-profile", "CANARY-other")
	files, err := os.ReadDir(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		data := read(t, h.file(f.Name()))
		if bytes.Contains(data, []byte("CANARY")) || bytes.Contains(data, []byte("age1")) || bytes.Contains(data, []byte("AKIA")) {
			t.Errorf("%s shows what it should not", f.Name())
		}
		if info.Mode().Perm() != 0o600 && filepath.Separator == '/' {
			t.Errorf("%s has mode %o", f.Name(), info.Mode().Perm())
		}
	}
}

// The same content is never the same bytes, not even in part.
func TestFreshKeys(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.put(t, "a")
	first := read(t, h.file("vault.age"))
	h.put(t, "a")
	second := read(t, h.file("vault.age"))
	for i := len("age-encryption.org/v1\n-> X25519 "); i+24 < len(first); i += 24 {
		if bytes.Contains(second, first[i:i+24]) {
			t.Errorf("the bytes at %d came again", i)
		}
	}
}

// A longer name changes the size of the file in steps of 4 KiB, if at all.
func TestPadding(t *testing.T) {
	t.Parallel()
	sizes := map[int64]bool{}
	base := newHome(t)
	for n := 1; n <= 200; n += 7 {
		base.put(t, strings.Repeat("p", n))
		info, err := os.Stat(base.file("vault.age"))
		if err != nil {
			t.Fatal(err)
		}
		sizes[info.Size()] = true
	}
	if len(sizes) < 2 {
		t.Fatalf("29 records came with %d sizes; the test is too small", len(sizes))
	}
	least := int64(1 << 62)
	for size := range sizes {
		least = min(least, size)
	}
	for size := range sizes {
		if (size-least)%4096 != 0 {
			t.Errorf("the sizes %d and %d differ by no multiple of 4096", least, size)
		}
	}
}

// What would be too large to read again is not written.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	big := record("big")
	big.Key.Secret = cred.NewSecret(strings.Repeat("CANARY+/", 1<<20))
	if err := h.open().Put(t.Context(), big); err == nil || !strings.Contains(err.Error(), "larger than 8 MiB") {
		t.Errorf("Put of 8 MiB = %v", err)
	}
	if got := h.names(t); len(got) > 0 {
		t.Errorf("the vault holds %q after a write that was refused", got)
	}
}

// Every way to hold a map in a vault is a map.
func TestModel(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		id, err := store.NewIdentity()
		if err != nil {
			rt.Fatal(err)
		}
		h := home{dir: filepath.Join(dir, fmt.Sprint(runs)), identity: id, asked: new(int)}
		if err := store.Create(t.Context(), h.dir, id, at); err != nil {
			rt.Fatal(err)
		}
		model := map[string]store.Record{}
		for range rapid.IntRange(0, 6).Draw(rt, "steps") {
			name := rapid.OneOf(rapid.SampledFrom([]string{"a", "b", "../x"}), rapid.StringN(1, 30, 4096)).Draw(rt, "name")
			if rapid.IntRange(0, 2).Draw(rt, "kind") == 0 {
				err := h.open().Delete(t.Context(), name)
				if _, ok := model[name]; ok != (err == nil) || err != nil && !errors.Is(err, store.ErrNotFound) {
					rt.Fatalf("Delete %q = %v", name, err)
				}
				delete(model, name)
				continue
			}
			r := store.Record{Name: name, Key: cred.AccessKey{
				ID:     rapid.StringMatching(`AKIA[A-Z2-7]{16}`).Draw(rt, "id"),
				Secret: cred.NewSecret(rapid.StringN(1, 40, 400).Draw(rt, "secret")),
			}}
			if rapid.Bool().Draw(rt, "dated") {
				r.Created = noon.Add(time.Duration(rapid.Int64Range(0, 1<<50).Draw(rt, "created")))
			}
			if err := h.open().Put(t.Context(), r); err != nil {
				rt.Fatalf("Put %q: %v", name, err)
			}
			model[name] = r
		}
		records, err := h.open().Records(t.Context())
		if err != nil {
			rt.Fatal(err)
		}
		got := map[string]store.Record{}
		for _, r := range records {
			got[r.Name] = r
		}
		if diff := cmp.Diff(model, got, byText); diff != "" || len(got) != len(records) {
			rt.Fatalf("%d records (-want +got)\n%s", len(records), diff)
		}
	})
}
