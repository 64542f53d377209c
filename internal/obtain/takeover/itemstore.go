package takeover

import (
	"context"

	"fob/internal/cred"
)

// itemStore is a store of aws-vault that lists the names of its items and gives
// each by itself.
type itemStore struct {
	name, where string
	// open gives access. Where ask is false it starts, unlocks and asks nothing.
	open func(ctx context.Context, ask bool) (shelf, error)
}

// shelf is an open store.
type shelf struct {
	names []string
	note  string // what is not known before the store is unlocked
	read  func(name string) (cred.AccessKey, error)
	// likely says whether an item can be taken for a key without reading it;
	// nil where all can.
	likely func(name string) bool
	close  func() // may be nil
}

func (s itemStore) Name() string  { return s.name }
func (s itemStore) Where() string { return s.where }

func (s itemStore) Look(ctx context.Context) (Listing, error) {
	shelf, err := s.open(ctx, false)
	if err != nil {
		return Listing{}, err
	}
	defer shelf.end()
	l := Listing{Note: shelf.note}
	keys, sessions := parted(shelf.names)
	l.Sessions = sessions
	for _, name := range keys {
		if shelf.likely == nil || shelf.likely(name) {
			l.Names = append(l.Names, name)
		}
	}
	return l, nil
}

func (s itemStore) Take(ctx context.Context, wanted Wanted) (Haul, error) {
	shelf, err := s.open(ctx, true)
	if err != nil {
		return Haul{}, err
	}
	defer shelf.end()
	var h Haul
	keys, sessions := parted(shelf.names)
	h.Sessions = sessions
	for _, name := range keys {
		switch {
		case wanted == nil && shelf.likely != nil && !shelf.likely(name):
			h.Unknown++
		case wanted.Has(name):
			key, err := shelf.read(name)
			h.add(Key{Name: name, Key: key, From: s.where}, err)
		}
		if ctx.Err() != nil {
			return Haul{}, context.Cause(ctx)
		}
	}
	return h, nil
}

func (s shelf) end() {
	if s.close != nil {
		s.close()
	}
}
