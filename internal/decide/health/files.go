package health

import (
	"fmt"
	"io/fs"
	"slices"

	"fob/internal/fault"
)

// File is what the system says of a file or a folder.
type File struct {
	Path string
	Mode fs.FileMode
	// Owner is -1 where files have none.
	Owner, Group int
	// Shared says that others may read it: the config, and the folder it is in.
	Shared bool
}

// Chmod is a change of mode that takes rights away from others.
type Chmod struct {
	Path string
	Mode fs.FileMode
}

// Command is what a person would type.
func (c Chmod) Command() string { return fmt.Sprintf("chmod %o %s", c.Mode.Perm(), fault.Word(c.Path)) }

// LeftByFix is why a mode is not mended by fob doctor --fix.
const LeftByFix = "what others wrote may stand there, so fob doctor --fix leaves it to you"

// Modes judges owners and modes for the user me. fix is what mends those that are
// the user's own; not those that everybody could write, at which a person must look
// first.
func Modes(files []File, me int) (found []Finding, fix []Chmod) {
	var open []Finding
	for _, f := range files {
		want := f.wanted()
		switch {
		case f.Owner < 0 || f.Mode&fs.ModeSymlink != 0:
		case f.Owner != me && (f.Owner != 0 || !f.Shared):
			found = append(found, Finding{Level: Wrong, What: fault.Line(f.Path) + " belongs to another user", Why: "who owns it can change it", Next: []string{"look at it, then: sudo chown \"$(id -u)\" " + fault.Word(f.Path)}})
		case want == f.Mode.Perm() || f.Owner != me:
		case f.Mode&0o002 != 0:
			change := Chmod{f.Path, want}.Command()
			if f.Shared {
				change = "chmod o-w " + fault.Word(f.Path) // in the words of who reads it and refuses it
			}
			found = append(found, Finding{Level: Wrong, What: fmt.Sprintf("every user may write %s (mode %o)", fault.Line(f.Path), f.Mode.Perm()), Why: LeftByFix, Next: []string{"look at it, then: " + change}})
		default:
			c := Chmod{f.Path, want}
			one := Finding{Level: Warning, What: fmt.Sprintf("other users may use %s (mode %o)", fault.Line(f.Path), f.Mode.Perm()), Next: []string{c.Command(), "fob doctor --fix"}}
			if f.Shared {
				one.Why = "a group of users can write it, and so put commands into the config, unless you are alone in that group"
			}
			open, fix = append(open, one), append(fix, c)
		}
	}
	if more := len(open) - mostNames; more > 0 {
		open = append(open[:mostNames], Finding{Level: Warning, What: "other users may use " + count(more, "file") + " more of yours", Next: []string{"fob doctor --fix"}})
	}
	return append(found, open...), fix
}

// wanted is the mode that a file should have. A group with the number of its user
// is that user's own.
func (f File) wanted() fs.FileMode {
	switch {
	case !f.Shared:
		return f.Mode.Perm() &^ 0o077
	case f.Group != f.Owner:
		return f.Mode.Perm() &^ 0o022
	}
	return f.Mode.Perm() &^ 0o002
}

// KeyFile is a file of the AWS tools with the names of the profiles whose keys, or
// sessions, stand there in the clear.
type KeyFile struct {
	Shown string
	// Source is what fob import --from calls it.
	Source         string
	Keys, Sessions []string
}

// InClear judges keys that every program can read.
func InClear(files []KeyFile) []Finding {
	var found []Finding
	for _, f := range files {
		take := "fob import --from " + f.Source
		if len(f.Keys) > 0 {
			stands := " stand"
			if len(f.Keys) == 1 {
				stands += "s"
			}
			one := Finding{Level: Warning, What: count(len(f.Keys), "key") + stands + " in the clear in " + f.Shown + ": " + listed(f.Keys), Why: "every program of yours can read it, and each backup has it", Next: []string{take}}
			if slices.Contains(f.Keys, "default") {
				one.Why += "; a bare aws command uses that of [default], without MFA, also where the endpoint of a container or of fob exec --server is named"
				one.Next = append(one.Next, "then give the section [default] a name of its own")
			}
			found = append(found, one)
		}
		if slices.Contains(f.Sessions, "default") {
			found = append(found, Finding{Level: Warning, What: "[default] of " + f.Shown + " has credentials", Why: "AWS tools take them before they ask the endpoint of a container, or of fob exec --server", Next: []string{"remove the section: a session ends by itself"}})
		}
	}
	return found
}

// Folder is one in which other tools keep credentials in the clear.
type Folder struct {
	Path, Shown string
	// Holds is what lies there, Clear how it goes, "" to remove the folder.
	Holds, Clear string
	Files        int
}

// Caches judges what the AWS tools have kept in the clear.
func Caches(folders []Folder) []Finding {
	var found []Finding
	for _, f := range folders {
		if f.Files == 0 {
			continue
		}
		clear := []string{"rm -r " + fault.Word(f.Path)}
		if f.Clear != "" {
			clear = append([]string{f.Clear}, clear...)
		}
		found = append(found, Finding{Level: Warning, What: count(f.Files, "file") + " in " + f.Shown + ": " + f.Holds, Why: "every program of yours can read what still holds there", Next: clear})
	}
	return found
}
