package store

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fob/internal/cred"
	"fob/internal/keep/lock"
)

func rec(name string) Record {
	return Record{Name: name, Key: cred.AccessKey{ID: "AKIACANARY0000000000", Secret: cred.NewSecret("CANARY")}}
}

func namesIn(t *testing.T, v *Vault) []string {
	t.Helper()
	records, err := v.Records(t.Context())
	must(t, err)
	var names []string
	for _, r := range records {
		names = append(names, r.Name)
	}
	return names
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Somebody takes the lock file away while a change is under way, and another
// change comes in. The first notices, also where the file is back, and is made to
// what is there then: neither is lost.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	nothing := func(string) error { return nil }
	tests := []struct {
		name       string
		take, back func(path string) error
	}{
		{"removed", os.Remove, nothing},
		{"replaced", func(path string) error { return lock.WriteFile(path, nil, lock.WriteOptions{}) }, nothing},
		{"away for a while", func(path string) error { return os.Rename(path, path+".away") }, func(path string) error { return os.Rename(path+".away", path) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v, _ := place(t, doc(nil))
			tries := 0
			must(t, v.change(t.Context(), func(d *document) error {
				if tries++; tries == 1 {
					must(t, tt.take(v.path(lockName)))
					must(t, v.Put(t.Context(), rec("between")))
					must(t, tt.back(v.path(lockName)))
				}
				d.records = append(d.records, entry{Record: rec("first")})
				return nil
			}))
			if diff := cmp.Diff([]string{"a", "between", "first"}, namesIn(t, v)); diff != "" || tries != 2 {
				t.Errorf("after %d tries, want 2: %s", tries, diff)
			}
		})
	}
}

// Where that does not end, the change is given up, and nothing is written.
func TestOvertakenForEver(t *testing.T) {
	t.Parallel()
	v, _ := place(t, doc(nil))
	tries := 0
	err := v.change(t.Context(), func(d *document) error {
		tries++
		d.records = append(d.records, entry{Record: rec("first")})
		return os.Remove(v.path(lockName))
	})
	if !v.overtaken(err) || tries != changeTries {
		t.Errorf("%v after %d tries", err, tries)
	}
	if diff := cmp.Diff([]string{"a"}, namesIn(t, v)); diff != "" {
		t.Error(diff)
	}
}

// An older and a newer fob work on one store at once. What both know goes well;
// once the newer one has written its own format the older refuses every change,
// and what the newer one wrote stays as it is.
func TestTwoVersions(t *testing.T) {
	t.Parallel()
	v, _ := place(t, doc(nil))
	older, newer := *v, *v
	older.version, newer.version = "1.0", "2.0"
	must(t, older.Put(t.Context(), rec("old")))
	must(t, newer.Put(t.Context(), rec("new")))
	must(t, older.Put(t.Context(), rec("old again")))
	if diff := cmp.Diff([]string{"a", "old", "new", "old again"}, namesIn(t, v)); diff != "" {
		t.Error(diff)
	}

	k, err := v.key(t.Context())
	must(t, err)
	ahead, err := k.seal([]byte(doc(map[string]string{"format": "2", "fob_version": `"3.0"`, "generation": "11", "records": `{"a":1}`})))
	must(t, err)
	wrote, ended := make(chan struct{}), make(chan error, 4)
	for range cap(ended) {
		go func() {
			for i := 0; ; i++ { // until it is refused
				if err := older.patient().Put(context.Background(), rec("loop")); err != nil {
					ended <- err
					return
				}
				if i == 1 {
					select {
					case <-wrote:
					case <-time.After(time.Minute):
					}
				}
			}
		}()
	}
	must(t, newer.patient().locked(t.Context(), func(*lock.Lock) error { return lock.WriteFile(v.path(vaultName), ahead, lock.WriteOptions{}) }))
	close(wrote)
	for range cap(ended) {
		if err, newer := <-ended, (*NewerError)(nil); !errors.As(err, &newer) {
			t.Errorf("the older one: %v", err)
		}
	}
	if file, err := os.ReadFile(v.path(vaultName)); err != nil || string(file) != string(ahead) {
		t.Errorf("what the newer one wrote is changed (%v)", err)
	}
}

func (v *Vault) patient() *Vault {
	p := *v
	p.wait.Wait = time.Minute
	return &p
}
