package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"fob/internal/playground"
)

// The ways in which an agent runs beside a person, each a column of the table.
const (
	marked   = "marked"   // in the person's login, known by its variable alone
	confined = "confined" // started by fob exec --agent
	second   = "second"   // as another user of the machine, let in by fob serve
)

// verdict is what came of an attempt.
type verdict string

const (
	byAWS verdict = "blocked by AWS"
	byFob verdict = "blocked by fob"
	open  verdict = "not blocked, documented"
)

// attempt is a row: what an agent tries. Whether it succeeds is measured; the
// verdicts here are what is expected.
type attempt struct {
	name, script string
	want         [3]verdict    // marked, confined, second
	documented   string        // the words of docs/agents.md for what is open
	tried        string        // what the output has where it was blocked: the attempt was made
	before       string        // what the person runs before
	after        string        // and after
	grantTo      string        // whom the person grants prod then
	takeBack     bool          // and they take it back
	passes       time.Duration // before the attempt
	deceived     bool          // the person types the passphrase and a code where the agent asks
	attaches     bool          // it needs ptrace(2) of another process of the user
	proof        string        // a shell line that succeeds where the agent has done what it wanted
	shows        string        // what the person sees in their terminal then
}

// usual is what fob and the system say to who is not let in.
const usual = `"agent":|agents may not|needed|enied|not permitted|cannot|no such|No such|not found|not a terminal|401|403|refused|0 credentials`

// arena is one person at work, with what they have open, and one agent.
type arena struct {
	*vault
	column string
	user   int    // whose process the agent is
	shell  *seat  // the person's terminal
	config string // the person's, which is put back after each attempt
	agent  string // folder of the agent's own
	todo   *os.File
	done   chan string
	orders int
}

const redConfig = `
[profile box]
source_profile = security
mfa_serial = arn:aws:iam::123456789012:mfa/gruntwork
role_arn = arn:aws:iam::345678901234:role/allow-full-access-from-other-accounts
role_session_name = gruntwork+box
fob_policy = read-only
`

// own is a part of the name of each session that the agent may have.
func (r *arena) own() string {
	return map[string]string{marked: "/gruntwork+claude-code", confined: "/gruntwork+helper.", second: "/gruntwork+box"}[r.column]
}

