//go:build unix

package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"fob/internal/cred"
	"fob/internal/deliver/launch"
	"fob/internal/fault"
	"fob/internal/front"
	"fob/internal/hygiene"
	"fob/internal/obtain/tty"
	"fob/internal/playground"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary stand for both executables, side by side, and
// for the person at the terminal.
func TestMain(m *testing.M) {
	// Who runs the tests may ignore a signal (nohup, a job in the background),
	// and what they start would too. One that is caught is the default again in
	// a child.
	if strings.HasSuffix(os.Args[0], ".test") && os.Getenv("TEST_HANG") == "" {
		withoutAgents()
		for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT} {
			if signal.Ignored(s) {
				signal.Notify(make(chan os.Signal, 1), s)
			}
		}
	}
	testscript.Main(m, map[string]func(){
		"fob":       func() { os.Exit(front.Main(testFront())) },
		"aws-vault": func() { os.Exit(front.Main(testFront())) },
		"fob-core": func() {
			if os.Getenv("TEST_ONE_THREAD") != "" {
				runtime.LockOSThread() // a tracer counts system calls per thread
			}
			os.Exit(Main(testSystem()))
		},
		"term":       func() { os.Exit(termMain(os.Args[1:])) },
		"child":      func() { os.Exit(childMain()) },
		"naive":      func() { os.Exit(naiveMain()) },
		"terragrunt": func() { os.Exit(terragruntMain()) },
		"sdk":        func() { os.Exit(sdkMain(os.Args[1:])) },
		"probe":      func() { os.Exit(probeMain(os.Args[1:])) },
		"measure":    func() { os.Exit(measureMain(os.Args[1:])) },
	})
}

// canaries ends the program when a secret of a script goes by. Every secret of
// every script contains CANARY, so every script is a test for leaks, too.
type canaries struct {
	out  *os.File
	tail string
}

func (c *canaries) Write(p []byte) (int, error) {
	if text := c.tail + string(p); strings.Contains(text, "CANARY") {
		_, _ = c.out.WriteString("\nLEAK: a secret was written to standard error\n")
		os.Exit(99)
	} else {
		c.tail = text[max(0, len(text)-len("CANARY")):]
	}
	return c.out.Write(p)
}

// clock is the script's: the real one plus what `clock` has added.
func clock() time.Time { return time.Now().Add(clockAhead()) }

func clockAhead() time.Duration {
	if os.Getenv("TEST_CLOCK") == "" {
		return 0
	}
	text, _ := os.ReadFile(os.Getenv("TEST_CLOCK"))
	d, _ := time.ParseDuration(strings.TrimSpace(string(text)))
	return d
}

func testFront() front.System {
	restore := hygiene.Enter()
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	now, handOver := mayPanic("fob", clock)
	environ, restored := frontAgents()
	return front.System{
		Args: os.Args, Environ: environ, Stdout: os.Stdout, Stderr: guardedStderr("fob"), Now: now,
		Core: func() string { return filepath.Join(filepath.Dir(self), "fob-core") }, Version: "test", UID: os.Getuid(), Getwd: syscall.Getwd, NoKeyring: noKeyring(),
		StdoutIsTerminal: func() bool { return hygiene.IsTerminal(1) },
		StderrIsTerminal: stderrIsTerminal,
		Exec: func(path string, argv, environ []string) error {
			restore()
			if filepath.Base(path) != "fob-core" {
				handOver(environ)
			}
			if filepath.Base(path) == "fob-core" && os.Getenv("TEST_CORE_LOG") != "" {
				appendLine(os.Getenv("TEST_CORE_LOG"), "fob-core")
			}
			// testscript chooses by argv[0] which program the binary stands for.
			if filepath.Base(path) == "fob-core" {
				environ = append(append([]string{"TEST_CALLED=" + filepath.Base(argv[0])}, restored...), environ...)
				argv = append([]string{"fob-core"}, argv[1:]...)
			}
			return launch.Replace(path, argv, environ)
		},
	}
}

