package cli

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/cryptotest"

	"github.com/google/go-cmp/cmp"
)

// tour has every command that writes, reads or removes what is kept.
const tour = `exec 2>/dev/null; fob exec r -- true; fob add other --env; fob remove -f other; fob sdk-config; fob clear
fob lock; fob unlock; fob lock --forget; fob exec r -- true; exit 0`

// TestPlantedLinks: a link of another user, at any name that is used, leads
// nowhere. The file that it leads to, which the user of the program may write,
// stays as it is, and one that is not there is not made.
func TestPlantedLinks(t *testing.T) {
	t.Parallel()
	needRoot(t, "to plant another user's links")
	first := newHouse(t)
	first.store()
	lived := newHouse(t)
	lived.storeOf(first)
	lived.write(strings.ReplaceAll(oddConfig, "URL", lived.aws.URL), ".aws", "config")
	lived.asNobody()
	lived.env["AWS_ACCESS_KEY_ID"], lived.env["AWS_SECRET_ACCESS_KEY"] = otherKey, otherSecret
	lived.sh(tour)
	places := used(lived)
	for _, want := range []string{"vault.age", "vault.age.prev", "vault.lock", "seen", "index", "index.lock", "epoch", "stamp", "cache", "cache/*", "locks", "locks/*", "slots", "slots/*", "fob", "fob/*"} {
		if !strings.Contains(strings.Join(places, "\n")+"\n", "/"+want+"\n") {
			t.Errorf("the tour does not come by %s: %q", want, places)
		}
	}
	for _, place := range places {
		for _, there := range []bool{true, false} {
			t.Run(strings.NewReplacer("/", " ").Replace(place), func(t *testing.T) {
				t.Parallel()
				h := lived.copied(t)
				h.plant(place, there)
				before := h.victims()
				h.sh(tour)
				if diff := cmp.Diff(before, h.victims()); diff != "" {
					t.Errorf("followed (-before +after)\n%s", diff)
				}
			})
		}
	}
}

// The same check must complain of a program that goes by the name.
func TestPlantedLinksNaive(t *testing.T) {
	t.Parallel()
	needRoot(t, "to plant another user's links")
	h := newHouse(t)
	h.store()
	h.asNobody()
	h.plant(".local/share/fob/vault.age", true)
	before := h.victims()
	h.sh("naive add; exit 0")
	if cmp.Equal(before, h.victims()) {
		t.Error("a program that follows links went unnoticed")
	}
}

// copied is the same house once more, but for its AWS.
func (h *house) copied(t *testing.T) *house {
	t.Helper()
	c := &house{t: t, home: t.TempDir(), aws: h.aws, env: maps.Clone(h.env)}
	c.env["HOME"], c.env["XDG_RUNTIME_DIR"] = c.home, c.path("run")
	c.must(exec.CommandContext(t.Context(), "cp", "-a", h.home+"/.", c.home).Run())
	c.asNobody()
	return c
}

// used are the names that the program uses below HOME: those of a fixed text,
// and DIR/* for those of a directory whose texts are hashes.
func used(h *house) (places []string) {
	seen := map[string]bool{}
	for _, top := range []string{h.data(), h.path("run", "fob")} {
		h.must(filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			place, _ := filepath.Rel(h.home, path)
			if dir := filepath.Dir(place); dir != ".local/share/fob" && dir != ".local/share" && dir != "run" {
				place = filepath.Join(dir, "*")
			}
			if !seen[place] {
				seen[place] = true
				places = append(places, place)
			}
			return err
		}))
	}
	return places
}

// plant puts another user's links in place of what is there.
func (h *house) plant(place string, there bool) {
	h.t.Helper()
	found, err := filepath.Glob(h.path(place))
	if err != nil || len(found) == 0 {
		h.t.Fatal("nothing at", place, err)
	}
	h.must(os.Mkdir(h.path("victims"), 0o700))
	for i, path := range found {
		victim := h.path("victims", string(rune('a'+i)))
		info, err := os.Stat(path)
		h.must(err)
		switch {
		case there && info.IsDir(): // with all that was in it
			h.must(os.Rename(path, victim))
		case there:
			text, err := os.ReadFile(path)
			h.must(errors.Join(err, os.WriteFile(victim, text, 0o600), os.Remove(path)))
		default:
			h.must(os.RemoveAll(path))
		}
		h.must(os.Symlink(victim, path))
		h.own()
		h.must(os.Lchown(path, stranger, stranger))
	}
}

// victims are the files that the links lead to, with what is in them and when
// they were last changed.
func (h *house) victims() map[string]string {
	found := map[string]string{}
	h.must(filepath.WalkDir(h.path("victims"), func(path string, d fs.DirEntry, err error) error {
		h.must(err)
		info, err := d.Info()
		h.must(err)
		found[path] = info.Mode().String() + info.ModTime().String()
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(path)
			found[path] += fmt.Sprintf("%x", sha256.Sum256(text))
			return err
		}
		return err
	}))
	return found
}

// Somebody who knew the name of the next sign-in file plants a link there: the
// sign-in link is written nowhere. Not parallel: the chance is the whole
// program's.
func TestPlantedSignin(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	cryptotest.SetGlobalRandom(t, 1)
	planted := filepath.Join(dir, signinPrefix+rand.Text())
	cryptotest.SetGlobalRandom(t, 1) // the same name once more
	if err := os.Symlink(outside, planted); err != nil {
		t.Fatal(err)
	}
	_, remove, err := writeSignin(dir, "CANARY")
	defer remove()
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v, want %v", err, fs.ErrExist)
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("written outside: %v, %v", left, err)
	}
}
