package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"fob/internal/deliver/serve"
	"fob/internal/fault"
	"fob/internal/keep/lock"
)

// givenTokenDir takes the folder of --token-dir, which is for this user alone.
func givenTokenDir(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = lock.MakeDir(dir)
	}
	if unsafe := (*lock.UnsafeError)(nil); errors.As(err, &unsafe) {
		err = &fault.Error{What: "cannot keep tokens in " + fault.Line(dir), Why: err, Next: []string{"chmod 700 " + fault.Word(dir), "or name a folder that is not there yet"}, Code: fault.Failed}
	}
	return dir, err
}

// passable makes a folder through which other users come to a file that is theirs,
// and in which they see no other. Only root can give a file away, on Linux, and its
// TMPDIR may be closed to them.
func passable() (dir string, err error) {
	if dir, err = os.MkdirTemp("/tmp", "fob-tokens-"); err == nil {
		err = os.Chmod(dir, 0o711)
	}
	return dir, err
}

// tokenFiles are the files of one run's tokens.
type tokenFiles struct {
	dir  string
	open string // for the files that root gives to other users; "": dir
	own  int    // this user
	used map[string]bool
}

// write writes a file for each grant and gives their paths: token-PROFILE for this
// user, token-PROFILE.UID for another one.
func (t *tokenFiles) write(profile string, grants []serve.Grant) ([]string, error) {
	var out []string
	for _, g := range grants {
		dir, name := t.dir, fileName(profile)
		if g.UID != t.own {
			dir, name = cmp.Or(t.open, dir), name+"."+strconv.Itoa(g.UID)
		}
		path := filepath.Join(dir, name)
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

// tokenPrefix begins the name of each.
const tokenPrefix = "token-"

// fileName is a profile's name as the name of a file.
func fileName(profile string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' {
			return r
		}
		return '-'
	}, profile)
	return tokenPrefix + name
}
