package profile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const display = "~/.aws/config"

func parse(t testing.TB, text string) Set {
	t.Helper()
	s, err := Parse(display, []byte(text))
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return s
}

// effective is a profile as one line per setting, or its error.
func effective(p Profile, err error) []string {
	if err != nil {
		return []string{"error: " + err.Error()}
	}
	var all []string
	for _, k := range p.Keys() {
		s, _ := p.Setting(k)
		all = append(all, s.Key+"="+s.Value+" @"+strings.TrimPrefix(s.From, display+":"))
	}
	return all
}

func TestProfile(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text, ask string // ask is "t" unless said
		want            []string
	}{
		{name: "plain", text: "[profile t]\nregion = us-east-1\noutput=json\n", want: []string{"output=json @3", "region=us-east-1 @2"}},
		{name: "no line end at the end", text: "[profile t]\nregion = us-east-1", want: []string{"region=us-east-1 @2"}},
		{name: "default", text: "[default]\nregion = a\n", ask: "default", want: []string{"region=a @2"}},
		{name: "profile default", text: "[profile default]\nregion = a\n", ask: "default", want: []string{"region=a @2"}},
		{name: "both: profile default wins", text: "[profile default]\nregion = a\n[default]\nregion = b\noutput = c\n", ask: "default", want: []string{"region=a @2"}},
		{name: "both: profile default gives", text: "[default]\nregion = b\nca_bundle = c\n[profile default]\nregion = a\n[profile t]\n", want: []string{"region=a @5"}},
		{name: "double quotes", text: "[profile \"a b\"]\nregion = x\n", ask: "a b", want: []string{"region=x @2"}},
		{name: "single quotes", text: "[profile 'a b']\nregion = x\n", ask: "a b", want: []string{"region=x @2"}},
		{name: "quotes in the middle", text: "[profile a\" \"b]\nregion = x\n", ask: "a b", want: []string{"region=x @2"}},
		{name: "escaped quote", text: `[profile "a\"b\c"]` + "\nregion = x\n", ask: `a"b\c`, want: []string{"region=x @2"}},
		{name: "escaped space", text: `[profile a\ b]` + "\nregion = x\n", ask: "a b", want: []string{"region=x @2"}},
		{name: "a quote left open is part of the name", text: "[profile o'brien]\nregion = x\n", ask: "o'brien", want: []string{"region=x @2"}},
		{name: "two words, as the SDK for Go", text: "[profile a b]\nregion = x\n", ask: "a b", want: []string{"region=x @2"}},
		{name: "white space in the header", text: " \t[ \tprofile \t t ]\t\nregion = x\n", want: []string{"region=x @2"}},
		{name: "comment after the header", text: "[profile t] # see [profile u]\nregion = x\n", want: []string{"region=x @2"}},
		{name: "bracket in the name", text: "[profile a]b]\nregion = x\n", ask: "a]b", want: []string{"region=x @2"}},
		{name: "comments", text: "# one\n[profile t]\n; two\n  # three\nregion = x # four\noutput = a#b;c\nmfa_serial = s\t; five\n", want: []string{"mfa_serial=s @7", "output=a#b;c @6", "region=x @5"}},
		{name: "a command is whole", text: "[profile t]\ncredential_process = sh -c 'a ; b # c'\n", want: []string{"credential_process=sh -c 'a ; b # c' @2"}},
		{name: "a command over two lines", text: "[profile t]\ncredential_process = a\n  --b=c\n\n  d\n", want: []string{"credential_process=a\n--b=c\n\nd @2"}},
		{name: "keys ignore case", text: "[profile t]\nRegion = X\n", want: []string{"region=X @2"}},
		{name: "colon", text: "[profile t]\nregion: x\nmfa_serial = arn:aws:iam::1:mfa/a=b\n", want: []string{"mfa_serial=arn:aws:iam::1:mfa/a=b @3", "region=x @2"}},
		{name: "empty value", text: "[default]\nmfa_serial = s\n[profile t]\nmfa_serial =\nrole_arn =   # none\n", want: []string{"mfa_serial= @4", "role_arn= @5"}},
		{name: "quotes in values stay", text: "[profile t]\nregion = \"x\"\n", want: []string{"region=\"x\" @2"}},
		{name: "interpolation stays", text: "[profile t]\nregion = %(x)s\nx = $HOME\n", want: []string{"region=%(x)s @2", "x=$HOME @3"}},
		{name: "indented section", text: "[profile t]\n  region = x\n  output = y\n", want: []string{"output=y @3", "region=x @2"}},
		{name: "indented header", text: "[profile u]\na = b\n  [profile t]\n[profile t]\nregion = x\n", want: []string{"region=x @5"}},
		{name: "indented header after indented setting", text: "[profile u]\n  a = b\n  [profile t]\n  region = x\n", want: []string{"region=x @4"}},
		{name: "nested", text: "[profile t]\ns3 =\n  max = 1\n\n  # note\n  style = path\nregion = x\n", want: []string{"region=x @7", "s3=\nmax = 1\n\nstyle = path @2"}},
		{name: "CRLF", text: "[profile t]\r\nregion = x\r\noutput = y\r\n", want: []string{"output=y @3", "region=x @2"}},
		{name: "mixed line ends", text: "[profile t]\rregion = x\r\noutput = y\n", want: []string{"output=y @3", "region=x @2"}},
		{name: "BOM", text: "\xef\xbb\xbf[profile t]\nregion = x\n", want: []string{"region=x @2"}},
		{name: "other sections", text: "[plugins]\nregion = p\n[profile t]\noutput = x\n[preview]\nregion = q\n[u]\n", want: []string{"output=x @4"}},
		{name: "prefix without a space", text: "[profilex t]\na = b\n[profile t]\nregion = x\n", want: []string{"region=x @4"}},
		{name: "default gives no identity", text: `[default]
region = r
mfa_serial = s
duration_seconds = 1
cli_pager = less
fob_guard = prod
role_arn = R
source_profile = S
credential_source = C
credential_process = P
web_identity_token_file = W
sso_session = O
login_session = L
aws_access_key_id = K
external_id = X
role_session_name = N
session_tags = T
include_profile = u
something = else
[profile t]
output = o
`, want: []string{"duration_seconds=1 @4", "fob_guard=prod @6", "mfa_serial=s @3", "output=o @21", "region=r @2"}},
		{name: "include gives everything", text: `[profile t]
include_profile = u
region = mine
[profile u]
include_profile = v
region = u
role_arn = R
[profile v]
source_profile = S
role_arn = V
[default]
region = d
ca_bundle = d
`, want: []string{"ca_bundle=d @13", "include_profile=u @2", "region=mine @3", "role_arn=R @7", "source_profile=S @9"}},
		{name: "default may be included", text: "[default]\nrole_arn = R\n[profile t]\ninclude_profile = default\n", want: []string{"include_profile=default @4", "role_arn=R @2"}},
		{name: "bad line elsewhere", text: "[profile u]\nthis is no setting\n[profile t]\nregion = x\n", want: []string{"region=x @4"}},
		{name: "bad line in default that t has itself", text: "[default]\nregion\njunk\n[profile t]\nregion = x\n", want: []string{"region=x @5"}},
		{name: "bad line in default that t needs", text: "[default]\nregion\n[profile t]\noutput = x\n", want: []string{`error: ~/.aws/config:2: profile "default": "region" has no =`}},
		{name: "two defaults, no doubt", text: "[default]\nregion = r\n[default]\nca_bundle = o\n[profile t]\n", want: []string{"ca_bundle=o @4", "region=r @2"}},
		{name: "two defaults, in doubt", text: "[default]\nregion = r\n[default]\nregion = s\n[profile t]\n", want: []string{`error: ~/.aws/config:4: profile "default": "region" stands twice, first on line 2`}},
		{name: "broken default", text: "[profile t]\n[default\nregion = s\n", want: []string{`error: ~/.aws/config:2: profile "default": the section header has no closing ]`}},
		{name: "folded region", text: "[profile t]\nregion = a\n output = b\n", want: []string{`error: ~/.aws/config:3: profile "t": the line is indented and so belongs to the value of region`}},
		{name: "command below its key", text: "[profile t]\ncredential_process =\n  a --b=c\n", want: []string{`error: ~/.aws/config:3: profile "t": the line is indented and so belongs to the value of credential_process`}},
		{name: "guard within another value", text: "[profile t]\ns3 =\n  max_queue_size = 1\n  fob_guard = code\n", want: []string{`error: ~/.aws/config:4: profile "t": the line is indented and so belongs to the value of s3`}},
		{name: "guard below what is not known", text: "[profile t]\nx = y\n\tFOB_Guard: code\n", want: []string{`error: ~/.aws/config:3: profile "t": the line is indented and so belongs to the value of x`}},
		{name: "line below a guard", text: "[profile t]\nfob_guard = code\n x = y\n", want: []string{`error: ~/.aws/config:3: profile "t": the line is indented and so belongs to the value of fob_guard`}},
		{name: "guard within default, needed by all", text: "[default]\ns3 =\n  fob_guard = code\n[profile t]\n", want: []string{`error: ~/.aws/config:3: profile "default": the line is indented and so belongs to the value of s3`}},
		{name: "nested without =", text: "[profile t]\ns3 =\n  junk\n", want: []string{`error: ~/.aws/config:3: profile "t": "junk", a line of the value of "s3", has no =`}},
		{name: "text after the bracket", text: "[profile t] junk\nregion = x\n", want: []string{`error: ~/.aws/config:1: profile "t": there is text after the ] of the section header`}},
		{name: "no key", text: "[profile t]\n= x\n", want: []string{`error: ~/.aws/config:2: profile "t": there is no key before the =`}},
		{name: "latin-1 in a value", text: "[profile t]\nregion = \xe9\n", want: []string{`error: ~/.aws/config:2: profile "t": the line holds a byte that is no UTF-8`}},
		{name: "latin-1 in a comment", text: "# \xe9\n[profile t]\nregion = x\n", want: []string{"region=x @3"}},
		{name: "escape sequence in a value", text: "[profile t]\nregion = \x1b[2J\n", want: []string{`error: ~/.aws/config:2: profile "t": the line holds the control character '\x1b'`}},
		{name: "included profile missing", text: "[profile team]\n[profile t]\ninclude_profile = taem\n", want: []string{`error: ~/.aws/config:3: profile "t": include_profile names "taem", which is not in the file`}},
		{name: "names are literal", text: "[profile -rf]\nregion = x\n", ask: "-rf", want: []string{"region=x @2"}},
		{name: "case matters", text: "[profile T]\nregion = x\n[profile t]\nregion = y\n", want: []string{"region=y @4"}},
		{name: "services missing", text: "[profile t]\nservices = s\n", want: []string{`error: ~/.aws/config:2: profile "t": there is no [services "s"]`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ask := tt.ask
			if ask == "" {
				ask = "t"
			}
			got := effective(parse(t, tt.text).Profile(ask))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("profile %q (-want +got):\n%s", ask, diff)
			}
		})
	}
}

