//go:build unix

// Command peak runs a program and prints the most memory that it had, in
// kilobytes. It is small because the kernel counts the starter's own memory as
// that of a program that it starts by vfork: less than its own cannot be seen.
package main

import (
	"os"
	"runtime"
	"strconv"
	"syscall"
)

func main() {
	null, err := syscall.Open("/dev/null", syscall.O_RDWR, 0)
	if err != nil {
		os.Exit(125)
	}
	n := uintptr(null)
	pid, err := syscall.ForkExec(os.Args[1], os.Args[1:], &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{n, n, n}})
	if err != nil {
		os.Exit(126)
	}
	var status syscall.WaitStatus
	var used syscall.Rusage
	if _, err := syscall.Wait4(pid, &status, 0, &used); err != nil || status != 0 {
		os.Exit(124)
	}
	kilobytes := int64(used.Maxrss)
	if runtime.GOOS == "darwin" { // which counts bytes
		kilobytes /= 1024
	}
	_, _ = os.Stdout.WriteString(strconv.FormatInt(kilobytes, 10) + "\n")
}