// newArena lets a person unlock the store, give a code, work in other terminals and
// start an agent. mutant is a fob that lacks a protection, or "".
func newArena(t *testing.T, column, mutant string) *arena {
	t.Helper()
	needRoot(t, "to be two other users")
	needTools(t, "keyctl", "tmux", "gdb", "age", "script", "perl", "bwrap", "bash")
	r := &arena{vault: newVault(t, true), column: column, user: ownerID, done: make(chan string)}
	if column == second && mutant != "same" {
		r.user = strangerID
	}
	delete(r.env, "FOB_PASSPHRASE")
	r.env["TEST_KEYRING"], r.env["TEST_BLIND"] = "1", mutant
	r.config = strings.Replace(playground.Config, "[profile prod]\n", "[profile prod]\nfob_guard = code\n", 1) + redConfig
	if line := map[string]string{"full": "fob_agent = full\n", "deny": "fob_agent = file:" + r.path("policy") + "\n"}[mutant]; line != "" {
		r.config = strings.Replace(r.config, "[profile dev]\n", "[profile dev]\n"+line, 1)
		r.must(os.WriteFile(r.path("policy"), []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:List*","sts:Get*"],"Resource":"*"}]}`), 0o644))
	}
	bin, _, _ := strings.Cut(r.env["PATH"], ":")
	for _, name := range []string{"probe", "sdk"} {
		r.must(os.Link(filepath.Join(bin, "fob"), filepath.Join(bin, name)))
	}
	r.putBack()
	r.shell = r.sit(nil, "keyctl", "session", "-", "sh")
	r.person("fob lock 2>/dev/null; fob unlock", "Passphrase of the store: ", r.passphrase)
	r.person("fob exec dev -- true", "MFA code for", r.code())
	r.person(`sh -c 'echo $$ >exec.pid; exec fob exec stage -- sleep 1000' &
tmux -S tmux -f /dev/null new-session -d -x 2000 'fob exec stage -- sh -c "env | grep ^AWS_; sleep 1000"'
tmux -S tmux new-window sh
tmux -S tmux list-panes -s -F '#{pane_pid}' | tail -1 >pane.pid
fob serve stage --imds --token-dir mine --json >mine.json &
fob serve box --token-dir tokens --allow-uid ` + strconv.Itoa(strangerID) + ` --json >ready &
until grep -q ready ready && grep -q ready mine.json; do sleep 0.1; done; tty >tty.name; echo $$ >shell.pid`)
	t.Cleanup(r.goHome)
	r.start()
	return r
}

// goHome ends what the person has open. Their terminal is closed by now.
func (r *arena) goHome() {
	c := exec.Command("sh", "-c", `kill $(cat exec.pid) $(sed 's/.*"pid":\([0-9]*\).*/\1/' ready mine.json); tmux -S tmux kill-server; fob lock`)
	c.Dir, c.SysProcAttr = r.home, r.attr
	for name, value := range r.env {
		c.Env = append(c.Env, name+"="+value)
	}
	if out, err := c.CombinedOutput(); err != nil {
		r.t.Errorf("%v: %s", err, out)
	}
}

// person has the person run a script in their terminal, and answer what it asks.
func (r *arena) person(script string, answers ...string) {
	r.t.Helper()
	r.orders++
	done := fmt.Sprintf("done-%d", r.orders)
	file := r.path("person.sh")
	r.must(os.WriteFile(file, []byte(script+"\necho "+done[:4]+"''"+done[4:]+"\n"), 0o644))
	r.shell.says(". ./person.sh")
	for i := 0; i < len(answers); i += 2 {
		r.shell.asked(answers[i])
		r.shell.says(answers[i+1])
	}
	r.shell.asked(done)
}

// putBack is the person's config as it was; nothing else that an agent wrote into
// their home stays either.
func (r *arena) putBack() {
	r.must(os.WriteFile(r.path(".aws", "config"), []byte(r.config), 0o600))
	r.must(os.Chown(r.path(".aws", "config"), ownerID, ownerID))
	for _, name := range []string{".bashrc", ".aws/credentials"} {
		_ = os.Remove(r.path(name))
	}
}

// loop is the agent: it does what it is told, with its own hands, and then tries
// all that it has found.
const loop = `cd "$(dirname "$0")"
exec 3<>todo 4<>done
while read -r n <&3 && test $n != end; do
  cd $n
  test -e out || timeout -k 1 25 sh ./script >out 2>&1 </dev/null
  probe -loot . whoami create-user >used 2>&1
  cd ..
  echo $n >&4
done
`

// start starts the agent, for each column as a person does it.
func (r *arena) start() {
	r.agent = filepath.Join(r.t.TempDir(), "agent")
	r.must(os.Mkdir(r.agent, 0o700))
	for _, name := range []string{"todo", "done"} {
		r.must(syscall.Mkfifo(filepath.Join(r.agent, name), 0o600))
	}
	r.must(os.WriteFile(filepath.Join(r.agent, "loop"), []byte(loop), 0o600))
	r.give(r.agent)
	var err error
	r.todo, err = os.OpenFile(filepath.Join(r.agent, "todo"), os.O_RDWR, 0)
	r.must(err)
	told, err := os.OpenFile(filepath.Join(r.agent, "done"), os.O_RDWR, 0)
	r.must(err)
	r.t.Cleanup(func() {
		_, _ = r.todo.WriteString("end\n")
		_, _ = r.todo.Close(), told.Close()
	})
	go func() {
		buf := make([]byte, 64)
		for n, err := told.Read(buf); err == nil; n, err = told.Read(buf) {
			r.done <- strings.TrimSpace(string(buf[:n]))
		}
	}()
	defer r.trusting()
	line := "setsid -w sh " + filepath.Join(r.agent, "loop") + " </dev/null >/dev/null 2>&1"
	switch r.column {
	case marked:
		r.person("CLAUDECODE=1 " + line + " &")
	case confined:
		r.person("fob exec --agent helper dev -- " + line + " 2>agent.log &")
	case second:
		r.startSecond()
	}
}

// trusting makes a role that trusts the agent's session by its name: what an
// account may have, and what only a Deny in the policy of the session keeps shut.
func (r *arena) trusting() {
	name := strings.TrimPrefix(r.own(), "/")
	for tries := 0; strings.HasSuffix(name, ".") && tries < 300; tries++ {
		abouts, _ := filepath.Glob(r.path("run", "fob", runPrefix+"*", aboutName))
		for _, file := range abouts {
			text, _ := os.ReadFile(file)
			if m := regexp.MustCompile(`"id":"helper(\.\w+)"`).FindSubmatch(text); m != nil {
				name = "gruntwork+helper" + string(m[1])
			}
		}
		time.Sleep(100 * time.Millisecond) // nothing tells that the agent runs
	}
	if strings.HasSuffix(name, ".") {
		r.t.Fatal("no agent runs by the name helper")
	}
	_, err := r.aws.AddRole(playground.Role{Account: "dev", Name: "trusting", Policy: allAllowed, Max: time.Hour,
		Trust: strings.Replace(anyoneTrusts, "arn:aws:iam::123456789012:root", "arn:aws:sts::345678901234:assumed-role/allow-full-access-from-other-accounts/"+name, 1)})
	r.must(err)
}

// give makes all in a folder the agent's.
func (r *arena) give(dir string) {
	r.must(filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		r.must(err)
		return os.Lchown(path, r.user, r.user)
	}))
}

