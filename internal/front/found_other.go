//go:build !unix

package front

import (
	"errors"
	"io/fs"
	"os"
)

// readFound leaves owners and permissions to the system's access lists.
func readFound(path string, _ int) (Found, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Found{}, nil
	case err != nil:
		return Found{}, err
	case !info.Mode().IsRegular():
		return Found{}, &FoundError{Path: path, Why: "is no regular file"}
	case info.Size() > mostFound:
		return Found{}, &FoundError{Path: path, Why: "is too large to be what its name says"}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Found{}, err
	}
	return Found{Path: path, Text: text}, nil
}
