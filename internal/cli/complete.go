package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// completeProfile offers the names of the config's profiles.
func (s *System) completeProfile(_ *globals) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(_ *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		names, err := s.profileNames()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var fit []string
		for _, n := range names {
			if strings.HasPrefix(n, start) && !strings.ContainsAny(n, "\n\t") {
				fit = append(fit, n)
			}
		}
		return fit, cobra.ShellCompDirectiveNoFileComp
	}
}