func testSystem() System {
	s := RealSystem("test")
	s.Args[0] = cmp.Or(os.Getenv("TEST_CALLED"), "fob")
	_ = os.Unsetenv("TEST_CALLED")
	s.Environ = os.Environ()
	s.Kin = testKin(s.Kin)
	switch os.Getenv("TEST_BLIND") {
	case "fob-core":
		s.Environ = blind(s.Environ)
	case "confine":
		s.Confined = s.Stay
	}
	s.Stderr = guardedStderr("fob-core")
	s.Ahead, s.StderrIsTerminal = clockAhead(), stderrIsTerminal
	s.CheapStore, s.NoKeyring, s.AnyDisk = true, noKeyring(), os.Getenv("TEST_REAL_DISK") == ""
	now, handOver := mayPanic("fob-core", clock)
	exec := s.Execve
	s.Now, s.Execve = now, func(path string, argv, environ []string) error {
		handOver(environ)
		return exec(path, argv, environ)
	}
	if one := os.Getenv("TEST_TERMINAL"); one != "" { // for TestOneTerminal alone
		s.Terminal = func() string { return one }
	}
	if os.Getenv("TEST_NO_TTY") != "" {
		s.OpenTTY = func() (tty.TTY, error) {
			return nil, &fault.Error{What: "cannot ask", Why: errors.New("a person is needed, and there is no terminal"), Code: fault.Attend}
		}
	}
	return s
}

// stderrIsTerminal is true where a script says so: it reads standard error itself.
func stderrIsTerminal() bool { return os.Getenv("TEST_STDERR_TTY") != "" }

// noKeyring keeps scripts out of the kernel's keyrings, where the developer's own
// programs would find their keys. Tests of the keyrings clean up themselves.
func noKeyring() bool { return os.Getenv("TEST_KEYRING") == "" }

func appendLine(file, line string) {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	_, _ = f.WriteString(line + "\n")
}

// TestScripts runs the program as people use it. Each script has a playground of
// its own.
func TestScripts(t *testing.T) {
	t.Parallel()
	params := scriptParams("testdata/script", startOurs)
	params.UpdateScripts = os.Getenv("UPDATE") != ""
	testscript.Run(t, params)
}

// scriptParams runs the scripts of a folder, each against the AWS that start
// gives it.
func scriptParams(dir string, start func(*testscript.Env) (localAWS, error)) testscript.Params {
	return testscript.Params{
		Dir: dir, RequireExplicitExec: true, RequireUniqueNames: true,
		Setup:     func(env *testscript.Env) error { return setupScript(env, start) },
		Condition: scriptCondition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": cmdExits, "clock": cmdClock, "awscalls": cmdAWSCalls, "joins": cmdJoins, "aws": cmdAWS, "cores": cmdCores, "nocanary": cmdNoCanary,
			"step": cmdStep, "took": cmdTook, "awswho": cmdAWSWho, "sweep": cmdSweep,
			"newcomer": cmdNewcomer, "newrole": cmdNewRole, "as": cmdAs,
		},
	}
}

func setupScript(env *testscript.Env, start func(*testscript.Env) (localAWS, error)) error {
	env.Setenv("TEST_CLOCK", filepath.Join(env.WorkDir, ".clock"))
	server, err := start(env)
	if err != nil {
		return err
	}
	env.Values["aws"], env.Values["administrator"] = server, &cred.Session{}
	home, run := filepath.Join(env.WorkDir, "home"), filepath.Join(env.WorkDir, "run")
	for _, dir := range []string{filepath.Join(home, ".aws"), run} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(home, ".aws", "config"), []byte(playground.Config), 0o600); err != nil {
		return err
	}
	id, secret := server.Key("gruntwork")
	carol, carolSecret := server.Key("carol") // who has no MFA device yet
	url := server.Endpoint()
	for name, value := range map[string]string{
		"HOME": home, "XDG_RUNTIME_DIR": run, "SHELL": "/bin/sh", "TEST_NO_TTY": "1", "TERM_LOG": filepath.Join(env.WorkDir, "tty"),
		"TEST_CORE_LOG": filepath.Join(env.WorkDir, ".cores"), "FOB_PASSPHRASE": "CANARY passphrase",
		"AWS_EC2_METADATA_DISABLED": "true", "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1",
		"AWS_ENDPOINT_URL": url, "AWS_ENDPOINT_URL_STS": url, "AWS_ENDPOINT_URL_S3": url, "AWS_ENDPOINT_URL_IAM": url,
		"GORACE":        "atexit_sleep_ms=0", // a race-built program would sleep a second at its end
		"AWS_CA_BUNDLE": "", "TF_CLI_CONFIG_FILE": "/dev/null", "CHECKPOINT_DISABLE": "1", "FOB_PLAYGROUND_URL": server.CodesAt(),
		"TEST_ABOVE": strconv.Itoa(os.Getpid()), "TEST_MUTANT": os.Getenv("TEST_MUTANT"),
		"KEY_ID": id, "KEY_SECRET": secret, "CAROL_ID": carol, "CAROL_SECRET": carolSecret, "AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": secret,
	} {
		env.Setenv(name, value)
	}
	return nil
}

