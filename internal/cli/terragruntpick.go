package cli

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"fob/internal/decide/profile"
	"fob/internal/decide/refarch"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/front"
)

// account is the one that a directory belongs to. below is the highest directory
// for which that holds, and from the file that says so.
// It is "" where the directory alone is meant.
type account struct{ id, name, from, below string }

// accountOf finds the account of a place: by the account.hcl above it, and by the
// name of the folder that stands beside the accounts file. Where both know it they
// must agree.
func accountOf(p front.Place) (account, error) {
	hcl, err := readAccountHCL(p.Account)
	if err != nil {
		return account{}, err
	}
	a := account{id: hcl.id, name: hcl.name, from: p.Account.Path, below: filepath.Dir(p.Account.Path)}
	if p.Accounts.Path == "" {
		switch {
		case a.id == "" && hcl.computed > 0:
			return account{}, fmt.Errorf("%s:%d: the id is computed there, and fob reads only one that is written out in quotes", p.Account.Path, hcl.computed)
		case a.id == "" && p.Account.Path != "":
			return account{}, fmt.Errorf("%s has no account_id, and no accounts.json, accounts.yml or accounts.yaml stands above it", p.Account.Path)
		case a.id == "":
			return account{}, errNoAccountsFile
		}
		return a, checkID(a)
	}
	root := filepath.Dir(p.Accounts.Path)
	folder, err := filepath.Rel(root, p.Dir)
	if err != nil {
		return account{}, err
	}
	folder, _, _ = strings.Cut(folder, string(filepath.Separator))
	if folder == "." && a.id == "" {
		return account{}, fmt.Errorf("%s belongs to no account: it is where %s stands, above the folders of the accounts", p.Dir, filepath.Base(p.Accounts.Path))
	}
	if folder == "." {
		a.below = "" // the folders below have names of their own
	} else {
		a.name = cmp.Or(a.name, folder)
		if beside := filepath.Join(root, folder); len(beside) > len(a.below) {
			a.below = beside
		}
	}
	all, err := refarch.ListAccounts(p.Accounts.Path, p.Accounts.Text)
	if err != nil {
		return account{}, err
	}
	i := slices.IndexFunc(all, func(l refarch.Account) bool { return l.Name == a.name })
	switch {
	case i < 0 && a.id == "":
		return account{}, fmt.Errorf("%s has no account %s: it has %s", p.Accounts.Path, profile.Shown(a.name), someNames(all))
	case i < 0:
		return a, checkID(a)
	case a.id != "" && a.id != all[i].ID:
		return account{}, fmt.Errorf("account %s has the id %s in %s, and %s in %s", profile.Shown(a.name), profile.Shown(a.id), p.Account.Path, profile.Shown(all[i].ID), p.Accounts.Path)
	}
	a.id, a.from = all[i].ID, p.Accounts.Path
	return a, checkID(a)
}

var errNoAccountsFile = errors.New("neither " + front.AccountName + " with an account_id nor accounts.json, accounts.yml or accounts.yaml is in the working directory or above it")

// checkID refuses an id that cannot be one. It is not mended: who has lost one
// zero may have lost more.
func checkID(a account) error {
	digits := strings.Trim(a.id, "0123456789") == ""
	switch {
	case a.id == "":
		return fmt.Errorf("account %s has no id in %s", profile.Shown(a.name), a.from)
	case digits && len(a.id) == 12:
		return nil
	case digits && len(a.id) < 12:
		return fmt.Errorf("account %s has the id %s in %s, which has %d digits and not twelve: zeros at its beginning are lost where it is not written in quotes", profile.Shown(a.name), a.id, a.from, len(a.id))
	}
	return fmt.Errorf("account %s has the id %s in %s, which is not twelve digits", profile.Shown(a.name), profile.Shown(a.id), a.from)
}

// mostNamed bounds the names in a message.
const mostNamed = 12

func someNames(all []refarch.Account) string {
	var names []string
	for _, l := range all[:min(len(all), mostNamed)] {
		names = append(names, profile.Shown(l.Name))
	}
	return orMore(names, len(all))
}

func orMore(names []string, of int) string {
	if of == 0 {
		return "none"
	}
	text := strings.Join(names, ", ")
	if of > len(names) {
		text += fmt.Sprintf(" and %d more", of-len(names))
	}
	return text
}