const servicesText = `[default]
services = local
[services local]
STS =
  endpoint_url = http://127.0.0.1:4566 # moto
  # note
s3 =
  endpoint_url = http://127.0.0.1:9000
  addressing_style = path
[profile t]
region = x
[profile two]
services = bad
[services bad]
sts =
  endpoint_url = a
  Endpoint_URL = b
`

func TestServiceSetting(t *testing.T) {
	t.Parallel()
	s := parse(t, servicesText)
	p, err := s.Profile("t")
	if err != nil {
		t.Fatal(err)
	}
	got, ok := p.ServiceSetting("sts", "Endpoint_url")
	want := Setting{Key: "endpoint_url", Value: "http://127.0.0.1:4566", From: display + ":5"}
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("%v (-want +got):\n%s", ok, diff)
	}
	if _, ok := p.ServiceSetting("iam", "endpoint_url"); ok {
		t.Error("iam has an endpoint")
	}
	_, err = s.Profile("two")
	if want := `~/.aws/config:17: profile "two": "endpoint_url" stands twice, first on line 16`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestWith(t *testing.T) {
	t.Parallel()
	p, err := parse(t, "[profile t]\nregion = x\noutput = y\n").Profile("t")
	if err != nil {
		t.Fatal(err)
	}
	q := p.With(Setting{"Region", "first", "a"}, Setting{"region", "eu-west-1", "--region"}, Setting{"mfa_serial", "s", "environment variable AWS_MFA_SERIAL"})
	want := []string{"mfa_serial=s @environment variable AWS_MFA_SERIAL", "output=y @3", "region=eu-west-1 @--region"}
	if diff := cmp.Diff(want, effective(q, nil)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"output=y @3", "region=x @2"}, effective(p, nil)); diff != "" {
		t.Errorf("With changed the original:\n%s", diff)
	}
	if p.Where() != "~/.aws/config:1" {
		t.Errorf("Where() = %s", p.Where())
	}
}