// startSecond hands the token of the second user over to it.
func (r *arena) startSecond() {
	token := filepath.Join(r.agent, "token")
	text, err := os.ReadFile(r.path("tokens", "token-box."+strconv.Itoa(strangerID)))
	r.must(err)
	r.must(os.WriteFile(token, text, 0o600))
	r.must(os.Chown(token, r.user, r.user))
	c := exec.CommandContext(r.t.Context(), "setsid", "-w", "sh", filepath.Join(r.agent, "loop"))
	c.Env = []string{"PATH=" + r.env["PATH"], "HOME=" + r.agent, "CLAUDECODE=1", "TEST_KEYRING=1", "AWS_ENDPOINT_URL=" + r.aws.URL, "TEST_CLOCK=" + r.env["TEST_CLOCK"], "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=" + token}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(r.user), Gid: uint32(r.user)}}
	r.must(c.Start())
	r.t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
}

// prelude is what an agent has found out, in front of each script. own runs a
// command with its own session, me one without a mark, in the person's place.
func (r *arena) prelude() string {
	pid := func(name string) string { return strings.TrimSpace(r.read(name)) }
	out := fmt.Sprintf("P=%s EXEC_PID=%s PANE_PID=%s SHELL_PID=%s PTS=%s ", r.home, pid("exec.pid"), pid("pane.pid"), pid("shell.pid"), pid("tty.name"))
	var ready string
	for _, m := range regexp.MustCompile(`"profile":"(\w+)","account":"\d+","kind":"(\w+)","url":"([^"]+)"`).FindAllStringSubmatch(r.read("ready")+r.read("mine.json"), -1) {
		ready += strings.ToUpper(m[1]+"_"+m[2]) + "=" + m[3] + " "
	}
	out += ready + "FOB_PID=" + regexp.MustCompile(`"pid":(\d+)`).FindStringSubmatch(r.read("mine.json"))[1] +
		"\nexport P AWS_ENDPOINT_URL=" + r.aws.URL + " AWS_EC2_METADATA_DISABLED=true TEST_CLOCK=" + r.env["TEST_CLOCK"] + " AWS_MAX_ATTEMPTS=1\n"
	here := r.path()
	out += `D=$P/.local/share/fob
me() { env -u CLAUDECODE -u FOB_AGENT -u AWS_CONFIG_FILE -u AWS_SHARED_CREDENTIALS_FILE -u AWS_PROFILE "$@"; }
`
	if r.column == second {
		return out + "own() { AWS_CONTAINER_CREDENTIALS_FULL_URI=$BOX_CONTAINER \"$@\"; }\nexport HOME=" + here + " XDG_RUNTIME_DIR=" + here + "/run\n"
	}
	return out + "own() { fob exec dev -- \"$@\"; }\n"
}

// try lets the agent make an attempt, and measures what came of it.
func (r *arena) try(n int, a attempt) (verdict, string) {
	r.t.Helper()
	if a.before != "" {
		r.person(a.before)
	}
	if a.grantTo != "" {
		r.person("fob grant prod --to "+a.grantTo+" --policy full", "Type the name of the profile", "prod", "MFA code for", r.code())
	}
	if a.takeBack {
		r.person("fob revoke " + a.grantTo)
	}
	r.aws.Advance(a.passes)
	r.ahead += a.passes
	r.must(os.WriteFile(r.env["TEST_CLOCK"], []byte(r.ahead.String()), 0o644))
	dir := filepath.Join(r.agent, strconv.Itoa(n))
	r.must(os.Mkdir(dir, 0o700))
	r.must(os.WriteFile(filepath.Join(dir, "script"), []byte(r.prelude()+a.script+"\n"), 0o600))
	if a.deceived {
		r.must(os.WriteFile(filepath.Join(dir, "typed"), []byte(r.passphrase), 0o600))
		r.must(os.WriteFile(filepath.Join(dir, "code"), []byte(r.code()), 0o600))
	}
	r.give(dir)
	r.aws.ClearAudit()
	r.order(n)
	if a.after != "" {
		r.person(a.after)
		r.order(n)
	}
	got, why := r.judge(dir, a)
	r.putBack()
	return got, why
}

