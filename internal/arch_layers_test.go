package internal_test

import (
	"bytes"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// row says what one package may import.
type row struct {
	pkg   string // the last element of its path
	does  string // its responsibility
	ours  string // packages of this module, by their last element
	third string // import path prefixes of other modules
}

const (
	xsys    = "golang.org/x/sys"
	xterm   = "golang.org/x/term"
	xcrypto = "golang.org/x/crypto"
	age     = "filippo.io/age"
	sdk     = "github.com/aws/aws-sdk-go-v2 github.com/aws/smithy-go"
	cobra   = "github.com/spf13/cobra github.com/spf13/pflag"
	tui     = "charm.land rsc.io/qr github.com/sahilm/fuzzy"
)

// layers is the import table, from the ground floor up. A package without a row
// fails, so that a new package is a decision; rows may wait for their package.
// CONTRIBUTING.md shows it; UPDATE=1 go test ./internal writes it there.
var layers = []row{
	{"cred", "hold secrets so that they do not get out", "", ""},
	{"fault", "say what, why, next", "", ""},
	{"hygiene", "process limits", "", xsys},
	{"lock", "one process at a time; whole files or none", "fault", xsys},
	{"profile", "config text to settings with positions, and back", "fault", ""},
	{"source", "plan a step from settings; fetch it", "cred profile fault", ""},
	{"iampolicy", "what policies say of entering a role", "source", ""},
	{"refarch", "accounts files, roles and groups to profile text and back", "fault iampolicy profile", "github.com/goccy/go-yaml"},
	{"policy", "session policies that go by a name", "", ""},
	{"guard", "who may have what", "fault policy profile", ""},
	{"chain", "order the steps; find mistakes", "fault guard policy profile source", ""},
	{"health", "what is wrong with a set-up, from facts", "chain fault profile source", ""},
	{"keyring", "small secrets in the Linux kernel's keyrings", "", xsys},
	{"sealkey", "where seal key and identity rest between runs", "cred fault keyring lock", xsys},
	{"cache", "sealed sessions by step name, and the index", "cred fault lock sealkey", ""},
	{"desktop", "talk with the stores of the person's desktop", "cred", "github.com/godbus/dbus"},
	{"unlock", "what keeps the identity for good", "cred desktop fault keyring lock", age + " " + xcrypto + " github.com/danieljoos/wincred github.com/ebitengine/purego"},
	{"unlocktest", "the contract that each unlocker must meet", "cred fault unlock", ""},
	{"store", "the vault: keep named secrets", "cred fault lock sealkey unlock", age + " " + xcrypto},
	{"audit", "lines that are only ever added", "cred lock", ""},
	{"tty", "talk on the controlling terminal", "cred fault", xterm + " " + xsys},
	{"mfa", "give the current code for a serial", "cred fault tty", ""},
	{"awsapi", "one method per AWS call; typed refusals", "cred", sdk},
	{"outside", "credentials that programs and this machine give", "cred fault", ""},
	{"access", "which roles can be entered, and why not", "awsapi chain cred fault iampolicy profile refarch", ""},
	{"devices", "MFA devices of one's own user: enrol, list, resync, remove", "awsapi cred fault mfa tty", ""},
	{"keys", "long-term keys: add, rotate, remove", "awsapi cred fault lock profile store", ""},
	{"takeover", "read the keys that other programs keep", "cred desktop profile", "github.com/go-jose/go-jose github.com/danieljoos/wincred"},
	{"broker", "walk a chain", "awsapi cache chain cred fault guard lock mfa sealkey source store", ""},
	{"launch", "give a session to a child process", "cred fault", xsys},
	{"serve", "give a session to SDKs over loopback", "cred fault", ""},
	{"export", "give a session as text", "cred fault", ""},
	{"console", "give a session as a sign-in URL", "cred fault", ""},
	{"pick", "picker, QR code", "cred fault tty", tui},
	{"playground", "answer like AWS, strictly", "cred", ""},
	{"front", "the hot path", "cache chain cred export fault guard hygiene launch lock policy profile sealkey source", xsys},
	{"cli", "commands; wiring; rendering of faults", "*", cobra},
	{"cmd/fob", "the executable that starts fast", "front hygiene launch", ""},
	{"cmd/fob-core", "the executable that does everything", "cli hygiene launch", ""},
}

// TestLayers holds the import table.
func TestLayers(t *testing.T) {
	t.Parallel()
	r := newRule(t, "data flows one way, and a package that cannot import another cannot come to depend on it. "+
		"Move the code to the floor that may know both, or hand it in as a function; changing a row of `layers` is a decision for docs/decisions. See CONTRIBUTING.md, \"What may import what\".")
	dirs := map[string]string{}
	for _, s := range sources(t, false) {
		name := packageName(s.dir)
		if other, ok := dirs[name]; ok && other != s.dir {
			r.add(s.dir + ": has the same last element as " + other)
		}
		dirs[name] = s.dir
		i := slices.IndexFunc(layers, func(w row) bool { return w.pkg == name })
		if i < 0 {
			r.add(s.dir + ": has no row in the import table (layers in internal/arch_layers_test.go)")
			continue
		}
		for _, spec := range s.ast.Imports {
			p, _ := strconv.Unquote(spec.Path.Value)
			if !layers[i].may(p) {
				r.at(spec, name+" may not import "+p)
			}
		}
	}
}

// packageName is how the import table names a folder.
func packageName(dir string) string {
	if strings.HasPrefix(dir, "cmd/") {
		return dir
	}
	return path.Base(dir)
}

// may says whether the row allows an import.
func (w row) may(imported string) bool {
	if ours, ok := strings.CutPrefix(imported, module+"/"); ok {
		name := packageName(ours)
		return name != "cli" && w.ours == "*" || slices.Contains(strings.Fields(w.ours), name)
	}
	if standard(imported) {
		return true
	}
	return slices.ContainsFunc(strings.Fields(w.third), func(prefix string) bool { return within(imported, prefix) })
}

// standard says whether an import path is the standard library's.
func standard(p string) bool {
	first, _, _ := strings.Cut(p, "/")
	return !strings.Contains(first, ".") && first != module
}

// within says whether p is prefix or lies below it.
func within(p, prefix string) bool { return p == prefix || strings.HasPrefix(p, prefix+"/") }

// TestLayersShown keeps the table that people read the table that is tested.
func TestLayersShown(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("| package | responsibility | may import (ours) | third party |\n|---|---|---|---|\n")
	for _, w := range layers {
		ours, third := w.ours, strings.Fields(w.third)
		if ours == "*" {
			ours = "all of the above"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", w.pkg, w.does, or(ours, "none"), or(strings.Join(third, ", "), "none"))
	}
	betweenMarks(t, "CONTRIBUTING.md", "layers", b.String())
}

func or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}

// betweenMarks compares what stands in a document between <!-- name --> and
// <!-- /name --> with want, or writes it there.
func betweenMarks(t *testing.T, file, name, want string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	start, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->\n"
	before, rest, ok := bytes.Cut(text, []byte(start))
	got, after, ok2 := bytes.Cut(rest, []byte(end))
	if !ok || !ok2 {
		t.Fatalf("%s has no %q ... %q", file, start, end)
	}
	if string(got) == want {
		return
	}
	if rewrite() {
		whole := slices.Concat(before, []byte(start), []byte(want), []byte(end), after)
		if err := os.WriteFile(filepath.Join(root, file), whole, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s is behind the table of the test (-document +test):\n%s\nwrite it anew: UPDATE=1 go test ./internal", file, cmp.Diff(string(got), want))
}

// frontMay is what packages of the front may import from the standard library.
// Every other package of it costs at each start, used or not.
var frontMay = strings.Fields(`
	bufio bytes cmp context
	crypto/aes crypto/cipher crypto/hkdf crypto/hmac crypto/rand crypto/sha256 crypto/subtle
	encoding encoding/base64 encoding/binary encoding/hex
	errors fmt hash io io/fs iter log/slog maps math math/bits
	os os/signal path path/filepath runtime slices sort strconv strings sync sync/atomic syscall
	time unicode unicode/utf16 unicode/utf8 unsafe`)

// frontMayNot is what must not be linked into the front by any way. JSON is not
// here: log/slog brings it, for cred's LogValue, and costs six page faults.
var frontMayNot = strings.Fields(`
	crypto/ecdh crypto/rsa crypto/tls crypto/x509 encoding/gob encoding/xml flag html/template
	net net/http net/url os/exec os/user regexp testing text/template`)

// TestFrontImports keeps the hot path small.
func TestFrontImports(t *testing.T) {
	t.Parallel()
	r := newRule(t, "a package is paid for at each start, also when it is not used, and a cached run must cost little more than starting a process. "+
		"Let the caller hand it in, or leave the work to fob-core. See CONTRIBUTING.md, \"The two executables\".")
	byDir := map[string][]source{}
	for _, s := range sources(t, false) {
		byDir[s.dir] = append(byDir[s.dir], s)
	}
	if len(byDir["cmd/fob"]) == 0 {
		t.Fatal("cmd/fob is not there")
	}
	seen, queue := map[string]bool{"cmd/fob": true}, []string{"cmd/fob"}
	for ; len(queue) > 0; queue = queue[1:] {
		for _, s := range byDir[queue[0]] {
			for _, spec := range s.ast.Imports {
				p, _ := strconv.Unquote(spec.Path.Value)
				ours, ok := strings.CutPrefix(p, module+"/")
				switch {
				case ok && !seen[ours]:
					seen[ours] = true
					queue = append(queue, ours)
				case !ok && !within(p, xsys) && !slices.Contains(frontMay, p):
					r.at(spec, s.dir+" is part of the front and may not import "+p)
				}
			}
		}
	}
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, p := range deps(t, system, "./cmd/fob") {
			if slices.Contains(frontMayNot, p) && !(system == "windows" && p == "net") { // golang.org/x/sys/windows brings net, and locks need it
				r.add("cmd/fob on " + system + " brings " + p + " (who: go list -deps, go mod why)")
			}
		}
	}
}

// deps lists the packages that one is built from.
func deps(t *testing.T, system, pkg string) []string {
	t.Helper()
	c := exec.Command("go", "list", "-deps", pkg)
	c.Dir, c.Env = root, append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0")
	out, err := c.Output()
	if err != nil {
		t.Fatalf("go list -deps %s: %v\n%s", pkg, err, stderrOf(err))
	}
	return strings.Fields(string(out))
}

func stderrOf(err error) []byte {
	if e := (*exec.ExitError)(nil); errors.As(err, &e) {
		return e.Stderr
	}
	return nil
}

// TestDeps compares the modules inside both executables with committed lists.
func TestDeps(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"fob", "fob-core"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := modules(t, name)
			file := filepath.Join("testdata", "deps-"+name+".txt")
			if rewrite() {
				if err := os.MkdirAll("testdata", 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("the modules in %s changed (-committed +built):\n%s\nwhy: each module in a program that holds keys is trusted with them, so a new one is a decision (docs/decisions) and never a side effect. If it is meant: UPDATE=1 go test ./internal -run TestDeps", name, diff)
			}
		})
	}
}

// modules builds a command for one fixed system and gives the modules that are
// in it with their versions, one a line.
func modules(t *testing.T, name string) string {
	t.Helper()
	exe := filepath.Join(t.TempDir(), name)
	c := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o", exe, "./cmd/"+name)
	c.Dir, c.Env = root, append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("go build ./cmd/%s: %v\n%s", name, err, out)
	}
	info, err := buildinfo.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		fmt.Fprintln(&b, m.Path, m.Version)
	}
	return b.String()
}
