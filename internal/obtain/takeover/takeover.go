// Package takeover reads the long-term keys that other programs keep: aws-vault
// in its stores, the AWS tools in their files, the console in what it lets one
// download. It changes nothing there, but for Replace, which gives a file's text
// without its keys. It does not know fob's own store, flags, or who is asked.
package takeover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"fob/internal/cred"
	"fob/internal/decide/profile"
)

// Source is a place where keys are kept.
type Source interface {
	// Name is what the source is called on the command line.
	Name() string
	// Where names the place for people.
	Where() string
	// Look says what is there, without asking anybody or starting anything. A
	// place that does not exist gives fs.ErrNotExist.
	Look(ctx context.Context) (Listing, error)
	// Take reads the keys that are wanted. An error means that none could be
	// read; what is wrong with one of them stands in the haul.
	Take(ctx context.Context, wanted Wanted) (Haul, error)
}

// Listing is what stands in a place.
type Listing struct {
	Names    []string // of the profiles that have a key there
	Sessions int      // temporary credentials, which end by themselves
	Note     string   // what cannot be known yet, and why
}

// Wanted says whether a key is asked for by its profile's name. Nil wants every
// key that the source knows to be one.
type Wanted func(name string) bool

// Has says whether a key is wanted.
func (w Wanted) Has(name string) bool { return w == nil || w(name) }

// Haul is what was read from a place.
type Haul struct {
	Keys     []Key
	Left     []Left
	Sessions int      // not looked at
	Unknown  int      // other entries, not looked at since they may be anything
	Passed   []string // names of keys there that nobody has asked for
	Warnings []string
}

// Key is a long-term key under the name of its profile, "" where the place gives
// none. From is where it stands.
type Key struct {
	Name string
	Key  cred.AccessKey
	From string
}

// Left is what stays where it is. Expected is for what nobody can want to take:
// temporary keys.
type Left struct {
	Name     string
	Why      error
	Expected bool
}

// Env is what sources need of the world.
type Env struct {
	Home string
	// Path is what the person named in place of the usual place, or "".
	Path string
	// Lookup reads one variable of the environment.
	Lookup func(name string) (string, bool)
	// Ask asks a question whose answer is not shown.
	Ask func(ctx context.Context, question string) (cred.Secret, error)
	// Program runs a program with more variables and gives its output. How it
	// failed, and its last words, stand in the error.
	Program func(ctx context.Context, argv []string, more ...string) ([]byte, error)
	// Stdin is read where a text is wanted and no file is named.
	Stdin io.Reader
	// Config is the AWS config, which names the profiles.
	Config profile.Set
	// Credentials is where the credentials file is, and how people write that.
	Credentials, CredentialsShown string
}

// Sources are all places, in the order in which they are looked at.
func Sources(env Env) []Source {
	return slices.Concat(
		[]Source{newFileStore(env)},
		passStores(env),
		systemSources(env),
		[]Source{credentialsFile(env), configFile(env), iniText(env), csvText(env)},
	)
}

// lookup is a variable's value, "" where it is not set.
func (e Env) lookup(name string) string {
	value, _ := e.Lookup(name)
	return value
}

// first is the first variable that is set, with ~ for HOME, else a place below
// HOME.
func (e Env) first(below string, variables ...string) string {
	for _, name := range variables {
		if value := e.lookup(name); value != "" {
			return e.expand(value)
		}
	}
	return filepath.Join(e.Home, below)
}

func (e Env) expand(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(e.Home, rest)
	}
	return path
}

// shown is a path as people write it.
func (e Env) shown(path string) string {
	if rest, ok := strings.CutPrefix(path, e.Home+string(filepath.Separator)); ok && e.Home != "" {
		return filepath.Join("~", rest)
	}
	return path
}

// WrongPassphraseError says that nothing in a place opens with a passphrase.
type WrongPassphraseError struct{ Where string }

func (e *WrongPassphraseError) Error() string {
	return "no key in " + e.Where + " opens with that passphrase"
}

// ErrNotOpened says that one item did not open where others did.
var ErrNotOpened = errors.New("it does not open with that passphrase: it has another one, or is damaged")

// absentError says why a place does not exist. It is fs.ErrNotExist to errors.Is.
type absentError string

func (e absentError) Error() string        { return string(e) }
func (e absentError) Is(target error) bool { return target == fs.ErrNotExist }

var (
	errTemporary = errors.New("it is a temporary key, which ends by itself")
	errNoItem    = errors.New("it is nothing that aws-vault has written")
)

// place makes an error of the file system name the place as people write it.
func place(shown string, err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("%s: %w", shown, err)
}
