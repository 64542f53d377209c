package profile

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Error is a mistake in the file, or a file that is not to be read. Line is 0
// where the file as a whole is meant, Profile is "" where no profile is. Next
// is what to do, at most three ways. Err is the cause where the system gave one.
type Error struct {
	File    string
	Line    int
	Profile string
	Text    string
	Next    []string
	Err     error
}

// Error is one line: place, profile, what is wrong.
func (e *Error) Error() string {
	who := ""
	if e.Profile != "" {
		who = "profile " + Shown(e.Profile) + ": "
	}
	return place(e.File, e.Line) + ": " + who + e.Text
}

// Unwrap gives what the system said, for errors.Is.
func (e *Error) Unwrap() error { return e.Err }

// UnknownError says that the file has no such section: Kind is "profile" or
// "sso-session". Near holds at most three names that look alike. Hint, where it
// is not "", is what in the file may be why: it is empty, or has a broken line.
type UnknownError struct {
	Kind, Name string
	File       string
	Near       []string
	Hint       string
}

// Error is one line, without Near.
func (e *UnknownError) Error() string {
	text := "no " + cmp.Or(e.Kind, "profile") + " " + Shown(e.Name) + " in " + e.File
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	return text
}

// maxShown is how much of a value an error shows, and maxShownARN how much of an
// ARN: what is wrong with one may stand at its end.
const (
	maxShown    = 60
	maxShownARN = 256
)

// Shown is text from a file or a person in double quotes, on one line, all that
// could forge a line or move a cursor escaped, and cut short.
func Shown(text string) string {
	most := maxShown
	if strings.HasPrefix(text, "arn:") {
		most = maxShownARN
	}
	if len(text) <= most {
		return strconv.Quote(text)
	}
	cut := most
	for cut > most-utf8.UTFMax && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return strconv.Quote(text[:cut]) + "... (" + strconv.Itoa(len(text)) + " bytes)"
}

// Near picks the names that name may be a slip of, likeliest first, at most three.
func Near(name string, names []string) []string {
	const maxLen = 64
	if name == "" || len(name) > maxLen {
		return nil
	}
	type guess struct {
		name string
		far  int
	}
	var found []guess
	limit := max(1, min(3, len(name)/3))
	want := strings.ToLower(name)
	for _, n := range names {
		have := strings.ToLower(n)
		if len(n) > maxLen {
			continue
		}
		far := limit + 1
		if d := len(have) - len(want); d <= limit && -d <= limit {
			far = distance(want, have)
		}
		if far > limit && len(want) >= 3 && strings.Contains(have, want) {
			far = limit
		}
		again := func(g guess) bool { return g.name == n }
		if far <= limit && !slices.ContainsFunc(found, again) {
			found = append(found, guess{n, far})
		}
	}
	slices.SortStableFunc(found, func(a, b guess) int { return a.far - b.far })
	var best []string
	for _, g := range found[:min(3, len(found))] {
		best = append(best, g.name)
	}
	return best
}

// distance counts the letters to add, drop, change, or swap with the next one.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
