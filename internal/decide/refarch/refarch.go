// Package refarch knows the Gruntwork Reference Architecture from the outside:
// the files that list its accounts, the names of its cross-account roles and
// groups, and the profiles that a config needs to enter them. It decides and
// writes nothing; it knows no network, no stored keys and no files.
package refarch

import (
	"strconv"

	"fob/internal/decide/profile"
)

// Account is one account of an accounts file.
type Account struct {
	Name, ID string
	// Line is where it stands in the file.
	Line int
}

// Error is a mistake in an accounts file, or a choice that cannot be kept. Line
// is 0 where the file as a whole is meant, File is "" where none is. Next is what
// to do, at most three ways.
type Error struct {
	File string
	Line int
	Text string
	Next []string
}

// Error is one line: place, what is wrong.
func (e *Error) Error() string {
	switch {
	case e.File == "":
		return e.Text
	case e.Line == 0:
		return e.File + ": " + e.Text
	}
	return e.File + ":" + strconv.Itoa(e.Line) + ": " + e.Text
}

// shown quotes text from a file or a person.
func shown(text string) string { return profile.Shown(text) }
