package cli

import (
	"fmt"
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
