package cli

import (
	"errors"
	"strings"

	"fob/internal/decide/profile"
	"fob/internal/fault"
)

// config reads the AWS config and says what is wrong in it.
func (k *keeper) config() (profile.Set, error) {
	set, err := k.load()
	k.warn(set, nil)
	return set, err
}

// warn says what is wrong in the config, but for what err says anyway.
func (k *keeper) warn(set profile.Set, err error) {
	if k.warned { // a run for several profiles comes by for each
		return
	}
	k.warned = true
	for _, w := range set.Warnings() {
		if err == nil || !strings.Contains(err.Error(), w) {
			k.sys.say("%s", w)
		}
	}
}

func (k *keeper) load() (profile.Set, error) {
	set, err := k.home.Load()
	if err != nil {
		f := &fault.Error{What: "cannot read the AWS config", Why: err, Code: fault.Config}
		if p := (*profile.Error)(nil); errors.As(err, &p) {
			f.Next = p.Next
		}
		return set, f
	}
	return set, nil
}
