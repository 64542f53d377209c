package cli

import (
	"context"
	"errors"
	"fmt"

	"fob/internal/cred"
	"fob/internal/decide/profile"
	"fob/internal/fault"
	"fob/internal/keep/store"

	"github.com/spf13/cobra"
)

type removeOptions struct {
	profile      string
	force        bool
	sessionsOnly bool
}

func newRemove(sys *System, g *globals) *cobra.Command {
	var o removeOptions
	c := &cobra.Command{
		Use:     "remove PROFILE",
		Aliases: []string{"rm"},
		Short:   "Remove the stored key of a profile, and every session",
		Long: "Remove the stored key of a profile. Every session of the store ends, those of other keys too:\n" +
			"they are sealed by one key, which changes, so that no copy of them opens any more. The next\n" +
			"command asks for a code. What AWS has of the key stays: delete it in the IAM console.",
		Example:           "  fob remove security\n  fob rm -f security",
		Args:              oneProfile,
		ValidArgsFunction: sys.completeProfile(g),
		RunE: func(c *cobra.Command, args []string) error {
			o.profile = args[0]
			return sys.runRemove(c.Context(), g, o)
		},
	}
	c.Flags().BoolVarP(&o.force, "force", "f", false, "do not ask")
	c.Flags().BoolVarP(&o.sessionsOnly, "sessions-only", "s", false, "remove the sessions and keep the key")
	_ = c.Flags().MarkHidden("sessions-only")
	return c
}

func (s System) runRemove(ctx context.Context, g *globals, o removeOptions) error {
	if o.sessionsOnly {
		return s.runClear(ctx, g, clearOptions{profile: o.profile})
	}
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	if ok, err := k.exists(); err != nil || !ok {
		return absent(o.profile, err)
	}
	if err := k.Open(ctx, func() bool { return true }); err != nil {
		return err
	}
	if _, err := k.vault.Record(ctx, o.profile); err != nil {
		if errors.Is(err, store.ErrNotFound) {
			return absent(o.profile, nil)
		}
		return storeFault(err)
	}
	unfinished, err := k.vault.Rotation(ctx, o.profile)
	if err != nil {
		return storeFault(err)
	}
	if unfinished != nil && !o.force {
		return rotating(o.profile)
	}
	if !o.force {
		k.close() // nobody waits for this answer
		t, err := s.OpenTTY()
		if err != nil {
			return err
		}
		defer t.Close()
		text, err := t.ReadLine(ctx, fmt.Sprintf("Remove the key of profile %q? It cannot be brought back, and every session ends. [y/N] ", o.profile))
		if err != nil || text != "y" && text != "Y" && text != "yes" {
			if err == nil {
				err = &fault.Error{What: "nothing was removed", Code: fault.Failed}
			}
			return err
		}
	}
	if err := k.remove(ctx, o.profile); err != nil || unfinished == nil {
		return err
	}
	s.say("its rotation was not finished: AWS may have the keys %s and %s of %s still", cred.Short(unfinished.Old.ID), cred.Short(unfinished.New.ID), unfinished.ARN)
	return nil
}

// rotating says why a key is not removed: AWS would keep keys of which nobody
// knows any more.
func rotating(name string) error {
	return &fault.Error{
		What: "cannot remove the key of profile " + profile.Shown(name), Why: errors.New("its rotation is not finished"),
		Next: []string{"finish it: fob rotate --grace 0 " + fault.Operand(name), "or remove what is stored, and see to the keys in the IAM console: fob remove --force " + fault.Operand(name)},
		Code: fault.Failed,
	}
}

func absent(profile string, err error) error {
	if err != nil {
		return err
	}
	return &fault.Error{What: fmt.Sprintf("no key is stored for profile %q", profile), Next: []string{"see what is stored: fob list --credentials"}, Code: fault.Failed}
}

// remove takes a key out. The sessions that came from it go first, and the seal
// key changes, so that a copy of the session files cannot be opened any more:
// of a removal that is cut off, what is left to do is what was asked for, and
// asking again does it.
func (k *keeper) remove(ctx context.Context, name string) error {
	if err := k.hold(ctx); err != nil {
		return err
	}
	if err := k.endEpoch(); err != nil {
		return storeFault(err)
	}
	if err := k.vault.Delete(ctx, name); errors.Is(err, store.ErrNotFound) {
		return absent(name, nil) // another run was faster
	} else if err != nil {
		return storeFault(err)
	}
	if err := k.opened(ctx, k.identity); err != nil {
		return err
	}
	k.recordKey(ctx, name, "removed", "", nil)
	k.sys.say("removed the key of profile %s and every session, those of other keys too: the next command asks for a code", profile.Shown(name))
	k.tellLeftBehind(name)
	return nil
}