// cmdExits is `exits N command...`: testscript itself knows success and failure
// only.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// cmdClock is `clock 30m`: time passes here and at AWS.
func cmdClock(ts *testscript.TestScript, _ bool, args []string) {
	d, err := time.ParseDuration(args[0])
	ts.Check(err)
	ts.Value("playground").(*playground.Server).Advance(d)
	file := ts.Getenv("TEST_CLOCK")
	text, _ := os.ReadFile(file)
	old, _ := time.ParseDuration(strings.TrimSpace(string(text)))
	ts.Check(os.WriteFile(file, []byte((old + d).String()), 0o600))
}

// cmdAWSCalls is `awscalls [-sort|-long] FILE`: the calls since the last time, in
// order, are those of the file, each as ACTION RESOURCE VERDICT; -long adds the
// lifetime that was asked for, and the region. `-but ACTION` before it passes over
// the calls of what was run.
func cmdAWSCalls(ts *testscript.TestScript, _ bool, args []string) {
	but := ""
	if len(args) > 1 && args[0] == "-but" {
		but, args = args[1], args[2:]
	}
	server := ts.Value("aws").(localAWS)
	calls, err := server.Calls()
	ts.Check(err)
	var lines []string
	for _, c := range calls {
		line := callLine(c)
		if line == but {
			continue
		}
		if len(args) > 0 && args[0] == "-long" {
			line += fmt.Sprintf(" %ds %s", c.Seconds, c.Region)
		}
		lines = append(lines, line+"\n")
	}
	if len(args) > 0 && args[0] == "-long" {
		args = args[1:]
	}
	if len(args) > 0 && args[0] == "-sort" {
		slices.Sort(lines)
		args = args[1:]
	}
	got, want := strings.Join(lines, ""), ""
	if len(args) > 0 {
		want = server.Told(ts.ReadFile(args[0]))
	}
	if got != want {
		ts.Fatalf("calls to AWS:\n%swant:\n%s", got, want)
	}
}

func callLine(c playground.Call) string {
	line := strings.TrimPrefix(c.Action, "sts:")
	if c.Resource != "" && c.Resource != "*" {
		line += " " + c.Resource
	}
	if c.Verdict != "ok" {
		line += " " + c.Verdict
	}
	return line
}

// cmdAWS is `aws fault {JSON}`, `aws expire KEY|*` or `aws cap on|off`.
func cmdAWS(ts *testscript.TestScript, _ bool, args []string) {
	p := ts.Value("playground").(*playground.Server)
	switch args[0] {
	case "fault":
		var f playground.Fault
		ts.Check(json.Unmarshal([]byte(strings.Join(args[1:], " ")), &f))
		ts.Check(p.Fault(f))
	case "expire":
		p.Expire(args[1])
	case "cap":
		p.CapSessionToken(args[1] == "on")
	default:
		awsMore(ts, p, args)
	}
}

// cmdCores is `cores N`: so many runs since the last time went to fob-core; the
// others were answered by the front.
func cmdCores(ts *testscript.TestScript, _ bool, args []string) {
	file := ts.Getenv("TEST_CORE_LOG")
	if file == "" {
		return // the executables as they ship keep no such count
	}
	text, _ := os.ReadFile(file)
	_ = os.Remove(file)
	if got := strings.Count(string(text), "\n"); strconv.Itoa(got) != args[0] {
		ts.Fatalf("%d runs went to fob-core, want %s", got, args[0])
	}
}

// cmdNoCanary walks a folder: no file may hold a secret in the clear.
func cmdNoCanary(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), "CANARY") {
			ts.Fatalf("%s holds a secret in the clear", path)
		}
		return err
	}))
}
