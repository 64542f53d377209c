package front

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"fob/internal/cred"
	"fob/internal/decide/profile"
	"fob/internal/keep/cache"

	"github.com/google/go-cmp/cmp"
)

func getwd(dir string) func() (string, error) { return func() (string, error) { return dir, nil } }

// tree writes files, whose text is their name, and gives the folder.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range names {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestFindPlace(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name                   string
		files                  []string
		dir, account, accounts string
	}{
		{"nothing", nil, "a/b", "", ""},
		{"beside the account", []string{"live/accounts.json"}, "live/dev/vpc", "", "live/accounts.json"},
		{"in the folder itself", []string{"live/accounts.yaml"}, "live", "", "live/accounts.yaml"},
		{"the nearest one", []string{"live/accounts.json", "live/dev/accounts.yml"}, "live/dev/vpc", "", "live/dev/accounts.yml"},
		{"JSON first", []string{"live/accounts.json", "live/accounts.yml"}, "live/dev", "", "live/accounts.json"},
		{"both kinds", []string{"live/accounts.json", "live/dev/account.hcl", "live/account.hcl"}, "live/dev/vpc", "live/dev/account.hcl", "live/accounts.json"},
		{"no further than the accounts", []string{"account.hcl", "live/accounts.json"}, "live/dev", "", "live/accounts.json"},
		{"one account alone", []string{"live/dev/account.hcl"}, "live/dev/us/vpc", "live/dev/account.hcl", ""},
		{"large", []string{"live/accounts.json"}, "live/dev", "", "live/accounts.json"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			root := tree(t, append(tc.files, tc.dir+"/terragrunt.hcl")...)
			found := func(name string) Found {
				if name == "" {
					return Found{}
				}
				path := filepath.Join(root, filepath.FromSlash(name))
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				return Found{path, text}
			}
			if tc.name == "large" {
				if err := os.WriteFile(filepath.Join(root, tc.accounts), []byte(strings.Repeat("x", 1<<20)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			dir := filepath.Join(root, filepath.FromSlash(tc.dir))
			got, err := FindPlace(getwd(dir), os.Getuid())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(Place{dir, found(tc.account), found(tc.accounts)}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What somebody else could have written is not read, and neither is what is no
// file; a folder that is gone is no place.
func TestFindNoPlace(t *testing.T) {
	t.Parallel()
	gone := errors.New("gone")
	for name, dir := range map[string]func() (string, error){
		"relative": getwd("here"), "gone": func() (string, error) { return "", gone },
		"folder": getwd(filepath.Dir(tree(t, "accounts.json/x") + "/x")),
	} {
		if _, err := FindPlace(dir, os.Getuid()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if runtime.GOOS == "windows" {
		return
	}
	root := tree(t, "account.hcl")
	if err := os.Chmod(filepath.Join(root, "account.hcl"), 0o602); err != nil {
		t.Fatal(err)
	}
	why := (*FoundError)(nil)
	if _, err := FindPlace(getwd(root), os.Getuid()); !errors.As(err, &why) {
		t.Errorf("a file that all may write: %v", err)
	}
	if os.Getuid() != 0 {
		t.Skip("only root can give a file away")
	}
	root = tree(t, "accounts.yml")
	if err := os.Chown(filepath.Join(root, "accounts.yml"), 4711, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := FindPlace(getwd(root), 4712); !errors.As(err, &why) {
		t.Errorf("another user's file: %v", err)
	}
	if _, err := FindPlace(getwd(root), 4711); err != nil {
		t.Errorf("one's own file: %v", err)
	}
}

// All that a choice is made from has a part in its name, and no part can be taken
// for another one.
func TestSums(t *testing.T) {
	t.Parallel()
	base := Place{Dir: "/a/b", Account: Found{"/a/account.hcl", []byte("x")}, Accounts: Found{"/accounts.json", []byte("y")}}
	seen := map[string]string{}
	look := func(name string, p Place, user string, c Choice) {
		here, below := p.Sums(user, c)
		for kind, sum := range map[string]string{"here": here, "below": below(p.Dir), "above": below("/a")} {
			if other, twice := seen[sum]; twice {
				t.Errorf("%s, %s is the same as %s", name, kind, other)
			}
			seen[sum] = name + ", " + kind
		}
	}
	look("base", base, "/home", Choice{})
	look("role", base, "/home", Choice{Role: "r"})
	look("reads", base, "/home", Choice{ReadOnly: true})
	look("user", base, "/home/", Choice{})
	for name, change := range map[string]func(*Place){
		"path":   func(p *Place) { p.Account.Path = "/a/b/account.hcl" },
		"text":   func(p *Place) { p.Account.Text = []byte("xy") },
		"other":  func(p *Place) { p.Accounts.Path = "/a/accounts.json" },
		"yml":    func(p *Place) { p.Accounts.Text = nil },
		"moved":  func(p *Place) { p.Account.Text, p.Accounts.Text = []byte("xy"), nil },
		"gone":   func(p *Place) { p.Account = Found{} },
		"none":   func(p *Place) { p.Account, p.Accounts = Found{}, Found{} },
		"mixed":  func(p *Place) { p.Account.Path, p.Accounts.Path = p.Accounts.Path, p.Account.Path },
		"joined": func(p *Place) { p.Account.Path += p.Accounts.Path; p.Accounts.Path = "" },
	} {
		p := base
		change(&p)
		look(name, p, "/home", Choice{})
	}
	here, _ := base.Sums("/home", Choice{})
	base.Dir = "/a/b/c"
	if other, _ := base.Sums("/home", Choice{}); here == other {
		t.Error("another directory has the same name")
	}
}

// terragruntRun is cachedRun in a folder whose profile is remembered.
func terragruntRun(t *testing.T, profiles int) (System, string) {
	t.Helper()
	sys := cachedRun(t, profiles, 0, "credential-process", "dev")
	sys.Args = []string{"fob", ByDirectory}
	root := tree(t, "accounts.json", "dev/us/vpc/terragrunt.hcl")
	sys.Getwd = getwd(filepath.Join(root, "dev", "us", "vpc"))
	home, err := FindHome(sys.Environ)
	if err != nil {
		t.Fatal(err)
	}
	set, err := profile.Load(home.Config, home.ConfigShown)
	if err != nil {
		t.Fatal(err)
	}
	place, err := FindPlace(sys.Getwd, sys.UID)
	if err != nil {
		t.Fatal(err)
	}
	_, below := place.Sums(home.User, Choice{})
	kept := cache.New(home.Data, cred.NewSecret(strings.Repeat("CANARY..", 4)))
	err = kept.Update(t.Context(), sys.Now, func(x *cache.Index) error {
		x.Remember(below(filepath.Join(root, "dev")), cache.Directory{Profile: "dev", Config: set.Sum(), Made: sys.Now()})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sys, root
}

func TestAnswersTerragrunt(t *testing.T) {
	t.Parallel()
	sys, root := terragruntRun(t, 3)
	run := func() string {
		var out strings.Builder
		s := sys
		s.Stdout, s.Core = &out, func() string { return "fob-core" }
		s.Environ = append(slices.Clone(s.Environ), "AWS_PROFILE=other", "AWS_ROLE_ARN=arn:aws:iam::000000000001:role/admin", "AWS_ACCESS_KEY_ID=ASIAOTHER")
		s.Exec = func(_ string, argv, environ []string) error {
			out.WriteString(strings.Join(argv, " ") + " by fob-core, " + Lookup(environ, "AWS_PROFILE"))
			return errors.New("no fob-core")
		}
		s.Stderr = &strings.Builder{}
		Main(s)
		return out.String()
	}
	want := `{"awsCredentials": {"ACCESS_KEY_ID": "ASIACANARY", "SECRET_ACCESS_KEY": "CANARY secret", "SESSION_TOKEN": "` + strings.Repeat("CANARY", 100) + `"}}` + "\n"
	const over = "fob " + ByDirectory + " by fob-core, other"
	if got := run(); got != want {
		t.Errorf("got %q", got)
	}
	// One byte more, in either file, and it is not decided here.
	home, err := FindHome(sys.Environ)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"config": home.Config, "accounts": filepath.Join(root, "accounts.json"), "nearer": filepath.Join(root, "dev", "us", "account.hcl")}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		before, err := os.ReadFile(files[name])
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if err := os.WriteFile(files[name], append(slices.Clone(before), '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := run(); got != over {
			t.Errorf("%s changed: got %q", name, got)
		}
		if before == nil {
			err = os.Remove(files[name])
		} else {
			err = os.WriteFile(files[name], before, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := run(); got != want {
			t.Errorf("%s as before: got %q", name, got)
		}
	}
	sys.Args = append(sys.Args, "--read-only")
	if got := run(); got != over[:len("fob "+ByDirectory)]+" --read-only"+over[len("fob "+ByDirectory):] {
		t.Errorf("another choice: got %q", got)
	}
}

// An answer to Terragrunt allocates little more than one to an SDK.
func TestCachedTerragruntAllocates(t *testing.T) {
	for _, profiles := range []int{8, 10_000} {
		const most = 340
		sys, _ := terragruntRun(t, profiles)
		n := testing.AllocsPerRun(20, func() {
			if status := Main(sys); status != 0 {
				t.Fatalf("status %d", status)
			}
		})
		t.Logf("%v allocations among %d profiles", n, profiles)
		if n > most {
			t.Errorf("%v allocations among %d profiles, at most %v were meant", n, profiles, most)
		}
	}
}
