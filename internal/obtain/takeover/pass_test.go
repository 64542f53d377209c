package takeover

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"fob/internal/decide/profile"

	"github.com/google/go-cmp/cmp"
)

// entry is what aws-vault gives to pass insert.
const entry = `{"Key":"work","Data":"eyJBY2Nlc3NLZXlJRCI6ICJBIiwgIlNlY3JldEFjY2Vzc0tleSI6ICJDQU5BUlkifQ==","Label":"aws-vault (work)","Description":"","KeychainNotTrustApplication":true,"KeychainNotSynchronizable":false}` + "\n"

func TestPass(t *testing.T) {
	t.Parallel()
	config, err := profile.Parse("f", []byte("[profile work]\n[profile bad]\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		variables map[string]string
		wanted    Wanted
		listed    []string
		want      told
		calls     []string
	}{
		{
			"without a prefix only what has a profile's name is opened", nil, nil, []string{"bad", "work"},
			told{Keys: []string{"work A CANARY ~/.password-store"}, Left: []string{"bad: pass show bad: gpg says no"}, Sessions: 1, Unknown: 2},
			[]string{"pass show -- bad PASSWORD_STORE_DIR=HOME/.password-store", "pass show -- work PASSWORD_STORE_DIR=HOME/.password-store"},
		},
		{
			"or what is named", nil, func(name string) bool { return name == "bank" }, []string{"bad", "work"},
			told{Left: []string{"bank: it is nothing that aws-vault has written"}, Sessions: 1},
			[]string{"pass show -- bank PASSWORD_STORE_DIR=HOME/.password-store"},
		},
		{
			"below a prefix all is aws-vault's", map[string]string{"AWS_VAULT_PASS_PREFIX": "aws", "AWS_VAULT_PASS_CMD": "gopass", "PASSWORD_STORE_DIR": "~/other"}, nil, []string{"team/prod"},
			told{Keys: []string{"team/prod A CANARY ~/other/aws"}},
			[]string{"gopass show -- aws/team/prod PASSWORD_STORE_DIR=HOME/other"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			env := world(t, c.variables)
			env.Config = config
			for _, name := range []string{
				".password-store/work.gpg", ".password-store/bad.gpg", ".password-store/bank.gpg", ".password-store/mail/x.gpg", ".password-store/.gpg-id", ".password-store/.git/x.gpg",
				".password-store/sts.GetSessionToken,d29yaw,,1700000000.gpg", "other/aws/team/prod.gpg", "other/mine.gpg",
			} {
				write(t, filepath.Join(env.Home, name), "")
			}
			var calls []string
			env.Program = func(_ context.Context, argv []string, more ...string) ([]byte, error) {
				calls = append(calls, strings.ReplaceAll(strings.Join(append(argv, more...), " "), env.Home, "HOME"))
				switch argv[len(argv)-1] {
				case "bad":
					return nil, errors.New("gpg says no")
				case "bank":
					return []byte("CANARY password\n"), nil
				}
				return []byte(entry), nil
			}
			s := passStores(env)[0]
			l, err := s.Look(t.Context())
			if diff := cmp.Diff(c.listed, l.Names); diff != "" || err != nil || len(calls) > 0 {
				t.Errorf("look: %v, %q, -want +got:\n%s", err, calls, diff)
			}
			h, err := s.Take(t.Context(), c.wanted)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, tell(h)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(c.calls, calls); diff != "" {
				t.Errorf("calls: -want +got:\n%s", diff)
			}
		})
	}
}

func TestPassAbsent(t *testing.T) {
	t.Parallel()
	env := world(t, nil)
	for _, s := range passStores(env) {
		if _, err := s.Look(t.Context()); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", s.Name(), err)
		}
	}
	write(t, filepath.Join(env.Home, ".password-store"), "")
	if _, err := passStores(env)[0].Take(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "~/.password-store: it is not a folder") {
		t.Errorf("a file in place of the folder: %v", err)
	}
}
