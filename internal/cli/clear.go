package cli

import (
	"context"
	"fmt"

	"fob/internal/decide/chain"
	"fob/internal/decide/source"
	"fob/internal/keep/cache"

	"github.com/spf13/cobra"
)

func newClear(sys *System, g *globals) *cobra.Command {
	return &cobra.Command{
		Use:               "clear [PROFILE]",
		Short:             "Remove kept sessions, of one profile or of all",
		Example:           "  fob clear\n  fob clear dev",
		Args:              atMostOneProfile,
		ValidArgsFunction: sys.completeProfile(g),
		RunE: func(c *cobra.Command, args []string) error {
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			return sys.runClear(c.Context(), g, name)
		},
	}
}

func (s System) runClear(ctx context.Context, g *globals, name string) error {
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	if ok, err := k.exists(); err != nil {
		return err
	} else if !ok {
		_, err := fmt.Fprintln(s.Stdout, "Cleared 0 sessions.")
		return err
	}
	n := 0
	if name == "" {
		// Removing needs no key: what is cleared is not read.
		n, err = cache.New(k.home.Data, k.seal).Clear(nil)
	} else {
		n, err = k.clearProfile(ctx, name)
	}
	if err != nil {
		return storeFault(err)
	}
	_, err = fmt.Fprintf(s.Stdout, "Cleared %d session%s.\n", n, plural(n))
	return err
}

// clearProfile removes the sessions that were made for a profile: those of its
// role, or of its key. The MFA session of its source stays, since every other
// profile lives from it. A length that AWS refused for the role is forgotten too.
func (k *keeper) clearProfile(ctx context.Context, name string) (int, error) {
	set, err := k.config()
	if err != nil {
		return 0, err
	}
	if err := k.open(ctx); err != nil {
		return 0, err
	}
	c, err := chain.Resolve(set, source.Kinds(), k.hasKey, nil, chain.Request{Profile: name})
	if err != nil && !set.Has(name) {
		return 0, err
	}
	role, _ := lastRole(c)
	if role.RoleARN != "" {
		// A new beginning: the role's limit may have been raised meanwhile.
		err := k.cache.Update(ctx, k.sys.Now, func(ix *cache.Index) error {
			delete(ix.Limits, role.RoleARN)
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	return k.cache.Clear(func(e cache.Entry) bool {
		// Two profiles may name one role; the session was kept for the first.
		return e.Owner == name || role.RoleARN != "" && e.Detail == role.RoleARN
	})
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}
