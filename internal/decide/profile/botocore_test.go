package profile

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// botocoreReads prints, for each file named, what the AWS CLI's reader sees in
// it: null where it refuses the file.
const botocoreReads = `
import json, sys
import botocore.configloader as c
out = []
for path in sys.argv[1:]:
    try:
        got = c.load_config(path)
        out.append({"profiles": got["profiles"], "sso": got["sso_sessions"], "services": got["services"]})
    except Exception:
        out.append(None)
json.dump(out, sys.stdout)
`

type botocoreConfig struct {
	Profiles, SSO, Services map[string]map[string]any
}

// TestReadsAsBotocore compares with the AWS CLI's own reader on texts made from
// a fixed seed. Where both accept a text they must agree on each value. What the
// CLI refuses as a whole we may accept in part; what we refuse must be one of
// the refusals below.
func TestReadsAsBotocore(t *testing.T) {
	t.Parallel()
	if err := exec.Command("python3", "-c", "import botocore.configloader").Run(); err != nil {
		t.Skip("python3 has no botocore here")
	}
	const count = 600
	r := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	args := []string{"-c", botocoreReads}
	texts := make([]string, count)
	for i := range texts {
		texts[i] = randomText(r)
		path := filepath.Join(dir, strconv.Itoa(i))
		if err := os.WriteFile(path, []byte(texts[i]), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	out, err := exec.Command("python3", args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []*botocoreConfig
	if err := json.Unmarshal(out, &all); err != nil {
		t.Fatal(err)
	}
	both, values := 0, 0
	for i, theirs := range all {
		if theirs != nil {
			both++
			values += compareWithBotocore(t, texts[i], theirs)
		}
	}
	if both < count/4 || values < count {
		t.Errorf("botocore accepted %d of %d texts with %d values: the texts are too wild to say much", both, count, values)
	}
}

func compareWithBotocore(t *testing.T, text string, theirs *botocoreConfig) (compared int) {
	t.Helper()
	s := parse(t, text)
	compare := func(k kind, sections map[string]map[string]any) {
		for name, want := range sections {
			if name == "default" && len(s.find(profiles, name)) > 1 {
				continue // botocore takes the later of [default] and [profile default]
			}
			sec, err := s.section(k, name)
			if err == nil {
				_, err = s.good(sec)
			}
			if err != nil {
				if !documentedRefusal(err.Error()) {
					t.Errorf("%q: botocore reads %s %q, we say: %v", text, k.word(), name, err)
				}
				continue
			}
			got := make(map[string]any)
			for _, e := range sec.entries {
				if table, ok := want[e.key].(map[string]any); ok {
					want[e.key] = lowered(table)
				}
				if got[e.key] = asBotocore(s, e); got[e.key] == nil {
					got[e.key] = want[e.key]
				}
				compared++
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%q: %s %q (-botocore +ours):\n%s", text, k.word(), name, diff)
			}
		}
	}
	compare(profiles, theirs.Profiles)
	compare(ssoSessions, theirs.SSO)
	compare(services, theirs.Services)
	return compared
}

// asBotocore is a value as its reader gives it: nested settings as a table, nil
// where a nested key stands twice, which we refuse and it does not.
func asBotocore(s Set, e entry) any {
	if !strings.HasPrefix(e.value, "\n") {
		return e.value
	}
	list, bad := nested(s.text, e)
	if len(bad) > 0 {
		return nil
	}
	table := make(map[string]any)
	for _, h := range list {
		table[h.key] = h.value
	}
	return table
}

// lowered is a table as we keep it: nested keys ignore case, as in the SDK for Go.
func lowered(table map[string]any) map[string]any {
	low := make(map[string]any)
	for k, v := range table {
		low[strings.ToLower(k)] = v
	}
	return low
}

// documentedRefusal is for what botocore reads and we do not, on purpose.
func documentedRefusal(text string) bool {
	return strings.Contains(text, "the section stands twice") || // it takes the later one when they are quoted differently
		strings.Contains(text, "belongs to the value of") // it takes both lines as the value
}

// randomText leaves out what we read otherwise on purpose: a comment behind a
// value is none to the CLI, and a line that starts with [ and has no ] is a
// setting to it where there is an =.
func randomText(r *rand.Rand) string {
	pick := func(all ...string) string { return all[r.IntN(len(all))] }
	nl := pick("\n", "\n", "\n", "\r\n", "\r")
	var b strings.Builder
	for i := range 1 + r.IntN(5) {
		n := strconv.Itoa(i)
		b.WriteString(pick("", "", "", "  ", "# [x]"+nl, nl))
		b.WriteString(pick("[profile p"+n+"]", "[profile p"+n+"]", "[profile p"+n+"]", "[profile \"p "+n+"\"]", "[profile 'p"+n+"']", "[profile\tp"+n+"]", "[profile  p"+n+" ]",
			"[profile p\\ "+n+"]", "[profile \"a\\\"b\\c"+n+"\"]", "[profile p"+n+"]]", "[default]", "[profile default]", "[sso-session s"+n+"]", "[services v"+n+"]", "[other"+n+"]") + nl)
		for j := range r.IntN(6) {
			key := pick("region", "Output", "role_arn", "x y", "empty", "mfa_process", "key") + strconv.Itoa(j)
			if r.IntN(3) == 0 {
				key = pick("region", "output", "s3", "sts", "mfa_serial", "credential_process")
			}
			b.WriteString(pick("", "", "", "", " ", "\t", "  "))
			switch r.IntN(12) {
			case 0:
				b.WriteString(pick("# note", "; note = a", "  # note", "", "   ", "\t"))
			case 1:
				b.WriteString(key + " =" + nl + "  a = b=c" + nl + pick("", nl, "# n"+nl, "    # n"+nl) + "\td" + n + " = e")
			case 2:
				b.WriteString(key + " = a" + nl + "  b" + nl + pick("", nl, " "+nl) + "   [c]" + pick("", nl))
			case 3:
				b.WriteString(pick("junk", "= x", "a = b"))
			default:
				b.WriteString(key + pick("=", " = ", "\t=\t", ": ", " =", " : ") + pick("v", "a b", "a=b", "a#b;c", "\"q\"", "%(x)s", "[x]", "\u00e9", "\u00a0v\u00a0", "a:b", "", "$HOME") + pick("", "", " ", "\t"))
			}
			b.WriteString(nl)
		}
	}
	return b.String()
}
