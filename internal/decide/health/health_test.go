package health

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"fob/internal/decide/chain"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"

	"github.com/google/go-cmp/cmp"
)

func lines(found []Finding) []string {
	var out []string
	for _, f := range found {
		out = append(out, f.Level+": "+f.What+" | "+f.Why+" | "+strings.Join(f.Next, "; "))
	}
	return out
}

func TestOrder(t *testing.T) {
	t.Parallel()
	all := []Finding{{Level: Fine, What: "a"}, {Level: Warning, What: "b"}, {Level: Skipped, What: "c"}, {Level: Wrong, What: "d"}, {Level: Warning, What: "e"}}
	ByWeight(all)
	want := []Finding{{Level: Wrong, What: "d"}, {Level: Warning, What: "b"}, {Level: Warning, What: "e"}, {Level: Skipped, What: "c"}, {Level: Fine, What: "a"}}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Error(diff)
	}
	twice := []Finding{
		{Level: Wrong, What: "a", Next: []string{"look at it, then: chmod 600 x"}}, {Level: Warning, What: "b", Next: []string{"chmod 600 x"}},
		{Level: Warning, What: "c", Next: []string{"fob add x"}}, {Level: Warning, What: "d", Next: []string{"fob add x"}}, {Level: Warning, What: "d"},
	}
	if diff := cmp.Diff([]Finding{twice[0], twice[2], twice[3]}, WithoutTwice(twice)); diff != "" {
		t.Error(diff)
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	set, err := profile.Parse("~/.aws/config", []byte("[profile dev]\nmfa_serial = arn:aws:iam::123456789012:mfa/a\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		env  map[string]string
		want []string
	}{
		{name: "nothing"},
		{name: "a session", env: map[string]string{"AWS_ACCESS_KEY_ID": "ASIA1", "AWS_SECRET_ACCESS_KEY": "CANARY", "AWS_SESSION_TOKEN": "CANARY", "FOB_PROFILE": "dev"}},
		{name: "a key", env: map[string]string{"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "CANARY"}, want: []string{
			"warning: a long-term key stands in the environment (AWS_ACCESS_KEY_ID) | every program that is started here can read it | fob add PROFILE --env; " + unsetKeys,
		}},
		{name: "half a key beside a profile", env: map[string]string{"AWS_SECRET_ACCESS_KEY": "CANARY", "AWS_PROFILE": "dev"}, want: []string{
			"warning: the environment has only a part of a key | of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY one is not set, and tools then take another key or none | " + unsetKeys,
			"warning: AWS_PROFILE and AWS_ACCESS_KEY_ID are both set | the AWS CLI and most SDKs take the key and not the profile; some do the opposite | " + unsetKeys + "; unset AWS_PROFILE",
		}},
		{name: "a session beside an endpoint", env: map[string]string{"AWS_ACCESS_KEY_ID": "ASIA1", "AWS_SECRET_ACCESS_KEY": "CANARY", "AWS_SESSION_TOKEN": "CANARY", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"}, want: []string{
			"warning: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and AWS_ACCESS_KEY_ID are both set | every tool takes the key and does not ask the endpoint | " + unsetKeys,
		}},
		{name: "passphrases that differ", env: map[string]string{"FOB_PASSPHRASE": "CANARY1", "AWS_VAULT_FILE_PASSPHRASE": "CANARY2"}, want: []string{
			"warning: FOB_PASSPHRASE and AWS_VAULT_FILE_PASSPHRASE differ | fob takes FOB_PASSPHRASE | unset AWS_VAULT_FILE_PASSPHRASE",
		}},
		{name: "regions that are alike", env: map[string]string{"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}},
		{name: "the same device", env: map[string]string{"AWS_MFA_SERIAL": "arn:aws:iam::123456789012:mfa/a"}},
		{name: "another device", env: map[string]string{"AWS_MFA_SERIAL": "arn:aws:iam::123456789012:mfa/b"}, want: []string{
			"warning: AWS_MFA_SERIAL goes before mfa_serial of every profile | it is another than at ~/.aws/config:2 | unset AWS_MFA_SERIAL",
		}},
		{name: "a profile of the shared file", env: map[string]string{"AWS_PROFILE": "shared"}},
		{name: "no such profile", env: map[string]string{"AWS_PROFILE": "gone"}, want: []string{
			"warning: AWS_PROFILE is \"gone\", which is not in ~/.aws/config | most tools then fail | unset AWS_PROFILE; see the profiles: fob list --profiles",
		}},
		{name: "a web identity's role", env: map[string]string{"AWS_ROLE_ARN": "x", "AWS_WEB_IDENTITY_TOKEN_FILE": "y"}},
		{name: "slips", env: map[string]string{"FOB_BACKEN": "x", "FOB_SOMETHING_ELSE": "x"}, want: []string{
			"warning: fob does not know the variable FOB_BACKEN | perhaps FOB_BACKEND is meant | unset FOB_BACKEN",
		}},
	} {
		if got := Environment(Environ{Get: func(name string) string { return map[string]string{"AWS_PROFILE": "dev"}[name] }}); got != nil {
			t.Errorf("a config that cannot be read: %v", got)
		}
		e := Environ{Get: func(name string) string { return tt.env[name] }, Known: []string{"FOB_BACKEND", "FOB_PROFILE"}, Config: set, InClear: func(name string) bool { return name == "shared" }}
		for name := range tt.env {
			e.Set = append(e.Set, name)
		}
		got := lines(Environment(e))
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s:\n%s", tt.name, diff)
		}
		if strings.Contains(strings.Join(got, ""), "CANARY") {
			t.Errorf("%s: a secret is told", tt.name)
		}
	}
}

// plansOf resolves every profile of a config in which these have a stored key.
func plansOf(t *testing.T, text string, keys ...string) (profile.Set, []Plan) {
	t.Helper()
	set, err := profile.Parse("config", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var plans []Plan
	for _, name := range set.Names() {
		c, err := chain.Resolve(set, source.Kinds(), func(n string) bool { return slices.Contains(keys, n) }, nil, chain.Request{Profile: name})
		plans = append(plans, Plan{Name: name, Chain: c, Err: err})
	}
	return set, plans
}

func TestConfig(t *testing.T) {
	t.Parallel()
	const base = "[default]\nregion = us-west-2\n[profile security]\nmfa_serial = arn:aws:iam::123456789012:mfa/a\n"
	const role = "role_arn = arn:aws:iam::345678901234:role/r\n"
	for _, tt := range []struct {
		name, text string
		want       []string // without what is fine
	}{
		{name: "healthy", text: base + "[profile dev]\n" + role + "source_profile = security\n[profile plain]\noutput = json\n"},
		{name: "a circle that two lead into", text: base + "[profile a]\n" + role + "source_profile = b\n[profile b]\n" + role + "source_profile = a\n[profile c]\n" + role + "source_profile = a\n", want: []string{
			"wrong: cannot use 3 profiles (a, b, c) | source_profile goes round in a circle: a -> b -> a (config:7, config:10) | remove one source_profile, for example at config:7",
		}},
		{name: "a mistake in the text is told once", text: base + "[profile x]\nregion us-east-1\n", want: []string{
			"wrong: config:6: profile \"x\": \"region us-east-1\" has no = |  | write it as KEY = VALUE, or put # before it",
		}},
		{name: "two of default", text: base + "[profile default]\nregion = us-west-2\n", want: []string{
			"warning: config:5: profile \"default\": there are [default] and [profile default]; the first is ignored, as the SDKs do (the other is on line 1) |  | make one section of the two",
		}},
		{name: "no key", text: base + "[profile x]\nsource_profile = y\n[profile y]\n", want: []string{
			"warning: no key is stored for profile \"y\" | what begins with it: profile x | fob add y",
		}},
		{name: "a device without a key", text: base + "[profile y]\nmfa_serial = arn:aws:iam::123456789012:mfa/a\n", want: []string{
			"warning: no key is stored for profile \"y\" | what begins with it: profile y | fob add y",
		}},
		{name: "a lost zero of a device", text: base + "[profile x]\n" + role + "source_profile = security\nmfa_serial = arn:aws:iam::1234567890:mfa/a\n", want: []string{
			"wrong: cannot use profile x | mfa_serial \"arn:aws:iam::1234567890:mfa/a\" (config:8) is not the ARN of an MFA device | if a zero at the front of the account's id was lost, write at config:8: mfa_serial = arn:aws:iam::001234567890:mfa/a; see its ARN in the console, or: aws iam list-mfa-devices",
		}},
		{name: "a device elsewhere", text: base + "[profile x]\n" + role + "source_profile = security\nmfa_serial = arn:aws:iam::345678901234:mfa/a\n", want: []string{
			"wrong: mfa_serial of profile x (config:8) is a device of account 345678901234 | the user of its key is in account 123456789012, and AWS takes codes of the user's own devices only | remove the line, or write mfa_serial = arn:aws:iam::123456789012:mfa/a at config:8",
		}},
		{name: "the word profile is missing or misspelt", text: base + "[dev2]\nregion = us-east-1\n[profil oops]\n[plugins]\ncli_legacy_plugin_path = x\n", want: []string{
			"warning: config:5: no tool reads the section [dev2] as a profile |  | write [profile dev2] there",
			"warning: config:7: no tool reads the section [profil oops] as a profile |  | write [profile oops] there",
		}},
		{name: "an empty section", text: base + "[profile other]\n", want: []string{
			"warning: profile other is empty, and no key is stored for it |  | fob add other; or remove [profile other] at config:5",
		}},
		{name: "no region", text: "[profile security]\noutput = json\n", want: []string{
			"warning: no region for profile security | most programs do not run without one | write region = NAME below [default] in config, for fob; or below each profile, for AWS tools without fob, too",
		}},
		{name: "Identity Center", text: base + "[profile x]\nsso_start_url = https://a\n", want: []string{
			"skipped: profile x | credentials of IAM Identity Center or aws login, which the AWS CLI gets | ",
		}},
	} {
		set, plans := plansOf(t, tt.text, "security")
		var got []string
		for _, line := range lines(Config(set, plans)) {
			if !strings.HasPrefix(line, Fine) {
				got = append(got, line)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s:\n%s", tt.name, diff)
		}
	}
}

func TestNotes(t *testing.T) {
	t.Parallel()
	const text = "[default]\nregion = us-west-2\n[profile k]\n[profile dev]\nrole_arn = arn:aws:iam::345678901234:role/r\nsource_profile = k\n"
	set, plans := plansOf(t, text, "k", "default")
	for i := range plans {
		plans[i].Assumed = true
	}
	want := []string{
		"ok: 3 profiles of config can be used, if their keys are stored: the store is locked |  | ",
		"ok: no mfa_serial on the way of profile dev: the stored key alone enters the role |  | ",
	}
	if diff := cmp.Diff(want, lines(Config(set, plans))); diff != "" {
		t.Error(diff)
	}
}

func TestMisspelt(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for _, key := range append(knownSettings(), "mfa_seral", "source_profiles", "regoin", "role", "toolkit_artifact_guid", "duration_second", "s4", "sso_start_uri", "fob_gard", "fob_direktory", "output_format", "x_principal_arn") {
		if near := misspelt(key); near != "" {
			got[key] = near
		}
	}
	want := map[string]string{
		"mfa_seral": "mfa_serial", "source_profiles": "source_profile", "regoin": "region", "duration_second": "duration_seconds",
		"sso_start_uri": "sso_start_url", "fob_gard": "fob_guard", "fob_direktory": "fob_directory",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	const me = 1000
	files := []File{
		{Path: "/fine", Mode: 0o600, Owner: me, Group: me},
		{Path: "/folder", Mode: fs.ModeDir | 0o755, Owner: me, Group: me},
		{Path: "/link", Mode: fs.ModeSymlink | 0o777, Owner: me, Group: me},
		{Path: "/theirs", Mode: 0o600, Owner: 1001, Group: 1001},
		{Path: "/all", Mode: 0o666, Owner: me, Group: me},
		{Path: "/config", Mode: 0o644, Owner: me, Group: 100, Shared: true},
		{Path: "/config of all", Mode: 0o666, Owner: me, Group: me, Shared: true},
		{Path: "/config of a group", Mode: 0o664, Owner: me, Group: 100, Shared: true},
		{Path: "/config of my group", Mode: 0o664, Owner: me, Group: me, Shared: true},
		{Path: "/config of root", Mode: 0o644, Shared: true},
		{Path: "/windows", Mode: 0o666, Owner: -1, Group: -1},
	}
	found, fix := Modes(files, me)
	want := []string{
		"wrong: /theirs belongs to another user | who owns it can change it | look at it, then: sudo chown \"$(id -u)\" /theirs",
		"wrong: every user may write /all (mode 666) | " + LeftByFix + " | look at it, then: chmod 600 /all",
		"wrong: every user may write /config of all (mode 666) | " + LeftByFix + " | look at it, then: chmod o-w '/config of all'",
		"warning: other users may use /folder (mode 755) |  | chmod 700 /folder; fob doctor --fix",
		"warning: other users may use /config of a group (mode 664) | a group of users can write it, and so put commands into the config, unless you are alone in that group | chmod 644 '/config of a group'; fob doctor --fix",
	}
	if diff := cmp.Diff(want, lines(found)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Chmod{{"/folder", 0o700}, {"/config of a group", 0o644}}, fix); diff != "" {
		t.Error(diff)
	}
	var many []File
	for range mostNames + 3 {
		many = append(many, File{Path: "/x", Mode: 0o640, Owner: me})
	}
	if found, fix = Modes(many, me); len(found) != mostNames+1 || len(fix) != mostNames+3 {
		t.Errorf("%d findings and %d to mend", len(found), len(fix))
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		in   []Answer
		want []string
	}{
		{name: "all well", in: []Answer{{Host: "a", Dated: true, Ahead: time.Second}, {Host: "b"}}, want: []string{"ok: AWS answers at a, b, and the clock is right |  | "}},
		{name: "services", in: []Answer{{Host: "h", Services: []string{"iam", "signin"}}, {Host: "sts.us-west-2.amazonaws.com", Services: []string{"sts"}}, {Host: "h", Services: []string{"sts"}, Err: errors.New("refused")}}, want: []string{
			"wrong: nothing answers at h (STS) | refused | look at the network, HTTPS_PROXY and NO_PROXY",
			"ok: AWS answers at h (IAM, sign-in), sts.us-west-2.amazonaws.com |  | ",
		}},
		{name: "no time", in: []Answer{{Host: "a"}}, want: []string{"ok: AWS answers at a |  | "}},
		{name: "behind", in: []Answer{{Host: "a", Dated: true, Ahead: 2 * time.Minute}}, want: []string{
			"ok: AWS answers at a |  | ", "warning: this machine's clock is 2m0s behind AWS's | AWS refuses what is signed more than 5 minutes off | sudo timedatectl set-ntp true",
		}},
		{name: "far ahead, but for one", in: []Answer{{Host: "a", Dated: true, Ahead: -time.Hour}, {Host: "b", Dated: true, Ahead: -6 * time.Minute}}, want: []string{
			"ok: AWS answers at a, b |  | ", "wrong: this machine's clock is 6m0s ahead of AWS's | AWS refuses what is signed by it: fob signs by AWS's clock, other programs do not | sudo timedatectl set-ntp true",
		}},
		{name: "gone", in: []Answer{{Host: "a", Err: errors.New("no route")}, {Host: "s", Err: errors.New("x509: unknown authority"), Rare: true}, {Host: "b", By: "~/.aws/config:3", Err: errors.New("refused")}}, want: []string{
			"wrong: nothing answers at a | no route | look at the network, HTTPS_PROXY and NO_PROXY",
			"warning: nothing answers at s | x509: unknown authority; only fob login needs it | name the certificates of your network: export AWS_CA_BUNDLE=FILE; look at the network, HTTPS_PROXY and NO_PROXY",
			"wrong: nothing answers at b | refused | correct it, or take it away: ~/.aws/config:3",
		}},
		{name: "no network", in: []Answer{{Host: "a", Err: errors.New("no such host")}, {Host: "b", Err: errors.New("no such host b")}, {Host: "s", Err: errors.New("no such host s"), Rare: true}}, want: []string{
			"wrong: nothing answers at a, b, s | no such host | look at the network, HTTPS_PROXY and NO_PROXY",
		}},
	} {
		if diff := cmp.Diff(tt.want, lines(Answers(tt.in))); diff != "" {
			t.Errorf("%s:\n%s", tt.name, diff)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	const own, other, fido = "arn:aws:iam::123456789012:mfa/me", "arn:aws:iam::123456789012:mfa/phone", "arn:aws:iam::123456789012:u2f/user/me/x"
	for _, tt := range []struct {
		name string
		in   Key
		want []string
	}{
		{name: "young", in: Key{Profile: "p", Stored: ago(89)}, want: []string{"ok: the key of profile p was stored 89 days ago |  | "}},
		{name: "older at AWS", in: Key{Profile: "p", Stored: ago(1), Made: ago(90)}, want: []string{"warning: the key of profile p was made 90 days ago | most rules want a new one after 90 days | fob rotate p"}},
		{name: "inactive", in: Key{Profile: "p", Stored: now, Inactive: true}, want: []string{"wrong: the key of profile p is inactive | AWS refuses it until somebody makes it active again | store another key: fob add p"}},
		{name: "unseen", in: Key{Profile: "p", Stored: now, Unseen: "why", Next: []string{"do"}}, want: []string{"ok: the key of profile p was stored today |  | ", "skipped: the MFA devices of profile p | why | do"}},
		{name: "its own", in: Key{Profile: "p", Stored: now, Serial: own, Own: own, Devices: []string{fido, own}}, want: []string{"ok: the key of profile p was stored today |  | ", "ok: the MFA device of profile p is its user's: " + own + " |  | "}},
		{name: "another name", in: Key{Profile: "p", Stored: now, Serial: other, Own: own, Devices: []string{other}}, want: []string{"ok: the key of profile p was stored today |  | ",
			"warning: the MFA device of profile p is not named like its user | policies for mfa/${aws:username}, as in the Reference Architecture, let the user neither resync nor remove " + other + " | fob mfa enrol p"}},
		{name: "not the user's", in: Key{Profile: "p", Stored: now, Serial: other, Own: own, Devices: []string{own}}, want: []string{"ok: the key of profile p was stored today |  | ",
			"wrong: mfa_serial of profile p is none of its user's devices | the user has " + own + " | write mfa_serial = " + own + " below profile p"}},
		{name: "a security key only", in: Key{Profile: "p", Stored: now, Serial: other, Own: own, Devices: []string{fido}}, want: []string{"ok: the key of profile p was stored today |  | ",
			"wrong: the user of profile p has no MFA device that shows codes | the config names " + other + " | fob mfa enrol p"}},
		{name: "a thing that shows codes", in: Key{Profile: "p", Stored: now, Serial: "GAHT12345678", Own: own, Devices: []string{"GAHT12345678"}}, want: []string{"ok: the key of profile p was stored today |  | ",
			"ok: the MFA device of profile p is its user's: GAHT12345678 |  | "}},
	} {
		if diff := cmp.Diff(tt.want, lines(Keys([]Key{tt.in}, now))); diff != "" {
			t.Errorf("%s:\n%s", tt.name, diff)
		}
	}
}

func TestInClear(t *testing.T) {
	t.Parallel()
	got := lines(append(InClear([]KeyFile{
		{Shown: "~/.aws/credentials", Source: "credentials", Keys: []string{"default", "a"}},
		{Shown: "~/.aws/config", Source: "config", Sessions: []string{"default", "b"}},
		{Shown: "nothing"},
	}), Caches([]Folder{{Path: "/h/c", Shown: "~/c", Holds: "sessions", Files: 2}, {Path: "/h/d", Shown: "~/d", Holds: "sign-ins", Clear: "aws sso logout", Files: 1}, {Path: "/h/e"}})...))
	const defeats = "AWS tools take them before they ask the endpoint of a container, or of fob exec --server"
	want := []string{
		"warning: 2 keys stand in the clear in ~/.aws/credentials: default, a | every program of yours can read it, and each backup has it; a bare aws command uses that of [default], without MFA, also where the endpoint of a container or of fob exec --server is named | fob import --from credentials; then give the section [default] a name of its own",
		"warning: [default] of ~/.aws/config has credentials | " + defeats + " | remove the section: a session ends by itself",
		"warning: 2 files in ~/c: sessions | every program of yours can read what still holds there | rm -r /h/c",
		"warning: 1 file in ~/d: sign-ins | every program of yours can read what still holds there | aws sso logout; rm -r /h/d",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
