package front

import (
	"errors"
	"path/filepath"
	"runtime"
	"strings"
)

// Home holds the places where fob and the AWS tools keep things.
type Home struct {
	// Data holds the vault, sessions and locks: $XDG_DATA_HOME/fob.
	Data string
	// Runtime is $XDG_RUNTIME_DIR, or "".
	Runtime string
	// Config is the AWS config file; ConfigShown is how messages name it.
	Config, ConfigShown string
}

var errNoHome = errors.New("HOME is not set to an absolute path, so there is no place to keep keys and no config to read")

// FindHome reads the places from an environment: XDG_DATA_HOME where it is
// absolute (the XDG base directory specification ignores a relative one), else
// below HOME.
func FindHome(environ []string) (Home, error) {
	home := Lookup(environ, "HOME")
	if home == "" && runtime.GOOS == "windows" {
		home = Lookup(environ, "USERPROFILE")
	}
	var h Home
	if data := Lookup(environ, "XDG_DATA_HOME"); filepath.IsAbs(data) {
		h.Data = filepath.Join(data, "fob")
	} else if filepath.IsAbs(home) {
		h.Data = filepath.Join(home, ".local", "share", "fob")
	} else {
		return h, errNoHome
	}
	if dir := Lookup(environ, "XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		h.Runtime = dir
	}
	h.Config = Lookup(environ, "AWS_CONFIG_FILE")
	if h.Config == "" {
		if !filepath.IsAbs(home) {
			return h, errNoHome
		}
		h.Config = filepath.Join(home, ".aws", "config")
	} else if rest, ok := strings.CutPrefix(h.Config, "~/"); ok && home != "" {
		h.Config = filepath.Join(home, rest)
	}
	h.ConfigShown = h.Config
	if rest, ok := strings.CutPrefix(h.Config, home+string(filepath.Separator)); ok && home != "" {
		h.ConfigShown = filepath.Join("~", rest)
	}
	return h, nil
}

// Core says where fob-core is, seen from the front's own executable: beside it,
// or in ../libexec/fob as packages lay it out.
func Core(self string, exists func(string) bool) string {
	name := "fob-core"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	beside := filepath.Join(filepath.Dir(self), name)
	if lib := filepath.Join(filepath.Dir(self), "..", "libexec", "fob", name); !exists(beside) && exists(lib) {
		return lib
	}
	return beside
}
