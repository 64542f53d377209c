package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/guard"
	"fob/internal/front"
	"fob/internal/keep/cache"
	"fob/internal/keep/sealkey"
	"fob/internal/playground"
)

// home is a home directory of its own: config, store, cached sessions.
type home struct {
	dir string
	env []string
	on  *worker // by which everything in it runs
}

// passphrase protects stores that are gone when the bench ends.
const passphrase = "benchmark passphrase"

func newHome(dir, url string, on *worker) (home, error) {
	for _, d := range []string{dir, filepath.Join(dir, "data"), filepath.Join(dir, "run")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return home{}, err
		}
	}
	h := home{dir: dir, on: on, env: homeEnviron(os.Environ(), dir, url)}
	return h, h.write("config", playground.Config)
}

// homeEnviron is an environment without what points at a real account or at
// another home.
func homeEnviron(environ []string, dir, url string) []string {
	var env []string
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		if slices.Contains(guard.MarkerNames(), name) {
			continue // what is measured is a person's run
		}
		if prefix, _, _ := strings.Cut(name, "_"); !slices.Contains([]string{"AWS", "FOB", "XDG", "HOME", "GODEBUG"}, prefix) {
			env = append(env, e)
		}
	}
	return append(env, "HOME="+dir,
		"XDG_DATA_HOME="+filepath.Join(dir, "data"), "XDG_RUNTIME_DIR="+filepath.Join(dir, "run"),
		"AWS_CONFIG_FILE="+filepath.Join(dir, "config"), "AWS_SHARED_CREDENTIALS_FILE="+filepath.Join(dir, "credentials"),
		"AWS_EC2_METADATA_DISABLED=true", "AWS_ENDPOINT_URL="+url,
		"FOB_PASSPHRASE="+passphrase, "AWS_VAULT_FILE_PASSPHRASE="+passphrase, "AWS_VAULT_BACKEND=file")
}

// with is env with these variables instead of its own.
func with(env []string, set ...string) []string {
	out := slices.Clone(env)
	for _, s := range set {
		name, _, _ := strings.Cut(s, "=")
		out = slices.DeleteFunc(out, func(e string) bool { return strings.HasPrefix(e, name+"=") })
	}
	return append(out, set...)
}

func (h home) path(name string) string { return filepath.Join(h.dir, name) }

func (h home) write(name, text string) error { return os.WriteFile(h.path(name), []byte(text), 0o600) }

// does runs a program in this home to its end and gives what it printed.
func (h home) does(env []string, argv ...string) (string, error) {
	var out strings.Builder
	err := h.on.do(func() error {
		var why strings.Builder
		c := exec.Command(argv[0], argv[1:]...)
		c.Env, c.Stdout, c.Stderr = env, &out, &why
		if err := c.Run(); err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(append([]string{filepath.Base(argv[0])}, argv[1:]...), " "), err, strings.TrimSpace(why.String()))
		}
		return nil
	})
	return out.String(), err
}

// copyTo makes another home with the same content. What rests outside of the
// directory, as a seal key does, does not come along.
func (h home) copyTo(dir string, on *worker) (home, error) {
	other := home{dir: dir, on: on}
	for _, e := range h.env {
		other.env = append(other.env, strings.ReplaceAll(e, h.dir, dir))
	}
	return other, filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		to := dir + strings.TrimPrefix(path, h.dir)
		switch {
		case d.IsDir():
			return os.MkdirAll(to, info.Mode().Perm())
		case !info.Mode().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, text, info.Mode().Perm())
	})
}

// rest is where the seal key of this home rests, and data where its store is.
func (h home) rest(noKeyring bool) (rest *sealkey.Rest, data string, err error) {
	at, err := front.FindHome(h.env)
	return sealkey.New(sealkey.Options{DataDir: at.Data, RuntimeDir: at.Runtime, UID: os.Getuid(), Now: time.Now, NoKeyring: noKeyring}), at.Data, err
}

// sealKeyIn names the place of the seal key, or is "".
func (h home) sealKeyIn() (name string, err error) {
	err = h.on.do(func() error {
		rest, _, err := h.rest(false)
		if err != nil {
			return err
		}
		for _, p := range rest.Places() {
			if p.Holds == "seal key" {
				name = p.Name
			}
		}
		return nil
	})
	return name, err
}

// moveSealKey takes the seal key out of the kernel's keyrings and lets it rest
// in a file, as in a container that may not use them.
func (h home) moveSealKey() error {
	return h.on.do(func() error {
		rest, _, err := h.rest(false)
		if err != nil {
			return err
		}
		key, err := rest.Load()
		if err != nil {
			return err
		}
		files, _, err := h.rest(true)
		if err := errors.Join(err, rest.Forget()); err != nil {
			return err
		}
		_, err = files.Save(key)
		return err
	})
}

// forget takes away what rests outside of the directory.
func (h home) forget() error {
	return h.on.do(func() error {
		rest, data, err := h.rest(false)
		if _, none := os.Stat(data); err != nil || none != nil {
			return err // without a store nothing rests
		}
		return rest.Forget()
	})
}

// fill caches sessions until there are n. They are sealed as fob seals them,
// and AWS does not know them.
func (h home) fill(n int) error {
	var kept *cache.Cache
	if err := h.on.do(func() error {
		rest, data, err := h.rest(false)
		if err != nil {
			return err
		}
		key, err := rest.Load()
		kept = cache.New(data, key)
		return err
	}); err != nil {
		return err
	}
	before, err := kept.Entries()
	if err != nil {
		return err
	}
	const writers = 16 // each waits for the disk most of the time
	failed := make(chan error, writers)
	for first := range writers {
		go func() {
			for i := len(before) + first; i < n; i += writers {
				if err := kept.Store(made(i)); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	for range writers {
		err = errors.Join(err, <-failed)
	}
	return err
}

// made is a session that looks like one of AWS's.
func made(i int) cache.Entry {
	name := make([]byte, 32)
	_, _ = rand.Read(name) // never an error, says its documentation
	return cache.Entry{
		Name: hex.EncodeToString(name), Kind: "AssumeRole", Detail: fmt.Sprintf("arn:aws:iam::%012d:role/bench", i), Owner: "dev",
		Session: cred.Session{ID: "ASIACANARYBENCH00000", Secret: cred.NewSecret(strings.Repeat("CANARY", 7)[:40]), Token: cred.NewSecret(strings.Repeat("CANARY", 60)), Expires: time.Now().Add(time.Hour)},
		Made:    time.Now(),
	}
}

// configOf is a config with n profiles. Those of the playground stand last, so
// that the one that is asked for has all others before it.
func configOf(n int) string {
	var b strings.Builder
	for i := strings.Count(playground.Config, "[profile "); i < n; i++ {
		fmt.Fprintf(&b, "[profile account-%d]\nsource_profile = security\nmfa_serial = arn:aws:iam::123456789012:mfa/gruntwork\nrole_arn = arn:aws:iam::%012d:role/allow-full-access-from-other-accounts\nregion = eu-west-1\n", i, 100000000000+i)
	}
	return b.String() + playground.Config
}
