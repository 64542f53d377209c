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

// onlyReads says whether a role changes nothing: a guard is for what does. Billing
// is written to as well, and support is spoken to.
func onlyReads(key string) bool { return key == "read-only" || key == "logs" }

// guards says whether the profile of a role in an account gets a guard: where the
// account is one of those above and the role can change something. That with the
// key, which has no account here, gets one.
func (w Wanted) guards(account, key string) []profile.Setting {
	if !w.Guard || account != "" && (!WorthGuarding(account) || onlyReads(key)) {
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