// wayIn is a profile that enters an account. role is the name of its role, ""
// where it is a user of the account.
type wayIn struct{ profile, role, account string }

func (w wayIn) String() string {
	if w.role == "" {
		return profile.Shown(w.profile) + " (a user, no role)"
	}
	return profile.Shown(w.profile) + " (" + w.role + ")"
}

func (w wayIn) reads() bool {
	role := strings.ToLower(w.role)
	return strings.Contains(role, "read-only") || strings.Contains(role, "readonly")
}

// entered is the way of one profile; ok is false where the config does not tell
// its account.
func entered(set profile.Set, name string) (w wayIn, ok bool) {
	p, err := set.Profile(name)
	if err != nil {
		return w, false
	}
	if arn := p.Value("role_arn"); arn != "" {
		w = wayIn{profile: name, role: arn[strings.LastIndexByte(arn, '/')+1:], account: source.Account(arn)}
		return w, w.account != ""
	}
	// A profile without a role is a user's, if it names their device itself;
	// that of [default] is for every profile.
	own, err := set.Section(name)
	for _, key := range []string{"source_profile", "credential_source", "credential_process", "web_identity_token_file"} {
		if p.Value(key) != "" {
			return w, false
		}
	}
	w = wayIn{profile: name, account: source.Account(own.Value("mfa_serial"))}
	return w, err == nil && name != "default" && w.account != ""
}

// narrow leaves the ways that were asked for. Where nothing was, full access goes
// before any other role, and what only reads comes last.
func narrow(ways []wayIn, c front.Choice) []wayIn {
	only := func(is func(wayIn) bool) []wayIn {
		return slices.DeleteFunc(slices.Clone(ways), func(w wayIn) bool { return !is(w) })
	}
	if c.Role != "" {
		return only(func(w wayIn) bool { return w.role == c.Role })
	}
	if c.ReadOnly {
		return only(wayIn.reads)
	}
	for _, best := range []func(wayIn) bool{
		func(w wayIn) bool { return strings.Contains(w.role, "full-access") },
		func(w wayIn) bool { return !w.reads() },
	} {
		if found := only(best); len(found) > 0 {
			return found
		}
	}
	return ways
}

// directorySetting names the directories of a profile, for which fob does not
// look for an accounts file.
const directorySetting = "fob_directory"

// mapped are the directories that profiles name, in the order of the config.
type mapped struct{ dir, profile string }

// mappings reads the directories of all profiles; wrong says what cannot be used.
// It is the profile's own setting: none has it from another section.
func mappings(set profile.Set, user string) (all []mapped, wrong []string) {
	for _, name := range set.Names() {
		own, err := set.Section(name)
		if err != nil {
			continue
		}
		said, ok := own.Setting(directorySetting)
		if !ok {
			continue
		}
		for _, dir := range filepath.SplitList(said.Value) {
			if rest, ok := strings.CutPrefix(dir, "~/"); ok && user != "" {
				dir = filepath.Join(user, rest)
			}
			if !filepath.IsAbs(dir) {
				wrong = append(wrong, fmt.Sprintf("%s: %s %s is passed over: it is no absolute path", said.From, directorySetting, profile.Shown(dir)))
				continue
			}
			all = append(all, mapped{filepath.Clean(dir), name})
		}
	}
	return all, wrong
}

func inside(dir, of string) bool {
	return dir == of || strings.HasPrefix(dir, strings.TrimSuffix(of, string(filepath.Separator))+string(filepath.Separator))
}

// pickedProfile is the profile of a place.
type pickedProfile struct {
	wayIn
	// below is the highest directory for which the same is true, "" where it is
	// true for the directory alone.
	below string
}