func TestBare(t *testing.T) {
	t.Parallel()
	p := parse(t, "[default]\nregion = x\nrole_arn = R\nca_bundle = a\nca_bundle = b\n").Bare("stored")
	if diff := cmp.Diff([]string{"region=x @2"}, effective(p, nil)); diff != "" || p.Name != "stored" {
		t.Errorf("%q:\n%s", p.Name, diff)
	}
	if got := (Set{}).Bare("x"); len(got.Keys()) != 0 {
		t.Errorf("keys of an empty set: %q", got.Keys())
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	s := parse(t, "[profile b]\n[default]\n[profile a]\n[x]\n[profile \"b\"]\n[profile \x1b[2J]\n[profile broken\n[sso-session s]\n[profile \"c d\"]\n")
	if diff := cmp.Diff([]string{"b", "default", "a", "c d"}, s.Names()); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]bool{"a": true, "b": true, "c d": true, "broken": true, "s": false, "x": false} {
		if s.Has(name) != want {
			t.Errorf("Has(%q) = %v", name, !want)
		}
	}
}

// A set that is asked often has an index; it must answer as the scan does.
func TestIndexAgreesWithScan(t *testing.T) {
	t.Parallel()
	text := servicesText + "[profile t]\n\n[profile \"a b\"]\nx = y\n[profile z"
	s := parse(t, text)
	for range 3 {
		for range 10 {
			for _, name := range []string{"t", "two", "a b", "default", "z", "nope"} {
				want := effective(parse(t, text).Profile(name))
				if diff := cmp.Diff(want, effective(s.Profile(name))); diff != "" {
					t.Fatalf("%s:\n%s", name, diff)
				}
			}
		}
	}
}

func TestShown(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                   `""`,
		"a b":                                `"a b"`,
		"a\nb\x1b[2J\u202e":                  `"a\nb\x1b[2J\u202e"`,
		strings.Repeat("x", 61):              `"` + strings.Repeat("x", 60) + `"... (61 bytes)`,
		strings.Repeat("é", 31) + "x" + "yy": `"` + strings.Repeat("é", 30) + `"... (65 bytes)`,
		strings.Repeat("\x80", 90):           `"` + strings.Repeat(`\x80`, 56) + `"... (90 bytes)`,
	} {
		if got := Shown(in); got != want {
			t.Errorf("Shown(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestNear(t *testing.T) {
	t.Parallel()
	names := []string{"prod", "production", "prod-admin", "dev", "Staging", "stage", "prdo"}
	for in, want := range map[string][]string{
		"prdo":    {"prdo", "prod"},
		"pord":    {"prod"},
		"prod":    {"prod", "production", "prod-admin"},
		"STAGING": {"Staging"},
		"vde":     nil, // two changes are too many for three letters
		"":        nil,
		"xyz":     nil,
	} {
		if diff := cmp.Diff(want, Near(in, names)); diff != "" {
			t.Errorf("Near(%q):\n%s", in, diff)
		}
	}
}
