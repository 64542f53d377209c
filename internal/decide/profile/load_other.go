//go:build !unix

package profile

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// readText leaves owners and permissions to the system's access lists. It keeps
// everything.
func readText(path, display string, _ *sieve) ([]byte, fileFacts, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fileFacts{}, fs.ErrNotExist
	}
	if err != nil {
		return nil, fileFacts{}, unread(display, err)
	}
	facts := fileFacts{mode: info.Mode(), size: info.Size(), owner: -1}
	if err := facts.refusal(path, display, 0); err != nil {
		return nil, fileFacts{}, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fileFacts{}, unread(display, err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err != nil {
		return nil, fileFacts{}, unread(display, err)
	}
	return text, facts, nil
}
