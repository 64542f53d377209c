//go:build unix

package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fob/internal/cred"
	"fob/internal/obtain/awsapi"
	"fob/internal/playground"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/tools/txtar"
)

// localAWS is a strict AWS on loopback that scripts run against. There are two,
// written apart: our playground, and moto with a gate before it.
type localAWS interface {
	Endpoint() string                    // of every service
	CodesAt() string                     // where POST /playground/code gives a user's next code
	Key(user string) (id, secret string) // of a user of the security account
	Calls() ([]playground.Call, error)   // since the last time
	// Told leaves of the lines of awscalls those that this server keeps.
	Told(lines string) string
}

// ours is the playground of one script.
type ours struct{ *playground.Server }

func startOurs(env *testscript.Env) (localAWS, error) {
	p, err := playground.Start(playground.Options{Canary: true, Now: func() time.Time { return time.Now() }})
	if err != nil {
		return nil, err
	}
	env.Defer(func() { _ = p.Close() })
	env.Values["playground"] = p
	return ours{p}, nil
}

func (o ours) Endpoint() string { return o.URL }
func (o ours) CodesAt() string  { return o.URL }

func (o ours) Key(user string) (id, secret string) {
	u, _ := o.User(user)
	return u.AccessKeyID, u.Secret.Reveal()
}

func (o ours) Calls() ([]playground.Call, error) {
	calls := o.Audit()
	o.ClearAudit()
	return calls, nil
}

func (o ours) Told(lines string) string { return lines }

// strictMoto is the second AWS, one for all scripts, which therefore run one
// after the other.
type strictMoto struct {
	url   string
	users map[string]motoUser
	codes *httptest.Server

	mu    sync.Mutex
	given map[string]int64 // by user: the last time step whose code was given out
	seen  int              // calls that scripts have read
}

type motoUser struct {
	ID     string `json:"access_key_id"`
	Secret string `json:"secret_access_key"`
	Seed   string `json:"mfa_seed"`
}

