// Package keys adds and removes long-term keys: what a key must look like, and
// the profile that goes with it in the AWS config. It does not know flags,
// prompts or sessions.
package keys

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"fob/internal/cred"
	"fob/internal/decide/profile"
	"fob/internal/fault"
	"fob/internal/keep/lock"
)

// CheckID says why a text cannot be the id of a long-term access key
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids).
func CheckID(id string) error {
	switch {
	case id == "":
		return noKey("the access key id is empty")
	case strings.HasPrefix(id, "ASIA"):
		return noKey("the id begins with ASIA: it is a temporary key, which ends by itself", "store the long-term key of the IAM user; its id begins with AKIA")
	case len(id) < 16 || len(id) > 128 || strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "":
		return noKey("the id must be 16 to 128 capital letters and digits", "paste it as the console shows it; it begins with AKIA")
	}
	return nil
}

// Check says why a text pair cannot be a long-term access key, before it is
// stored: a mistyped key otherwise shows itself as a refusal much later.
func Check(k cred.AccessKey) error {
	if err := CheckID(k.ID); err != nil {
		return err
	}
	secret := k.Secret.Reveal()
	switch {
	case k.Secret.IsZero():
		return noKey("the secret access key is empty")
	case len(secret) < 16 || len(secret) > 256 || strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' }):
		return noKey("the secret must be printable characters without spaces, 40 of them as AWS makes it")
	}
	return nil
}

func noKey(why string, next ...string) error {
	return &fault.Error{What: "cannot store that access key", Why: errors.New(why), Next: next, Code: fault.Usage}
}

// MayHold says why a key must not be stored under a profile's name: a key goes
// before source_profile, so it would silently replace the way that is written
// there.
func MayHold(set profile.Set, name string) error {
	if name == "" || len(name) > 4096 || fault.Line(name) != name {
		return &fault.Error{What: "cannot store a key under that name", Why: errors.New("a profile's name has 1 to 4096 bytes, and no control characters"), Code: fault.Usage}
	}
	p, err := set.Profile(name)
	if unknown := (*profile.UnknownError)(nil); errors.As(err, &unknown) {
		return nil
	}
	if err != nil {
		f := &fault.Error{What: fmt.Sprintf("cannot store a key for profile %s", profile.Shown(name)), Why: err, Code: fault.Config}
		if p := (*profile.Error)(nil); errors.As(err, &p) {
			f.Next = p.Next
		}
		return f
	}
	from, ok := p.Setting("source_profile")
	if !ok || from.Value == name || from.Value == "" {
		return nil
	}
	return &fault.Error{
		What: fmt.Sprintf("cannot store a key for profile %s", profile.Shown(name)),
		Why:  fmt.Errorf("it takes its credentials from source_profile %s (%s)", profile.Shown(from.Value), from.From),
		Next: []string{"store the key where it is used: fob add " + fault.Operand(from.Value)},
		Code: fault.Config,
	}
}

// MayWrite says why no section for name could be written to the config, before
// a key is stored for it. A profile that is there needs none.
func MayWrite(set profile.Set, name string) error {
	if set.Has(name) {
		return nil
	}
	_, err := set.WithProfile(name, nil)
	if err == nil {
		return nil
	}
	return &fault.Error{
		What: fmt.Sprintf("cannot add profile %s to %s", profile.Shown(name), set.Display()), Why: err,
		Next: []string{"choose another name", "or leave the config alone: --no-add-config"}, Code: fault.Usage,
	}
}

// WriteProfile appends a section for name to the config where it has none, with
// mfa_serial where serial is not "". No other byte changes; a config that
// changed since set was read is left alone. It says whether it wrote.
func WriteProfile(set profile.Set, name, serial string) (bool, error) {
	if set.Has(name) {
		return false, nil
	}
	var settings []profile.Setting
	if serial != "" {
		settings = append(settings, profile.Setting{Key: "mfa_serial", Value: serial})
	}
	text, err := set.WithProfile(name, settings)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(set.Path()), 0o700)
	}
	if err == nil {
		err = lock.WriteFile(set.Path(), text, lock.WriteOptions{Mode: 0o600, FollowLink: true, Compare: true, Expect: set.Text()})
	}
	if err != nil {
		return false, &fault.Error{
			What: fmt.Sprintf("cannot add profile %s to %s", profile.Shown(name), set.Display()), Why: err,
			Next: []string{"add the lines by hand: [profile " + name + "]"}, Code: fault.Failed,
		}
	}
	return true, nil
}

// WriteSetting sets one key of a profile that the config has. No other byte
// changes; a config that changed since set was read is left alone.
func WriteSetting(set profile.Set, name, key, value string) error {
	text, err := set.WithSetting(name, key, value)
	if err == nil {
		err = lock.WriteFile(set.Path(), text, lock.WriteOptions{FollowLink: true, Compare: true, Expect: set.Text()})
	}
	if err != nil {
		return &fault.Error{
			What: fmt.Sprintf("cannot set %s of profile %s in %s", key, profile.Shown(name), set.Display()), Why: err,
			Next: []string{"write the line there by hand: " + key + " = " + value}, Code: fault.Failed,
		}
	}
	return nil
}
