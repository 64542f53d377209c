package front

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"maps"
	"path/filepath"
	"slices"

	"fob/internal/decide/profile"
	"fob/internal/keep/cache"
)

// ByDirectory is the command whose profile is that of the working directory.
const ByDirectory = "terragrunt-auth"

// Choice says which profile of an account is wanted: one with the role of that
// name, one with a role that only reads, or else the one with the most rights.
type Choice struct {
	Role     string
	ReadOnly bool
}

// Place is a directory and what says which account it belongs to. The paths are
// "" where there is no such file.
type Place struct {
	Dir string
	// Account is the nearest account.hcl, from the directory up to that of Accounts.
	Account Found
	// Accounts is the nearest file of all accounts.
	Accounts Found
}

// Found is a file as it was read.
type Found struct {
	Path string
	Text []byte
}

// FoundError says why a file that is there is not read.
type FoundError struct{ Path, Why string }

// Error is one line.
func (e *FoundError) Error() string { return e.Path + " " + e.Why }

// mostFound is the largest file that is read: 500 accounts take 100 KiB.
const mostFound = 4 << 20

// AccountsNames are the names of a file of all accounts, the likeliest first.
func AccountsNames() []string { return []string{"accounts.json", "accounts.yml", "accounts.yaml"} }

// AccountName is the file of one account.
const AccountName = "account.hcl"

var errNoDir = errors.New("the working directory is not there any more")

// FindPlace looks from dir upwards. A file that another user than uid could have
// written is an error: it would say whose credentials are handed out.
func FindPlace(getwd func() (string, error), uid int) (Place, error) {
	dir, err := getwd()
	if err == nil && !filepath.IsAbs(dir) {
		err = errNoDir
	}
	if err != nil {
		return Place{}, err
	}
	p := Place{Dir: dir}
	names := AccountsNames()
	for {
		if p.Account.Path == "" {
			if p.Account, err = readFound(filepath.Join(dir, AccountName), uid); err != nil {
				return p, err
			}
		}
		if p.Accounts, err = accountsIn(dir, uid, names); err != nil || p.Accounts.Path != "" {
			return p, err
		}
		up := filepath.Dir(dir)
		if up == dir {
			return p, nil
		}
		dir = up
	}
}

// FindAccounts is FindPlace for the file of all accounts alone.
func FindAccounts(getwd func() (string, error), uid int) (found Found, err error) {
	dir, err := getwd()
	if err == nil && !filepath.IsAbs(dir) {
		err = errNoDir
	}
	for up := ""; err == nil; dir = up {
		found, err = accountsIn(dir, uid, AccountsNames())
		if up = filepath.Dir(dir); found.Path != "" || up == dir {
			break
		}
	}
	return found, err
}

func accountsIn(dir string, uid int, names []string) (found Found, err error) {
	for _, name := range names {
		if found, err = readFound(filepath.Join(dir, name), uid); err != nil || found.Path != "" {
			break
		}
	}
	return found, err
}

// Sums names what a profile is chosen from, the config left out. here is for the
// directory alone; below gives the name of an answer for all that lies below a
// directory. user is the home that ~ stands for.
func (p Place) Sums(user string, c Choice) (here string, below func(dir string) string) {
	h := sha256.New()
	add := func(text []byte) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
		h.Write(text)
	}
	for _, part := range []string{user, c.Role, map[bool]string{true: "reads"}[c.ReadOnly], p.Account.Path, p.Accounts.Path} {
		add([]byte(part))
	}
	add(p.Account.Text)
	add(p.Accounts.Text)
	all := h.Sum(nil)
	name := func(kind, dir string) string {
		sum := sha256.Sum256([]byte(string(all) + kind + dir))
		return string(sum[:])
	}
	return name("here ", p.Dir), func(dir string) string { return name("below ", dir) }
}

// remembered is what was chosen before for such a place.
func remembered(x cache.Index, p Place, user string, c Choice) (cache.Directory, bool) {
	if len(x.Directories) == 0 {
		return cache.Directory{}, false
	}
	here, below := p.Sums(user, c)
	if d, ok := x.Directories[here]; ok {
		return d, true
	}
	for dir, up := p.Dir, ""; ; dir = up {
		if d, ok := x.Directories[below(dir)]; ok {
			return d, true
		}
		if up = filepath.Dir(dir); up == dir {
			return cache.Directory{}, false
		}
	}
}

var errNotKnown = errors.New("no profile is remembered for the working directory and this config")

// config reads the config for the profile of the line. For Terragrunt that is the
// one remembered for the directory, if the config is still the one from which it
// was chosen: with any other byte in it fob-core chooses again.
func (sys System) config(line *Line, home Home, index cache.Index) (profile.Set, error) {
	likely := slices.Collect(maps.Keys(index.Keys))
	if line.Command != ByDirectory {
		return home.LoadFor(line.Profile, likely)
	}
	place, err := FindPlace(sys.Getwd, sys.UID)
	if err != nil {
		return profile.Set{}, err
	}
	known, ok := remembered(index, place, home.User, line.Choice)
	if !ok {
		return profile.Set{}, errNotKnown
	}
	line.Profile = known.Profile
	set, sum, err := home.LoadForSum(line.Profile, likely)
	if err == nil && sum != known.Config {
		err = errNotKnown
	}
	return set, err
}
