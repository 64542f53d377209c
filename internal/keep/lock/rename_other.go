//go:build unix && !linux

package lock

import "os"

func rename(root *os.Root, from, to string) error { return root.Rename(from, to) }

// renameNew fails when to exists, a moment before the rename.
func renameNew(root *os.Root, from, to string) error { return lookThenRename(root, from, to) }
