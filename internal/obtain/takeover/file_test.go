package takeover

import (
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fob/internal/cred"

	"github.com/google/go-cmp/cmp"
)

// testdata/awsvault was written by aws-vault: old by version 7.2.0 of
// 99designs, the others by version 7.13.5 of ByteNess. The passphrase of other is
// "CANARY other passphrase", that of nothing is empty.
const fixtures = "testdata/awsvault"

// fileWorld is a HOME with a copy of the fixtures where aws-vault has them.
func fileWorld(t *testing.T, variables map[string]string) (Env, string) {
	t.Helper()
	env := world(t, variables)
	dir := filepath.Join(env.Home, ".awsvault", "keys")
	if err := os.CopyFS(dir, os.DirFS(fixtures)); err != nil {
		t.Fatal(err)
	}
	return env, dir
}

const otherPassphrase = ": it does not open with that passphrase: it has another one, or is damaged"

func TestFileStore(t *testing.T) {
	t.Parallel()
	env, _ := fileWorld(t, map[string]string{"AWS_VAULT_FILE_PASSPHRASE": "CANARY passphrase"})
	s := newFileStore(env)
	l, err := s.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Listing{Names: []string{"nothing", "old", "other", "team/prod 50%", "work"}, Sessions: 1}, l); diff != "" {
		t.Errorf("look: -want +got:\n%s", diff)
	}
	h, err := s.Take(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := told{
		Keys: []string{
			"old AKIAFIXTURE000000006 CANARY0secret0of0the0fixture0old0000006 ~/.awsvault/keys/old",
			"team/prod 50% AKIAFIXTURE000000002 CANARY0secret0of0the0fixture0team0000002 ~/.awsvault/keys/team%2Fprod 50%25",
			"work AKIAFIXTURE000000001 CANARY0secret0of0the0fixture0work0000001 ~/.awsvault/keys/work",
		},
		Left:     []string{"nothing: ~/.awsvault/keys/nothing" + otherPassphrase, "other: ~/.awsvault/keys/other" + otherPassphrase},
		Sessions: 1,
	}
	if diff := cmp.Diff(want, tell(h)); diff != "" {
		t.Errorf("take: -want +got:\n%s", diff)
	}
}

// An empty passphrase is one for aws-vault, where its variable is set.
func TestFileStoreEmptyPassphrase(t *testing.T) {
	t.Parallel()
	env, _ := fileWorld(t, map[string]string{"AWS_VAULT_FILE_PASSPHRASE": ""})
	h, err := newFileStore(env).Take(t.Context(), func(name string) bool { return name == "nothing" })
	if got := tell(h).Keys; err != nil || len(got) != 1 || !strings.HasPrefix(got[0], "nothing AKIAFIXTURE000000004 ") {
		t.Errorf("%q, %v", got, err)
	}
}

func TestFileStoreAsks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		answers []string
		asked   int
		wrong   bool
	}{
		{"right at once", []string{"CANARY passphrase"}, 1, false},
		{"right in the end", []string{"a", "b", "CANARY other passphrase"}, 3, false},
		{"wrong", []string{"a", "b", "c", "CANARY passphrase"}, 3, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			env, _ := fileWorld(t, nil)
			asked := 0
			env.Ask = func(_ context.Context, question string) (cred.Secret, error) {
				if strings.HasPrefix(question, "Wrong. ") != (asked > 0) {
					t.Errorf("question %d is %q", asked+1, question)
				}
				asked++
				return cred.NewSecret(c.answers[asked-1]), nil
			}
			_, err := newFileStore(env).Take(t.Context(), nil)
			if wrong := (*WrongPassphraseError)(nil); asked != c.asked || errors.As(err, &wrong) != c.wrong || !c.wrong && err != nil {
				t.Errorf("asked %d times, %v", asked, err)
			}
		})
	}
}

// TestFileStoreDamaged has in the folder what aws-vault does not write. Each file
// is named with what is wrong, nothing waits, and the good key is taken.
func TestFileStoreDamaged(t *testing.T) {
	t.Parallel()
	env, dir := fileWorld(t, map[string]string{"AWS_VAULT_FILE_PASSPHRASE": "CANARY passphrase"})
	good, err := os.ReadFile(filepath.Join(dir, "work"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"nothing", "old", "other", "team%2Fprod 50%25", "credential_process,cHJvYw,,4070908800"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	parts := strings.Split(string(good), ".")
	header := func(old, instead string) string {
		text, _ := base64.RawURLEncoding.DecodeString(parts[0])
		return strings.Join(append([]string{base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(text), old, instead, 1)))}, parts[1:]...), ".")
	}
	for name, text := range map[string]string{
		"cut":       strings.Join(parts[:3], "."),
		"empty":     "",
		"foreign":   "CANARY notes of mine\n",
		"huge":      strings.Repeat("x", mostItem+1),
		"iterated":  header(`"p2c":8192`, `"p2c":2000000000`),
		"algorithm": header("PBES2-HS256+A128KW", "RSA1_5"),
		"none":      header(`"p2c":8192`, `"p2c":0`),
		"spoiled":   string(good[:len(good)-30]) + "AAAA" + string(good[len(good)-26:]),
		"bytes":     "eyJ\x00\xff.\x1b[2J...",
		"50%zz":     "x",
	} {
		write(t, filepath.Join(dir, name), text)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	h, err := newFileStore(env).Take(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, l := range h.Left {
		why, ok := strings.CutPrefix(l.Why.Error(), "~/.awsvault/keys/"+l.Name+": ")
		if !ok {
			t.Errorf("%s is not named by its path: %v", l.Name, l.Why)
		}
		got[l.Name] = why
	}
	const foreign = "it is nothing that aws-vault has written"
	want := map[string]string{
		"cut": "it is cut short", "empty": foreign, "foreign": foreign, "huge": "it is larger than 1 MiB", "bytes": foreign, "folder": "it is not a regular file",
		"iterated": "it asks for 2000000000 iterations to make a key of the passphrase, at most 1000000 are done", "none": "it asks for 0 iterations to make a key of the passphrase, at most 1000000 are done",
		"algorithm": `it is encrypted by "RSA1_5" and "A256GCM", not as aws-vault does it`, "spoiled": otherPassphrase[2:], "50%zz": foreign,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if keys := tell(h).Keys; len(keys) != 1 || !strings.HasPrefix(keys[0], "work ") {
		t.Errorf("took %q", keys)
	}
}

func TestFileStoreAbsent(t *testing.T) {
	t.Parallel()
	env := world(t, map[string]string{"AWS_VAULT_FILE_DIR": "~/keys/"})
	if _, err := newFileStore(env).Look(t.Context()); !errors.Is(err, fs.ErrNotExist) || err.Error() != "~/keys: no such file or directory" {
		t.Errorf("no folder: %v", err)
	}
	write(t, filepath.Join(env.Home, "keys"), "x")
	if _, err := newFileStore(env).Take(t.Context(), nil); err == nil || !strings.HasPrefix(err.Error(), "~/keys: ") {
		t.Errorf("a file in place of the folder: %v", err)
	}
}
