package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"
	"unicode/utf8"

	"filippo.io/age"

	"fob/internal/cred"
)

// pad is the step in which the document grows, so that its size says little
// about how many keys there are and nothing about their names.
const pad = 4 << 10

// intro is how every age file begins (https://age-encryption.org/v1).
const intro = "age-encryption.org/v1\n"

// key opens and seals the vault. Its public half is never written anywhere: who
// does not know it cannot make a vault that opens.
type key struct{ id *age.X25519Identity }

// NewIdentity makes the identity of a new vault.
func NewIdentity() (cred.Secret, error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return cred.Secret{}, fmt.Errorf("making an identity: %w", err)
	}
	return cred.NewSecret(id.String()), nil
}

func newKey(identity cred.Secret) (key, error) {
	id, err := age.ParseX25519Identity(identity.Reveal())
	if err != nil {
		// The cause is left out: it may quote a part of the secret.
		return key{}, errors.New("opening the vault: what should be its identity is not an age secret key")
	}
	return key{id}, nil
}

func (k key) seal(plain []byte) ([]byte, error) {
	var file bytes.Buffer
	w, err := age.Encrypt(&file, k.id.Recipient())
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return file.Bytes(), nil
}

// flaw is a reason why a file cannot be the vault, before it has a name. It
// reads on after a path and quotes nothing of the file.
type flaw struct {
	why     string
	foreign bool
}

func (f *flaw) Error() string { return f.why }

// glance is what can be said of a file without its key; "" for nothing bad.
func glance(file []byte) string {
	switch {
	case len(file) == 0:
		return "is empty"
	case !bytes.HasPrefix(file, []byte(intro)):
		return "is not an age file, or damaged at its beginning"
	}
	const least = 16 // of the payload: its nonce, and the tag of a chunk
	_, end, whole := bytes.Cut(file, []byte("\n--- "))
	_, payload, ended := bytes.Cut(end, []byte("\n"))
	switch {
	case !whole || !ended || len(payload) < least:
		return cutHeader
	case len(payload) < 2*least:
		return cutContent
	}
	return ""
}

// What is said of a file of which a part is missing.
const (
	cutHeader  = "is damaged: its header was cut or changed"
	cutContent = "is damaged: its content was cut or changed"
)

// unseal gives the plaintext. Where the header does not open, nothing can tell
// another identity from a damaged stanza.
func (k key) unseal(file []byte) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(file), k.id)
	if noMatch := (*age.NoIdentityMatchError)(nil); errors.As(err, &noMatch) {
		return nil, &flaw{why: "belongs to another identity, or its header is damaged", foreign: true}
	}
	if err != nil {
		return nil, &flaw{why: cutHeader}
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		return nil, &flaw{why: cutContent}
	}
	return plain, nil
}

func (k key) open(file []byte) (*document, error) {
	plain, err := k.unseal(file)
	if err != nil {
		return nil, err
	}
	return decode(plain)
}

func isText(s cred.Secret) bool { return utf8.ValidString(s.Reveal()) }

// encode gives the JSON of d, padded with spaces.
func encode(d *document) ([]byte, error) {
	records := make([]fields, 0, len(d.records))
	for _, e := range d.records {
		f := fields{}
		maps.Copy(f, e.more)
		f.put("name", e.Name)
		f.put("access_key_id", e.Key.ID)
		f.put("secret_access_key", e.Key.Secret.Reveal())
		if !e.Created.IsZero() {
			f.put("created", e.Created.UTC().Format(time.RFC3339Nano))
		}
		records = append(records, f)
	}
	f := fields{}
	maps.Copy(f, d.more)
	f.put("format", format)
	f.put("vault_id", d.id)
	f.put("generation", d.generation)
	f.put("written_at", d.written.UTC().Format(time.RFC3339Nano))
	f.put("fob_version", d.version)
	f.put("records", records)
	f.put("journal", append([]json.RawMessage{}, d.journal...))
	text, err := json.Marshal(f)
	if err != nil {
		return nil, errors.New("a field that a newer version wrote is not JSON")
	}
	text = append(text, strings.Repeat(" ", pad-1-len(text)%pad)...)
	return append(text, '\n'), nil
}

// put adds a value that JSON can always hold.
func (f fields) put(name string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		text = nil // shows up when the whole is marshalled
	}
	f[name] = text
}

// take moves a field out of f. It says whether it was there and fits.
func (f fields) take(name string, into any) bool {
	text, ok := f[name]
	delete(f, name)
	return ok && json.Unmarshal(text, into) == nil
}

// decode reads the JSON of a document. What comes after it may only be space.
func decode(plain []byte) (*document, error) {
	f := fields{}
	if json.Unmarshal(plain, &f) != nil || f == nil {
		return nil, &flaw{why: "is damaged: it does not hold a JSON object"}
	}
	var number uint64
	var version, written string
	if !f.take("format", &number) || number == 0 {
		return nil, &flaw{why: "is damaged: its document has no format number"}
	}
	f.take("fob_version", &version)
	if number > format {
		return nil, &NewerError{Format: number, Version: version}
	}
	d := &document{version: version, more: f}
	var records []fields
	switch {
	case !f.take("vault_id", &d.id) || !isID(d.id):
		return nil, &flaw{why: "is damaged: its document has no vault_id"}
	case !f.take("generation", &d.generation) || d.generation == 0 || d.generation >= maxGeneration:
		return nil, &flaw{why: "is damaged: its document has no generation"}
	case !f.take("written_at", &written) || !parseTime(written, &d.written):
		return nil, &flaw{why: "is damaged: its document does not say when it was written"}
	case !f.take("records", &records):
		return nil, &flaw{why: "is damaged: its document has no records"}
	case !f.take("journal", &d.journal):
		return nil, &flaw{why: "is damaged: its document has no journal"}
	}
	seen := make(map[string]bool, len(records))
	for i, r := range records {
		e, ok := decodeRecord(r)
		if !ok || seen[e.Name] {
			return nil, &flaw{why: fmt.Sprintf("is damaged: record %d of its document is incomplete or there twice", i+1)}
		}
		seen[e.Name] = true
		d.records = append(d.records, e)
	}
	return d, nil
}

func decodeRecord(f fields) (entry, bool) {
	e := entry{more: f}
	var secret, created string
	if !f.take("name", &e.Name) || !f.take("access_key_id", &e.Key.ID) || !f.take("secret_access_key", &secret) {
		return e, false
	}
	if _, ok := f["created"]; ok && (!f.take("created", &created) || !parseTime(created, &e.Created)) {
		return e, false
	}
	e.Key.Secret = cred.NewSecret(secret)
	return e, e.check() == nil
}

func parseTime(text string, into *time.Time) bool {
	at, err := time.Parse(time.RFC3339Nano, text)
	*into = at.UTC()
	return err == nil
}
