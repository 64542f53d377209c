//go:build unix

package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fob/internal/decide/profile"
	"fob/internal/front"
	"fob/internal/keep/lock"
)

// A run that finds another one's work is content with it, or replaces it. What a
// person has written meanwhile stays.
func TestSDKConfigMeanwhile(t *testing.T) {
	t.Parallel()
	made := func(config string) []byte {
		set, err := profile.Parse("config", []byte(config))
		if err != nil {
			t.Fatal(err)
		}
		text, err := set.ForSDKs(func(profile.Profile) string { return "fob" }, "")
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	text := made("[profile a]\n")
	tests := []struct {
		name, now string
		changed   bool
	}{
		{"the same", string(text), false},
		{"another of fob's", string(made("[profile b]\n")), false},
		{"nothing", "", false},
		{"a person's", "[profile mine]\n", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "second")
			before, err := profile.Parse(path, made("[profile before]\n"))
			if err != nil {
				t.Fatal(err)
			}
			if tt.now != "" {
				if err := os.WriteFile(path, []byte(tt.now), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			k := &keeper{home: front.Home{Data: filepath.Join(dir, "data")}}
			err = k.writeSDKConfig(path, before, text, func(s profile.Set) bool { return len(s.Text()) == 0 || !s.Edited() })
			want := string(text)
			if tt.changed {
				want = tt.now
			}
			got, _ := os.ReadFile(path)
			if changed := (*lock.ChangedError)(nil); errors.As(err, &changed) != tt.changed || !tt.changed && err != nil || string(got) != want {
				t.Errorf("%v, and the file is %q", err, got)
			}
		})
	}
}

// Runs at once make one file, and none complains.
func TestSDKConfigAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.store()
	for range 3 {
		h.must(os.RemoveAll(h.path(".aws", "fob-sdk-config")))
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if got := h.sh(`exec fob sdk-config <&-`); got.status != 0 || !strings.Contains(got.errors, "fob-sdk-config") {
					t.Errorf("%+v", got)
				}
			})
		}
		all.Wait()
		if got := h.fob("sdk-config", "--check"); got.status != 0 {
			t.Errorf("%+v", got)
		}
	}
}
