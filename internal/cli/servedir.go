package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"fob/internal/deliver/serve"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/keep/lock"
)

// tokenDirPrefix begins the name of the folder of a run's tokens; the pid of that
// run follows.
const tokenDirPrefix = "serve-"

// tokenDir makes a folder of this run's own for the files of its tokens, and says
// how to remove it. Where a run was killed, its folder stays: with a token that
// no port takes any more, for nobody else to read. The next run removes it.
func tokenDir(home front.Home) (dir string, remove func(), err error) {
	base := filepath.Join(home.Data, "run")
	if home.Runtime != "" {
		base = filepath.Join(home.Runtime, "fob")
	}
	for _, d := range []string{filepath.Dir(base), base} {
		if d == home.Runtime {
			continue // the system's
		}
		if err := lock.MakeDir(d); err != nil {
			return "", nil, err
		}
	}
	sweepTokens(base)
	dir, err = os.MkdirTemp(base, tokenDirPrefix+strconv.Itoa(os.Getpid())+"-")
	return dir, func() { _ = os.RemoveAll(dir) }, err
}

// sweepTokens removes the folders of runs that are no more.
func sweepTokens(base string) {
	entries, _ := os.ReadDir(base)
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), tokenDirPrefix)
		text, _, _ := strings.Cut(rest, "-")
		if pid, err := strconv.Atoi(text); ok && err == nil && !running(pid) {
			_ = os.RemoveAll(filepath.Join(base, e.Name()))
		}
	}
}

// running says whether there may be a process of this number.
func running(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer func() { _ = p.Release() }()
	err = p.Signal(syscall.Signal(0))
	return !errors.Is(err, os.ErrProcessDone) && !errors.Is(err, syscall.ESRCH)
}

// givenTokenDir takes the folder of --token-dir, which is for this user alone.
func givenTokenDir(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = lock.MakeDir(dir)
	}
	return dir, err
}

// tokenFiles are the files of one run's tokens.
type tokenFiles struct {
	dir  string
	own  int // this user
	used map[string]bool
}

// write writes a file for each grant and gives their paths: token-PROFILE for this
// user, token-PROFILE.UID for another one.
func (t *tokenFiles) write(profile string, grants []serve.Grant) ([]string, error) {
	var out []string
	for _, g := range grants {
		name := fileName(profile)
		if g.UID != t.own {
			name += "." + strconv.Itoa(g.UID)
		}
		path := filepath.Join(t.dir, name)
		if t.used[path] {
			return out, fmt.Errorf("two profiles have one file: %s", fault.Line(path))
		}
		if err := g.WriteToken(path); err != nil {
			return out, err
		}
		if t.used == nil {
			t.used = map[string]bool{}
		}
		t.used[path] = true
		out = append(out, path)
	}
	return out, nil
}

// fileName is a profile's name as the name of a file.
func fileName(profile string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' {
			return r
		}
		return '-'
	}, profile)
	return "token-" + name
}
