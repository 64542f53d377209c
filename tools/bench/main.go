// Command bench runs fob, a Go program that only calls exec, and (where one is
// named) another program with the same command line in turn, against a local
// AWS, and prints a Markdown table of medians. It judges nothing: a ratio is a
// figure to read, and only figures of one run may be compared.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// options is what was typed.
type options struct {
	root     string // of the repository
	peer     string // executable of another program, or ""
	profiles int
	runs     int
	inside   string // folder with what was built; set when running below the playground
}

func main() {
	var o options
	flag.StringVar(&o.root, "root", "..", "the repository")
	flag.StringVar(&o.peer, "peer", "", "another executable that speaks the same command line")
	flag.IntVar(&o.profiles, "profiles", 10, "profiles in the config")
	flag.IntVar(&o.runs, "runs", 60, "runs of each row")
	flag.StringVar(&o.inside, "inside", "", "used by bench itself")
	flag.Parse()
	do := outside
	if o.inside != "" {
		do = inside
	}
	if err := do(o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// outside builds the programs, then starts this one again below a playground,
// in a home of its own.
func outside(o options) error {
	dir, err := os.MkdirTemp("", "fob-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.root, err = filepath.Abs(o.root); err != nil {
		return err
	}
	for _, b := range []struct{ name, in, pkg string }{
		{"floor", filepath.Join(o.root, "tools"), "./bench/floor"},
		{"fob", o.root, "./cmd/fob"},
		{"fob-core", o.root, "./cmd/fob-core"},
	} {
		c := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, b.name), b.pkg)
		c.Dir, c.Env = b.in, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", b.name, err, out)
		}
	}
	if err := alone(dir); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := []string{"playground", "--", self, "-inside", dir, "-profiles", fmt.Sprint(o.profiles), "-runs", fmt.Sprint(o.runs)}
	if o.peer != "" {
		peer, err := exec.LookPath(o.peer)
		if err != nil {
			return err
		}
		if peer, err = filepath.Abs(peer); err != nil {
			return err
		}
		args = append(args, "-peer", peer)
	}
	c := exec.Command(filepath.Join(dir, "fob"), args...)
	c.Env = environ(os.Environ(), "HOME="+dir, "FOB_PASSPHRASE=benchmark passphrase", "AWS_VAULT_FILE_PASSPHRASE=benchmark passphrase", "AWS_VAULT_BACKEND=file")
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	return c.Run()
}

// alone puts a fob where there is no fob-core: a run that is not answered from
// the cache fails there, so what is measured is the cached run and nothing else.
func alone(dir string) error {
	if err := os.Mkdir(filepath.Join(dir, "alone"), 0o755); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(dir, "fob"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "alone", "fob"), text, 0o755)
}

// inside makes the sessions and measures.
func inside(o options) error {
	env := os.Environ()
	if err := addProfiles(os.Getenv("AWS_CONFIG_FILE"), o.profiles); err != nil {
		return err
	}
	fob := filepath.Join(o.inside, "fob")
	if err := warm(fob, fob, env); err != nil {
		return err
	}
	cached := filepath.Join(o.inside, "alone", "fob")
	floor := filepath.Join(o.inside, "floor")
	rows := []*row{
		{name: "`/bin/true`", argv: []string{"/bin/true"}},
		{name: "`env /bin/true`", argv: []string{"/usr/bin/env", "/bin/true"}},
		{name: "exec-only Go program", argv: []string{floor}, execs: true, floor: true},
		{name: "`fob exec dev -- true`, cached", argv: []string{cached, "exec", "dev", "--", "/bin/true"}, execs: true},
		{name: "`fob credential-process dev`, cached", argv: []string{cached, "credential-process", "dev"}},
		{name: "`fob --help`, by way of fob-core", argv: []string{fob, "--help"}, execs: true},
	}
	if o.peer != "" {
		peer := filepath.Base(o.peer)
		rows = append(rows, &row{name: "`" + peer + " --version`", argv: []string{o.peer, "--version"}})
		if err := warm(o.peer, fob, env); err != nil {
			fmt.Printf("%s has no cached session: %v\n\n", peer, err)
		} else {
			rows = append(rows,
				&row{name: "`" + peer + " exec dev -- true`, cached", argv: []string{o.peer, "exec", "dev", "--", "/bin/true"}, execs: true},
				&row{name: "`" + peer + " export dev`, cached", argv: []string{o.peer, "export", "--format=json", "dev"}})
		}
	}
	env = environ(env, "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=")
	if err := measure(rows, o.runs, env); err != nil {
		return err
	}
	report(rows, o)
	return nil
}

// warm stores the key and makes the sessions of dev with one program; codes
// come from the playground.
func warm(program, fob string, env []string) error {
	add := exec.Command(program, "add", "security", "--env")
	add.Env = env
	if out, err := add.CombinedOutput(); err != nil {
		return fmt.Errorf("%s add: %w: %s", filepath.Base(program), err, out)
	}
	env = environ(env, "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=")
	ask := exec.Command(fob, "playground", "code")
	ask.Env, ask.Stderr = env, os.Stderr
	code, err := ask.Output()
	if err != nil {
		return fmt.Errorf("ask for a code: %w", err)
	}
	run := exec.Command(program, "exec", "-t", strings.TrimSpace(string(code)), "dev", "--", "/bin/true")
	run.Env = env
	if out, err := run.CombinedOutput(); err != nil {
		return fmt.Errorf("%s exec: %w: %s", filepath.Base(program), err, out)
	}
	return nil
}

// addProfiles fills the config up to n profiles, in front of those that are
// there already, so that the one that is asked for stands last.
func addProfiles(file string, n int) error {
	if file == "" {
		return errors.New("AWS_CONFIG_FILE is not set: bench runs itself below fob playground")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var b strings.Builder
	for i := strings.Count(string(text), "\n["); i < n; i++ {
		fmt.Fprintf(&b, "[profile account-%d]\nsource_profile = security\nrole_arn = arn:aws:iam::%012d:role/allow-full-access-from-other-accounts\nregion = eu-west-1\n", i, 100000000000+i)
	}
	return os.WriteFile(file, append([]byte(b.String()), text...), 0o600)
}

// environ is env with these variables instead of its own; an empty value takes
// the variable away.
func environ(env []string, set ...string) []string {
	out := slices.Clone(env)
	for _, s := range set {
		name, value, _ := strings.Cut(s, "=")
		out = slices.DeleteFunc(out, func(e string) bool { return strings.HasPrefix(e, name+"=") })
		if value != "" {
			out = append(out, s)
		}
	}
	return out
}

func report(rows []*row, o options) {
	floor := rows[slices.IndexFunc(rows, func(r *row) bool { return r.floor })]
	fmt.Printf("%s, %s/%s, %d processors, %d profiles, %d interleaved runs\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), o.profiles, o.runs)
	fmt.Println("| program | median, ms | to exec-only | fastest tenth, ms | to exec-only | page faults | package init, ms | instructions |")
	fmt.Println("|---|---:|---:|---:|---:|---:|---:|---:|")
	for _, r := range rows {
		fmt.Printf("| %s | %.2f | %.2fx | %.2f | %.2fx | %s | %s | %s |\n", r.name,
			ms(r.median()), float64(r.median())/float64(floor.median()), ms(r.quick()), float64(r.quick())/float64(floor.quick()),
			r.medianFaults(), r.init, r.instructions)
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
