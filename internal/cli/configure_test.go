//go:build unix

package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"fob/internal/decide/profile"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/keep/lock"
)

// What somebody has written to the config while the question stood is not
// overwritten by a plan that does not know it.
func TestConfigureMeanwhile(t *testing.T) {
	t.Parallel()
	for name, now := range map[string]string{"changed": "[profile b]\n", "gone": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "config")
			const before = "[profile a]\n"
			if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
				t.Fatal(err)
			}
			set, err := profile.Load(path, path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(now), 0o600); err != nil {
				t.Fatal(err)
			}
			k := &keeper{home: front.Home{}}
			err = k.writeProfiles(set, []byte("[profile c]\n"))
			changed := (*lock.ChangedError)(nil)
			if got, _ := os.ReadFile(path); string(got) != now || !errors.As(err, &changed) || fault.CodeOf(err) != fault.Failed {
				t.Errorf("%v, and the file is %q", err, got)
			}
		})
	}
}

// A terminal or a pipe that gives nothing does not keep Ctrl-C from ending the run.
func TestConfigureWaits(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := (System{Stdin: r}).readAccounts(ctx, "-"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