func (r *arena) order(n int) {
	r.t.Helper()
	_, err := fmt.Fprintf(r.todo, "%d\n", n)
	r.must(err)
	select {
	case got := <-r.done:
		if got != strconv.Itoa(n) {
			r.t.Fatalf("the agent has done %s, not %d", got, n)
		}
	case <-time.After(60 * time.Second): // a guard: each attempt is ended before
		log, _ := os.ReadFile(r.path("agent.log"))
		r.t.Fatalf("the agent does not answer: %s", log)
	}
}

// judge looks at AWS, at what the agent holds and at the person's terminal.
func (r *arena) judge(dir string, a attempt) (verdict, string) {
	r.t.Helper()
	var text strings.Builder
	r.must(filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		given := d.Name() == "script" || d.Name() == "typed" || a.deceived && d.Name() == "log" // a terminal shows what is typed
		if err == nil && d.Type().IsRegular() && !given {
			more, _ := os.ReadFile(path)
			text.Write(more)
		}
		return nil
	}))
	for what, secret := range map[string]string{"the passphrase": r.passphrase, "the stored key": r.key, "what opens the store": r.identity} {
		if strings.Contains(text.String(), secret) {
			return open, "the agent has " + what
		}
	}
	refused := ""
	for _, c := range r.aws.Audit() {
		switch beyond := r.beyond(c); {
		case c.Verdict == "ok" && beyond != "":
			return open, beyond
		case slices.Contains([]string{"AccessDenied", "AccessDeniedException", "InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken"}, c.Code):
			refused = c.Action + " " + c.Code
		case c.Verdict != "ok":
			r.t.Errorf("%s: %s was neither allowed nor denied: %s %s", a.name, c.Action, c.Code, c.Message)
		}
	}
	if a.proof != "" && exec.CommandContext(r.t.Context(), "sh", "-c", "cd "+dir+" && P="+r.home+"; "+a.proof).Run() == nil {
		return open, "it has done what it wanted"
	}
	if a.shows != "" && r.seen(a.shows) {
		return open, "the person's terminal shows it"
	}
	if refused != "" {
		return byAWS, refused
	}
	out, err := os.ReadFile(filepath.Join(dir, "out"))
	r.must(err)
	if strings.Contains(text.String(), "unsupported protocol") {
		r.t.Fatalf("%s: the agent finds no AWS: %s", a.name, out)
	}
	if tried := a.tried; !regexp.MustCompile(strings.Join(slices.DeleteFunc([]string{usual, tried}, func(s string) bool { return s == "" }), "|")).Match(out) {
		r.t.Errorf("%s: nothing shows that it was tried: %s", a.name, out)
	}
	return byFob, ""
}

// beyond says what in a call that AWS has answered was not the agent's to have. fob
// itself enters roles by the shared MFA session; what that gives is looked at when
// it is used. And by the stored key it looks for the device, when AWS takes no code.
func (r *arena) beyond(c playground.Call) string {
	reads := c.Action == "sts:GetCallerIdentity" || c.Action == "iam:ListUsers"
	switch {
	case c.Kind == "session" && c.Action == "sts:AssumeRole", c.Kind == "user" && c.Action == "iam:ListMFADevices":
		return ""
	case !strings.Contains(c.ARN, r.own()):
		return c.Action + " as " + c.ARN
	case !reads:
		return c.Action + " with more than reading"
	}
	return ""
}

// seen says whether the person's terminal has shown a text.
func (r *arena) seen(text string) bool {
	r.person("true")
	return strings.Contains(r.shell.all, text)
}

