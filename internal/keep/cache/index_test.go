package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fob/internal/cred"
	"fob/internal/keep/lock"
)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

func fullIndex() Index {
	return Index{
		Vault: [32]byte{1, 2, 3},
		Keys: map[string]KeyInfo{
			"security":  {ID: "AKIACANARY", Created: start},
			"CANARY-ci": {ID: "AKIAOTHER"},
		},
		Limits:    map[string]Limit{"arn:aws:iam::345678901234:role/CANARY": {2 * time.Hour, start}},
		Rotations: map[string]Rotation{"security": {}, "CANARY-ci": {DeleteAfter: start}},
		Directories: map[string]Directory{
			"CANARY\x00\xff": {Profile: "CANARY-dev", Config: [32]byte{4}, Made: start},
			"other":          {Profile: "prod"},
		},
		Log: cred.NewSecret("CANARY key of the record"),
	}
}

func TestIndexRoundTrip(t *testing.T) {
	t.Parallel()
	c := New(home(t), seal)
	must(t, c.Update(t.Context(), at(start), func(x *Index) error {
		if diff := cmp.Diff(newIndex(), *x); diff != "" {
			t.Error(diff)
		}
		*x = fullIndex()
		return nil
	}))
	got, err := c.Index()
	must(t, err)
	if diff := cmp.Diff(fullIndex(), got); diff != "" {
		t.Error(diff)
	}
	wantModes(t, c)

	file, err := os.ReadFile(c.indexPath())
	must(t, err)
	if over := len(indexMagic) + nonceSize + 16; bytes.Contains(file, []byte("CANARY")) || len(file) != 4096+over {
		t.Errorf("%d bytes at rest", len(file))
	}
	must(t, c.Update(t.Context(), at(start), func(*Index) error { return nil }))
	if again, err := os.ReadFile(c.indexPath()); err != nil || !bytes.Equal(again, file) {
		t.Errorf("an index that stayed the same was written again: %v", err)
	}
}

// A refused length is believed for a week.
func TestRefused(t *testing.T) {
	t.Parallel()
	x := Index{Limits: map[string]Limit{"old": {time.Hour, start.AddDate(0, 0, -8)}, "new": {2 * time.Hour, start.AddDate(0, 0, -6)}}}
	if diff := cmp.Diff(map[string]time.Duration{"new": 2 * time.Hour}, x.Refused(start)); diff != "" {
		t.Error(diff)
	}
}

