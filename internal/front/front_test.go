package front

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fob/internal/cred"
	"fob/internal/deliver/launch"

	"github.com/google/go-cmp/cmp"
)

func TestFindHome(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		environ []string
		want    Home
		fails   bool
	}{
		{name: "home", environ: []string{"HOME=/home/ann"}, want: Home{User: "/home/ann", Data: "/home/ann/.local/share/fob", Config: "/home/ann/.aws/config", ConfigShown: "~/.aws/config"}},
		{name: "xdg", environ: []string{"HOME=/home/ann", "XDG_DATA_HOME=/data", "XDG_RUNTIME_DIR=/run/user/1"}, want: Home{User: "/home/ann", Data: "/data/fob", Runtime: "/run/user/1", Config: "/home/ann/.aws/config", ConfigShown: "~/.aws/config"}},
		{name: "relative xdg is ignored", environ: []string{"HOME=/home/ann", "XDG_DATA_HOME=data", "XDG_RUNTIME_DIR=run"}, want: Home{User: "/home/ann", Data: "/home/ann/.local/share/fob", Config: "/home/ann/.aws/config", ConfigShown: "~/.aws/config"}},
		{name: "config elsewhere", environ: []string{"HOME=/home/ann", "AWS_CONFIG_FILE=/etc/aws"}, want: Home{User: "/home/ann", Data: "/home/ann/.local/share/fob", Config: "/etc/aws", ConfigShown: "/etc/aws"}},
		{name: "config below ~", environ: []string{"HOME=/home/ann", "AWS_CONFIG_FILE=~/c"}, want: Home{User: "/home/ann", Data: "/home/ann/.local/share/fob", Config: "/home/ann/c", ConfigShown: "~/c"}},
		{name: "no home", fails: true},
		{name: "empty home", environ: []string{"HOME="}, fails: true},
		{name: "relative home", environ: []string{"HOME=here"}, fails: true},
		{name: "no home, but told all", environ: []string{"XDG_DATA_HOME=/data", "AWS_CONFIG_FILE=/c"}, want: Home{Data: "/data/fob", Config: "/c", ConfigShown: "/c"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := FindHome(tc.environ)
			if (err != nil) != tc.fails {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); !tc.fails && diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRuntimeDir(t *testing.T) {
	t.Parallel()
	const tmp = "TMPDIR=/var/folders/ab/cd/T/"
	for _, c := range []struct {
		system  string
		environ []string
		want    string
	}{
		{"linux", []string{"XDG_RUNTIME_DIR=/run/user/1", tmp}, "/run/user/1"},
		{"linux", []string{tmp}, ""},
		{"linux", []string{"XDG_RUNTIME_DIR=run"}, ""},
		{"darwin", []string{tmp}, "/var/folders/ab/cd/T"},
		{"darwin", []string{"XDG_RUNTIME_DIR=/run/user/1", tmp}, "/run/user/1"},
		{"darwin", []string{"TMPDIR=here"}, ""},
		{"darwin", nil, ""},
	} {
		if got := runtimeDir(c.environ, c.system); got != c.want {
			t.Errorf("%s, %q: %q, want %q", c.system, c.environ, got, c.want)
		}
	}
}

func TestMinLeft(t *testing.T) {
	t.Parallel()
	tests := []struct {
		flag    string
		environ []string
		want    time.Duration
		from    string
		ok      bool
	}{
		{"", nil, 5 * time.Minute, "", true},
		{"", []string{"AWS_MIN_TTL=10m"}, 10 * time.Minute, "AWS_MIN_TTL", true},
		{"", []string{"AWS_MIN_TTL=10m", "FOB_MIN_TTL=20m"}, 20 * time.Minute, "FOB_MIN_TTL", true},
		{"1h", []string{"AWS_MIN_TTL=10m", "FOB_MIN_TTL=20m"}, time.Hour, "--min-ttl", true},
		{"0s", nil, 0, "--min-ttl", true},
		{"soon", nil, 0, "--min-ttl", false},
		{"-5m", nil, -5 * time.Minute, "--min-ttl", false},
		{"13h", nil, 13 * time.Hour, "--min-ttl", false},
	}
	for _, tc := range tests {
		if got, from, ok := MinLeft(tc.flag, tc.environ); got != tc.want || from != tc.from || ok != tc.ok {
			t.Errorf("MinLeft(%q, %q) = %v, %q, %v; want %v, %q, %v", tc.flag, tc.environ, got, from, ok, tc.want, tc.from, tc.ok)
		}
	}
}

func TestCore(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ there, want string }{
		{"/opt/bin/fob-core", "/opt/bin/fob-core"},
		{"/opt/libexec/fob/fob-core", "/opt/libexec/fob/fob-core"},
		{"", "/opt/bin/fob-core"},
	} {
		got := Core("/opt/bin/fob", func(path string) bool { return path == filepath.FromSlash(tc.there) })
		if filepath.ToSlash(got) != tc.want {
			t.Errorf("with %q: %s, want %s", tc.there, got, tc.want)
		}
	}
}

// The front hands over everything as it got it: the words, the environment and
// one variable more, which nobody else can have set.
func TestHandsOver(t *testing.T) {
	t.Parallel()
	var path string
	var argv, environ []string
	var stderr strings.Builder
	sys := System{
		Args: []string{"aws-vault", "list", "--x"}, Environ: []string{"A=1", VersionVariable + "=forged", "B=2"}, Stderr: &stderr,
		Core: func() string { return "/opt/fob-core" }, Version: "v1", Now: time.Now, StdoutIsTerminal: func() bool { return false },
		Exec: func(p string, a, e []string) error {
			path, argv, environ = p, a, e
			return &launch.Exited{Status: 7}
		},
	}
	if got := Main(sys); got != 7 || stderr.Len() > 0 {
		t.Errorf("status %d, %q", got, stderr.String())
	}
	want := []any{"/opt/fob-core", []string{"aws-vault", "list", "--x"}, []string{"A=1", "B=2", VersionVariable + "=v1"}}
	if diff := cmp.Diff(want, []any{path, argv, environ}); diff != "" {
		t.Error(diff)
	}
	sys.Exec = func(string, []string, []string) error { return errors.New("no such file") }
	if got := Main(sys); got != 125 || !strings.Contains(stderr.String(), "install fob and fob-core together") {
		t.Errorf("status %d, %q", got, stderr.String())
	}
	sys.Exec = func(string, []string, []string) error { return fs.ErrNotExist }
	if Main(sys); !strings.Contains(stderr.String(), "there is neither /opt/fob-core nor /libexec/fob/fob-core") {
		t.Errorf("%q", stderr.String())
	}
}

// An SDK is told an end that is before the true one, and still to come.
func TestForProcess(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name                string
		left, minLeft, want time.Duration
	}{
		{"as it is without a flag", time.Hour, 5 * time.Minute, 59 * time.Minute},
		{"the least that is handed out", 5 * time.Minute, 5 * time.Minute, 4 * time.Minute},
		{"a longer --min-ttl", time.Hour, 40 * time.Minute, 59 * time.Minute},
		{"a short one", 30 * time.Second, 10 * time.Second, 28 * time.Second},
		{"none", time.Minute, 0, time.Minute},
		{"less than was asked for", 2 * time.Minute, 5 * time.Minute, 2 * time.Minute},
	} {
		s := cred.Session{ID: "ASIA", Expires: now.Add(tt.left)}
		want := cred.Session{ID: "ASIA", Expires: now.Add(tt.want)}
		if got := ForProcess(s, tt.minLeft, now); got != want {
			t.Errorf("%s: got %s left, want %s", tt.name, got.Left(now), tt.want)
		}
	}
	if got := ForProcess(cred.Session{ID: "AKIA"}, time.Minute, now); got != (cred.Session{ID: "AKIA"}) {
		t.Errorf("a key without an end: got %s", got.Expires)
	}
}
