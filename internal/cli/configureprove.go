package cli

import (
	"context"
	"errors"
	"slices"

	"fob/internal/decide/profile"
	"fob/internal/decide/refarch"
	"fob/internal/fault"
)

// onlyKey makes the profile whose key is stored the source, where there is one such
// profile: a list need not call the account of the IAM users as the architecture does.
func (f *finder) onlyKey(ctx context.Context) bool {
	if f.open(ctx) != nil || len(f.index.Keys) != 1 {
		return false
	}
	for name := range f.index.Keys {
		if name != f.o.source {
			f.sys.say("the accounts have no %s: profile %s has the only key that is stored, and is taken for it; --source names another", profile.Shown(f.o.source), profile.Shown(name))
		}
		f.o.source = name
	}
	return true
}

// proved asks AWS whether the user has the device that the config names, before
// that goes into every profile. Where it cannot be asked without a question to the
// person nothing is said, nor where nothing changes or the device is their word.
func (f finder) proved(ctx context.Context, w refarch.Wanted) error {
	p, err := f.set.Profile(w.Source)
	if err != nil || f.given || w.Serial == "" || p.Value("mfa_serial") != w.Serial {
		return nil
	}
	if plan, err := refarch.Make(f.set, w); !f.o.byRights() && (err != nil || !plan.Changed()) {
		return nil // Make tells of it once more
	}
	if ok, err := f.exists(); err != nil || !ok || !f.unseal() || !f.hasKey(w.Source) || !f.opensUnasked(ctx) {
		return nil
	}
	key, err := f.Key(ctx, w.Source)
	if err != nil {
		return nil
	}
	_, iam, err := f.asUser(ctx, f.set, true)
	if err != nil {
		return nil
	}
	have, err := f.devicesSoon(ctx, iam, key.Signer())
	if err != nil || slices.Contains(have, w.Serial) {
		return ctx.Err()
	}
	why, next := strange(f.set, w.Serial, w.Source, have)
	return &fault.Error{What: "cannot use the MFA device that the config names", Why: errors.New(why), Next: append(next, "or name the device yourself: --mfa-serial ARN"), Code: fault.Config}
}

// opensUnasked makes keys readable where that takes no question to a person.
func (k *keeper) opensUnasked(ctx context.Context) bool {
	if _, given, err := k.given(); err != nil || !given {
		return k.restsOpen(ctx)
	}
	return k.Open(ctx, func() bool { return true }) == nil
}
