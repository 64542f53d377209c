//go:build unix

package cli

import (
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestBothNames runs the same command lines under fob's name and the incumbent's:
// what a script could notice is the same, but for the statuses of fob's own
// failures.
func TestBothNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"fob", incumbentName} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testscript.Run(t, scriptParams("testdata/both", func(env *testscript.Env) (localAWS, error) {
				env.Setenv("FOB", name)
				for _, status := range []int{2, 3, 4, 5, 6, 125} {
					given := status
					if name == incumbentName {
						given = 1
					}
					env.Setenv("S"+strconv.Itoa(status), strconv.Itoa(given))
				}
				return startOurs(env)
			}))
		})
	}
}
