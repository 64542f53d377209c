//go:build !linux

package main

import (
	"errors"
	"os"
	"runtime"
)

// These are what only Linux has, or tells as simply.

func ownSession() error { return errors.New("only Linux has session keyrings") }

func settle() {}

func countInstructions() (read func() int64) { return func() int64 { return -1 } }

func minorFaults(*os.ProcessState) int64 { return 0 }

func kernelName() string { return runtime.GOOS }

func loadAverage() string { return "unknown" }

func processorName() string { return "" }
