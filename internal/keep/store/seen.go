package store

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"fob/internal/keep/lock"
)

// sight is which vault was last written here, in the clear beside it. It
// catches accidents: a backup restored without a word, two machines that
// synchronise one folder. Whoever can write here can change it too.
type sight struct {
	id         string
	generation uint64
}

const maxSeen = 256

// seen reads what was last seen. A file that makes no sense counts as none: it
// is written anew with the next change.
func (v *Vault) seen() (sight, error) {
	text, err := lock.ReadFile(v.path(seenName), maxSeen)
	if errors.Is(err, fs.ErrNotExist) {
		return sight{}, nil
	}
	if err != nil {
		return sight{}, fmt.Errorf("reading which vault was last seen: %w", err)
	}
	id, number, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	generation, err := strconv.ParseUint(number, 10, 64)
	if err != nil || !isID(id) {
		return sight{}, nil
	}
	return sight{id, generation}, nil
}

// remember needs no flush of the directory: an older sight catches less and
// accuses nobody.
func (v *Vault) remember(d *document) error {
	text := d.id + " " + strconv.FormatUint(d.generation, 10) + "\n"
	return lock.WriteFile(v.path(seenName), []byte(text), lock.WriteOptions{Mode: 0o600, NoDirSync: true})
}

// compare refuses a vault that is older than the last one, or another one that
// the same identity opens, unless that is accepted.
func (v *Vault) compare(last sight, d *document) error {
	if last.id == "" || last.id == d.id && d.generation >= last.generation {
		return nil
	}
	if !v.accept {
		return &RolledBackError{
			Path:       v.path(vaultName),
			Written:    d.written,
			Generation: d.generation,
			Remembered: last.generation,
			Other:      last.id != d.id,
		}
	}
	if err := v.remember(d); err != nil {
		return fmt.Errorf("accepting the older vault: %w", err)
	}
	return nil
}
