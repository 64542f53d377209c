package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"fob/internal/playground"
)

// bench is one run of this program.
type bench struct {
	o   options
	ctx context.Context
	dir string // everything that is made

	start time.Time

	plain *worker
	// session runs in a session keyring of its own, and is plain where
	// noSession says why there is none.
	session   *worker
	noSession error

	floor, peak string // executables
	fob, peer   *program
	servers     []*playground.Server
	homes       []home // whose seal keys are to be taken away again
	filled      map[int]home
	locked      int // homes that lockedHome has made

	groups   []*group
	inits    []initRow
	parallel []together
	requests map[string]asking // by program
	missing  []string          // what was left out, and why
	failures []string
}

// program is fob, or another one with the same command line, with an AWS and
// homes of its own.
type program struct {
	name   string
	path   string
	cached string // what runs that are answered from the cache are made with
	play   *playground.Server
	user   playground.User
	cold   home // has the key and no session
	warm   home // has the sessions of dev
}

// absentError says what this machine or this program lacks. It is no failure.
type absentError struct{ what string }

func (e *absentError) Error() string { return e.what }

func newBench(ctx context.Context, o options) (b *bench, err error) {
	b = &bench{o: o, ctx: ctx, start: time.Now(), filled: map[int]home{}, requests: map[string]asking{}}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.dir, err = os.MkdirTemp("", "fob-bench-"); err != nil {
		return b, err
	}
	if b.plain, err = newWorker(func() error { return nil }); err != nil {
		return b, err
	}
	if b.session, b.noSession = newWorker(ownSession); b.noSession != nil {
		b.session = b.plain
	}
	if err := b.build(); err != nil {
		return b, err
	}
	b.progress("the homes")
	if b.fob, err = b.program("fob", b.at("fob"), b.at(filepath.Join("alone", "fob"))); err != nil || o.peer == "" {
		return b, err
	}
	name := filepath.Base(o.peer)
	if name == b.fob.name { // another build of it, say
		name = "other-fob"
	}
	peer, err := b.program(name, o.peer, o.peer)
	if err != nil {
		b.failed(name+" is left out", err)
		return b, nil
	}
	b.peer = peer
	return b, nil
}

func (b *bench) at(name string) string { return filepath.Join(b.dir, name) }

// build makes the executables. One copy of fob has no fob-core beside it: a run
// that is not answered from the cache fails there, so what is measured with it
// is the cached run and nothing else.
func (b *bench) build() error {
	b.progress("building")
	tools := filepath.Join(b.o.root, "tools")
	for _, p := range []struct{ name, in, pkg string }{
		{"floor", tools, "./bench/floor"}, {"peak", tools, "./bench/peak"},
		{"fob", b.o.root, "./cmd/fob"}, {"fob-core", b.o.root, "./cmd/fob-core"},
	} {
		c := exec.CommandContext(b.ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", b.at(p.name), p.pkg)
		c.Dir, c.Env = p.in, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", p.name, err, out)
		}
	}
	b.floor, b.peak = b.at("floor"), b.at("peak")
	if err := os.Mkdir(b.at("alone"), 0o755); err != nil {
		return err
	}
	return os.Link(b.at("fob"), b.at(filepath.Join("alone", "fob")))
}

// program stores the key and makes the sessions of dev.
func (b *bench) program(name, path, cached string) (p *program, err error) {
	p = &program{name: name, path: path, cached: cached}
	if p.play, err = playground.Start(playground.Options{Now: time.Now}); err != nil {
		return nil, err
	}
	b.servers = append(b.servers, p.play)
	var ok bool
	if p.user, ok = p.play.User("gruntwork"); !ok {
		return nil, errors.New("the playground has no user gruntwork")
	}
	if p.cold, err = newHome(b.at("home-"+name+"-cold"), p.play.URL, b.plain); err != nil {
		return nil, err
	}
	b.homes = append(b.homes, p.cold)
	env := with(p.cold.env, "AWS_ACCESS_KEY_ID="+p.user.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+p.user.Secret.Reveal())
	if _, err := p.cold.does(env, path, "add", "security", "--env"); err != nil {
		return nil, err
	}
	if p.warm, err = b.copied(p.cold, "home-"+name+"-warm", b.plain); err != nil {
		return nil, err
	}
	_, err = p.warm.does(p.warm.env, path, "exec", "-t", p.code(), "dev", "--", "true")
	return p, err
}

// copied makes a home that is cleaned up at the end.
func (b *bench) copied(from home, name string, on *worker) (home, error) {
	h, err := from.copyTo(b.at(name), on)
	if err == nil && on == b.plain { // a session keyring ends with its worker
		b.homes = append(b.homes, h)
	}
	return h, err
}

// opened is a copy of the warm home in which the store was opened again: what
// rests in a keyring does not come along.
func (b *bench) opened(p *program, name string, on *worker) (home, error) {
	h, err := b.copied(p.warm, name, on)
	if err != nil {
		return h, err
	}
	_, err = h.does(h.env, p.path, "exec", "dev", "--", "true")
	return h, err
}

// code is what the person's phone shows. Where every code of now was used, AWS's
// clock goes on until there is another.
func (p *program) code() string {
	code, wait := p.play.Code(p.user.Name)
	if wait > 0 {
		p.play.Advance(wait)
		code, _ = p.play.Code(p.user.Name)
	}
	return code
}

// programs are fob and, where there is one, the peer.
func (b *bench) programs() []*program {
	if b.peer == nil {
		return []*program{b.fob}
	}
	return []*program{b.fob, b.peer}
}

// wanted says whether -only asks for a table, for any of its rows where names
// are given.
func (b *bench) wanted(title string, names ...string) bool {
	if b.o.only == nil || b.o.only.MatchString(title) {
		return true
	}
	for _, n := range names {
		if b.o.only.MatchString(title + ": " + n) {
			return true
		}
	}
	return false
}

// failed notes what did not work, and apart from it what this machine lacks.
func (b *bench) failed(what string, err error) {
	if absent := (*absentError)(nil); errors.As(err, &absent) {
		b.missing = append(b.missing, what+": "+err.Error())
		return
	}
	b.failures = append(b.failures, what+": "+err.Error())
}

func (b *bench) progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: %4.0f s  %s\n", time.Since(b.start).Seconds(), fmt.Sprintf(format, args...))
}

// close takes away all that was made, in the kernel's keyrings too.
func (b *bench) close() {
	var failed []error
	for _, h := range b.homes {
		failed = append(failed, h.forget())
	}
	for _, s := range b.servers {
		failed = append(failed, s.Close())
	}
	if b.plain != nil {
		if b.session != b.plain && b.session != nil {
			b.session.close()
		}
		b.plain.close()
	}
	if err := errors.Join(append(failed, os.RemoveAll(b.dir))...); err != nil {
		fmt.Fprintln(os.Stderr, "bench: "+strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}
