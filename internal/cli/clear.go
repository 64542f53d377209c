package cli

import (
	"context"
	"fmt"

	"fob/internal/decide/chain"
	"fob/internal/decide/source"
	"fob/internal/keep/cache"

	"github.com/spf13/cobra"
)

type clearOptions struct {
	profile string
	json    bool
}

type clearedJSON struct {
	Cleared int `json:"cleared" doc:"how many sessions were removed"`
}

func newClear(sys *System, g *globals) *cobra.Command {
	var o clearOptions
	c := &cobra.Command{
		Use:               "clear [PROFILE]",
		Short:             "Remove kept sessions, of one profile or of all",
		Example:           "  fob clear\n  fob clear dev",
		Args:              atMostOneProfile,
		ValidArgsFunction: sys.completeProfile(g),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.profile = args[0]
			}
			return sys.runClear(c.Context(), g, o)
		},
	}
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

func (s System) runClear(ctx context.Context, g *globals, o clearOptions) error {
	k, err := s.newKeeper(g)
	if err != nil {
		return err
	}
	defer k.close()
	n := 0
	switch ok, err := k.exists(); {
	case err != nil:
		return err
	case !ok: // no store, so no sessions
	case o.profile == "":
		// Removing needs no key: what is cleared is not read.
		n, err = cache.New(k.home.Data, k.seal).Clear(nil)
		if err != nil {
			return storeFault(err)
		}
	default:
		if n, err = k.clearProfile(ctx, o.profile); err != nil {
			return storeFault(err)
		}
	}
	if o.json {
		return writeJSON(s.Stdout, clearedJSON{Cleared: n})
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
	c, err := chain.Resolve(set, source.Kinds(k.inClear(set)), k.hasKey, nil, leadsTo(name))
	if err != nil && !set.Has(name) {
		return 0, err
	}
	role := c.Card().Role
	if role != "" {
		// A new beginning: the role's limit may have been raised meanwhile.
		err := k.cache.Update(ctx, k.sys.Now, func(ix *cache.Index) error {
			delete(ix.Limits, role)
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	return k.cache.Clear(func(e cache.Entry) bool {
		// Two profiles may name one role; the session was kept for the first.
		return e.Owner == name || role != "" && e.Detail == role
	})
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}
