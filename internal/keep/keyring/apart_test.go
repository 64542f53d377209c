//go:build linux

package keyring

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const apartVar, lookVar = "TEST_KEYRING_APART", "TEST_KEYRING_LOOK"

// apartMain looks for a key that rests in its session keyring: here, in a program
// that is started apart, and here again.
func apartMain(name string) {
	fmt.Println("closed", Closed() == nil)
	if err := Session.Add(name, []byte("CANARY"), time.Minute); err != nil {
		fmt.Println(err)
	}
	fmt.Println("here", there(Session, name))
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends
		if err := Apart(); err != nil {
			fmt.Println(err)
		}
		c := exec.CommandContext(context.Background(), os.Args[0])
		c.Env = append(os.Environ(), lookVar+"="+name)
		out, err := c.Output()
		fmt.Printf("apart %s", out)
		if err != nil {
			fmt.Println(err)
		}
	}()
	<-done
	fmt.Println("here", there(Session, name))
}

// What is started apart has no key of the session, and the session keeps it.
func TestApart(t *testing.T) {
	t.Parallel()
	if out, err := exec.CommandContext(t.Context(), "keyctl", "session", "-", "true").CombinedOutput(); err != nil {
		t.Skipf("needs keyctl and the right to use it: %v: %s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for session, want := range map[string]string{
		"-":              "closed true\nhere true\napart false\nhere true\n",
		"fob-test-apart": "closed false\nhere true\napart false\nhere true\n",
	} {
		c := exec.CommandContext(t.Context(), "keyctl", "session", session, self)
		c.Env = append(os.Environ(), apartVar+"="+clean(t))
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(out)); diff != "" {
			t.Errorf("session %s: %s", session, diff)
		}
	}
}