// startMoto runs the second AWS from the folder that FOB_TEST_MOTO names.
func startMoto(t *testing.T) *strictMoto {
	t.Helper()
	source := os.Getenv("FOB_TEST_MOTO")
	if source == "" {
		t.Skip("the second AWS is missing: FOB_TEST_MOTO does not name the folder of start_moto_refarch.py")
	}
	needTools(t, "python3", "moto_server")
	dir := t.TempDir()
	c := exec.Command("python3", filepath.Join(source, "start_moto_refarch.py"), "--out", dir, "--port", freePort(t), "--daemon")
	c.Env = append(os.Environ(), "HTTPS_PROXY=http://127.0.0.1:9", "NO_PROXY=127.0.0.1", "AWS_CA_BUNDLE=", "AWS_EC2_METADATA_DISABLED=true")
	out, err := c.CombinedOutput()
	t.Cleanup(func() { endDaemon(t, filepath.Join(dir, "server.pid")) })
	if err != nil {
		t.Fatalf("start moto: %v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "refarch.json"))
	if err != nil {
		t.Fatal(err)
	}
	var made struct {
		Endpoint string
		Users    map[string]motoUser
	}
	if err := json.Unmarshal(text, &made); err != nil {
		t.Fatal(err)
	}
	m := &strictMoto{url: made.Endpoint, users: made.Users}
	m.codes = httptest.NewServer(http.HandlerFunc(m.serveCode))
	t.Cleanup(m.codes.Close)
	return m
}

// needTools skips a test, by name, where a tool is not on the PATH.
func needTools(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is missing", name)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func endDaemon(t *testing.T, pidFile string) {
	text, err := os.ReadFile(pidFile)
	if err != nil {
		return // it never came up
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGTERM)
	}
	if err != nil {
		t.Errorf("end moto: %v", err)
	}
}

// begin readies the server for one script: codes that earlier ones used are good
// again, faults that they left are gone, and their calls are read.
func (m *strictMoto) begin(env *testscript.Env) (localAWS, error) {
	m.mu.Lock()
	m.given = map[string]int64{}
	m.mu.Unlock()
	for path, body := range map[string]string{"forget-codes": "", "fault": "{}", "set": `{"cap-session-token":true}`} {
		if err := m.post(path, body); err != nil {
			return nil, err
		}
	}
	if err := m.oneKey(env.T().(oneByOne).Context(), "gruntwork"); err != nil {
		return nil, err
	}
	_, err := m.Calls()
	return m, err
}

// oneKey leaves a user with one key, the one that scripts are told of, whatever
// an earlier script has rotated.
func (m *strictMoto) oneKey(ctx context.Context, user string) error {
	aws := func(s cred.Signer) *awsapi.Client {
		return awsapi.New(awsapi.Config{Region: "us-east-1", URL: m.url, Clock: awsapi.NewClock(time.Now)}, s)
	}
	jane := m.users["jane@acme.com"] // may do everything, with MFA
	admin, err := aws(cred.Signer{ID: jane.ID, Secret: cred.NewSecret(jane.Secret)}).GetSessionToken(ctx, awsapi.SessionTokenCall{
		Lifetime: time.Hour, Serial: "arn:aws:iam::123456789012:mfa/jane@acme.com", Code: playground.Code(cred.NewSecret(jane.Seed), time.Now()),
	})
	if err != nil {
		return err
	}
	iam := aws(admin.Session.Signer())
	have, err := iam.AccessKeys(ctx, user)
	if err != nil || len(have) == 1 && have[0].ID == m.users[user].ID {
		return errors.Join(err, m.post("forget-codes", ""))
	}
	for _, k := range have {
		if err := iam.DeleteAccessKey(ctx, user, k.ID); err != nil {
			return err
		}
	}
	made, err := iam.CreateAccessKey(ctx, user)
	m.users[user] = motoUser{ID: made.ID, Secret: made.Secret.Reveal(), Seed: m.users[user].Seed}
	return errors.Join(err, m.post("forget-codes", ""))
}

func (m *strictMoto) post(path, body string) error {
	resp, err := http.Post(m.url+"/strict/"+path, "application/json", strings.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		return fmt.Errorf("moto: %s: %s", path, text)
	}
	return nil
}

func (m *strictMoto) Endpoint() string { return m.url }
func (m *strictMoto) CodesAt() string  { return m.codes.URL }

func (m *strictMoto) Key(user string) (id, secret string) {
	return m.users[user].ID, m.users[user].Secret
}

// serveCode is the phone, as the playground has it: the code of now, or the
// first after it that was not given out yet. The server takes the next step's
// code already.
func (m *strictMoto) serveCode(w http.ResponseWriter, r *http.Request) {
	user, _ := io.ReadAll(r.Body)
	u, ok := m.users[string(user)]
	if !ok || u.Seed == "" {
		http.Error(w, "no device", http.StatusBadRequest)
		return
	}
	const length = 30 * time.Second
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	step := max(now.Unix()/int64(length.Seconds()), m.given[string(user)]+1)
	m.given[string(user)] = step
	at := time.Unix(0, step*int64(length))
	wait := max(0, at.Add(-length).Sub(now).Seconds())
	_ = json.NewEncoder(w).Encode(map[string]any{"code": playground.Code(cred.NewSecret(u.Seed), at), "waitSeconds": wait})
}

// Calls reads the audit, whose rows have the names that ours have.
func (m *strictMoto) Calls() ([]playground.Call, error) {
	resp, err := http.Get(m.url + "/strict/audit")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var calls []playground.Call
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		var row struct {
			playground.Call
			Time string `json:"time"` // without a zone, which time.Time does not take
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			return nil, err
		}
		if strings.HasPrefix(row.Verdict, "fault:") || slices.Contains([]string{"ExpiredToken", "InvalidClientTokenId", "SignatureDoesNotMatch"}, row.Verdict) {
			row.Resource = "" // who is refused unread has asked for nothing yet
		}
		// A call that it refuses after its policies allowed it has two rows.
		if last := len(calls) - 1; last >= 0 && row.Verdict != "ok" && calls[last].Verdict == "ok" && calls[last].Action == row.Action && calls[last].KeyID == row.KeyID && calls[last].Resource == row.Resource {
			calls = calls[:last]
		}
		calls = append(calls, row.Call)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before := min(m.seen, len(calls))
	m.seen = len(calls)
	return calls[before:], nil
}

// Told leaves the console's sign-in out, of which this server keeps no audit.
func (m *strictMoto) Told(lines string) string {
	var kept strings.Builder
	for line := range strings.Lines(lines) {
		if !strings.HasPrefix(line, "signin:") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// cmdMoto is the part of `aws` that the second AWS has: fault, expire and cap.
func (m *strictMoto) cmdMoto(ts *testscript.TestScript, _ bool, args []string) {
	switch args[0] {
	case "fault":
		var f playground.Fault
		ts.Check(json.Unmarshal([]byte(strings.Join(args[1:], " ")), &f))
		action := strings.TrimPrefix(strings.TrimPrefix(f.Action, "sts:"), "iam:") // it knows those by their bare names
		body := map[string]any{"action": action, "times": max(1, f.Times), "skip": f.Skip, "status": any(f.Status), "after": f.After, "seconds": max(f.Delay, 5*time.Second).Seconds()}
		if n, err := strconv.Atoi(f.Status); err == nil {
			body["status"] = n
		}
		text, err := json.Marshal(body)
		ts.Check(err)
		ts.Check(m.post("fault", string(text)))
	case "expire":
		ts.Check(m.post("expire", args[1]))
	case "healthy":
		ts.Check(m.post("fault", "{}"))
	case "cap":
		ts.Check(m.post("set", fmt.Sprintf(`{"cap-session-token":%t}`, args[1] == "on")))
	default:
		ts.Fatalf("aws: moto has no %q", args[0])
	}
}

// untilOnlyOurs copies a folder of scripts, each ended before the first line that
// only the playground can do: move the clock, or change users and roles.
func untilOnlyOurs(t *testing.T, pattern string) (dir string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts match %s: %v", pattern, err)
	}
	dir = t.TempDir()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), endedEarly(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func endedEarly(script []byte) []byte {
	archive := txtar.Parse(script)
	var out bytes.Buffer
	for line := range strings.Lines(string(archive.Comment)) {
		if onlyOurs(strings.Fields(line)) {
			fmt.Fprintf(&out, "stop 'only the playground can: %s'\n", strings.ReplaceAll(strings.TrimSpace(line), "'", "''"))
			break
		}
		out.WriteString(line)
	}
	archive.Comment = out.Bytes()
	return txtar.Format(archive)
}

func onlyOurs(words []string) bool {
	if len(words) < 2 {
		return len(words) == 1 && words[0] == "step"
	}
	switch words[0] {
	case "clock", "step":
		return true
	case "awscalls":
		return words[1] == "-long"
	case "aws":
		// A slow answer of moto's is worked on when its client has long gone, and
		// so falls into the next script.
		return !slices.Contains([]string{"fault", "expire", "cap", "healthy"}, words[1]) || slices.Contains(words, `"slow",`) || slices.Contains(words, `"slow"}`)
	}
	return false
}
