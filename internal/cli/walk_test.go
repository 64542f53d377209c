package cli

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"fob/internal/deliver/launch"
	"fob/internal/front"
	"fob/internal/obtain/awsapi"
	"fob/internal/obtain/tty"
	"fob/internal/playground"
)

// coldExec runs `fob add` and a cold `fob exec` in this process: the front, then
// fob-core, up to the execve of the child. It gives the child's environment.
func coldExec(t *testing.T) []string {
	t.Helper()
	p, err := playground.Start(playground.Options{Canary: true, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	home := t.TempDir()
	config := filepath.Join(home, "config")
	if err := os.WriteFile(config, []byte(playground.Config), 0o600); err != nil {
		t.Fatal(err)
	}
	user, _ := p.User("gruntwork")
	environ := []string{
		"HOME=" + home, "XDG_DATA_HOME=" + filepath.Join(home, "data"), "AWS_CONFIG_FILE=" + config, "AWS_ENDPOINT_URL=" + p.URL, "PATH=/usr/bin:/bin",
		"FOB_PASSPHRASE=CANARY passphrase", "AWS_ACCESS_KEY_ID=" + user.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + user.Secret.Reveal(),
		front.VersionVariable + "=test",
	}
	var child []string
	sys := System{
		Environ: environ, Stdout: io.Discard, Stderr: os.Stderr, Now: time.Now, Sleep: sleep, Version: "test", UID: os.Getuid(),
		CheapStore: true, NoKeyring: true, AnyDisk: true, Terminal: func() string { return "" }, StdoutIsTerminal: func() bool { return false },
		OpenTTY: func() (tty.TTY, error) { return noTTY() },
		HTTP:    func(ca string) (*http.Client, error) { return awsapi.HTTPClient(ca, 0) },
		Shell:   func(context.Context, string, ...string) ([]byte, error) { return nil, nil },
		Program: func(context.Context, []string, ...string) ([]byte, error) { return nil, nil },
		Execve: func(_ string, _, environ []string) error {
			child = environ
			return &launch.Exited{}
		},
	}
	sys.Args = []string{"fob", "add", "security", "--env"}
	if status := Main(sys); status != 0 {
		t.Fatalf("fob add: status %d", status)
	}
	code, _ := p.Code("gruntwork")
	args := []string{"fob", "exec", "dev", "-t", code, "--", "true"}
	status := front.Main(front.System{
		Args: args, Environ: environ, Stdout: io.Discard, Stderr: os.Stderr, Now: time.Now, Core: func() string { return "fob-core" }, Version: "test", UID: os.Getuid(), NoKeyring: true,
		StdoutIsTerminal: func() bool { return false },
		Exec: func(_ string, argv, environ []string) error {
			sys.Args, sys.Environ = argv, environ
			return &launch.Exited{Status: Main(sys)}
		},
	})
	if status != 0 {
		t.Fatalf("fob exec: status %d", status)
	}
	return child
}

func TestColdExec(t *testing.T) {
	t.Parallel()
	got := strings.Join(coldExec(t), "\n")
	for _, want := range []string{"AWS_VAULT=dev", "AWS_ACCESS_KEY_ID=ASIA", "AWS_SESSION_TOKEN=", "AWS_REGION=us-west-2"} {
		if !strings.Contains(got, want) {
			t.Errorf("the child's environment lacks %s", want)
		}
	}
	if strings.Contains(got, "FOB_PASSPHRASE") {
		t.Error("the child got the passphrase")
	}
}

// The walk in docs/how-one-command-works.md must be the one that a cold exec
// takes: each file that it names is run, as a coverage profile tells.
func TestWalkIsTrue(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the tests once more, with coverage")
	}
	t.Parallel()
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "how-one-command-works.md"))
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("(?m)^[1-6]\\. `([^`]+)`").FindAllStringSubmatch(string(doc), -1)
	if len(named) != 6 {
		t.Fatalf("the walk names %d files, want 6", len(named))
	}
	profile := filepath.Join(t.TempDir(), "cover")
	c := exec.Command("go", "test", "-count=1", "-run", "^TestColdExec$", "-coverpkg=fob/internal/...", "-coverprofile="+profile, ".")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(profile)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range named {
		ran := regexp.MustCompile(`(?m)^fob/` + regexp.QuoteMeta(m[1]) + `:\S+ \d+ [1-9]`)
		if !ran.Match(text) {
			t.Errorf("a cold exec runs no line of %s", m[1])
		}
	}
}
