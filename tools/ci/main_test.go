package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	t.Parallel()
	const (
		pass = `{"Action":"pass","Package":"p","Test":"TestA"}` + "\n"
		out  = `{"Action":"output","Package":"p","Test":"TestB","Output":"    x_test.go:1: no aws\n"}` + "\n"
		skip = out + `{"Action":"skip","Package":"p","Test":"TestB"}` + "\n"
		sub  = `{"Action":"skip","Package":"p","Test":"TestB/windows"}` + "\n"
		fail = `{"Action":"fail","Package":"p","Test":"TestC"}` + "\n"
		made = `{"Action":"build-fail","ImportPath":"q"}` + "\n"
		end  = `{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}` + "\n"
	)
	for _, c := range []struct {
		name, list, in, out, err string
	}{
		{name: "all pass", in: pass + end, out: "ok  \tp\t0.1s\n\n1 passed, 0 failed, 0 skipped\n"},
		{name: "a skip", in: pass + skip, out: "    x_test.go:1: no aws\n\n1 passed, 0 failed, 1 skipped\n", err: "p/TestB"},
		{name: "a skip that may be", list: "# why\n\np/TestB no such program anywhere\n", in: pass + skip + sub, out: "    x_test.go:1: no aws\n\n1 passed, 0 failed, 2 skipped\n"},
		{name: "a skip that may be where something is not set", list: "p/TestB unless=NOT_SET_ANYWHERE because\n", in: pass + skip, out: "    x_test.go:1: no aws\n\n1 passed, 0 failed, 1 skipped\n"},
		{name: "and where it is set", list: "p/TestB unless=PATH because\n", in: pass + skip, out: "    x_test.go:1: no aws\n\n1 passed, 0 failed, 1 skipped\n", err: "p/TestB"},
		{name: "a name that only starts alike", list: "p/Test because\n", in: pass + skip, err: "p/TestB", out: "    x_test.go:1: no aws\n\n1 passed, 0 failed, 1 skipped\n"},
		{name: "no reason", list: "p/TestB\n", err: "has no reason"},
		{name: "a failure", in: pass + fail, out: "\n1 passed, 1 failed, 0 skipped\n", err: "a test failed"},
		{name: "does not build", in: pass + made, out: "\n1 passed, 0 failed, 0 skipped\n", err: "a test failed"},
		{name: "nothing", out: "\n0 passed, 0 failed, 0 skipped\n", err: "no test ran"},
		{name: "words of go itself", in: "go: x\n" + pass, out: "go: x\n\n1 passed, 0 failed, 0 skipped\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			list := filepath.Join(t.TempDir(), "skips")
			if err := os.WriteFile(list, []byte(c.list), 0o600); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			err := run([]string{list}, strings.NewReader(c.in), &out)
			if out.String() != c.out {
				t.Errorf("got %q, want %q", out.String(), c.out)
			}
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("got error %v, want %q", err, c.err)
			}
		})
	}
}
