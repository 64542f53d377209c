package store

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"time"
	"unicode/utf8"
)

// format is the number of the document's shape. A document with a higher one is
// left alone; one with unknown fields is not, and keeps them.
const format = 1

const (
	maxName       = 4096    // bytes
	maxGeneration = 1 << 53 // what other JSON readers count to exactly
	idBytes       = 16
)

// document is what the vault holds.
type document struct {
	id         string // of the vault, hex; stays for its whole life
	generation uint64 // 1 for the first; each write adds one
	written    time.Time
	version    string // of the program that wrote it
	records    []entry
	journal    []json.RawMessage // of changes under way
	more       fields            // of newer versions
	removed    bool              // a record was taken out since this was read; not written
	file       []byte            // that this was read from; not written
}

// entry is a record with what a newer version wrote beside it.
type entry struct {
	Record
	more fields
}

type fields map[string]json.RawMessage

func newDocument() *document {
	var id [idBytes]byte
	_, _ = rand.Read(id[:]) // never an error, says its documentation
	return &document{id: hex.EncodeToString(id[:])}
}

func isID(text string) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && len(raw) == idBytes
}

// find gives the place of the record of that name, or -1.
func (d *document) find(name string) int {
	return slices.IndexFunc(d.records, func(e entry) bool { return e.Name == name })
}

// check refuses what would not come back as it went in. JSON has no way to
// write bytes that are not UTF-8.
func (r Record) check() error {
	switch {
	case r.Name == "" || len(r.Name) > maxName:
		return errors.New("the name of a record has 1 to 4096 bytes")
	case !utf8.ValidString(r.Name):
		return errors.New("the name of a record is not UTF-8")
	case r.Key.ID == "" || r.Key.Secret.IsZero():
		return errors.New("a record without an access key is not stored")
	case !utf8.ValidString(r.Key.ID) || !isText(r.Key.Secret):
		return errors.New("an access key that is not UTF-8 is not stored")
	case r.Created.Year() < 0 || r.Created.Year() > 9999:
		return errors.New("the time of a record is outside the years that can be written")
	}
	return nil
}
