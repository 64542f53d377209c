//go:build unix

package cli

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// bad is one bad input: what stands in the config, which profile is asked for,
// and what must come of it.
type bad struct {
	number  int
	name    string
	config  string
	profile string            // "": t
	spoil   func(*house)      // what else is wrong
	env     map[string]string // what else is in the environment
	status  int               // of export; that of exec is then 125
	want    []string          // parts of the message
	calls   []string          // that reach AWS
	spoiled bool              // profile plain is spoiled with it
	listed  int               // the status of list
	asks    bool              // for a code, and tries before whether it can be noted
}

// The parts of the table. URL stands for the address of the case's own AWS.
const (
	commonLines = "region = us-east-1\nendpoint_url = URL\n"
	withPlain   = "[profile plain]\n" + commonLines // five lines with the header of t
	headT       = withPlain + "[profile t]\n" + commonLines
	roleLine    = "role_arn = arn:aws:iam::123456789012:role/x\n"
	plainKey    = "source_profile = plain\n"
)

func wide(text string) string {
	var b strings.Builder
	b.WriteString("\xff\xfe")
	for _, c := range []byte(text) {
		b.Write([]byte{c, 0})
	}
	return b.String()
}

func every256() string {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return strings.Repeat(string(all), 20)
}

func badInputs() []bad {
	long := strings.Repeat("n", 64<<10)
	entered := []string{"AssumeRole arn:aws:iam::123456789012:role/x"}
	session := []string{"GetSessionToken"}
	refused := func(key string) []string { return []string{key, "~/.aws/config:7", "this version of fob does not do"} }
	return []bad{
		{number: 1, name: "empty file", config: "", status: 3, want: []string{`no profile "t" in ~/.aws/config`, "the file is empty"}, spoiled: true},
		{number: 2, name: "binary junk", config: every256(), status: 3, want: []string{"~/.aws/config:1", `no profile "t"`}, spoiled: true},
		{number: 3, name: "NUL bytes", config: withPlain + "[profile t]\nregion = us\x00east\n", status: 3, want: []string{"~/.aws/config:5", "NUL"}},
		{number: 4, name: "byte order mark", config: "\xef\xbb\xbf" + withPlain, profile: "plain", calls: session},
		{number: 5, name: "UTF-16", config: wide(withPlain), profile: "plain", status: 3, want: []string{"~/.aws/config", "UTF-16", "UTF-8"}, spoiled: true, listed: 3},
		{number: 6, name: "CRLF", config: strings.ReplaceAll(withPlain, "\n", "\r\n"), profile: "plain", calls: session},
		{number: 7, name: "CR only", config: strings.ReplaceAll(withPlain, "\n", "\r"), profile: "plain", calls: session},
		{number: 8, name: "unclosed section", config: withPlain + "[profile t\nregion = x\n", status: 3, want: []string{"~/.aws/config:4", "closing ]"}},
		{number: 9, name: "key without value", config: withPlain + "[profile t]\nmfa_serial\n", status: 3, want: []string{"~/.aws/config:5", `profile "t"`, "mfa_serial"}},
		{number: 10, name: "text without =", config: withPlain + "[profile t]\nthis is no setting\n", status: 3, want: []string{"~/.aws/config:5", `"this is no setting" has no =`}},
		{number: 11, name: "no section header", config: "region = us-east-1\n", status: 3, want: []string{"~/.aws/config:1", "before any section"}, spoiled: true},
		{number: 12, name: "duplicate section", config: withPlain + withPlain + "[profile t]\n" + roleLine + plainKey + commonLines, status: 3, want: []string{"~/.aws/config:4", "first on line 1"}, spoiled: true},
		{number: 13, name: "duplicate key", config: withPlain + "[profile t]\nregion = a\nregion = b\n" + plainKey + roleLine, status: 3, want: []string{"~/.aws/config:6", "first on line 5"}},
		{number: 14, name: "spaces in section", config: "[  profile   t  ]\n" + commonLines + plainKey + roleLine + withPlain, calls: entered},
		{number: 15, name: "tab in section", config: "[profile\tt]\n" + commonLines + plainKey + roleLine + withPlain, calls: entered},
		{number: 16, name: "quoted section", config: "[profile \"t\"]\n" + commonLines + plainKey + roleLine + withPlain, calls: entered},

		{number: 17, name: "cycle of two", config: headT + roleLine + "source_profile = u\n[profile u]\n" + commonLines + roleLine + "source_profile = t\n", status: 3, want: []string{"circle", "~/.aws/config:8", "~/.aws/config:13", "t -> u -> t"}},
		{number: 18, name: "cycle of three", config: headT + roleLine + "source_profile = u\n[profile u]\n" + roleLine + "source_profile = v\n[profile v]\n" + roleLine + "source_profile = t\n", status: 3, want: []string{"circle", "~/.aws/config:8", "~/.aws/config:11", "~/.aws/config:14", "t -> u -> v -> t"}},
		{number: 19, name: "own source_profile", config: headT + roleLine + "source_profile = t\n", status: 3, want: []string{"~/.aws/config:8", "itself", "fob add t"}},
		{number: 119, name: "own source_profile with a key", config: withPlain + roleLine + plainKey, profile: "plain", calls: entered},
		{number: 20, name: "include cycle", config: headT + "include_profile = t2\n[profile t2]\ninclude_profile = t\n", status: 3, want: []string{"circle", "line 7", "line 9"}},
		{number: 21, name: "missing source_profile", config: headT + roleLine + "source_profile = plian\n", status: 3, want: []string{"~/.aws/config:8", `"plian"`, "plain"}},
		{number: 22, name: "role without source", config: headT + roleLine, status: 3, want: []string{"~/.aws/config:7", "source_profile", "credential_source"}},
		{number: 23, name: "source without role", config: headT + plainKey, calls: session},
		{number: 24, name: "malformed role_arn", config: headT + plainKey + "role_arn = banana\n", status: 3, want: []string{"~/.aws/config:8", `"banana"`, "not the ARN of a role"}},
		{number: 25, name: "empty role_arn", config: headT + plainKey + "role_arn =\n", status: 3, want: []string{"~/.aws/config:8", "role_arn", "is empty"}},

		{number: 26, name: "duration not a number", config: headT + roleLine + plainKey + "duration_seconds = soon\n", status: 3, want: []string{"~/.aws/config:9", `"soon"`}},
		{number: 27, name: "duration negative", config: headT + roleLine + plainKey + "duration_seconds = -5\n", status: 3, want: []string{"~/.aws/config:9", "900", "43200"}},
		{number: 28, name: "duration of 20 digits", config: headT + roleLine + plainKey + "duration_seconds = 99999999999999999999\n", status: 3, want: []string{"~/.aws/config:9", "43200"}},
		{number: 29, name: "duration 2^32", config: headT + roleLine + plainKey + "duration_seconds = 4294967296\n", status: 3, want: []string{"~/.aws/config:9", "900", "43200"}},
		{number: 30, name: "value of 1 MiB", config: headT + roleLine + plainKey + "external_id = " + strings.Repeat("x", 1<<20) + "\n", status: 3, want: []string{"~/.aws/config:9", "1224", "1048576"}},
		{number: 31, name: "name of 64 KiB", config: withPlain + "[profile " + long + "]\n" + commonLines, profile: long, status: 3, want: []string{"~/.aws/config:4", "65536"}},
		{number: 32, name: "interpolation", config: headT + "x = %(y)s\ny = %(x)s\nregion = %(x)s\n" + plainKey + roleLine, status: 3, want: []string{"~/.aws/config:9", "first on line 5"}},
		{number: 132, name: "interpolation alone", config: withPlain + "[profile t]\nregion = %(x)s\n" + plainKey + roleLine, status: 3, want: []string{"~/.aws/config:5", `"%(x)s"`, "not the name of a region"}},
		{number: 33, name: "endpoint_url junk", config: withPlain + "[profile t]\nendpoint_url = ::::\n" + roleLine + plainKey, status: 3, want: []string{"~/.aws/config:5", `"::::"`}},
		{number: 34, name: "endpoint refuses", config: withPlain + "[profile t]\nendpoint_url = http://127.0.0.1:1\n" + roleLine + plainKey, status: 1, want: []string{"http://127.0.0.1:1", "~/.aws/config:5", "connection refused"}},
		{number: 35, name: "source without a key", config: withPlain + "[profile t]\nendpoint_url = URL\n" + roleLine + "source_profile = t3\n[profile t3]\nendpoint_url = URL\n", status: 3, want: []string{"~/.aws/config:8", `"t3"`, "fob add t3"}},
		{number: 135, name: "region missing", config: "[profile plain]\nendpoint_url = URL\n[profile t]\nendpoint_url = URL\n" + roleLine + plainKey, calls: entered},

		{number: 36, name: "credential_process fails", config: headT + "credential_process = /bin/false\n", status: 3, want: []string{"credential_process (~/.aws/config:7)", "exit status 1"}},
		{number: 37, name: "credential_process prints no JSON", config: headT + "credential_process = echo not json\n", status: 3, want: []string{"credential_process (~/.aws/config:7)", "is not the JSON object that is wanted"}},
		{number: 38, name: "credential_process prints {}", config: headT + "credential_process = echo {}\n", status: 3, want: []string{"credential_process (~/.aws/config:7)", "Version is missing"}},
		{number: 39, name: "credential_process prints no key", config: headT + "credential_process = echo '{\"Version\":1}'\n", status: 3, want: []string{"credential_process (~/.aws/config:7)", "AccessKeyId is missing"}},
		{number: 40, name: "credential_process prints an expired key", config: headT + "credential_process = echo '{\"Version\":1,\"AccessKeyId\":\"AKIA\",\"SecretAccessKey\":\"CANARY\",\"Expiration\":\"2001-01-01T00:00:00Z\"}'\n", status: 3, want: []string{"credential_process (~/.aws/config:7)", "ended at 2001-01-01T00:00:00Z"}},
		{number: 41, name: "mfa_process fails", config: headT + "mfa_serial = arn:aws:iam::123456789012:mfa/plain\nmfa_process = /bin/false\n" + plainKey + roleLine, status: 3, want: []string{"~/.aws/config:8", "exit status 1"}, asks: true},
		{number: 42, name: "mfa_process prints nothing", config: headT + "mfa_serial = arn:aws:iam::123456789012:mfa/plain\nmfa_process = /bin/true\n" + plainKey + roleLine, status: 3, want: []string{"~/.aws/config:8", "printed nothing"}, asks: true},
		{number: 142, name: "mfa_serial is none", config: headT + "mfa_serial = arn:x\n" + plainKey + roleLine, status: 3, want: []string{"~/.aws/config:7", `"arn:x"`}},
		{number: 43, name: "sso_session missing", config: headT + "sso_session = nope\nsso_account_id = 1\nsso_role_name = r\n", status: 3, want: refused("sso_session")},

		{number: 44, name: "profile absent", config: withPlain, profile: "plan", status: 3, want: []string{`no profile "plan" in ~/.aws/config`, "plain"}},
		{number: 45, name: "../ in the name", config: withPlain + "[profile ../../x]\n" + commonLines, profile: "../../x", status: 3, want: []string{"~/.aws/config:4", `"../../x"`}},
		{number: 46, name: "newline in the name", config: withPlain, profile: "a\nfob: b", status: 3, want: []string{`"a\nfob: b"`}},
		{number: 47, name: "config is a directory", profile: "plain", spoil: func(h *house) {
			h.must(os.Remove(h.path(".aws", "config")))
			h.must(os.Mkdir(h.path(".aws", "config"), 0o700))
		}, status: 3, want: []string{"~/.aws/config", "is a directory"}, spoiled: true, listed: 3},
		{number: 147, name: "no config", profile: "plain", spoil: func(h *house) { h.must(os.RemoveAll(h.path(".aws"))) }, env: map[string]string{"AWS_ENDPOINT_URL": "URL"}, calls: session},
		{number: 48, name: "dangling link", profile: "plain", spoil: func(h *house) {
			h.must(os.Remove(h.path(".aws", "config")))
			h.must(os.Symlink("/nonexistent/x", h.path(".aws", "config")))
		}, env: map[string]string{"AWS_ENDPOINT_URL": "URL"}, want: []string{"~/.aws/config", "/nonexistent/x"}, calls: session},
		{number: 49, name: "store emptied", config: withPlain, profile: "plain", spoil: func(h *house) { h.must(os.Truncate(h.data("vault.age"), 0)) }, status: 6, want: []string{"vault.age", "empty"}, spoiled: true},
		{number: 50, name: "store is junk", config: withPlain, profile: "plain", spoil: func(h *house) {
			h.must(os.WriteFile(h.data("vault.age"), []byte("junk.junk.junk.junk.junk"), 0o600))
		}, status: 6, want: []string{"vault.age"}, spoiled: true},
		{number: 51, name: "wrong passphrase", config: withPlain, profile: "plain", env: map[string]string{"FOB_PASSPHRASE": "wrong"}, status: 6, want: []string{"fob: wrong passphrase\n"}, spoiled: true},
		{number: 52, name: "store's folder is a file", config: withPlain, profile: "plain", spoil: func(h *house) {
			h.must(os.RemoveAll(h.data()))
			h.write("mine", ".local", "share", "fob")
		}, status: 6, want: []string{".local/share/fob", "directory"}, spoiled: true, listed: 6},
	}
}

