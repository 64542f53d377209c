package unlock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fob/internal/keep/lock"
)

// Way is a kind with what is known of its slot.
type Way struct {
	Kind
	Slot bool  // there is a slot of this kind, sound or not
	Why  error // why it does not open now; nil when it may, and where there is no slot
}

// Ways looks at the slot of each kind. It asks nobody.
func Ways(ctx context.Context, e Env, kinds []Kind) []Way {
	ways := make([]Way, 0, len(kinds))
	for _, k := range kinds {
		err := k.Open(e).Usable(ctx)
		if errors.Is(err, ErrNoSlot) {
			ways = append(ways, Way{Kind: k})
			continue
		}
		slot := true
		if unsafe := (*lock.UnsafeError)(nil); errors.As(err, &unsafe) && unsafe.Path == e.Dir {
			_, absent := os.Lstat(filepath.Join(e.Dir, k.Name+".age")) // the folder is refused, whatever is in it
			slot = absent == nil
		}
		if !slot {
			err = nil
		}
		ways = append(ways, Way{Kind: k, Slot: slot, Why: err})
	}
	return ways
}

// InOrder gives the ways that have a slot, the one to try first at the front:
// the passphrase where one was given without a question, else the first choice,
// else those that ask nothing. The recovery code is for the day when it is named.
func InOrder(ways []Way, first string, given bool) []Way {
	var open []Way
	for _, w := range ways {
		if w.Slot && w.Name != recoveryName {
			open = append(open, w)
		}
	}
	if given && slices.ContainsFunc(open, isPassphrase) {
		return slices.DeleteFunc(open, func(w Way) bool { return !isPassphrase(w) })
	}
	slices.SortStableFunc(open, func(a, b Way) int { return rank(a, first) - rank(b, first) })
	return open
}

func isPassphrase(w Way) bool { return w.Name == passphraseName }

func rank(w Way, first string) int {
	switch {
	case w.Name == first:
		return 0
	case !w.Asks:
		return 1
	}
	return 2
}

// firstName is the file with the name of the kind that is tried first. It is no
// slot, and what stands in it is a wish: without it every slot opens as well.
const firstName = "first"

// First is the kind that the person chose, or "".
func First(dir string) string {
	text, err := lock.ReadFile(filepath.Join(dir, firstName), 128)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// SetFirst lets a kind be tried before all others.
func SetFirst(dir, name string) error {
	err := lock.WriteFile(filepath.Join(dir, firstName), []byte(name+"\n"), lock.WriteOptions{Mode: 0o600})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("writing down what opens the store first: %w", err)
	}
	return err
}

// NotFirst takes the first choice back, where it is this kind.
func NotFirst(dir, name string) error {
	if First(dir) != name {
		return nil
	}
	err := os.Remove(filepath.Join(dir, firstName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("writing down what opens the store first: %w", err)
	}
	return nil
}
