package takeover

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// dumped is what security dump-keychain prints of a keychain with four items, one
// of them of another program.
const dumped = `keychain: "/Users/ann/Library/Keychains/aws-vault.keychain-db"
version: 512
class: "genp"
attributes:
    0x00000007 <blob>="aws-vault (work)"
    0x00000008 <blob>=<NULL>
    "acct"<blob>="work"
    "cdat"<timedate>=0x32303234303131353130303030305A00  "20240115100000Z\000"
    "svce"<blob>="aws-vault"
keychain: "/Users/ann/Library/Keychains/aws-vault.keychain-db"
version: 512
class: "genp"
attributes:
    "acct"<blob>=0x62C3BC726F  "b\303\274ro"
    "svce"<blob>="aws-vault"
keychain: "/Users/ann/Library/Keychains/aws-vault.keychain-db"
class: "genp"
attributes:
    "acct"<blob>="sts.GetSessionToken,d29yaw,,1700000000"
    "svce"<blob>="aws-vault"
keychain: "/Users/ann/Library/Keychains/aws-vault.keychain-db"
class: "genp"
attributes:
    "acct"<blob>="mail"
    "svce"<blob>="another"
`

func TestKeychain(t *testing.T) {
	t.Parallel()
	env := world(t, map[string]string{"AWS_VAULT_KEYCHAIN_NAME": "mine"})
	file := filepath.Join(env.Home, "Library", "Keychains", "mine.keychain")
	write(t, file, "")
	env.Program = func(_ context.Context, argv []string, _ ...string) ([]byte, error) {
		switch call := strings.Join(argv[1:], " "); call {
		case "dump-keychain " + file:
			return []byte(dumped), nil
		case "find-generic-password -s aws-vault -a work -w " + file:
			return []byte(`{"AccessKeyID":"A","SecretAccessKey":"CANARY","SessionToken":"","Source":"","CanExpire":false,"Expires":"0001-01-01T00:00:00Z"}` + "\n"), nil
		default:
			return nil, errors.New("the person said no")
		}
	}
	s := keychain(env)
	l, err := s.Look(t.Context())
	if diff := cmp.Diff(Listing{Names: []string{"work", "büro"}, Sessions: 1}, l); diff != "" || err != nil {
		t.Errorf("look: %v, -want +got:\n%s", err, diff)
	}
	h, err := s.Take(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	const where = "~/Library/Keychains/mine.keychain"
	if diff := cmp.Diff(told{Keys: []string{"work A CANARY " + where}, Left: []string{"büro: " + where + ": the person said no"}, Sessions: 1}, tell(h)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
