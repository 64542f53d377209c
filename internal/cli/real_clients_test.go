//go:build unix

package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestRealClients hands what fob gives out to the AWS CLI, boto3 and Terraform,
// each script with a playground of its own.
func TestRealClients(t *testing.T) {
	t.Parallel()
	testscript.Run(t, scriptParams("testdata/real", startOurs))
}

// TestJSClient runs the AWS SDK for JavaScript.
func TestJSClient(t *testing.T) {
	t.Parallel()
	sdk := os.Getenv("FOB_TEST_JS_SDK")
	if sdk == "" {
		t.Skip("the AWS SDK for JavaScript is missing: FOB_TEST_JS_SDK does not name the folder of its node_modules")
	}
	testscript.Run(t, scriptParams("testdata/npm", func(env *testscript.Env) (localAWS, error) {
		env.Setenv("SDK", sdk)
		return startOurs(env)
	}))
}

// TestMoto runs every script once more against an AWS that is not ours, as far
// as it can be told to do what the script wants.
func TestMoto(t *testing.T) {
	t.Parallel()
	moto := startMoto(t)
	for _, folder := range []string{"script", "real"} {
		t.Run(folder, func(t *testing.T) {
			params := scriptParams(untilOnlyOurs(t, filepath.Join("testdata", folder, "*.txtar")), moto.begin)
			params.Cmds["aws"] = moto.cmdMoto
			params.Condition = func(name string) (bool, error) {
				if name == "moto" {
					return true, nil
				}
				return scriptCondition(name)
			}
			if end, ok := t.Deadline(); ok {
				params.Deadline = end.Add(-30 * time.Second) // leaves time to end the server
			}
			testscript.RunT(oneByOne{t}, params)
		})
	}
}

// oneByOne keeps scripts that share a server from running at once.
type oneByOne struct{ *testing.T }

func (o oneByOne) Parallel()     {}
func (o oneByOne) Verbose() bool { return testing.Verbose() }

func (o oneByOne) Run(name string, f func(testscript.T)) {
	o.T.Run(name, func(t *testing.T) { f(oneByOne{t}) })
}

// TestBuilt does the main job with the executables as they ship, and shows that
// two versions do not work together.
func TestBuilt(t *testing.T) {
	t.Parallel()
	needTools(t, "go")
	built := t.TempDir()
	goBuild(t, filepath.Join(built, "one"), "one", "fob", "fob-core")
	goBuild(t, filepath.Join(built, "two"), "two", "fob-core")
	start := func(env *testscript.Env) (localAWS, error) {
		env.Setenv("PATH", filepath.Join(env.WorkDir, "bin")+string(os.PathListSeparator)+filepath.Join(built, "one")+string(os.PathListSeparator)+env.Getenv("PATH"))
		env.Setenv("BUILT", built)
		env.Defer(func() { forget(t, env) })
		return startOurs(env)
	}
	for _, pattern := range []string{"testdata/script/main-job.txtar", "testdata/real/main-job.txtar", "testdata/built/*.txtar"} {
		params := scriptParams(untilOnlyOurs(t, pattern), start)
		setup := params.Setup
		params.Setup = func(env *testscript.Env) error {
			defer env.Setenv("TEST_CORE_LOG", "")
			return setup(env)
		}
		testscript.Run(t, params)
	}
}

// forget takes what a script's runs left in the kernel's keyrings out again.
func forget(t *testing.T, env *testscript.Env) {
	c := exec.Command(filepath.Join(env.Getenv("BUILT"), "one", "fob"), "lock")
	c.Env = env.Vars
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("fob lock: %v\n%s", err, out)
	}
}

func goBuild(t *testing.T, dir, version string, names ...string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	args := []string{"build", "-trimpath", "-ldflags", "-s -w -X main.version=" + version, "-o", dir + "/"}
	for _, name := range names {
		args = append(args, "fob/cmd/"+name)
	}
	c := exec.Command("go", args...)
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
}

// scriptCondition is [moto], true on the second AWS only, and [boto3].
func scriptCondition(name string) (bool, error) {
	switch name {
	case "moto":
		return false, nil
	case "raced":
		return raced, nil
	case "root":
		return os.Getuid() == 0, nil
	case "boto3":
		return exec.Command("python3", "-c", "import boto3").Run() == nil, nil
	}
	return false, fmt.Errorf("there is no condition %q", name)
}

// cmdAWSWho is `awswho`: its output has, for each different call since the last
// time, ACTION RESOURCE VERDICT and the ARN that signed it. `awswho -keys RESOURCE`
// adds how many keys signed the calls for that resource.
func cmdAWSWho(ts *testscript.TestScript, _ bool, args []string) {
	calls, err := ts.Value("aws").(localAWS).Calls()
	ts.Check(err)
	var lines []string
	signed := map[string][]string{}
	for _, c := range calls {
		lines = append(lines, fmt.Sprintf("%s %s %s by %s\n", c.Action, c.Resource, c.Verdict, c.ARN))
		if !slices.Contains(signed[c.Resource], c.KeyID) {
			signed[c.Resource] = append(signed[c.Resource], c.KeyID)
		}
	}
	for i := 1; i < len(args); i += 2 {
		lines = append(lines, fmt.Sprintf("%s %d keys\n", args[i], len(signed[args[i]])))
	}
	slices.Sort(lines)
	_, err = ts.Stdout().Write([]byte(strings.Join(slices.Compact(lines), "")))
	ts.Check(err)
}
