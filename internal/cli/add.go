package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"fob/internal/cred"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/keep/cache"
	"fob/internal/keep/store"
	"fob/internal/obtain/keys"
	"fob/internal/obtain/takeover"
	"fob/internal/obtain/tty"

	"github.com/spf13/cobra"
)

type addOptions struct {
	profile   string
	csv       string
	env       bool
	addConfig bool
	noConfig  bool
}

func newAdd(sys *System, g *globals) *cobra.Command {
	var o addOptions
	c := &cobra.Command{
		Use:               "add PROFILE",
		Short:             "Store the long-term access key of a profile",
		Example:           "  fob add security\n  AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=... fob add security --env\n  fob add security --csv accessKeys.csv",
		Args:              oneProfile,
		ValidArgsFunction: sys.completeProfile(g),
		RunE: func(c *cobra.Command, args []string) error {
			o.profile = args[0]
			return sys.runAdd(c.Context(), g, o)
		},
	}
	c.Flags().BoolVar(&o.env, "env", false, "take the key from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	c.Flags().Var(some{&o.csv}, "csv", "take the key from the file that the console offers, - for standard input")
	c.MarkFlagsMutuallyExclusive("env", "csv")
	c.Flags().BoolVar(&o.addConfig, "add-config", true, "write the profile to the AWS config if it is not there")
	c.Flags().BoolVar(&o.noConfig, "no-add-config", false, "leave the AWS config alone")
	return c
}

func (s System) runAdd(ctx context.Context, g *globals, o addOptions) error {
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	set, err := k.config()
	if err != nil {
		return err
	}
	if err := keys.MayHold(set, o.profile); err != nil {
		return err
	}
	writes := o.addConfig && !o.noConfig
	if writes { // a key is not stored before it is known that its profile can be written
		if err := keys.MayWrite(set, o.profile); err != nil {
			return err
		}
	}
	key, typed, err := k.givenKey(ctx, set, o)
	if err != nil {
		return err
	}
	var serial string
	// The store before a key that is typed: a passphrase and a key must not be
	// mixed up, and a store that cannot be opened is known first.
	made, err := k.openOrMake(ctx)
	k.close() // nobody waits for what is asked from here on
	if err == nil {
		err = k.offerRecovery(ctx, made, !typed)
	}
	if err != nil {
		return err
	}
	if typed {
		if key, serial, err = s.askKey(ctx, set, o); err != nil {
			return err
		}
	}
	if err := k.add(ctx, store.Record{Name: o.profile, Key: key, Created: s.Now().UTC()}, serial, writes); err != nil {
		return err
	}
	if set, err := k.load(); err == nil {
		k.renewSDKConfig(set)
	}
	return nil
}

// add stores the key and writes its profile, one run after the other: the
// config must not change between its reading and its writing.
func (k *keeper) add(ctx context.Context, r store.Record, serial string, writes bool) error {
	if err := k.hold(ctx); err != nil {
		return err
	}
	before := k.index.Keys[r.Name].ID
	if err := k.put(ctx, r); err != nil {
		return err
	}
	k.sys.say("stored the key %s for profile %q", cred.Short(r.Key.ID), r.Name)
	if before != "" && before != r.Key.ID {
		k.sys.say("it takes the place of the key %s, which AWS still takes: make it inactive in the IAM console, if nothing else uses it", cred.Short(before))
	}
	if !writes {
		return nil
	}
	set, err := k.load()
	if err != nil {
		return err
	}
	wrote, err := keys.WriteProfile(set, r.Name, serial)
	if wrote {
		k.sys.say("added profile %q to %s", r.Name, set.Display())
	}
	return err
}

// givenKey is the key that needs no typing; typed says that there is none.
func (k *keeper) givenKey(ctx context.Context, set profile.Set, o addOptions) (key cred.AccessKey, typed bool, err error) {
	switch {
	case o.env:
		key, err = k.sys.environKey()
	case o.csv != "":
		if key, err = takeover.FromCSV(ctx, k.takeoverEnv(set, o.csv)); err != nil {
			return key, false, &fault.Error{What: "cannot take the key from a CSV file", Why: err, Next: []string{"download the file anew when you make a key, or leave --csv out and be asked"}, Code: fault.Failed}
		}
		err = inFile(o.csv, keys.Check(key))
	default:
		typed = true
	}
	return key, typed, err
}

// environKey takes the key from the variables that AWS's tools use.
func (s System) environKey() (cred.AccessKey, error) {
	id, secret := front.Lookup(s.Environ, "AWS_ACCESS_KEY_ID"), front.Lookup(s.Environ, "AWS_SECRET_ACCESS_KEY")
	missing := ""
	switch {
	case id == "":
		missing = "AWS_ACCESS_KEY_ID"
	case secret == "":
		missing = "AWS_SECRET_ACCESS_KEY"
	}
	key := cred.AccessKey{ID: id, Secret: cred.NewSecret(secret)}
	if missing != "" {
		return key, &fault.Error{What: "cannot take the key from the environment", Why: errors.New(missing + " is not set"), Next: []string{"set it, or leave --env out and be asked"}, Code: fault.Usage}
	}
	return key, keys.Check(key)
}

// askKey asks for the key. A profile that is not in the config yet is asked for
// its MFA device too, which may be left out.
func (s System) askKey(ctx context.Context, set profile.Set, o addOptions) (key cred.AccessKey, serial string, err error) {
	t, err := s.OpenTTY()
	if err != nil {
		return key, "", err
	}
	defer t.Close()
	err = tryAgain(t, func() (wrong, err error) { // before the secret is typed for nothing
		key.ID, err = t.ReadLine(ctx, "Access key id: ")
		key.ID = strings.TrimSpace(key.ID)
		return keys.CheckID(key.ID), err
	})
	if err != nil {
		return key, "", err
	}
	err = tryAgain(t, func() (wrong, err error) {
		key.Secret, err = t.ReadHidden(ctx, "Secret access key: ")
		return keys.Check(key), err
	})
	if err != nil || set.Has(o.profile) || o.noConfig || !o.addConfig {
		return key, "", err
	}
	serial, err = askSerial(ctx, t)
	return key, serial, err
}

// keyTries bounds how often a part of a key is asked for.
const keyTries = 3

// tryAgain asks anew for what is wrong: the passphrase was typed for it already.
func tryAgain(t tty.TTY, ask func() (wrong, err error)) error {
	for try := 1; ; try++ {
		wrong, err := ask()
		if err != nil {
			return err
		}
		if wrong == nil || try == keyTries {
			return wrong
		}
		text := wrong.Error()
		if f := (*fault.Error)(nil); errors.As(wrong, &f) {
			text = f.Why.Error()
		}
		t.Say("fob: " + text)
	}
}

func askSerial(ctx context.Context, t tty.TTY) (string, error) {
	for {
		serial, err := t.ReadLine(ctx, "MFA device (ARN, empty for none): ")
		serial = strings.TrimSpace(serial)
		if err != nil || serial == "" {
			return "", err
		}
		why := source.TypedSerial(serial)
		if why == "" {
			return serial, nil
		}
		if userFlaw(serial) == "" {
			why += "; of a user of that name it would be arn:aws:iam::ACCOUNT:mfa/" + serial + ", with the account's id"
		}
		t.Say(fmt.Sprintf("%q %s.", serial, why))
	}
}

// put stores a record and makes the index tell of it. Sessions made with an
// older key of the profile are named by that key's id, so none is served again.
// What fails behind the store does not undo it, and is told as such.
func (k *keeper) put(ctx context.Context, r store.Record) error {
	if err := k.vault.Put(ctx, r); err != nil {
		return storeFault(err)
	}
	err := k.reindex(ctx)
	k.recordKey(ctx, r.Name, "stored", cred.Short(r.Key.ID), nil)
	if err == nil {
		_, err = k.cache.Clear(func(e cache.Entry) bool { return madeBy(e, r.Name) || k.orphaned(e) })
	}
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	f := &fault.Error{What: fmt.Sprintf("the key %s is stored for profile %s, but what is kept beside the store could not be renewed", cred.Short(r.Key.ID), profile.Shown(r.Name)), Why: err, Code: fault.Locked}
	if known := (*fault.Error)(nil); errors.As(storeFault(err), &known) {
		f.Next = known.Next
	}
	if cause := (*fault.Error)(nil); errors.As(err, &cause) && cause.Why != nil {
		f.Why = cause.Why // not "cannot open the store": it was open
	}
	return f
}

// madeBy says whether a session was made with the stored key of a profile alone.
func madeBy(e cache.Entry, name string) bool { return e.Owner == name && e.Kind == "GetSessionToken" }

// orphaned says that the key that a session comes from is not stored any more, so
// that no chain finds it.
func (k *keeper) orphaned(e cache.Entry) bool {
	for _, key := range k.index.Keys {
		if key.ID == e.KeyID {
			return false
		}
	}
	return e.KeyID != ""
}