// TestBadInput holds configs and stores as people, editors and attackers leave
// them. No case may hang, fall over or fail without a word; each names the file,
// the line and what is wrong, sends nothing that it should not, and takes no
// other profile away.
func TestBadInput(t *testing.T) {
	t.Parallel()
	first := newHouse(t)
	first.store()
	for _, tc := range badInputs() {
		t.Run(strconv.Itoa(tc.number)+" "+tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.storeOf(first)
			tc.run(h)
		})
	}
}

func (tc bad) run(h *house) {
	h.write(strings.ReplaceAll(tc.config, "URL", h.aws.URL), ".aws", "config")
	if tc.spoil != nil {
		tc.spoil(h)
	}
	for name, value := range tc.env {
		h.env[name] = strings.ReplaceAll(value, "URL", h.aws.URL)
	}
	profile := tc.profile
	if profile == "" {
		profile = "t"
	}
	before := h.files()
	exported := h.fob("export", "--format", "json", profile)
	for _, part := range tc.want {
		if !strings.Contains(exported.errors, part) {
			h.t.Errorf("export says %q, want %q", exported.errors, part)
		}
	}
	if exported.status != tc.status || tc.status != 0 && exported.out != "" {
		h.t.Errorf("export: status %d, want %d; output of %d bytes", exported.status, tc.status, len(exported.out))
	}
	want := ran{}
	if tc.status != 0 {
		want = ran{status: 125, errors: exported.errors}
	}
	if diff := cmp.Diff(want, h.fob("exec", profile, "--", "true"), cmp.AllowUnexported(ran{})); diff != "" {
		h.t.Errorf("exec (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(tc.calls, h.calls()); diff != "" {
		h.t.Errorf("calls (-want +got):\n%s", diff)
	}
	if got := h.fob("list"); got.status != tc.listed || got.status == 0 && got.out == "" {
		h.t.Errorf("list: %+v", got)
	}
	after := h.files()
	if tc.asks {
		delete(after, ".local/share/fob/spent")
	}
	if diff := cmp.Diff(before, after); diff != "" {
		h.t.Errorf("files (-before +after):\n%s", diff)
	}
	if got := h.fob("exec", "plain", "--", "true"); !tc.spoiled && got.status != 0 {
		h.t.Errorf("plain is spoiled too: %+v", got)
	}
}
