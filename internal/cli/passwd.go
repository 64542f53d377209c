package cli

import (
	"context"
	"errors"

	"fob/internal/cred"
	"fob/internal/keep/unlock"

	"github.com/spf13/cobra"
)

type passwdOptions struct {
	fd int
}

func newStorePasswd(sys *System, g *globals) *cobra.Command {
	var o passwdOptions
	c := &cobra.Command{
		Use:   "passwd",
		Short: "Replace the passphrase of the store",
		Long: "Give the store a new passphrase, once it was opened with the old one, or with the recovery code\n" +
			"where that is forgotten (--backend recovery). Every session ends with it. Copies of the store that\n" +
			"were made before open with the old one: fob rotate makes the keys in them worth nothing.",
		Example: "  fob store passwd\n  fob store passwd --backend recovery",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return sys.runPasswd(c.Context(), g, o) },
	}
	c.Flags().IntVar(&o.fd, "new-passphrase-fd", -1, "read the new passphrase from this file descriptor")
	return c
}

// runPasswd asks for the old passphrase even while the store is open: who finds
// the machine unlocked must not shut its owner out.
func (s System) runPasswd(ctx context.Context, g *globals, o passwdOptions) error {
	given, err := s.newPassphrase(ctx, o)
	if err != nil {
		return err
	}
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	if ok, err := k.exists(); err != nil {
		return err
	} else if !ok {
		return noStoreYet(k.home.Data)
	}
	if err := k.hold(ctx); err != nil {
		return err
	}
	identity, err := k.ask(ctx)
	if err != nil {
		return err
	}
	if err := k.opened(ctx, identity); err != nil {
		return err
	}
	kind, err := kindNamed(passphraseKind, "")
	if err != nil {
		return err
	}
	u := kind.Open(k.unlockEnv(func(ctx context.Context, q unlock.Question) (cred.Secret, error) {
		if !given.IsZero() {
			return given, nil
		}
		t, err := s.OpenTTY()
		if err != nil {
			return cred.Secret{}, err
		}
		defer t.Close()
		return askNew(ctx, t, q.Text+": ")
	}))
	if err := u.Save(ctx, identity); err != nil {
		return storeFault(err)
	}
	s.say("the store has a new passphrase; every session has ended")
	s.say("copies of the store that were made before open with the old one: fob rotate makes the keys in them worth nothing")
	return storeFault(k.newEpoch(ctx))
}

// newPassphrase is the line that --new-passphrase-fd gives, or none where a
// person is asked.
func (s System) newPassphrase(ctx context.Context, o passwdOptions) (cred.Secret, error) {
	if o.fd < 0 {
		return cred.Secret{}, nil
	}
	text, err := readPassphrase(ctx, o.fd, "--new-passphrase-fd")
	switch {
	case errors.Is(err, errIsTerminal):
		return cred.Secret{}, nil
	case err == nil && text.IsZero():
		_, err = noPassphrase(errors.New("--new-passphrase-fd gives nothing"))
	}
	return text, err
}
