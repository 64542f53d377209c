package store_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fob/internal/cred"
	"fob/internal/keep/store"
)

// The variables that make this test program a process that puts some records.
const (
	childDir      = "STORE_TEST_DIR"
	childIdentity = "STORE_TEST_IDENTITY"
	childNames    = "STORE_TEST_NAMES"
)

func TestMain(m *testing.M) {
	if os.Getenv(childDir) != "" {
		os.Exit(child())
	}
	os.Exit(m.Run())
}

func child() int {
	v := store.Open(os.Getenv(childDir), func(context.Context) (cred.Secret, error) {
		return cred.NewSecret(os.Getenv(childIdentity)), nil
	}, time.Now, store.Wait(2*time.Minute, nil))
	for name := range strings.FieldsSeq(os.Getenv(childNames)) {
		if err := v.Put(context.Background(), record(name)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return 0
}

// Fifty writers at once, in this process and in others: each change is there,
// and each is a generation of its own.
func TestParallel(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	var want []string
	var writers sync.WaitGroup
	for i := range 30 {
		name := fmt.Sprintf("thread-%02d", i)
		want = append(want, name)
		writers.Go(func() {
			if err := h.patient().Put(t.Context(), record(name)); err != nil {
				t.Errorf("Put %s: %v", name, err)
			}
		})
	}
	for i := range 10 {
		names := []string{fmt.Sprintf("process-%02d-a", i), fmt.Sprintf("process-%02d-b", i)}
		want = append(want, names...)
		writers.Go(func() {
			c := exec.CommandContext(t.Context(), os.Args[0])
			c.Env = append(os.Environ(), childDir+"="+h.dir, childIdentity+"="+h.identity.Reveal(), childNames+"="+strings.Join(names, " "))
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("process %d: %v\n%s", i, err, out)
			}
		})
	}
	reading := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() { h.readAll(t, reading) })
	writers.Wait()
	close(reading)
	reader.Wait()

	got := h.names(t)
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	fields := strings.Fields(string(read(t, h.file("seen"))))
	if len(fields) != 2 || fields[1] != fmt.Sprint(1+len(want)) {
		t.Errorf("seen holds %q, want generation %d", fields, 1+len(want))
	}
}

func (h home) patient() *store.Vault {
	return store.Open(h.dir, func(context.Context) (cred.Secret, error) { return h.identity, nil }, time.Now, store.Wait(2*time.Minute, nil))
}

// readAll reads while others write: always a whole vault that only grows, and
// never a rollback.
func (h home) readAll(t *testing.T, done <-chan struct{}) {
	had := 0
	for {
		records, err := h.patient().Records(t.Context())
		if err != nil || len(records) < had {
			t.Errorf("a reader got %d records after %d, %v", len(records), had, err)
			return
		}
		had = len(records)
		select {
		case <-done:
			return
		default:
		}
	}
}
