package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fob/internal/cred"
	"fob/internal/keep/lock"
)

const goodRecord = `{"name":"a","access_key_id":"AKIACANARY","secret_access_key":"CANARY","created":"2026-01-02T03:04:05Z"}`

// doc gives a document with some of its fields replaced; "" leaves one out.
func doc(replace map[string]string) string {
	values := map[string]string{
		"format": "1", "fob_version": `"1.0"`, "vault_id": `"000102030405060708090a0b0c0d0e0f"`, "generation": "7",
		"written_at": `"2026-01-02T03:04:05Z"`, "records": "[" + goodRecord + "]", "journal": "[]",
	}
	for name, value := range replace {
		values[name] = value
	}
	var parts []string
	for name, value := range values {
		if value != "" {
			parts = append(parts, `"`+name+`":`+value)
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	one := func(name, value string) string { return doc(map[string]string{name: value}) }
	const (
		noObject     = "is damaged: it does not hold a JSON object"
		noFormat     = "is damaged: its document has no format number"
		noID         = "is damaged: its document has no vault_id"
		noGeneration = "is damaged: its document has no generation"
		noTime       = "is damaged: its document does not say when it was written"
		noRecords    = "is damaged: its document has no records"
		noJournal    = "is damaged: its document has no journal"
		badRecord    = "is damaged: record 1 of its document is incomplete or there twice"
	)
	for _, tc := range []struct{ name, text, want string }{
		{"nothing", "", noObject},
		{"space", "   \n", noObject},
		{"null", "null", noObject},
		{"array", "[]", noObject},
		{"text", `"CANARY"`, noObject},
		{"cut", doc(nil)[:100], noObject},
		{"two", doc(nil) + doc(nil), noObject},
		{"junk after it", doc(nil) + "   x", noObject},
		{"deep", strings.Repeat("[", 100000), noObject},
		{"no format", one("format", ""), noFormat},
		{"format 0", one("format", "0"), noFormat},
		{"format -1", one("format", "-1"), noFormat},
		{"format 1.5", one("format", "1.5"), noFormat},
		{"format text", one("format", `"1"`), noFormat},
		{"no id", one("vault_id", ""), noID},
		{"short id", one("vault_id", `"00"`), noID},
		{"id no hex", one("vault_id", `"../../../../../../../../../../../x"`), noID},
		{"no generation", one("generation", ""), noGeneration},
		{"generation 0", one("generation", "0"), noGeneration},
		{"generation too large", one("generation", "18446744073709551615"), noGeneration},
		{"no time", one("written_at", ""), noTime},
		{"bad time", one("written_at", `"yesterday"`), noTime},
		{"no records", one("records", ""), noRecords},
		{"records text", one("records", `"CANARY"`), noRecords},
		{"no journal", one("journal", ""), noJournal},
		{"record null", one("records", "[null]"), badRecord},
		{"record text", one("records", `["CANARY"]`), noRecords},
		{"record without name", one("records", "["+strings.Replace(goodRecord, `"name"`, `"n"`, 1)+"]"), badRecord},
		{"record with empty name", one("records", "["+strings.Replace(goodRecord, `"a"`, `""`, 1)+"]"), badRecord},
		{"record without secret", one("records", "["+strings.Replace(goodRecord, `"CANARY"`, `null`, 1)+"]"), badRecord},
		{"record with bad time", one("records", "["+strings.Replace(goodRecord, `"2026`, `"x`, 1)+"]"), badRecord},
		{"record twice", one("records", "["+goodRecord+","+goodRecord+"]"), strings.Replace(badRecord, "record 1", "record 2", 1)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d, err := decode([]byte(tc.text))
			if err == nil || err.Error() != tc.want || d != nil {
				t.Errorf("decode = %v, want %q", err, tc.want)
			}
		})
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	d, err := decode([]byte(doc(nil) + "   \n"))
	if err != nil {
		t.Fatal(err)
	}
	then := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	want := &document{
		id: "000102030405060708090a0b0c0d0e0f", generation: 7, written: then, version: "1.0",
		records: []entry{{
			Record: Record{Name: "a", Key: cred.AccessKey{ID: "AKIACANARY", Secret: cred.NewSecret("CANARY")}, Created: then},
			more:   fields{},
		}},
		journal: []json.RawMessage{}, more: fields{},
	}
	if diff := cmp.Diff(want, d, whole...); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

var whole = cmp.Options{
	cmp.AllowUnexported(document{}, entry{}),
	cmp.Comparer(func(a, b cred.Secret) bool { return a.Equal(b) }),
}

func TestEncodePads(t *testing.T) {
	t.Parallel()
	d := newDocument()
	d.generation = 1
	sizes := map[int]bool{}
	for n := range 3 * pad {
		d.version = strings.Repeat("v", n)
		text, err := encode(d)
		if err != nil {
			t.Fatal(err)
		}
		if len(text)%pad != 0 || text[len(text)-1] != '\n' {
			t.Fatalf("%d bytes of version give %d bytes ending in %q", n, len(text), text[len(text)-1])
		}
		sizes[len(text)] = true
	}
	if diff := cmp.Diff(map[int]bool{pad: true, 2 * pad: true, 3 * pad: true, 4 * pad: true}, sizes); diff != "" {
		t.Error(diff)
	}
}

// place seals a text as the vault of a new home and gives both.
func place(t *testing.T, text string) (v *Vault, file []byte) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "fob")
	identity, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	k, err := newKey(identity)
	if err != nil {
		t.Fatal(err)
	}
	if file, err = k.seal([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := lock.MakeDir(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, vaultName), file, 0o600); err != nil {
		t.Fatal(err)
	}
	ask := func(context.Context) (cred.Secret, error) { return identity, nil }
	return Open(dir, ask, func() time.Time { return time.Unix(1767323045, 0) }, Version("2.0")), file
}

// A vault of a newer fob is left alone, whatever else is in it.
func TestNewerFormat(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"like ours": doc(map[string]string{"format": "2", "fob_version": `"9.1"`}),
		"unlike":    `{"format":2,"fob_version":"9.1","keys":{}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, file := place(t, text)
			want := &NewerError{Path: v.path(vaultName), Format: 2, Version: "9.1"}
			_, list := v.Records(t.Context())
			put := v.Put(t.Context(), Record{Name: "b", Key: cred.AccessKey{ID: "AKIA", Secret: cred.NewSecret("CANARY")}})
			for call, err := range map[string]error{"Records": list, "Put": put} {
				if got := (*NewerError)(nil); !errors.As(err, &got) || *got != *want {
					t.Errorf("%s = %v, want %v", call, err, want)
				}
			}
			after, err := os.ReadFile(v.path(vaultName))
			if err != nil || !bytes.Equal(after, file) {
				t.Errorf("the file changed (%v)", err)
			}
		})
	}
	got := (&NewerError{Path: "/v", Format: 2, Version: "9.1\x1b"}).Error()
	if want := `/v was written by a newer version of fob 9.1\x1b: its format is 2, and this one knows 1`; got != want {
		t.Errorf("it reads %q, want %q", got, want)
	}
}

// What a newer fob of the same format wrote comes through a change by this one.
func TestUnknownFieldsSurvive(t *testing.T) {
	t.Parallel()
	v, _ := place(t, doc(map[string]string{
		"owner":   `{"n":12345678901234567890,"x":[1,null,"CANARY"]}`,
		"records": `[{"name":"a","access_key_id":"AKIA","secret_access_key":"CANARY","serial":"arn:aws:iam::1:mfa/a","x":{"y":1e400}}]`,
		"journal": `[{"kind":"rotate","of":"a","n":1}]`,
	}))
	changed := Record{Name: "a", Key: cred.AccessKey{ID: "AKIB", Secret: cred.NewSecret("CANARY2")}}
	for _, r := range []Record{changed, {Name: "b", Key: changed.Key}} {
		if err := v.Put(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	k, err := v.key(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d, err := v.load(k)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(v.path(vaultName))
	if err != nil {
		t.Fatal(err)
	}
	want := &document{
		file: file,
		id:   "000102030405060708090a0b0c0d0e0f", generation: 9, written: time.Unix(1767323045, 0).UTC(), version: "2.0",
		records: []entry{
			{Record: changed, more: fields{"serial": raw(`"arn:aws:iam::1:mfa/a"`), "x": raw(`{"y":1e400}`)}},
			{Record: Record{Name: "b", Key: changed.Key}, more: fields{}},
		},
		journal: []json.RawMessage{raw(`{"kind":"rotate","of":"a","n":1}`)},
		more:    fields{"owner": raw(`{"n":12345678901234567890,"x":[1,null,"CANARY"]}`)},
	}
	if diff := cmp.Diff(want, d, whole...); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// So do entries of the journal that this one cannot read, and what a newer fob
// wrote into one that it can.
func TestUnknownJournalSurvives(t *testing.T) {
	t.Parallel()
	const readable = `{"account":"1","arn":"arn:u","began":"2026-01-02T03:04:05Z","kind":"rotation","more":[1e400],"old_access_key_id":"AKIA","old_secret_access_key":"CANARY","profile":"a"}`
	others := []string{`{"kind":"rotate","of":"a"}`, `{"kind":"rotation","profile":"z","began":"later"}`}
	v, _ := place(t, doc(map[string]string{"journal": "[" + others[0] + "," + readable + "," + others[1] + "]"}))
	rotations, err := v.Rotations(t.Context())
	if err != nil || len(rotations) != 1 {
		t.Fatalf("%d rotations, %v", len(rotations), err)
	}
	if err := v.WriteRotation(t.Context(), rotations[0]); err != nil {
		t.Fatal(err)
	}
	k, err := v.key(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d, err := v.load(k)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]json.RawMessage{raw(others[0]), raw(readable), raw(others[1])}, d.journal); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func raw(text string) json.RawMessage { return json.RawMessage(text) }

// A thousand keys are read within the time of one glance.
func TestThousandRecords(t *testing.T) {
	t.Parallel()
	d := newDocument()
	d.generation = 1
	for i := range 1000 {
		name := fmt.Sprintf("profile-%04d", i)
		d.records = append(d.records, entry{Record: Record{Name: name, Key: cred.AccessKey{ID: "AKIACANARY0000000000", Secret: cred.NewSecret("CANARY")}}})
	}
	text, err := encode(d)
	if err != nil {
		t.Fatal(err)
	}
	v, _ := place(t, string(text))
	began := time.Now()
	records, err := v.Records(t.Context())
	if took := time.Since(began); len(records) != 1000 || err != nil || took > time.Second {
		t.Errorf("%d records after %v, %v", len(records), took, err)
	}
}

// Whatever the text, decoding ends in an error without any of it, or in a
// document that survives being written.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(doc(nil)))
	f.Add([]byte(doc(map[string]string{"more": "1e999", "records": "[]", "journal": `[null,"x"]`})))
	f.Add([]byte(doc(map[string]string{"format": "2"})))
	f.Add([]byte(`{"format":1,"format":2}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		first, err := decode(text)
		if err != nil {
			newer, bad := (*NewerError)(nil), (*flaw)(nil)
			if !errors.As(err, &newer) && !errors.As(err, &bad) {
				t.Fatalf("an error of another type: %T", err)
			}
			return
		}
		plain, err := encode(first)
		if err != nil {
			t.Fatalf("what was read is not written: %v", err)
		}
		second, err := decode(plain)
		if err != nil {
			t.Fatalf("what was written is not read: %v", err)
		}
		again, err := encode(second)
		if err != nil || !bytes.Equal(plain, again) {
			t.Fatalf("it changes each time (%v)", err)
		}
	})
}
