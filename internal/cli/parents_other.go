//go:build !linux

package cli

import (
	"fmt"
	"os"
)

// parents is the process that started this one; the way further up is Linux's.
func parents() []string { return []string{fmt.Sprintf("(%d)", os.Getppid())} }
