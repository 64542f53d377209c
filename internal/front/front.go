// Package front is the hot path: it answers exec, export, credential-process and
// terragrunt-auth from the cache, and in every other case becomes fob-core. It asks nothing,
// calls nothing and writes no file, so a doubt is never decided here. It does
// not know the SDK, stores or prompts.
package front

import (
	"crypto/sha256"
	"errors"
	"io"
	"path/filepath"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/guard"
	"fob/internal/decide/source"
	"fob/internal/deliver/export"
	"fob/internal/deliver/launch"
	"fob/internal/fault"
	"fob/internal/keep/cache"
	"fob/internal/keep/lock"
	"fob/internal/keep/sealkey"
)

// VersionVariable carries the front's version to fob-core, which compares it
// with its own: two halves of different builds must not work on one store.
const VersionVariable = "FOB_FRONT_VERSION"

// System is the outside of the front.
type System struct {
	Args, Environ  []string
	Stdout, Stderr io.Writer
	Now            func() time.Time
	// Core gives the path of fob-core, which a cached run does not look for.
	Core    func() string
	Version string
	UID     int
	// Getwd gives the working directory without the links that led to it.
	Getwd func() (string, error)
	// NoKeyring lets tests leave the kernel's keyrings alone.
	NoKeyring bool
	// They say whether secrets written there would be seen, and words be read.
	StdoutIsTerminal, StderrIsTerminal func() bool
	// Exec replaces this process. It gives the new one the limits that this
	// one started with.
	Exec launch.Exec
}

// Main answers the command line or becomes fob-core. It returns an exit status
// only when it has answered without a child, or when nothing could be started.
func Main(sys System) int {
	if status, done := sys.answer(); done {
		return status
	}
	environ := append(without(sys.Environ, VersionVariable), VersionVariable+"="+sys.Version)
	err := sys.Exec(sys.Core(), sys.Args, environ)
	if done := (*launch.Exited)(nil); errors.As(err, &done) {
		return done.Status
	}
	fault.Render(sys.Stderr, "fob", &fault.Error{
		What: "cannot start fob-core, which does everything that is not answered from the cache",
		Why:  noCore(sys.Core(), err),
		Next: []string{"install fob and fob-core together: the second belongs beside the first, or in ../libexec/fob"},
		Code: fault.Failed,
	})
	return int(fault.Launcher)
}

// answer does the whole of a cached run. done is false when fob-core must take
// over; nothing has been written then.
func (sys System) answer() (status int, done bool) {
	line, ok := Parse(sys.Args[1:])
	if !ok || !guard.Detect(sys.Environ).IsZero() {
		return 0, false // what an agent gets of a session is decided there
	}
	if line.Command == ByDirectory {
		sys.Environ = launch.Nobody(sys.Environ)
	} else if line.Profile == "" {
		line.Profile = Lookup(sys.Environ, "AWS_PROFILE")
	}
	if line.Profile == "" && line.Command != ByDirectory || line.Command == "exec" && len(line.Argv) == 0 || line.Command != "exec" && sys.StdoutIsTerminal() {
		return 0, false
	}
	if Lookup(sys.Environ, "FOB_PROFILE_ENV") != "" || Lookup(sys.Environ, "AWS_VAULT_PROFILE_ENV") != "" || !takes(sys.Environ) {
		return 0, false
	}
	c, session, ok := sys.cached(line)
	if !ok {
		return 0, false
	}
	var err error
	if line.Command == "exec" {
		sys.warnEnding(line, c, session)
		err = Launch(sys.Exec, sys.Stderr, Child{Environ: sys.Environ, Argv: line.Argv, Chain: c}, session)
	} else {
		format, ok := export.Named(line.Format)
		if !ok {
			return 0, false
		}
		if line.Command == "credential-process" {
			minLeft, _, _ := MinLeft(line.MinTTL, sys.Environ) // read before
			session = ForProcess(session, minLeft, sys.Now())
		}
		err = Print(sys.Stdout, format, c, session)
	}
	return sys.status(err), true
}

// status renders a failure and gives its exit status.
func (sys System) status(err error) int {
	if done := (*launch.Exited)(nil); errors.As(err, &done) {
		return done.Status
	}
	if err != nil {
		fault.Render(sys.Stderr, "fob", err)
	}
	return int(fault.CodeOf(err))
}

// cached resolves the profile and opens the session at the end of its chain.
func (sys System) cached(line Line) (chain.Chain, cred.Session, bool) {
	none := func() (chain.Chain, cred.Session, bool) { return chain.Chain{}, cred.Session{}, false }
	home, err := FindHome(sys.Environ)
	if err != nil {
		return none()
	}
	minLeft, _, ok := MinLeft(line.MinTTL, sys.Environ)
	if !ok {
		return none()
	}
	seal, err := sealkey.New(sealkey.Options{DataDir: home.Data, RuntimeDir: home.Runtime, UID: sys.UID, Now: sys.Now, NoKeyring: sys.NoKeyring}).Load()
	if err != nil {
		return none()
	}
	kept := cache.New(home.Data, seal)
	index, err := kept.Index()
	if err != nil || !sameVault(home.Data, index.Vault) {
		return none()
	}
	set, err := sys.config(&line, home, index)
	if err != nil {
		return none()
	}
	hasKey := func(name string) bool { _, ok := index.Keys[name]; return ok }
	c, err := chain.Resolve(set, source.Kinds(), hasKey, index.Refused(sys.Now()), line.Request(sys.Environ))
	if err != nil || len(c.Steps) == 0 || len(c.Warnings) > 0 || c.Guard != guard.None {
		return none()
	}
	names := chain.Names(c, index.Keys[c.Key].ID, kept.NameOf)
	last := names[len(names)-1]
	if last == "" {
		return none()
	}
	entry, err := kept.Load(last)
	if err != nil || !entry.Fresh(sys.Now(), minLeft) {
		return none()
	}
	return c, entry.Session, true
}

// sameVault says whether the index still tells the truth about the stored keys.
func sameVault(dir string, sum [sha256.Size]byte) bool {
	text, err := lock.ReadFile(filepath.Join(dir, "vault.age"), 8<<20)
	return err == nil && sha256.Sum256(text) == sum
}
