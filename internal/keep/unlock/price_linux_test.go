package unlock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"fob/internal/cred"
)

// The costs that people are told of are the ones in the program.
func TestDocumentedCost(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/threat-model.md")
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`scrypt, at least 2\^\d+, by default 2\^\d+ or 2\^\d+`).Find(text)
	if want := fmt.Sprintf("scrypt, at least 2^%d, by default 2^%d or 2^%d", leastCost, usualCost, usualCost+1); string(got) != want {
		t.Errorf("docs/threat-model.md says %q, and the program does %q", got, want)
	}
}

// guessVar makes the test a program that tries one wrong passphrase at the cost it
// names, so that the memory that one guess takes can be measured.
const guessVar = "FOB_UNLOCK_TEST_COST"

// TestPriceOfAGuess: who guesses pays for each guess with the memory that the
// slot's header promises, 64 MiB at the least cost that a slot may have. A slot of
// the fixtures must come out cheap, or the memory is that of the test itself.
func TestPriceOfAGuess(t *testing.T) {
	if os.Getenv(guessVar) != "" {
		guess(t)
		return
	}
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for cost, enough := range map[int]bool{CheapWorkFactor: false, leastCost: true, usualCost: true} {
		dir := filepath.Join(t.TempDir(), "slots")
		file, err := sealAt(cred.NewSecret(testIdentity), "CANARY horse", cost)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "passphrase.age"), file, 0o600)); err != nil {
			t.Fatal(err)
		}
		c := exec.CommandContext(t.Context(), self, "-test.run=^TestPriceOfAGuess$")
		c.Env = append(os.Environ(), guessVar+"="+dir)
		began := time.Now()
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		took := time.Since(began)
		// Not the process's own usage, which counts this one's memory at the fork.
		peak := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(out)
		if peak == nil {
			t.Fatalf("the kernel tells no peak: %s", out)
		}
		memory, _ := strconv.ParseInt(string(peak[1]), 10, 64)
		memory <<= 10
		t.Logf("2^%d: %d MiB, %v with the start of the program", cost, memory>>20, took.Round(time.Millisecond))
		if most := int64(1) << (cost + 10); (memory >= 64<<20) != enough || enough && memory < most {
			t.Errorf("a guess at 2^%d takes %d MiB", cost, memory>>20)
		}
		if header, err := headerCost(file); err != nil || header != cost {
			t.Errorf("the header says %s, %v", strconv.Itoa(header), err)
		}
	}
}

func guess(t *testing.T) {
	u := Passphrase().Open(Env{Dir: os.Getenv(guessVar), Ask: func(context.Context, Question) (cred.Secret, error) {
		return cred.NewSecret("CANARY other"), nil
	}})
	if _, err := u.Load(t.Context()); !errors.As(err, new(*WrongError)) {
		t.Errorf("Load = %v, want *WrongError", err)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = os.Stdout.Write(status)
}