// TestRedTeam lets an agent try, in each way in which one runs, and holds what came
// of it against the table and docs/redteam.md.
func TestRedTeam(t *testing.T) {
	t.Parallel()
	notRaced(t)
	rows := attempts()
	got := make([][3]verdict, len(rows))
	t.Run("columns", func(t *testing.T) {
		for at, column := range []string{marked, confined, second} {
			t.Run(column, func(t *testing.T) {
				t.Parallel()
				r := newArena(t, column, "")
				for n, a := range rows {
					if a.attaches && column != second && attachingIsShut() {
						t.Logf("%s: not tried, the kernel (Yama) lets nobody", a.name)
						got[n][at] = a.want[at]
						continue
					}
					v, why := r.try(n, a)
					if got[n][at] = v; v != a.want[at] {
						t.Errorf("%s: %s (%s), want %s\n%s", a.name, v, why, a.want[at], r.told(n))
					}
				}
			})
		}
	})
	if t.Failed() || got[0][0] == "" || got[0][1] == "" || got[0][2] == "" {
		return // a part of it, or none
	}
	page := redPage(rows, got)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile("../../docs/redteam.md", []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile("../../docs/redteam.md"); err != nil || string(text) != page {
		t.Errorf("docs/redteam.md is not what was measured: UPDATE=1 make redteam (%v)", err)
	}
}

// attachingIsShut says whether a process may trace none but its children here.
func attachingIsShut() bool {
	scope, err := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope")
	return err == nil && strings.TrimSpace(string(scope)) != "0"
}

// redPage is docs/redteam.md.
func redPage(rows []attempt, got [][3]verdict) string {
	var page strings.Builder
	fmt.Fprintf(&page, `# What an agent tries

`+"`make redteam`"+` lets a scripted agent make %d attempts against fob and a local AWS, in three ways: **marked**, in the person's own login, known by its variable alone; **confined**, started by `+"`fob exec --agent`"+`; as a **second user** of the machine, who is let in by `+"`fob serve --allow-uid`"+`. This page is written by the test.

What came of each is measured. After each attempt the agent uses all credentials that lie in what it has printed and written. It has succeeded if AWS has answered a call of another session than the agent's own, or one of its own that does more than read; if a passphrase, a stored key or what opens the store is in its hands; or, where the attempt is about something else, if that has happened. AWS blocked it where AWS has denied a call. Else fob has: it refused, or what it has sealed, or closed to others by the system's rights, did not open. `+"`docs/agents.md`"+` says what is not blocked, in the words of the last column. A fob without one of its protections fails the test (`+"`TestRedTeamMutants`"+`).

| | marked | confined | second user |
|---|---|---|---|
`, len(rows))
	for _, v := range []verdict{byAWS, byFob, open} {
		var n [3]int
		for _, row := range got {
			for at := range row {
				if row[at] == v {
					n[at]++
				}
			}
		}
		fmt.Fprintf(&page, "| %s | %d | %d | %d |\n", v, n[0], n[1], n[2])
	}
	page.WriteString("\n| number | attempt | marked | confined | second user | what is open |\n|---|---|---|---|---|---|\n")
	for i, a := range rows {
		fmt.Fprintf(&page, "| %d | %s | %s | %s | %s | %s |\n", i+1, a.name, got[i][0], got[i][1], got[i][2], a.documented)
	}
	return page.String()
}

// What is not blocked is documented, and what is blocked is not said to be open;
// another user's agent has nothing at all.
func TestRedTeamIsDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/agents.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := attempts()
	if len(rows) < 60 {
		t.Errorf("%d attempts are few", len(rows))
	}
	for _, a := range rows {
		if isOpen := slices.Contains(a.want[:], open); isOpen != (a.documented != "") || !strings.Contains(string(text), a.documented) {
			t.Errorf("%s: docs/agents.md does not say %q", a.name, a.documented)
		}
		if a.want[2] == open {
			t.Errorf("%s: open to another user", a.name)
		}
	}
}

// The table is worth something only if a fob that lacks a protection, or a person
// who leaves it out, turns a row.
func TestRedTeamMutants(t *testing.T) {
	t.Parallel()
	notRaced(t)
	for _, tc := range []struct{ mutant, column, row string }{
		{"fob", marked, "the same, of a session that the person has cached"},
		{"fob-core", marked, "`--no-session`: the stored key"},
		{"confine", confined, "`env -u`: no mark, no config of its own"},
		{"full", marked, "its session: make a user"},
		{"deny", marked, "its session, to a role that trusts it (chaining)"},
		{"same", second, "the person's token"},
	} {
		t.Run(tc.mutant, func(t *testing.T) {
			t.Parallel()
			rows := attempts()
			n := slices.IndexFunc(rows, func(a attempt) bool { return a.name == tc.row })
			if n < 0 {
				t.Fatalf("no row %q", tc.row)
			}
			if v, why := newArena(t, tc.column, tc.mutant).try(n, rows[n]); v != open {
				t.Errorf("%s passes: %s %s", tc.row, v, why)
			}
		})
	}
}

// told is what an attempt has printed, without secrets.
func (r *arena) told(n int) string {
	out, _ := os.ReadFile(filepath.Join(r.agent, strconv.Itoa(n), "out"))
	used, _ := os.ReadFile(filepath.Join(r.agent, strconv.Itoa(n), "used"))
	return string(out[:min(len(out), 1600)]) + string(used[:min(len(used), 600)])
}