func TestFailedUpdate(t *testing.T) {
	t.Parallel()
	c := New(home(t), seal)
	boom := errors.New("boom")
	if err := c.Update(t.Context(), at(start), func(*Index) error { return boom }); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
	err := c.Update(t.Context(), at(start), func(x *Index) error {
		for i := range maxItems + 1 {
			x.Limits[fmt.Sprint(i)] = Limit{time.Hour, start}
		}
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "at most 8192 limits") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Update(ctx, at(start), func(*Index) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := c.Index(); !errors.Is(err, ErrNotFound) {
		t.Errorf("something was written: %v", err)
	}
}

// An index that does not open is none, and the next update makes a new one; an
// index that others could have written stops it.
func TestDamagedIndex(t *testing.T) {
	t.Parallel()
	c := New(home(t), seal)
	add := func(x *Index) error { x.Keys["dev"] = KeyInfo{ID: "AKIA"}; return nil }
	must(t, c.Update(t.Context(), at(start), add))
	good, err := os.ReadFile(c.indexPath())
	must(t, err)
	for bit := 0; bit < 8*len(good); bit += 7 {
		bad := slices.Clone(good)
		bad[bit/8] ^= 1 << (bit % 8)
		must(t, os.WriteFile(c.indexPath(), bad, 0o600))
		if _, err := c.Index(); !errors.Is(err, ErrNotFound) {
			t.Fatalf("bit %d: %v", bit, err)
		}
	}
	must(t, c.Update(t.Context(), at(start), add))
	if x, err := c.Index(); err != nil || len(x.Keys) != 1 {
		t.Errorf("got %v, %v", x, err)
	}
	// An entry's file in the index's place has another magic.
	e := session(indexName)
	must(t, c.Store(e))
	must(t, os.Rename(c.path(indexName), c.indexPath()))
	if _, err := c.Index(); !errors.Is(err, ErrNotFound) {
		t.Errorf("an entry is an index: %v", err)
	}
	must(t, os.Chmod(c.indexPath(), 0o644))
	unsafe := (*lock.UnsafeError)(nil)
	if err := c.Update(t.Context(), at(start), add); !errors.As(err, &unsafe) {
		t.Errorf("got %v", err)
	}
}

func TestFiftyUpdates(t *testing.T) {
	t.Parallel()
	dir := home(t)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			err := New(dir, seal).Update(t.Context(), time.Now, func(x *Index) error {
				x.Keys[fmt.Sprint("profile", i)] = KeyInfo{ID: "AKIA", Created: start}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	x, err := New(dir, seal).Index()
	must(t, err)
	if len(x.Keys) != 50 {
		t.Errorf("%d of 50 updates are there", len(x.Keys))
	}
}

func FuzzDecodeEntry(f *testing.F) {
	f.Add(encodeEntry(session("x")))
	f.Add(encodeEntry(Entry{}))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, ok := decodeEntry(text)
		if !ok {
			return
		}
		again, ok := decodeEntry(encodeEntry(e))
		if diff := cmp.Diff(e, again); !ok || diff != "" {
			t.Errorf("%v %s", ok, diff)
		}
	})
}

func FuzzDecodeIndex(f *testing.F) {
	f.Add(encodeIndex(fullIndex()))
	f.Add(encodeIndex(newIndex()))
	f.Fuzz(func(t *testing.T, text []byte) {
		x, ok := decodeIndex(text)
		if !ok {
			return
		}
		again, ok := decodeIndex(encodeIndex(x))
		if diff := cmp.Diff(x, again); !ok || diff != "" {
			t.Errorf("%v %s", ok, diff)
		}
	})
}

// Loading one of many sessions costs what loading the only one costs.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{10, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := New(home(b), seal)
			e := session(c.NameOf("wanted"))
			if err := c.Store(e); err != nil {
				b.Fatal(err)
			}
			for i := range n - 1 {
				if err := os.WriteFile(c.path(c.NameOf(fmt.Sprint(i))), nil, 0o600); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				if _, err := c.Load(e.Name); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// An index without directories is the one that an older version wrote, and
// directories need no rotation beside them.
func TestIndexWithoutSome(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*Index){
		func(x *Index) { clear(x.Rotations) },
		func(x *Index) { clear(x.Directories) },
		func(x *Index) { clear(x.Rotations); clear(x.Directories) },
		func(x *Index) { clear(x.Keys); clear(x.Limits) },
	} {
		want := fullIndex()
		change(&want)
		got, ok := decodeIndex(encodeIndex(want))
		if diff := cmp.Diff(want, got); !ok || diff != "" {
			t.Errorf("%v %s", ok, diff)
		}
	}
}

// What is remembered of directories is bounded, and the first one goes first.
func TestRemember(t *testing.T) {
	t.Parallel()
	x := newIndex()
	for i := range mostDirectories + 3 {
		if !x.Remember(fmt.Sprint(i), Directory{Profile: "dev", Made: start.Add(time.Duration(i) * time.Second)}) {
			t.Errorf("directory %d is not new", i)
		}
	}
	var gone []string
	for i := range mostDirectories + 3 {
		if _, ok := x.Directories[fmt.Sprint(i)]; !ok {
			gone = append(gone, fmt.Sprint(i))
		}
	}
	if diff := cmp.Diff([]string{"0", "1", "2"}, gone); diff != "" {
		t.Error(diff)
	}
	last := fmt.Sprint(mostDirectories)
	if x.Remember(last, Directory{Profile: "dev", Made: start}) {
		t.Error("the same once more is different")
	}
	if !x.Remember(last, Directory{Profile: "dev", Config: [32]byte{1}, Made: start}) || !x.Remember(last, Directory{Profile: "prod", Made: start}) {
		t.Error("another config or profile is the same")
	}
}
