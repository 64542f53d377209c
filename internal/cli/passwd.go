package cli

import (
	"context"
	"errors"
	"slices"

	"fob/internal/cred"
	"fob/internal/fault"
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
	if err := k.openAfresh(ctx); err != nil {
		return err
	}
	u := unlock.Passphrase().Open(k.unlockEnv(func(ctx context.Context, q unlock.Question) (cred.Secret, error) {
		text, err := given, error(nil)
		if given.IsZero() {
			text, err = s.answer(ctx, q, "")
			if f := (*fault.Error)(nil); errors.As(err, &f) && slices.Contains(f.Next, givenNew) {
				f.Next[slices.Index(f.Next, givenNew)] = "where nobody is: give it by --new-passphrase-fd"
			}
		}
		if err == nil && sameLine(text, k.passphrase) {
			return text, &fault.Error{What: "that is the passphrase which the store has already", Next: []string{"give another one", "or see what opens the store: fob store"}, Code: fault.Usage}
		}
		s.sayShort(given)
		return text, err
	}))
	if err := u.Save(ctx, k.identity); err != nil {
		return wayFault(err, unlock.Passphrase())
	}
	s.say("the store has a new passphrase")
	if err := k.newEpoch(ctx); err != nil {
		return wayFault(err, unlock.Passphrase())
	}
	s.say("every session has ended; copies of the store that were made before open with the old one: fob rotate makes the keys in them worth nothing")
	return nil
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
