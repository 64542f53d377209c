package cache

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fob/internal/cred"
)

// Names keep apart what is apart, and say nothing without the seal key.
func TestNames(t *testing.T) {
	t.Parallel()
	c := New("", seal)
	lists := [][]string{{}, {""}, {"", ""}, {"a", "b"}, {"ab"}, {"ab", ""}, {"", "ab"}, {"a\x00b"}, {"b", "a"}}
	seen := map[string][]string{}
	for _, parts := range lists {
		name := c.NameOf(parts...)
		if other, ok := seen[name]; ok {
			t.Errorf("%q and %q have one name", parts, other)
		}
		seen[name] = parts
		if len(name) != 64 || checkName(name) != nil || name == New("", cred.NewSecret("CANARY")).NameOf(parts...) {
			t.Errorf("%q has the name %s", parts, name)
		}
	}
}

// Nothing of an entry shows in the directory but its size, and that only in
// steps.
func TestAtRest(t *testing.T) {
	t.Parallel()
	c := New(home(t), seal)
	sizes := map[int64]bool{}
	for n := range 200 {
		e := session(c.NameOf("CANARY", fmt.Sprint(n)))
		e.Owner = "CANARY" + strings.Repeat("x", n)
		must(t, c.Store(e))
		info, err := os.Stat(c.path(e.Name))
		must(t, err)
		sizes[info.Size()] = true
	}
	const over = int64(len(entryMagic)) + nonceSize + 16
	if diff := cmp.Diff(map[int64]bool{512 + over: true}, sizes); diff != "" {
		t.Error(diff)
	}
	e := session(c.NameOf("twice"))
	must(t, c.Store(e))
	first, err := os.ReadFile(c.path(e.Name))
	must(t, err)
	must(t, c.Store(e))
	second, err := os.ReadFile(c.path(e.Name))
	must(t, err)
	if head := len(entryMagic); bytes.Equal(first[head:head+nonceSize], second[head:head+nonceSize]) {
		t.Error("one nonce was used twice")
	}
	must(t, filepath.WalkDir(c.dataDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte("CANARY")) || strings.Contains(filepath.Base(path), "CANARY") {
			t.Errorf("%s shows what is in it", path)
		}
		return err
	}))
}

// No formatter reaches the keys. Each of them prints bytes in its own way, of
// which the first four are enough to recognise them.
func TestNoKeyIsPrinted(t *testing.T) {
	t.Parallel()
	c := New(home(t), seal)
	for _, use := range []string{"fob name v1", "fob cache v1"} {
		key := subkey(extract(seal), use)[:4]
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			text := fmt.Sprintf(verb, c)
			for _, form := range []string{verb, "%x", "%v", "%#v"} {
				if strings.Contains(text, strings.Trim(fmt.Sprintf(form, key), "[]byte{}")) {
					t.Errorf("%s prints the key for %s as %s: %s", verb, use, form, text)
				}
			}
		}
	}
}
