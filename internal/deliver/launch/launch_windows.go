package launch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	separators    = `/\:`
	shellVariable = "COMSPEC"
	defaultShell  = "cmd.exe"
	defaultPath   = ""
)

// Replace runs the program as a child with our descriptors, since Windows
// cannot replace a process, and returns *Exited when it ends. Ctrl-C reaches
// every process of a console: the child decides what it means, we wait.
func Replace(path string, argv, environ []string) error {
	if err := checkBatch(path, argv); err != nil {
		return err
	}
	// A channel that nobody reads is how Go ignores a console event: after
	// signal.Ignore the default handler would still end us.
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	child, err := os.StartProcess(path, argv, &os.ProcAttr{Env: environ, Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		return err
	}
	state, err := child.Wait()
	if err != nil {
		return fmt.Errorf("waiting for the command: %w", err)
	}
	return &Exited{Status: state.ExitCode()}
}

// Wait is Replace, which waits here anyway.
func Wait(Beside) Exec { return Replace }

// Forwarded are the signals that are passed on: none, since a console's reach
// every process of it.
func Forwarded() []os.Signal { return nil }

// checkBatch refuses what cmd.exe would read as more than an argument: Windows
// runs a batch file through it, and it has no safe quoting for these
// (CVE-2024-24576).
func checkBatch(path string, argv []string) error {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".bat", ".cmd":
	default:
		return nil
	}
	for i, a := range argv[1:] {
		if strings.ContainsAny(a, "\"%&|<>^!\r\n") {
			return fmt.Errorf("it is a batch file, and cmd.exe would not take argument %d as plain text", i+1)
		}
	}
	return nil
}

// fold gives a variable's name as it is compared: Windows ignores case.
func fold(name string) string { return strings.ToUpper(name) }

func splitPath(list string) []string { return filepath.SplitList(list) }

// program gives the path to run for a candidate: as it is, or with one of the
// extensions of PATHEXT.
func program(path string, environ []string) (string, error) {
	first := check(path)
	if first == nil && filepath.Ext(path) != "" {
		return path, nil
	}
	extensions, ok := lookup(environ, "PATHEXT")
	if !ok || extensions == "" {
		extensions = ".COM;.EXE;.BAT;.CMD"
	}
	for _, extension := range strings.Split(extensions, ";") {
		if extension != "" && check(path+extension) == nil {
			return path + extension, nil
		}
	}
	if first == nil {
		first = fs.ErrNotExist // a file without an extension is not run
	}
	return "", first
}

func runnable(string) error { return nil }

func isAbsent(err error) bool { return errors.Is(err, fs.ErrNotExist) }

func isNoFormat(error) bool { return false }

// errTooLong is ERROR_FILENAME_EXCED_RANGE, which CreateProcess has for a
// command line of more than 32,767 characters. golang.org/x/sys/windows has the
// name too, and brings net with it.
const errTooLong = syscall.Errno(206)

func isTooBig(err error) bool {
	return errors.Is(err, errTooLong) || errors.Is(err, syscall.ERROR_INSUFFICIENT_BUFFER)
}

func isInvalid(err error) bool { return errors.Is(err, syscall.EINVAL) }

func runScript(Exec, string, []string, []string) error { return fs.ErrInvalid }
