//go:build unix

package launch

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	separators    = "/"
	shellVariable = "SHELL"
	defaultShell  = "/bin/sh"
	// defaultPath is what getconf PATH gives: execvp(3) searches it when there
	// is no PATH at all.
	defaultPath = "/usr/bin:/bin"
)

// Replace is execve(2). The limit of open files that Go raised at start is put
// back by the syscall package.
func Replace(path string, argv, environ []string) error { return syscall.Exec(path, argv, environ) }

// fold gives a variable's name as it is compared.
func fold(name string) string { return name }

func splitPath(list string) []string { return strings.Split(list, ":") }

// program gives the path to run for a candidate.
func program(path string, _ []string) (string, error) {
	if err := check(path); err != nil {
		return "", err
	}
	return path, nil
}

func runnable(path string) error {
	return unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS)
}

func isAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

func isNoFormat(err error) bool { return errors.Is(err, syscall.ENOEXEC) }
func isTooBig(err error) bool   { return errors.Is(err, syscall.E2BIG) }
func isInvalid(err error) bool  { return errors.Is(err, syscall.EINVAL) }

var errForeign = errors.New("it is neither a script nor a program for this kind of machine")

// runScript runs a file without "#!" by the shell, as execvp(3), env(1) and
// every shell do. A file with a zero byte in its first line is no text: the
// shell would only print nonsense about it.
func runScript(exec Exec, path string, argv, environ []string) error {
	if isBinary(path) {
		return errForeign
	}
	if strings.HasPrefix(path, "-") { // sh would take it for a flag
		path = "./" + path
	}
	return exec(defaultShell, append([]string{defaultShell, path}, argv[1:]...), environ)
}

func isBinary(path string) bool {
	file, err := os.Open(path)
	if err != nil { // execute-only: the shell will say that it cannot read it
		return false
	}
	defer file.Close()
	start := make([]byte, 256)
	n, _ := io.ReadFull(file, start)
	line, _, _ := bytes.Cut(start[:n], []byte("\n"))
	return bytes.IndexByte(line, 0) >= 0
}
