package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"fob/internal/fault"
)

// DamagedError is a file that is not the vault as it was written. It is left
// as it is.
type DamagedError struct {
	Path    string
	Why     string   // reads on after the path
	Next    []string // how to put back the copy before it, when there is one
	Foreign bool     // it may be whole, and sealed to another identity
}

func (e *DamagedError) Error() string { return fault.Printable(e.Path) + " " + e.Why }

// NewerError is a vault of a newer fob, which this one would spoil. It is left
// as it is.
type NewerError struct {
	Path    string
	Format  uint64
	Version string // of the fob that wrote it; may be empty
}

func (e *NewerError) Error() string {
	by := ""
	if e.Version != "" {
		by = " " + e.Version
	}
	return fmt.Sprintf("%s was written by a newer version of fob%s: its format is %d, and this one knows %d",
		fault.Printable(e.Path), fault.Printable(by), e.Format, format)
}

// RolledBackError is a vault that is older than the one last written here.
type RolledBackError struct {
	Path       string
	Written    time.Time // when the file as it stands was written
	Generation uint64    // of the file as it stands
	Remembered uint64    // of the last one written here
	Other      bool      // it is another vault of the same identity
}

func (e *RolledBackError) Error() string {
	was := fmt.Sprintf("is generation %d, and %d was written here before", e.Generation, e.Remembered)
	if e.Other {
		was = "is not the vault that was last written here"
	}
	return fmt.Sprintf("%s %s; it was written at %s", fault.Printable(e.Path), was, e.Written.Format(time.RFC3339))
}

// named gives what is wrong with the bytes of the vault the name of the file.
func (v *Vault) named(err error) error {
	path, terr := v.target()
	if terr != nil {
		return terr
	}
	if newer := (*NewerError)(nil); errors.As(err, &newer) {
		return &NewerError{Path: path, Format: newer.Format, Version: newer.Version}
	}
	if f := (*flaw)(nil); errors.As(err, &f) {
		d := damaged(path, f.why)
		d.Foreign = f.foreign
		return d
	}
	return err
}

// damaged adds how to go back one change, where that is possible.
func damaged(path, why string) *DamagedError {
	e := &DamagedError{Path: path, Why: why}
	previous := filepath.Join(filepath.Dir(path), previousName)
	if info, err := os.Lstat(previous); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
		e.Next = []string{"put back the copy before the last change: cp -p " + fault.Word(previous) + " " + fault.Word(path)}
	}
	return e
}
