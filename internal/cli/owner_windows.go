package cli

import "io/fs"

// ownerOf is -1: there, rights do not stand in the mode.
func ownerOf(fs.FileInfo) (owner, group int) { return -1, -1 }
