package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"fob/internal/cred"
)

// kindRotation marks a rotation among the journal's entries. Entries of other
// kinds, and such as this version cannot read, stay as they are.
const kindRotation = "rotation"

// ErrChanged says that a record has another key than the one that was to be
// replaced: somebody stored it meanwhile.
var ErrChanged = errors.New("another key was stored meanwhile")

// Rotation is the journal's entry of a key that is being replaced. How far it
// has come is told by the entry and the record together: without New, AWS may
// or may not have made a key; while the record holds Old, New is not proved;
// once it holds New, Old is to go. Both secrets are kept until the end.
type Rotation struct {
	Profile string
	Began   time.Time
	// Account and ARN are the user's, as AWS told them before anything began.
	Account, ARN string
	Old, New     cred.AccessKey
	// Grace is how long Old is to stay once it is inactive, in whole seconds;
	// DeleteAfter is set then, and says when it may be deleted.
	Grace       time.Duration
	DeleteAfter time.Time

	more fields // of newer versions
}

// Rotations gives the rotations that have not ended.
func (v *Vault) Rotations(ctx context.Context) ([]Rotation, error) {
	d, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	var all []Rotation
	for _, raw := range d.journal {
		if r, ok := decodeRotation(raw); ok {
			all = append(all, r)
		}
	}
	return all, nil
}

// Rotation gives the unfinished rotation of a profile, or nil.
func (v *Vault) Rotation(ctx context.Context, profile string) (*Rotation, error) {
	d, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	at := d.rotation(profile)
	if at < 0 {
		return nil, nil
	}
	r, _ := decodeRotation(d.journal[at])
	return &r, nil
}

// WriteRotation puts an entry into the journal, in place of its profile's
// former one. It is durable when this returns nil.
func (v *Vault) WriteRotation(ctx context.Context, r Rotation) error {
	raw, err := encodeRotation(r)
	if err != nil {
		return err
	}
	return v.change(ctx, func(d *document) error {
		if at := d.rotation(r.Profile); at >= 0 {
			d.journal[at] = raw
		} else {
			d.journal = append(d.journal, raw)
		}
		return nil
	})
}

// EndRotation takes the entry of a profile out of the journal.
func (v *Vault) EndRotation(ctx context.Context, profile string) error {
	return v.change(ctx, func(d *document) error {
		d.endRotation(profile)
		return nil
	})
}

// SwapKey gives the record of a profile another key, if it still has the one
// with the id from. Errors: ErrChanged, ErrNotFound.
func (v *Vault) SwapKey(ctx context.Context, profile, from string, to cred.AccessKey) error {
	swapped := Record{Name: profile, Key: to, Created: v.now().UTC()}
	if err := swapped.check(); err != nil {
		return err
	}
	return v.change(ctx, func(d *document) error {
		at := d.find(profile)
		switch {
		case at < 0:
			return fmt.Errorf("%w: %q", ErrNotFound, profile)
		case d.records[at].Key.ID != from:
			return ErrChanged
		}
		d.records[at].Record = swapped
		return nil
	})
}

// rotation gives the place of a profile's entry, or -1.
func (d *document) rotation(profile string) int {
	return slices.IndexFunc(d.journal, func(raw json.RawMessage) bool {
		r, ok := decodeRotation(raw)
		return ok && r.Profile == profile
	})
}

func (d *document) endRotation(profile string) {
	if at := d.rotation(profile); at >= 0 {
		d.journal = slices.Delete(d.journal, at, at+1)
	}
}

func encodeRotation(r Rotation) (json.RawMessage, error) {
	old := Record{Name: r.Profile, Key: r.Old, Created: r.Began}
	if err := old.check(); err != nil {
		return nil, err
	}
	f := fields{}
	maps.Copy(f, r.more)
	f.put("kind", kindRotation)
	f.put("profile", r.Profile)
	f.put("began", r.Began.UTC().Format(time.RFC3339Nano))
	f.put("account", r.Account)
	f.put("arn", r.ARN)
	f.put("old_access_key_id", r.Old.ID)
	f.put("old_secret_access_key", r.Old.Secret.Reveal())
	if r.New.ID != "" {
		f.put("new_access_key_id", r.New.ID)
		f.put("new_secret_access_key", r.New.Secret.Reveal())
	}
	if r.Grace > 0 {
		f.put("grace_seconds", int64(r.Grace/time.Second))
	}
	if !r.DeleteAfter.IsZero() {
		f.put("delete_after", r.DeleteAfter.UTC().Format(time.RFC3339Nano))
	}
	return json.Marshal(f)
}

func decodeRotation(raw json.RawMessage) (Rotation, bool) {
	f := fields{}
	var kind, began, oldSecret, newSecret, after string
	if json.Unmarshal(raw, &f) != nil || !f.take("kind", &kind) || kind != kindRotation {
		return Rotation{}, false
	}
	r := Rotation{more: f}
	ok := f.take("profile", &r.Profile) && f.take("began", &began) && parseTime(began, &r.Began) &&
		f.take("account", &r.Account) && f.take("arn", &r.ARN) &&
		f.take("old_access_key_id", &r.Old.ID) && f.take("old_secret_access_key", &oldSecret)
	if f.take("new_access_key_id", &r.New.ID) {
		ok = ok && f.take("new_secret_access_key", &newSecret)
	}
	var grace int64
	f.take("grace_seconds", &grace)
	r.Grace = time.Duration(grace) * time.Second
	if f.take("delete_after", &after) {
		ok = ok && parseTime(after, &r.DeleteAfter)
	}
	r.Old.Secret, r.New.Secret = cred.NewSecret(oldSecret), cred.NewSecret(newSecret)
	return r, ok
}
