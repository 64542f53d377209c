// Package audit is a record that only grows: each line is sealed, and bound to
// the line before it, so that one which was changed, moved or taken out shows.
// It does not know what the lines say.
package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fob/internal/cred"
	"fob/internal/keep/lock"
)

const (
	lockName = "log.lock"
	prefix   = "log-"
	digits   = 6
	// fileSize is where the next file begins: each addition reads the last file.
	fileSize = 1 << 20
	maxFile  = 2 << 20
	// maxLine leaves room for what people and programs are called.
	maxLine = 64 << 10
)

// Log is the record in the directory of a store.
type Log struct {
	dir  string
	seal sealer
	now  func() time.Time
}

// New gives the record in dataDir, whose lines are sealed under key. Without a
// key nothing can be added or read.
func New(dataDir string, key cred.Secret, now func() time.Time) Log {
	return Log{dir: dataDir, seal: newSealer(key), now: now}
}

// ErrNoKey says that the record is shut.
var ErrNoKey = errors.New("the record is sealed, and its key is not at hand")

// Add writes one line at the end. A power cut may take the last lines away;
// that the process dies does not.
func (l Log) Add(ctx context.Context, text []byte) (err error) {
	if l.seal.aead == nil {
		return ErrNoKey
	}
	if len(text) > maxLine {
		return fmt.Errorf("a line of %d bytes is not recorded", len(text))
	}
	if err := lock.MakeDir(l.dir); err != nil {
		return err
	}
	held, err := lock.Acquire(ctx, filepath.Join(l.dir, lockName), lock.Options{Now: l.now})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.Release()) }()
	names, err := l.files()
	if err != nil {
		return err
	}
	name, end, err := l.end(names)
	if err != nil {
		return err
	}
	line := base64.RawStdEncoding.AppendEncode(nil, l.seal.seal(end.last, text))
	if end.torn { // a writer was cut off within its line
		line = append([]byte("\n"), line...)
	}
	return l.append(name, append(line, '\n'))
}

// end is where the record ends: the sum of its last line, and whether that line
// was cut off.
type end struct {
	last [sha256.Size]byte
	torn bool
}

// end gives the file to add to. A new one goes on from the last line of the
// one before it.
func (l Log) end(names []string) (string, end, error) {
	if len(names) == 0 {
		return fileName(1), end{}, nil
	}
	name := names[len(names)-1]
	text, err := lock.ReadFile(filepath.Join(l.dir, name), maxFile)
	if err != nil {
		return "", end{}, err
	}
	at := end{torn: len(text) > 0 && text[len(text)-1] != '\n'}
	whole := bytes.TrimSuffix(text, []byte("\n"))
	last := whole[bytes.LastIndexByte(whole, '\n')+1:]
	switch {
	case len(last) > 0:
		at.last = sha256.Sum256(last)
	case len(names) > 1: // made, and not written to before the power went
		_, at, err = l.end(names[:len(names)-1])
		at.torn = false
		return name, at, err
	}
	if len(text) >= fileSize && !at.torn {
		return fileName(number(name) + 1), at, nil
	}
	return name, at, nil
}

func (l Log) append(name string, line []byte) error {
	root, err := lock.OpenRoot(l.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(line)
	return errors.Join(err, f.Close())
}

// files are the names of the record's files, the oldest first.
func (l Log) files() ([]string, error) {
	all, err := os.ReadDir(l.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, f := range all {
		if number(f.Name()) > 0 {
			names = append(names, f.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

func fileName(n int) string { return fmt.Sprintf("%s%0*d", prefix, digits, n) }

// number is which file of the record has that name; 0 for none.
func number(name string) int {
	text, ok := strings.CutPrefix(name, prefix)
	if !ok || len(text) != digits || strings.Trim(text, "0123456789") != "" {
		return 0
	}
	n := 0
	for _, d := range text {
		n = n*10 + int(d-'0')
	}
	return n
}

// Line is one line of the record, or a place where it is not whole.
type Line struct {
	Text []byte
	// Fault says what is wrong at this place; Text is then nil, or the line that
	// does not follow the one before it.
	Fault string
}

// Read gives every line, the oldest first, and says where lines were changed or
// taken out. Who takes away the last lines is not found out: nothing comes after
// them.
func (l Log) Read() ([]Line, error) {
	if l.seal.aead == nil {
		return nil, ErrNoKey
	}
	names, err := l.files()
	if err != nil {
		return nil, err
	}
	var lines []Line
	var last [sha256.Size]byte
	known := len(names) == 0 || number(names[0]) == 1 // what the next line must follow
	if !known {
		lines = append(lines, Line{Fault: "the files before " + names[0] + " are gone"})
	}
	for _, name := range names {
		text, err := lock.ReadFile(filepath.Join(l.dir, name), maxFile)
		if err != nil {
			return lines, err
		}
		for one := range bytes.SplitSeq(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
			if len(one) == 0 {
				continue
			}
			lines = append(lines, l.line(one, last, known))
			last, known = sha256.Sum256(one), true
		}
	}
	return lines, nil
}

// line opens one line, and looks whether it follows the last one where that is
// known.
func (l Log) line(sealed []byte, last [sha256.Size]byte, known bool) Line {
	raw, err := base64.RawStdEncoding.Strict().DecodeString(string(sealed))
	if err != nil {
		return Line{Fault: "a line was cut off or changed"}
	}
	before, text, ok := l.seal.open(raw)
	switch {
	case !ok:
		return Line{Fault: "a line was cut off or changed"}
	case known && before != last:
		return Line{Text: text, Fault: "lines before this one were changed or taken out"}
	}
	return Line{Text: text}
}
