package cli

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"fob/internal/deliver/launch"
	"fob/internal/fault"
)

// processLine is the value of a credential_process setting that asks fob for a
// profile's credentials, with flags before its name. It names fob by its whole path: IDEs and services run
// such lines without the PATH of a person's shell.
func (s System) processLine(profile string, flags ...string) (string, error) {
	path, err := s.frontPath()
	if err != nil {
		return "", err
	}
	word := processWord(profile)
	if strings.HasPrefix(profile, "-") {
		word = "-- " + word
	}
	line := processWord(path) + " credential-process "
	for _, flag := range flags {
		line += processWord(flag) + " "
	}
	return line + word, nil
}

// frontPath is where the front is, seen from fob-core: where PATH has it, since
// that stays where it is when a new version is installed, else beside fob-core,
// or in bin beside libexec/fob.
func (s System) frontPath() (string, error) {
	self, err := s.Executable()
	if err != nil {
		return "", err
	}
	name := "fob" + filepath.Ext(self)
	if runtime.GOOS != "windows" {
		name = "fob"
	}
	beside := filepath.Join(filepath.Dir(self), name)
	if _, err := os.Stat(beside); err != nil {
		beside = filepath.Join(filepath.Dir(self), "..", "..", "bin", name)
	}
	if _, err := os.Stat(beside); err != nil {
		return "", err
	}
	if onPath, err := launch.LookPath(name, s.Environ); err == nil && filepath.IsAbs(onPath) && sameFile(onPath, beside) {
		return onPath, nil
	}
	return beside, nil
}

func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// processWord makes one word for both readers of such lines: the AWS CLI splits
// words as a POSIX shell does and runs none, the SDKs run a shell. On Windows
// both know double quotes only.
func processWord(word string) string {
	if runtime.GOOS != "windows" {
		return fault.Word(word)
	}
	if strings.ContainsAny(word, " \t&|<>^()") {
		return `"` + word + `"`
	}
	return word
}
