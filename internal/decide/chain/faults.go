package chain

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
)

// noKeyError says that a chain ends at a profile which has nothing to begin with.
type noKeyError struct{ name, where string }

func (e *noKeyError) Error() string {
	if e.where == "" {
		return fmt.Sprintf("profile %q has no stored key and no section in the config", e.name)
	}
	return fmt.Sprintf("profile %q (%s) has no stored key and no source_profile", e.name, e.where)
}

// LacksKey says whether err, which Resolve gave, is only that no key is stored yet:
// profile is the one whose key would begin the chain.
func LacksKey(err error) (profile string, ok bool) {
	if lacks := (*noKeyError)(nil); errors.As(err, &lacks) {
		return lacks.name, true
	}
	return "", false
}

// missing tells of a source_profile that cannot be read where it is named.
func (v *resolver) missing(err error, links []link) error {
	unknown := (*profile.UnknownError)(nil)
	if !errors.As(err, &unknown) || len(links) == 0 {
		return err
	}
	from, _ := links[len(links)-1].profile.Setting("source_profile")
	return &source.SettingError{Setting: from, Why: "names a profile that is not in the config and has no stored key", Next: near(unknown.Near)}
}

func near(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	for i, n := range names {
		names[i] = quoted(n)
	}
	return []string{"did you mean " + strings.Join(names, " or ") + "?"}
}

func quoted(name string) string { return profile.Shown(name) }

// circle names every link of a source_profile circle and where it stands.
func circle(links []link, back string) error {
	from := 0
	for i, l := range links {
		if l.profile.Name == back {
			from = i
		}
	}
	var path, places []string
	for _, l := range links[from:] {
		set, _ := l.profile.Setting("source_profile")
		path, places = append(path, l.profile.Name), append(places, set.From)
	}
	return &fault.Error{
		What: "source_profile goes round in a circle", // replaced by asFault with the profile's name
		Why:  fmt.Errorf("source_profile goes round in a circle: %s -> %s (%s)", strings.Join(path, " -> "), back, strings.Join(places, ", ")),
		Next: []string{"remove one source_profile, for example at " + places[0]},
		Code: fault.Config,
	}
}

func what(name string) string { return "cannot resolve profile " + quoted(name) }

// asFault tells a person what is wrong with the profile they named, or with the
// credentials of the environment where they named none.
func (v *resolver) asFault(err error) error {
	name := cmp.Or(v.req.Profile, environmentName)
	f := &fault.Error{What: what(name), Why: err, Code: fault.Config}
	var (
		done    *fault.Error
		unknown *profile.UnknownError
		syntax  *profile.Error
		setting *source.SettingError
		noKey   *noKeyError
		closed  *NoConsoleError
	)
	switch {
	case errors.As(err, &closed):
		return closed // who asked for a console knows what to say
	case errors.As(err, &done):
		if done.Code == fault.Config {
			return &fault.Error{What: what(name), Why: done.Why, Next: done.Next, Code: done.Code}
		}
		return done
	case errors.As(err, &unknown):
		f.Next = append(near(unknown.Near), "see the profiles: fob list --profiles")
	case errors.As(err, &setting):
		f.Next = setting.Next
		if strings.HasPrefix(setting.Setting.From, "--") {
			f.What, f.Code = "cannot use "+setting.Setting.From, fault.Usage
		}
	case errors.As(err, &syntax):
		f.Next = syntax.Next
	case errors.As(err, &noKey):
		f.Next = []string{"fob add " + fault.Operand(noKey.name)}
	}
	return f
}
