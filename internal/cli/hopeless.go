package cli

import (
	"fob/internal/decide/chain"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
)

// hopeless is why no stored key could mend the plan of r. A key may be stored for
// every profile, or only where a source_profile leads, whose mfa_serial counts then,
// or for none: what a program gives an agent is narrowed where a key's session is not.
func hopeless(set profile.Set, kinds []source.Kind, r chain.Request) error {
	anyKey := func(string) bool { return true }
	atSource := func(name string) bool {
		p, err := set.Profile(name)
		return err != nil || p.Value("source_profile") == ""
	}
	_, err := chain.Resolve(set, kinds, anyKey, nil, r)
	if err == nil {
		return nil
	}
	noKey := func(string) bool { return false }
	for _, hasKey := range []func(string) bool{atSource, noKey} {
		if _, other := chain.Resolve(set, kinds, hasKey, nil, r); other == nil {
			return nil
		}
	}
	return err
}
