package takeover

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"fob/internal/cred"
)

// csvSource is the file that the console offers when it has made a key: a line
// of titles and a line for each key. Some have a column with the user's name
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/access-keys-admin-managed.html).
type csvSource struct{ env Env }

func csvText(env Env) Source { return csvSource{env} }

func (s csvSource) Name() string  { return "csv" }
func (s csvSource) Where() string { return textWhere(s.env) }

func (s csvSource) Look(context.Context) (Listing, error) { return Listing{}, fs.ErrNotExist }

// Take gives keys without names where the file has none; those are wanted, since
// only the caller can name them. So is the one key of a file, of whatever user: a
// user's name need not be that of the profile.
func (s csvSource) Take(_ context.Context, wanted Wanted) (Haul, error) {
	text, err := readText(s.env)
	if err != nil {
		return Haul{}, err
	}
	keys, err := parseCSV(text)
	if err != nil {
		return Haul{}, place(s.Where(), err)
	}
	var h Haul
	for _, k := range keys {
		if !wanted.Has(k.Name) {
			if len(keys) > 1 && k.Name != "" {
				h.Passed = append(h.Passed, k.Name)
				continue
			}
			k.Name = ""
		}
		k.From = s.Where()
		h.Keys = append(h.Keys, k)
	}
	return h, nil
}

// FromCSV is the one key of the file that env.Path names.
func FromCSV(ctx context.Context, env Env) (cred.AccessKey, error) {
	h, err := csvText(env).Take(ctx, nil)
	if err != nil {
		return cred.AccessKey{}, err
	}
	if n := len(h.Keys); n > 1 {
		return cred.AccessKey{}, fmt.Errorf("%s: it has %d keys: see fob import --from csv", textWhere(env), n)
	}
	return h.Keys[0].Key, nil
}

// parseCSV reads the console's file. Its errors name lines and quote nothing.
func parseCSV(text []byte) ([]Key, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	r.TrimLeadingSpace, r.FieldsPerRecord = true, -1
	rows, err := r.ReadAll()
	if bad := (*csv.ParseError)(nil); errors.As(err, &bad) {
		return nil, fmt.Errorf("line %d is no line of a CSV file", bad.Line)
	}
	if err != nil || len(rows) == 0 {
		return nil, errors.New("it is empty")
	}
	column := func(title string) int {
		return slices.IndexFunc(rows[0], func(cell string) bool { return strings.EqualFold(strings.TrimSpace(cell), title) })
	}
	user, id, secret := column("User name"), column("Access key ID"), column("Secret access key")
	if id < 0 || secret < 0 {
		return nil, errors.New(`its first line has no "Access key ID" and "Secret access key", as the console writes it`)
	}
	var keys []Key
	for i, row := range rows[1:] {
		if len(row) <= max(user, id, secret) || row[id] == "" || row[secret] == "" {
			return nil, fmt.Errorf("the key in row %d is not complete", i+2)
		}
		k := Key{Key: cred.AccessKey{ID: strings.TrimSpace(row[id]), Secret: cred.NewSecret(strings.TrimSpace(row[secret]))}}
		if user >= 0 {
			k.Name = strings.TrimSpace(row[user])
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, errors.New("it has titles and no key")
	}
	return keys, nil
}
