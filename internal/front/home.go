package front

import (
	"errors"
	"io/fs"
	"path/filepath"
	"runtime"
	"strings"

	"fob/internal/decide/profile"
)

// Home holds the places where fob and the AWS tools keep things.
type Home struct {
	// Data holds the vault, sessions and locks: $XDG_DATA_HOME/fob.
	Data string
	// Runtime is where files may be that end with the login: $XDG_RUNTIME_DIR, on
	// macOS else $TMPDIR, which is the user's own there. Or "".
	Runtime string
	// Config is the AWS config file; ConfigShown is how messages name it.
	Config, ConfigShown string
	// User is the person's home directory, or "".
	User string
}

// Load reads the config. Where AWS_CONFIG_FILE names what fob sdk-config has
// written, for the SDK that calls us, it is the file that this was made from.
// Errors are *profile.Error.
func (h Home) Load() (profile.Set, error) { return h.load(profile.Load) }

// LoadFor is Load for one profile, as profile.LoadFor has it.
func (h Home) LoadFor(name string, likely []string) (profile.Set, error) {
	return h.load(func(path, display string) (profile.Set, error) { return profile.LoadFor(path, display, name, likely) })
}

// LoadForSum is LoadFor with the SHA-256 of the file that it read.
func (h Home) LoadForSum(name string, likely []string) (set profile.Set, sum [32]byte, err error) {
	set, err = h.load(func(path, display string) (s profile.Set, err error) {
		s, sum, err = profile.LoadForSum(path, display, name, likely)
		return s, err
	})
	return set, sum, err
}

func (h Home) load(read func(path, display string) (profile.Set, error)) (profile.Set, error) {
	set, err := read(h.Config, h.ConfigShown)
	if origin := set.Origin(); err == nil && origin != "" {
		return read(origin, h.shown(origin))
	}
	return set, err
}

func (h Home) shown(path string) string {
	if rest, ok := strings.CutPrefix(path, h.User+string(filepath.Separator)); ok && h.User != "" {
		return filepath.Join("~", rest)
	}
	return path
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
	h := Home{User: home}
	if data := Lookup(environ, "XDG_DATA_HOME"); filepath.IsAbs(data) {
		h.Data = filepath.Join(data, "fob")
	} else if filepath.IsAbs(home) {
		h.Data = filepath.Join(home, ".local", "share", "fob")
	} else {
		return h, errNoHome
	}
	h.Runtime = runtimeDir(environ, runtime.GOOS)
	h.Config = Lookup(environ, "AWS_CONFIG_FILE")
	if h.Config == "" {
		if !filepath.IsAbs(home) {
			return h, errNoHome
		}
		h.Config = filepath.Join(home, ".aws", "config")
	} else if rest, ok := strings.CutPrefix(h.Config, "~/"); ok && home != "" {
		h.Config = filepath.Join(home, rest)
	}
	h.ConfigShown = h.shown(h.Config)
	return h, nil
}

func runtimeDir(environ []string, system string) string {
	if dir := Lookup(environ, "XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return dir
	}
	if dir := Lookup(environ, "TMPDIR"); system == "darwin" && filepath.IsAbs(dir) {
		return filepath.Clean(dir)
	}
	return ""
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

// noCore says where fob-core was looked for, where err says that it is not there.
func noCore(beside string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	lib := filepath.Join(filepath.Dir(beside), "..", "libexec", "fob", filepath.Base(beside))
	return errors.New("there is neither " + beside + " nor " + lib)
}
