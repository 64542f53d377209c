package refarch

import (
	"slices"
	"strings"

	"fob/internal/decide/profile"
)

// guardSetting is what Wanted.Guard writes.
func guardSetting() profile.Setting { return profile.Setting{Key: "fob_guard", Value: "code"} }

// WorthGuarding says whether work in an account of this name costs more than an
// MFA code: production, and the accounts on which all others rest. The root of an
// organization is called management or master too.
func WorthGuarding(account string) bool {
	return strings.HasPrefix(account, "prod") || slices.Contains([]string{"security", "logs", "root", "management", "master"}, account)
}

// guards says which of the profiles that are wanted get a guard: those of the
// accounts above, and the one with the key.
func (w Wanted) guards(account string) []profile.Setting {
	if !w.Guard || account != "" && !WorthGuarding(account) {
		return nil
	}
	return []profile.Setting{guardSetting()}
}

// Guardable are the profiles that Guard would put a guard on, and that say nothing
// of one yet.
func (w Wanted) Guardable(set profile.Set) []string {
	var names []string
	guarded := w
	guarded.Guard = true
	all, _ := guarded.sections() // Make tells what is wrong
	for _, a := range all {
		if !slices.Contains(a.Settings, guardSetting()) {
			continue
		}
		if p, err := set.Profile(a.Name); err == nil {
			if _, said := p.Setting(guardSetting().Key); said {
				continue
			}
		}
		names = append(names, a.Name)
	}
	return names
}
