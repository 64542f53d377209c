package front

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fob/internal/cred"
	"fob/internal/decide/chain"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
	"fob/internal/deliver/launch"
	"fob/internal/keep/cache"
	"fob/internal/keep/sealkey"
)

// cachedRun is a front whose home holds the session of profile dev, among this
// many profiles and sessions.
func cachedRun(t *testing.T, profiles, sessions int, args ...string) System {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	sys := System{
		Args:    append([]string{"fob"}, args...),
		Environ: []string{"HOME=" + dir, "XDG_RUNTIME_DIR=" + dir, "PATH=/usr/bin:/bin", "LANG=C.UTF-8", "AWS_REGION=eu-west-1"},
		Stdout:  io.Discard, Stderr: os.Stderr, Now: time.Now, UID: os.Getuid(), NoKeyring: true,
		Core:             func() string { t.Error("this is no cached run"); return "" },
		StdoutIsTerminal: func() bool { return false },
		Exec:             func(string, []string, []string) error { return &launch.Exited{} },
	}
	home, err := FindHome(sys.Environ)
	must(err)
	must(os.MkdirAll(home.Data, 0o700))
	must(os.Mkdir(filepath.Dir(home.Config), 0o700))
	const device = "mfa_serial = arn:aws:iam::123456789012:mfa/ann\n"
	var config strings.Builder
	config.WriteString("[default]\nregion = us-east-1\n[profile base]\n" + device)
	for i := range profiles {
		fmt.Fprintf(&config, "[profile account-%d]\nsource_profile = base\nrole_arn = arn:aws:iam::%012d:role/admin\n", i, i)
	}
	config.WriteString("[profile dev]\nsource_profile = base\n" + device + "role_arn = arn:aws:iam::210987654321:role/admin\n")
	must(os.WriteFile(home.Config, []byte(config.String()), 0o600))
	vault := []byte("the vault")
	must(os.WriteFile(filepath.Join(home.Data, "vault.age"), vault, 0o600))

	seal := cred.NewSecret(strings.Repeat("CANARY..", 4))
	_, err = sealkey.New(sealkey.Options{DataDir: home.Data, RuntimeDir: home.Runtime, UID: sys.UID, Now: sys.Now, NoKeyring: true, AnyDisk: true}).Save(seal)
	must(err)
	kept := cache.New(home.Data, seal)
	must(kept.Update(t.Context(), sys.Now, func(x *cache.Index) error {
		x.Vault, x.Keys = sha256.Sum256(vault), map[string]cache.KeyInfo{"base": {ID: "AKIACANARY", Created: time.Now()}}
		return nil
	}))
	set, err := profile.Load(home.Config, home.ConfigShown)
	must(err)
	line, ok := Parse(args)
	if !ok {
		t.Fatalf("%q is no line of the front", args)
	}
	c, err := chain.Resolve(set, source.Kinds(), func(name string) bool { return name == "base" }, nil, line.Request(sys.Environ))
	must(err)
	names := chain.Names(c, "AKIACANARY", kept.NameOf)
	for i := range sessions {
		names = append(names, fmt.Sprintf("%064x", i))
	}
	for _, name := range names {
		must(kept.Store(cache.Entry{Name: name, Session: cred.Session{
			ID: "ASIACANARY", Secret: cred.NewSecret("CANARY secret"), Token: cred.NewSecret(strings.Repeat("CANARY", 100)), Expires: time.Now().Add(time.Hour),
		}}))
	}
	return sys
}

// What a cached run allocates does not grow with profiles or sessions.
func TestCachedRunAllocates(t *testing.T) {
	for _, tc := range []struct {
		args []string
		most float64
	}{
		{[]string{"exec", "dev", "--", "true"}, 260},
		{[]string{"credential-process", "dev"}, 260},
	} {
		few := cachedRun(t, 8, 0, tc.args...)
		many := cachedRun(t, 10000, 50, tc.args...)
		measure := func(sys System) float64 {
			return testing.AllocsPerRun(20, func() {
				if status := Main(sys); status != 0 {
					t.Fatalf("status %d", status)
				}
			})
		}
		a, b := measure(few), measure(many)
		t.Logf("%q: %v allocations, %v among many", tc.args, a, b)
		if a > tc.most {
			t.Errorf("%q: %v allocations, at most %v were meant", tc.args, a, tc.most)
		}
		if b > a+40 {
			t.Errorf("%q: %v allocations among 10,000 profiles and 50 sessions, %v among 10 and 2", tc.args, b, a)
		}
	}
}
