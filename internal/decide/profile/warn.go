package profile

import (
	"slices"
	"strconv"
	"strings"
)

// maxWarnings keeps a file of junk from filling the screen.
const maxWarnings = 20

// Warnings is one line for each mistake in the file, whichever profile it
// spoils, at most 20 and a count. It reads the whole file: for a list and a
// check, not for the way to a session.
func (s Set) Warnings() []string {
	all := s.warnings[:len(s.warnings):len(s.warnings)]
	for _, e := range s.Mistakes() {
		all = append(all, e.Error())
	}
	if left := len(all) - maxWarnings; left > 0 {
		all = append(all[:maxWarnings], s.display+": and "+strconv.Itoa(left)+" mistakes more")
	}
	return all
}

// FileWarnings are those of Warnings that are about the file and not its text.
func (s Set) FileWarnings() []string { return slices.Clone(s.warnings) }

// Mistakes are all mistakes in the text, in its order.
func (s Set) Mistakes() []*Error {
	var all []*Error
	tell := func(e *Error) { all = append(all, e) }
	if line := s.orphan(); line > 0 {
		tell(s.stray(line))
	}
	first := make(map[ident]head)
	for _, h := range s.heads() {
		s.check(h, first, tell)
	}
	return all
}

// check tells what is wrong with one section; first holds those before it.
func (s Set) check(h head, first map[ident]head, tell func(*Error)) {
	if h.flaw != "" {
		tell(s.flawed(h))
		return
	}
	if h.kind == other {
		return
	}
	id := ident{h.kind, h.name}
	before, known := first[id]
	switch {
	case !known:
		first[id] = h
	case before.bare == h.bare:
		tell(s.mistake(h.name, again(before, h)))
	default:
		tell(s.mistake(h.name, problem{line: h.line, text: "there are [default] and [profile default]; the first is ignored, as the SDKs do (the other is " + onLine(before.line) + ")"}))
	}
	_, problems := settings(read(s.text, h))
	for _, p := range problems {
		tell(s.mistake(h.name, p))
	}
}

// Unread are sections that no tool takes for a profile and that were meant as one:
// the word before the name is missing or misspelt.
func (s Set) Unread() []*Error {
	if s.dialect != configFile {
		return nil
	}
	var all []*Error
	for _, h := range s.heads() {
		word, name, two := strings.Cut(h.name, " ")
		if h.kind != other || h.flaw != "" {
			continue
		}
		like := two && len(Near(word, []string{profiles.word()})) > 0
		if !like {
			name = h.name
		}
		if like || s.likeProfile(h) {
			all = append(all, &Error{
				File: s.display, Line: h.line, Text: "no tool reads the section [" + h.name + "] as a profile",
				Next: []string{"write " + headerFor(strings.TrimSpace(name)) + " there"},
			})
		}
	}
	return all
}

// likeProfile says whether a section has what only profiles have.
func (s Set) likeProfile(h head) bool {
	all, _ := settings(read(s.text, h))
	return slices.ContainsFunc(all, func(set held) bool {
		return slices.Contains([]string{"role_arn", "source_profile", "mfa_serial", "region", "output", "credential_process", "credential_source", "aws_access_key_id", "sso_session", "sso_account_id"}, set.key)
	})
}
