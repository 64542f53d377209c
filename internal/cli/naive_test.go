//go:build unix

package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// naiveMain is fob as it must not be. `naive eat` takes the memory for a key
// without a look at how much there is, and `naive look` looks for a file for each
// of ten thousand names. Everything else is `fob add`: it writes the vault in place, and
// then once more by way of a file that it may leave behind. Each engine of
// faults must notice what is left of the vault.
func naiveMain() int {
	runtime.LockOSThread() // a tracer counts system calls per thread
	switch os.Args[1] {
	case "eat":
		eaten := make([]byte, 128<<20)
		for i := range eaten {
			eaten[i] = 1
		}
		runtime.KeepAlive(eaten)
		return 0
	case "look":
		for i := range 10_000 {
			_, _ = os.ReadFile(fmt.Sprint("nowhere/", i))
		}
		return 0
	}
	path := filepath.Join(os.Getenv("HOME"), ".local", "share", "fob", "vault.age")
	if err := naiveAdd(path); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "naive:", err)
		return 1
	}
	return 0
}

func naiveAdd(path string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	// More than a small disk has, and in pieces, as through a buffer.
	for range 4 {
		if _, err := f.Write(old); err != nil {
			return err
		}
	}
	temp, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	defer temp.Close()
	if _, err := io.Copy(temp, bytes.NewReader(old)); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
