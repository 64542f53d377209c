//go:build unix

package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// leastForm is how many characters of base64 do not come up by chance: one in 2^36.
const leastForm = 6

// forms are the ways in which a word may stand in a file: as it is, as Windows
// writes it, in hex, and in base64, where it may begin at any of three places.
func forms(word string) map[string][]byte {
	all := map[string][]byte{
		"in the clear": []byte(word), "as UTF-16": []byte(wide(word)[2:]),
		"in hex": []byte(hex.EncodeToString([]byte(word))), "in upper hex": []byte(strings.ToUpper(hex.EncodeToString([]byte(word)))),
	}
	for shift := range 3 {
		text := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + word))
		// The first and the last characters hold bits of what stands beside it.
		// Few characters come up in what age writes by chance.
		if inside := text[(shift*8+5)/6 : len(text)-2]; len(inside) >= leastForm {
			all[fmt.Sprintf("in base64, %d on", shift)] = []byte(inside)
		}
	}
	return all
}

// reveals says in which form text holds one of the words, or "". A word is long
// enough not to come up in random bytes by chance.
func reveals(text []byte, words []string) string {
	for _, word := range words {
		for form, bytesOf := range forms(word) {
			if bytes.Contains(text, bytesOf) {
				return fmt.Sprintf("%q %s", word, form)
			}
		}
	}
	return ""
}

// sweep looks into every file below dirs, and at its name, and at where a link
// leads, and gives those that hold one of the words. The person's own ~/.aws is
// left out.
func sweep(dirs, words []string) (found []string, files int, err error) {
	for _, dir := range dirs {
		err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && d.Name() == ".aws" {
				return filepath.SkipDir
			}
			name, _ := filepath.Rel(dir, path)
			text := []byte(name + "\n")
			switch {
			case d.Type().IsRegular():
				data, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				text, files = append(text, data...), files+1
			case d.Type()&os.ModeSymlink != 0:
				to, err := os.Readlink(path)
				if err != nil {
					return err
				}
				text = append(text, to...)
			}
			if what := reveals(text, words); what != "" {
				found = append(found, path+" holds "+what)
			}
			return nil
		})
		if err != nil {
			return nil, 0, err
		}
	}
	return found, files, nil
}

// cmdSweep is `sweep LEAST WORDS DIR...`: of at least so many files below the
// folders none holds a secret of the scripts, or a word of the file WORDS.
func cmdSweep(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: sweep LEAST WORDS DIR...")
	}
	words := append(strings.Fields(os.Expand(ts.ReadFile(args[1]), ts.Getenv)), "CANARY")
	for _, w := range words {
		if len(w) < 6 {
			ts.Fatalf("%q is too short: it may come up by chance", w)
		}
	}
	var dirs []string
	for _, dir := range args[2:] {
		dirs = append(dirs, ts.MkAbs(dir))
	}
	found, files, err := sweep(dirs, words)
	ts.Check(err)
	if len(found) > 0 {
		ts.Fatalf("%s", strings.Join(found, "\n"))
	}
	if least, err := strconv.Atoi(args[0]); err != nil || files < least {
		ts.Fatalf("%d files: nothing was proved", files)
	}
}

// A sweep that sees nothing proves nothing: what is planted must be found, in
// every form, in a name and in a link.
func TestSweepFindsWhatIsPlanted(t *testing.T) {
	t.Parallel()
	const word = "CANARY-345678901234"
	plant := map[string]func(dir string) error{
		"name": func(dir string) error { return os.WriteFile(filepath.Join(dir, "x-"+word), nil, 0o600) },
		"link": func(dir string) error { return os.Symlink("/nowhere/"+word, filepath.Join(dir, "x")) },
		"dir":  func(dir string) error { return os.Mkdir(filepath.Join(dir, word), 0o700) },
		"deep": func(dir string) error {
			dir = filepath.Join(dir, "a", "b")
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, "x"), []byte(word), 0o600)
		},
	}
	for _, before := range []string{"", "1", "12"} {
		whole := []byte(before + word + "after")
		for form, text := range map[string]string{
			"raw": string(whole), "base64": base64.StdEncoding.EncodeToString(whole), "base64url": base64.RawURLEncoding.EncodeToString(whole),
			"hex": fmt.Sprintf("%x", whole), "upper hex": fmt.Sprintf("%X", whole), "UTF-16": wide(string(whole)),
		} {
			plant[form+" after "+before] = func(dir string) error {
				return os.WriteFile(filepath.Join(dir, "x"), []byte("\x00\xff"+text), 0o600)
			}
		}
	}
	for name, put := range plant {
		dir := t.TempDir()
		if err := put(dir); err != nil {
			t.Fatal(err)
		}
		if found, _, err := sweep([]string{dir}, []string{"345678901234"}); err != nil || len(found) != 1 {
			t.Errorf("%s: found %q, %v", name, found, err)
		}
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, ".aws"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".aws", "config"), []byte(word), 0o600); err != nil {
		t.Fatal(err)
	}
	if found, files, err := sweep([]string{dir}, []string{"CANARY"}); err != nil || len(found) != 0 || files != 0 {
		t.Errorf("the person's own config is a finding: %q, %d, %v", found, files, err)
	}
}
