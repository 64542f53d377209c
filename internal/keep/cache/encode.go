package cache

import (
	"encoding/binary"
	"time"

	"fob/internal/cred"
)

// The content of a sealed file: the length of what follows, the fields one
// after the other, zeros up to a multiple of the block. Numbers are big endian;
// text has its length before it.

// appender writes fields.
type appender struct{ b []byte }

func newAppender() *appender { return &appender{b: make([]byte, 4, 4*entryBlock)} }

func (a *appender) text(s string) {
	a.b = binary.BigEndian.AppendUint32(a.b, uint32(len(s)))
	a.b = append(a.b, s...)
}

func (a *appender) int(n int64) { a.b = binary.BigEndian.AppendUint64(a.b, uint64(n)) }

// time keeps the zero time, and any other to the nanosecond.
func (a *appender) time(t time.Time) {
	a.int(t.Unix())
	a.b = binary.BigEndian.AppendUint32(a.b, uint32(t.Nanosecond()))
}

func (a *appender) bool(v bool) {
	if v {
		a.b = append(a.b, 1)
		return
	}
	a.b = append(a.b, 0)
}

// padded closes the content.
func (a *appender) padded(block int) []byte {
	binary.BigEndian.PutUint32(a.b, uint32(len(a.b)-4))
	if over := len(a.b) % block; over > 0 {
		a.b = append(a.b, make([]byte, block-over)...)
	}
	return a.b
}

// reader reads fields. After the first one that is not there it gives zeros
// and bad stays set.
type reader struct {
	b   []byte
	bad bool
}

// newReader takes padded content apart.
func newReader(text []byte) *reader {
	r := &reader{b: text}
	if n := r.uint32(); !r.bad && int64(n) <= int64(len(r.b)) {
		return &reader{b: r.b[:n]}
	}
	return &reader{bad: true}
}

// take gives the next n bytes.
func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.b) {
		r.bad = true
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) int() int64 {
	if b := r.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (r *reader) text() string { return string(r.take(int(r.uint32()))) }

func (r *reader) time() time.Time {
	sec, nsec := r.int(), r.uint32()
	if nsec >= 1e9 {
		r.bad = true
		return time.Time{}
	}
	return time.Unix(sec, int64(nsec)).UTC()
}

func (r *reader) bool() bool {
	b := r.take(1)
	if b == nil || b[0] > 1 {
		r.bad = true
		return false
	}
	return b[0] == 1
}

// count reads how many items of at least size bytes follow, and is bad when
// they cannot all be there.
func (r *reader) count(size int) int {
	n := r.int()
	if n < 0 || n > int64(len(r.b)/size) {
		r.bad = true
		return 0
	}
	return int(n)
}

// done says whether everything was there and nothing is left.
func (r *reader) done() bool { return !r.bad && len(r.b) == 0 }

func (a *appender) secret(s cred.Secret) { a.text(s.Reveal()) }

func encodeEntry(e Entry) []byte {
	a := newAppender()
	a.text(e.Name)
	a.text(e.Session.ID)
	a.secret(e.Session.Secret)
	a.secret(e.Session.Token)
	a.time(e.Session.Expires)
	a.time(e.Made)
	a.text(e.Kind)
	a.text(e.Owner)
	a.text(e.Detail)
	a.bool(e.Renews)
	if e.KeyID != "" {
		a.text(e.KeyID)
	}
	return a.padded(entryBlock)
}

func decodeEntry(text []byte) (Entry, bool) {
	r := newReader(text)
	var e Entry
	e.Name = r.text()
	e.Session.ID = r.text()
	e.Session.Secret = cred.NewSecret(r.text())
	e.Session.Token = cred.NewSecret(r.text())
	e.Session.Expires = r.time()
	e.Made = r.time()
	e.Kind = r.text()
	e.Owner = r.text()
	e.Detail = r.text()
	e.Renews = r.bool()
	if !r.bad && len(r.b) > 0 { // the first files had no such field
		e.KeyID = r.text()
	}
	return e, r.done()
}
