package audit

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fob/internal/cred"

	"github.com/google/go-cmp/cmp"
)

func newLog(t *testing.T) Log {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "fob")
	return New(dir, Key(cred.NewSecret("AGE-SECRET-KEY-CANARY")), time.Now)
}

func add(t *testing.T, l Log, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err := l.Add(context.Background(), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
}

// shown gives each line as its text, and its fault behind a "!".
func shown(t *testing.T, l Log) []string {
	t.Helper()
	lines, err := l.Read()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, line := range lines {
		text := string(line.Text)
		if line.Fault != "" {
			text += "!" + line.Fault
		}
		all = append(all, text)
	}
	return all
}

const (
	broken   = "!a line was cut off or changed"
	outOrder = "!lines before this one were changed or taken out"
)

// TestTampering changes the file as somebody would who wants a line gone.
func TestTampering(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(lines [][]byte) [][]byte
		want   []string
	}{
		"nothing":     {func(l [][]byte) [][]byte { return l }, []string{"a", "b", "c"}},
		"first out":   {func(l [][]byte) [][]byte { return l[1:] }, []string{"b" + outOrder, "c"}},
		"middle out":  {func(l [][]byte) [][]byte { return slices.Delete(l, 1, 2) }, []string{"a", "c" + outOrder}},
		"last out":    {func(l [][]byte) [][]byte { return l[:2] }, []string{"a", "b"}}, // what cannot be seen
		"exchanged":   {func(l [][]byte) [][]byte { return [][]byte{l[0], l[2], l[1]} }, []string{"a", "c" + outOrder, "b" + outOrder}},
		"twice":       {func(l [][]byte) [][]byte { return [][]byte{l[0], l[0], l[1], l[2]} }, []string{"a", "a" + outOrder, "b", "c"}},
		"one bit":     {func(l [][]byte) [][]byte { l[1] = flip(l[1]); return l }, []string{"a", broken, "c" + outOrder}},
		"no base64":   {func(l [][]byte) [][]byte { l[1] = []byte("CANARY?"); return l }, []string{"a", broken, "c" + outOrder}},
		"short":       {func(l [][]byte) [][]byte { l[1] = []byte("AQ"); return l }, []string{"a", broken, "c" + outOrder}},
		"empty lines": {func(l [][]byte) [][]byte { return [][]byte{l[0], nil, l[1], l[2], nil} }, []string{"a", "b", "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLog(t)
			add(t, l, "a", "b", "c")
			path := filepath.Join(l.dir, fileName(1))
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			lines := c.change(bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")))
			if err := os.WriteFile(path, append(bytes.Join(lines, []byte("\n")), '\n'), 0o600); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, shown(t, l)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestSealed looks for what a line says in the file.
func TestSealed(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	add(t, l, "CANARY CANARY CANARY")
	text, err := os.ReadFile(filepath.Join(l.dir, fileName(1)))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(raw) < len("CANARY CANARY CANARY") {
		t.Fatalf("%d bytes, %v", len(raw), err)
	}
	if bytes.Contains(raw, []byte("CANARY")) || bytes.Contains(text, []byte("CANARY")) {
		t.Error("the record stands there in the clear")
	}
}

// flip changes one letter of base64 into another.
func flip(line []byte) []byte {
	changed := bytes.Clone(line)
	at := len(changed) / 2
	if changed[at] == 'A' {
		changed[at] = 'B'
	} else {
		changed[at] = 'A'
	}
	return changed
}

// TestEveryCut takes bytes off the end: what a power cut leaves. The next line is
// added and read all the same.
func TestEveryCut(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	add(t, l, "one", "two")
	path := filepath.Join(l.dir, fileName(1))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first := bytes.IndexByte(whole, '\n') + 1
	for n := range len(whole) + 1 {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		add(t, l, "three")
		want := []string{"one", broken, "three"}
		switch {
		case n == 0:
			want = []string{"three"}
		case n < first-1:
			want = []string{broken, "three"}
		case n <= first:
			want = []string{"one", "three"}
		case n >= len(whole)-1:
			want = []string{"one", "two", "three"}
		}
		if diff := cmp.Diff(want, shown(t, l)); diff != "" {
			t.Fatalf("cut to %d of %d bytes: %s", n, len(whole), diff)
		}
	}
}

func TestTogether(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() { add(t, l, strconv.Itoa(i)) })
	}
	all.Wait()
	got := shown(t, l)
	want := map[string]bool{}
	for i := range 40 {
		want[strconv.Itoa(i)] = true
	}
	for _, text := range got {
		if !want[text] {
			t.Errorf("%q is there twice, or not whole", text)
		}
		delete(want, text)
	}
	if len(want) > 0 {
		t.Errorf("lost: %v", want)
	}
}

// TestFiles makes a record of several files, of which one goes away.
func TestFiles(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	long := strings.Repeat("x", maxLine-10)
	for i := range 30 {
		add(t, l, fmt.Sprintf("%02d%s", i, long))
	}
	names, err := l.files()
	if err != nil || len(names) != 3 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	short := func() (all []string) {
		for _, text := range shown(t, l) {
			all = append(all, strings.ReplaceAll(text, long, ""))
		}
		return all
	}
	for i, text := range short() {
		if want := fmt.Sprintf("%02d", i); text != want {
			t.Errorf("line %d is %q", i, text)
		}
	}
	if err := os.Remove(filepath.Join(l.dir, names[1])); err != nil {
		t.Fatal(err)
	}
	got := short()
	if want := "24" + outOrder; !slices.Contains(got, want) {
		t.Errorf("nothing is said of the file that is gone: %q", got)
	}
	if err := os.Remove(filepath.Join(l.dir, names[0])); err != nil {
		t.Fatal(err)
	}
	if got := short(); got[0] != "!the files before log-000003 are gone" || got[1] != "24" {
		t.Errorf("got %q", got[:2])
	}
}

func TestShut(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	add(t, l, "one")
	other := New(l.dir, Key(cred.NewSecret("another")), time.Now)
	if diff := cmp.Diff([]string{broken}, shown(t, other)); diff != "" {
		t.Error(diff)
	}
	shut := New(l.dir, cred.Secret{}, time.Now)
	if err := shut.Add(context.Background(), nil); err != ErrNoKey {
		t.Errorf("added without a key: %v", err)
	}
	if _, err := shut.Read(); err != ErrNoKey {
		t.Errorf("read without a key: %v", err)
	}
	if err := l.Add(context.Background(), make([]byte, maxLine+1)); err == nil {
		t.Error("a line of any size is taken")
	}
}
