// Package launch gives a session to a child: it makes the environment, finds
// the program and puts it in this process's place. It does not know profiles,
// where a session comes from, or AWS.
package launch

import (
	"errors"
	"io/fs"
	"strconv"

	"fob/internal/fault"
)

// Settings is what the child is told beside the session. Region and Endpoint
// may be empty: what the child inherits then stays.
type Settings struct {
	Profile, Region, Endpoint string
	// ByName tells the child the profile's name, so that its SDK finds the
	// credentials by itself.
	ByName bool
}

// Exec runs the program at path in place of this one, as execve(2) does, and
// returns only when that failed. Where an OS cannot replace a process it runs
// the program, waits, and returns *Exited. Replace is the real one.
type Exec func(path string, argv, environ []string) error

// Exited is what an Exec returns that had to wait for the child: Status is the
// child's own, to be passed on without a message.
type Exited struct{ Status int }

// Error says the status, for a caller that takes Exited for a failure.
func (e *Exited) Error() string { return "the command ended with status " + strconv.Itoa(e.Status) }

// Shell is the command for a person who named none: their shell, without flags.
func Shell(environ []string) []string {
	if shell, ok := lookup(environ, shellVariable); ok && shell != "" {
		return []string{shell}
	}
	return []string{defaultShell}
}

// Run looks argv[0] up on the PATH of environ, which is the child's, and hands
// over to exec. The child gets argv[0] as it was typed. Every failure is a
// *fault.Error with the status that env(1) has for it, NotFound or CannotRun.
// An *Exited of exec is returned as it is.
func Run(exec Exec, argv, environ []string) error {
	if len(argv) == 0 {
		return &fault.Error{What: "cannot run a command", Why: errors.New("none was given"), Code: fault.CannotRun}
	}
	path, err := LookPath(argv[0], environ)
	if err != nil {
		return err
	}
	err = exec(path, argv, environ)
	if isNoFormat(err) {
		err = runScript(exec, path, argv, environ)
	}
	if done := (*Exited)(nil); errors.As(err, &done) {
		return done
	}
	return explain(err, argv, environ)
}

// explain says why an execve that looked possible was refused.
func explain(err error, argv, environ []string) error {
	f := &fault.Error{What: cannotRun(argv[0]), Why: err, Code: fault.CannotRun}
	switch {
	case err == nil:
		f.Why = errors.New("the system came back from it without an error")
	case isTooBig(err):
		f.Why = &TooBigError{Total: size(argv) + size(environ), Largest: largest(argv, environ), Err: err}
		f.Next = []string{"remove large variables from the environment, or give the command a file in place of long arguments"}
	case errors.Is(err, fs.ErrNotExist):
		f.Why = errors.New("the file is there, but the interpreter that its first line names is not")
		f.Code = fault.NotFound
	case isInvalid(err) && hasNUL(argv, environ):
		f.Why = errors.New("an argument or a variable holds a zero byte, which no program can be given")
	}
	return f
}

func cannotRun(name string) string { return "cannot run " + strconv.Quote(name) }
