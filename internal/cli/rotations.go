package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"fob/internal/cred"
	"fob/internal/fault"
	"fob/internal/keep/cache"
	"fob/internal/keep/store"
)

// rotationJSON is a rotation that has not ended.
type rotationJSON struct {
	Profile     string     `json:"profile" doc:"the profile with the key"`
	State       string     `json:"state" doc:"unfinished: fob rotate goes on with it; waiting: the old key is inactive"`
	DeleteAfter *time.Time `json:"delete_after,omitempty" doc:"from when on fob rotate deletes the old key"`
}

func newRotationJSON(name string, r cache.Rotation) rotationJSON {
	if r.DeleteAfter.IsZero() {
		return rotationJSON{Profile: name, State: "unfinished"}
	}
	return rotationJSON{Profile: name, State: "waiting", DeleteAfter: &r.DeleteAfter}
}

// String says what is left to do.
func (r rotationJSON) String() string {
	again := "fob rotate " + fault.Operand(r.Profile)
	if r.DeleteAfter == nil {
		return fmt.Sprintf("the rotation of the key of profile %q is not finished; go on with it: %s", r.Profile, again)
	}
	return fmt.Sprintf("the old key of profile %q is inactive; after %s this deletes it: %s", r.Profile, r.DeleteAfter.Local().Format("2006-01-02 15:04"), again)
}

// rotations are those that have not ended, as far as the index can be read.
func (k *keeper) rotations() []rotationJSON {
	all := []rotationJSON{}
	for name, r := range k.index.Rotations {
		all = append(all, newRotationJSON(name, r))
	}
	slices.SortFunc(all, func(a, b rotationJSON) int { return strings.Compare(a.Profile, b.Profile) })
	return all
}

// rotationJournal is the vault as a rotation uses it. What is written is in the
// vault when the call returns; the index beside it follows, and can be made anew.
type rotationJournal struct{ *keeper }

func (j rotationJournal) Rotation(ctx context.Context, name string) (*store.Rotation, error) {
	r, err := j.vault.Rotation(ctx, name)
	return r, storeFault(err)
}

func (j rotationJournal) WriteRotation(ctx context.Context, r store.Rotation) error {
	return j.written(ctx, j.vault.WriteRotation(ctx, r))
}

func (j rotationJournal) EndRotation(ctx context.Context, name string) error {
	return j.written(ctx, j.vault.EndRotation(ctx, name))
}

// SwapKey also drops the sessions that come from the former key, those of roles
// too: they are named by its id, so none would be found again.
func (j rotationJournal) SwapKey(ctx context.Context, name, from string, to cred.AccessKey) error {
	err := j.written(ctx, j.vault.SwapKey(ctx, name, from, to))
	if err == nil {
		// One that stays ends by itself.
		if n, _ := j.cache.Clear(func(e cache.Entry) bool { return madeBy(e, name) || j.orphaned(e) }); n > 0 {
			j.sys.say("its %d session%s ended, which came from the former key: the next command asks for a code, where a device is set", n, plural(n))
		}
	}
	return err
}

func (j rotationJournal) written(ctx context.Context, err error) error {
	if errors.Is(err, store.ErrChanged) {
		return err
	}
	if err != nil {
		return storeFault(err)
	}
	if err := j.reindex(ctx); err != nil {
		j.sys.say("what is kept beside the store could not be renewed: %v", err)
	}
	return nil
}