// pickProfile finds the profile of a place: the one whose directory it is in, else
// the one that enters its account. It is decided by nothing but its arguments,
// which is why it can be remembered.
func pickProfile(set profile.Set, p front.Place, user string, c front.Choice) (pickedProfile, error) {
	all, _ := mappings(set, user)
	found, ways := pickedProfile{}, []wayIn(nil)
	subject := fmt.Sprintf("directory %s", profile.Shown(p.Dir))
	for _, m := range all {
		if !inside(p.Dir, m.dir) || len(m.dir) < len(found.below) {
			continue
		}
		if len(m.dir) > len(found.below) {
			found.below, ways = m.dir, nil
		}
		way, ok := entered(set, m.profile)
		if !ok {
			way = wayIn{profile: m.profile}
		}
		if !slices.Contains(ways, way) {
			ways = append(ways, way)
		}
	}
	if found.below == "" {
		a, err := accountOf(p)
		if err != nil {
			return found, noAccount(p, err)
		}
		found.below = a.below
		subject = fmt.Sprintf("account %s (%s)", a.id, cmp.Or(a.name, "of "+a.from))
		for _, name := range set.Names() {
			if way, ok := entered(set, name); ok && way.account == a.id {
				ways = append(ways, way)
			}
		}
		if len(ways) == 0 {
			return found, noProfile(set, subject, a)
		}
	}
	fit := narrow(ways, c)
	if len(fit) != 1 {
		return found, notOne(subject, ways, fit, c)
	}
	found.wayIn = fit[0]
	if slices.ContainsFunc(all, func(m mapped) bool { return m.dir != found.below && inside(m.dir, found.below) }) {
		found.below = ""
	}
	return found, nil
}

// ownBegin refuses a profile that begins with the credentials of the environment:
// there Terragrunt has what it was answered for another unit.
func ownBegin(set profile.Set, name string) error {
	seen := map[string]bool{}
	for name != "" && !seen[name] {
		seen[name] = true
		p, err := set.Profile(name)
		if err != nil {
			return nil // which the chain tells better
		}
		if said, _ := p.Setting("credential_source"); said.Value == "Environment" {
			return &fault.Error{
				What: fmt.Sprintf("cannot use profile %q for Terragrunt", name),
				Why:  fmt.Errorf("its credential_source (%s) is the environment, where Terragrunt has the credentials of other units", said.From),
				Next: []string{"use another source for it, or run: fob exec " + fault.Word(name) + " -- terragrunt run --all"}, Code: fault.Config,
			}
		}
		name = p.Value("source_profile")
	}
	return nil
}

func noAccount(p front.Place, err error) error {
	return &fault.Error{
		What: "cannot tell the account of the working directory", Why: err,
		Next: []string{"run it in a directory below an account's folder", "or name the directory in a profile: " + directorySetting + " = " + fault.Line(p.Dir)},
		Code: fault.Config,
	}
}

func noProfile(set profile.Set, subject string, a account) error {
	return &fault.Error{
		What: "cannot find a profile for " + subject, Why: fmt.Errorf("no profile in %s has a role_arn of that account, which %s names", set.Display(), a.from),
		Next: []string{"add one with role_arn = arn:aws:iam::" + a.id + ":role/NAME", "see the profiles: fob list --profiles"}, Code: fault.Config,
	}
}

// notOne says which profiles there are, and how to choose one of them.
func notOne(subject string, ways, fit []wayIn, c front.Choice) error {
	f := &fault.Error{What: "cannot choose a profile for " + subject, Code: fault.Config}
	if len(fit) == 0 {
		wanted := "has the role " + profile.Shown(c.Role)
		if c.ReadOnly {
			wanted = "has a role that is named read-only"
		}
		f.Why = fmt.Errorf("none of its profiles %s: %s", wanted, someWays(ways))
		f.Next = []string{"add such a profile, or leave out the flag"}
		if c.ReadOnly {
			f.Next = []string{"have the profiles made: fob configure --roles full-access,read-only", "or leave out the flag"}
		}
		return f
	}
	f.Why = fmt.Errorf("%d profiles fit: %s", len(fit), someWays(fit))
	if slices.ContainsFunc(fit, func(w wayIn) bool { return w.role != fit[0].role }) {
		f.Next = append(f.Next, "choose by the role: fob "+front.ByDirectory+" --role NAME")
	}
	f.Next = append(f.Next, "name the account's folder in the profile that is meant: "+directorySetting+" = DIRECTORY")
	return f
}

func someWays(ways []wayIn) string {
	var names []string
	for _, w := range ways[:min(len(ways), mostNamed)] {
		names = append(names, w.String())
	}
	return orMore(names, len(ways))
}
