//go:build !windows

package unlock

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fob/internal/cred"
	"fob/internal/fault"
)

func pass() Kind {
	return Kind{
		Name:      "pass",
		Help:      "an entry of the password manager pass, opened by gpg",
		Available: func(_ context.Context, e Env) error { return newPassEntry(e).available() },
		Show:      func(e Env) string { return "pass show " + newPassEntry(e).name + " | head -n 1" },
		Open:      func(e Env) Unlocker { return keyed{kind: "pass", env: e, keeper: newPassEntry(e)} },
	}
}

// passEntry keeps the text as one entry of pass (https://www.passwordstore.org),
// which asks for what it needs. Its store may be a git repository that goes to
// other machines, so nothing else is ever put there.
type passEntry struct {
	env   Env
	name  string
	store string // pass's own folder
}

func newPassEntry(e Env) passEntry {
	p := passEntry{env: e, name: "fob/" + storeHash(e.Dir), store: variable(e, "PASSWORD_STORE_DIR")}
	if p.store == "" {
		p.store = variable(e, "HOME") + "/.password-store"
	}
	return p
}

// variable is empty where it is not set, which is the same to pass.
func variable(e Env, name string) string {
	value, _ := e.Lookup(name)
	return value
}

// available says in what pass would fail before it asks gpg anything.
func (p passEntry) available() error {
	if err := p.programs(); err != nil {
		return err
	}
	if variable(p.env, "PASSWORD_STORE_KEY") != "" {
		return nil // names the keys in place of the file
	}
	for _, dir := range []string{filepath.Join(p.store, "fob"), p.store} {
		if info, err := os.Stat(filepath.Join(dir, ".gpg-id")); err == nil && info.Mode().IsRegular() {
			return nil
		}
	}
	return &mendable{fmt.Errorf("%s is not set up yet (pass init)", fault.Printable(p.store)), "set it up: pass init, with the id of a gpg key"}
}

func (p passEntry) programs() error {
	for _, names := range [][]string{{"pass"}, {"gpg", "gpg2"}} {
		if !onPath(variable(p.env, "PATH"), names...) {
			return &mendable{fmt.Errorf("the program %s is not installed", names[0]), "install " + names[0]}
		}
	}
	return nil
}

// onPath says whether a program of one of these names would be started. A
// relative entry of PATH does not count, as nothing is started by one.
func onPath(list string, names ...string) bool {
	for _, dir := range filepath.SplitList(list) {
		for _, name := range names {
			info, err := os.Stat(filepath.Join(dir, name))
			if err == nil && filepath.IsAbs(dir) && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				return true
			}
		}
	}
	return false
}

// absolutePath is PATH without relative entries: pass is a shell script, which would
// start a gpg of the folder that it stands in.
func absolutePath(list string) string {
	var kept []string
	for _, dir := range filepath.SplitList(list) {
		if filepath.IsAbs(dir) {
			kept = append(kept, dir)
		}
	}
	return strings.Join(kept, string(filepath.ListSeparator))
}

// usable looks for the entry's file, since gpg would ask.
func (p passEntry) usable(context.Context) error {
	if err := p.programs(); err != nil {
		return err
	}
	return p.there()
}

func (p passEntry) there() error {
	_, err := os.Stat(filepath.Join(p.store, p.name+".gpg"))
	if errors.Is(err, fs.ErrNotExist) {
		return errNoItem
	}
	if err != nil {
		return fmt.Errorf("looking for %s: %w", p.name, err)
	}
	return nil
}

// load takes the first line, as pass itself does for --clip: below it a person
// may have written what they like.
func (p passEntry) load(ctx context.Context) (cred.Secret, error) {
	if err := p.there(); err != nil {
		return cred.Secret{}, err
	}
	out, err := p.run(ctx, nil, "show", p.name)
	defer clear(out)
	if err != nil {
		return cred.Secret{}, err
	}
	line, _, _ := bytes.Cut(out, []byte("\n"))
	return cred.NewSecret(string(line)), nil
}

func (p passEntry) save(ctx context.Context, text cred.Secret) error {
	if err := p.available(); err != nil {
		return err
	}
	stdin := []byte(text.Reveal() + "\n")
	defer clear(stdin)
	_, err := p.run(ctx, stdin, "insert", "-m", "-f", p.name)
	return err
}

func (p passEntry) remove(ctx context.Context) error {
	err := p.there()
	if errors.Is(err, errNoItem) {
		return nil
	}
	if err == nil {
		_, err = p.run(ctx, nil, "rm", "-f", p.name)
	}
	return err
}

// gpgOptions is the variable from which pass takes options for gpg.
const gpgOptions = "PASSWORD_STORE_GPG_OPTS"

func (p passEntry) run(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	if err := p.programs(); err != nil {
		return nil, err
	}
	c := Command{Args: append([]string{"pass"}, args...), Stdin: stdin, More: []string{"PATH=" + absolutePath(variable(p.env, "PATH"))}}
	if p.env.alone() { // gpg then fails in place of asking; what its agent remembers opens
		c.More = append(c.More, gpgOptions+"="+strings.TrimSpace(variable(p.env, gpgOptions)+" --pinentry-mode=error"))
	}
	out, err := p.env.Run(ctx, c)
	if err != nil {
		return out, fmt.Errorf("%s %s: %w", args[0], p.name, err)
	}
	return out, nil
}
