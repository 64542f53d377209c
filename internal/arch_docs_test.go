package internal_test

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestNoMachinePaths keeps one person's machine, and notes that a clone does
// not have, out of the repository.
func TestNoMachinePaths(t *testing.T) {
	t.Parallel()
	r := newRule(t, "a clone has only what is in it: a path of somebody's machine is broken everywhere else, and a reason in a paper that nobody can open is no reason. State it in your own words. "+
		"See CONTRIBUTING.md, \"Documents\".")
	// Written so that this file does not contain what it looks for.
	bad := regexp.MustCompile(`(^|[^\w.$}-])/(wo` + `rk|ro` + `ot|far` + `m)/|\.\./sha` + `red|\b(DES` + `IGN|ST` + `YLE)\.md|\b(DES` + `IGN|ST` + `YLE|SECUR` + `ITY)(\.md)? ?§|\bfac` + `ts/[a-z-]+\.md`)
	err := walk(func(p string, text []byte) error {
		if p == ".ci/run" || bytes.IndexByte(text, 0) >= 0 {
			return nil
		}
		for i, line := range bytes.Split(text, []byte("\n")) {
			if m := bad.Find(line); m != nil {
				r.add(fmt.Sprintf("%s:%d: mentions %q", p, i+1, m))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

var (
	span     = regexp.MustCompile("`([^`\n]+)`")
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	fence    = regexp.MustCompile("(?ms)^```.*?^```")
	position = regexp.MustCompile(`(:\d+)+$`)
	pathlike = regexp.MustCompile(`^[\w.*/-]+$`)
	station  = regexp.MustCompile("(?m)^\\d+\\. `([^`]+)`")
	sample   = regexp.MustCompile(`\b(NNN|NAME|PROFILE|X|foo)\b`)
)

// TestDocsFiles checks that the files that a document names are there.
func TestDocsFiles(t *testing.T) {
	t.Parallel()
	r := newRule(t, "a document that names a file which is gone sends its reader nowhere. Name the file that is there now. "+
		"See CONTRIBUTING.md, \"Documents\".")
	all, err := paths()
	if err != nil {
		t.Fatal(err)
	}
	err = walk(func(p string, text []byte) error {
		if path.Ext(p) != ".md" || strings.Contains(p, "testdata/") {
			return nil
		}
		prose := fence.ReplaceAll(text, nil)
		for _, m := range span.FindAllSubmatch(prose, -1) {
			if name := string(m[1]); looksLikeFile(name) && !exists(all, name) {
				r.add(p + ": names " + name + ", which is not there")
			}
		}
		for _, m := range link.FindAllSubmatch(prose, -1) {
			to, _, _ := strings.Cut(string(m[1]), "#")
			if to == "" || strings.Contains(to, ":") {
				continue
			}
			if full := path.Join(path.Dir(p), to); !slices.Contains(all, full) {
				r.add(p + ": links to " + full + ", which is not there")
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// looksLikeFile says whether text in backticks means a file of this repository.
func looksLikeFile(name string) bool {
	name = position.ReplaceAllString(name, "")
	if !pathlike.MatchString(name) || sample.MatchString(name) {
		return false
	}
	top, _, below := strings.Cut(name, "/")
	if below && slices.Contains(words("cmd internal docs tools changelog .ci"), top) {
		return true
	}
	return slices.Contains(words(".go .md .txtar"), path.Ext(name)) && !strings.HasPrefix(name, "/")
}

// exists says whether a path, or the end of one such as exec.go, is there.
func exists(all []string, name string) bool {
	name = strings.TrimSuffix(position.ReplaceAllString(name, ""), "/")
	return slices.ContainsFunc(all, func(p string) bool {
		if strings.HasSuffix(p, "/"+name) || p == name {
			return true
		}
		ok, err := path.Match(name, p)
		return err == nil && ok
	})
}

// TestWalk keeps the guided walk short and true.
func TestWalk(t *testing.T) {
	t.Parallel()
	const file, files, lines = "docs/how-one-command-works.md", 6, 800
	r := newRule(t, "a newcomer understands one command by opening six files and 800 lines; when the way gets longer, the code is to be made simpler and not the document longer. "+
		"See CONTRIBUTING.md, \"Sizes\".")
	contents := map[string][]byte{}
	if err := walk(func(p string, text []byte) error { contents[p] = text; return nil }); err != nil {
		t.Fatal(err)
	}
	if contents[file] == nil {
		t.Fatalf("%s is not there", file)
	}
	named, total := map[string]bool{}, 0
	for _, m := range station.FindAllSubmatch(contents[file], -1) {
		name := string(m[1])
		named[name] = true
		if contents[name] == nil {
			r.add(file + ": names " + name + ", which is not there")
		}
		total += bytes.Count(contents[name], []byte("\n"))
	}
	if len(named) != files {
		r.add(fmt.Sprintf("%s: its numbered list has %d files, wants %d: %s", file, len(named), files, strings.Join(sorted(named), " ")))
	}
	if total > lines {
		r.add(fmt.Sprintf("%s: its files have %d lines together, at most %d", file, total, lines))
	}
}
