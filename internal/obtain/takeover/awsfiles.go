package takeover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"fob/internal/cred"
	"fob/internal/decide/profile"
)

// The settings of a key (https://docs.aws.amazon.com/sdkref/latest/guide/feature-static-credentials.html).
const (
	keyID     = "aws_access_key_id"
	keySecret = "aws_secret_access_key"
)

// Sections is a source whose keys stand in sections of a file in clear.
type Sections struct {
	name, where string
	load        func() (profile.Set, error)
	whole       bool // the file is the person's, and its keys can be replaced
	unasked     bool // nothing is there until it is named
	told        bool // who read the file has told of its mistakes
}

// credentialsFile is the file of the AWS CLI and the SDKs.
func credentialsFile(env Env) *Sections {
	path, where := env.Credentials, env.CredentialsShown
	if env.Path != "" {
		path = env.expand(env.Path)
		where = env.shown(path)
	}
	return &Sections{name: "credentials", where: where, whole: true, load: func() (profile.Set, error) {
		return profile.LoadCredentials(path, where)
	}}
}

func configFile(env Env) *Sections {
	s := &Sections{name: "config", where: env.Config.Display(), whole: true, told: true, load: func() (profile.Set, error) { return env.Config, nil }}
	if env.Path != "" {
		s.told = false
		path := env.expand(env.Path)
		s.where = env.shown(path)
		s.load = func() (profile.Set, error) { return profile.Load(path, s.where) }
	}
	return s
}

// iniText is a text like a credentials file, as aws-vault export --format ini
// prints it. It is left as it is.
func iniText(env Env) *Sections {
	return &Sections{name: "ini", where: textWhere(env), unasked: true, load: func() (profile.Set, error) {
		text, err := readText(env)
		if err != nil {
			return profile.Set{}, err
		}
		return profile.ParseCredentials(textWhere(env), text)
	}}
}

func (s *Sections) Name() string  { return s.name }
func (s *Sections) Where() string { return s.where }

// Replaceable says whether keys that were taken can be taken out of the file.
func (s *Sections) Replaceable() bool { return s.whole }

// Load reads the file anew.
func (s *Sections) Load() (profile.Set, error) { return s.load() }

func (s *Sections) Look(ctx context.Context) (Listing, error) {
	if s.unasked {
		return Listing{}, fs.ErrNotExist
	}
	h, err := s.Take(ctx, nil)
	if err != nil {
		return Listing{}, err
	}
	var l Listing
	for _, k := range h.Keys {
		l.Names = append(l.Names, k.Name)
	}
	for _, left := range h.Left {
		if left.Expected {
			l.Sessions++
		}
	}
	if len(l.Names)+l.Sessions == 0 {
		return l, fs.ErrNotExist
	}
	return l, nil
}

func (s *Sections) Take(_ context.Context, wanted Wanted) (Haul, error) {
	set, err := s.load()
	if err != nil {
		return Haul{}, err
	}
	var h Haul
	for _, name := range set.Names() {
		if !wanted.Has(name) {
			continue
		}
		section, err := set.Section(name)
		if err != nil {
			h.add(Key{Name: name}, err)
			continue
		}
		if key, ok, err := keyIn(section); ok {
			key.Name = name
			h.add(key, err)
		}
	}
	// A section whose header is broken has no name to be left under.
	for _, w := range set.Warnings() {
		if !s.told && !slices.ContainsFunc(h.Left, func(l Left) bool { return l.Why.Error() == w }) {
			h.Warnings = append(h.Warnings, w)
		}
	}
	return h, nil
}

// keyIn reads the key of a section; ok is false where it has none.
func keyIn(section profile.Profile) (k Key, ok bool, err error) {
	id, hasID := section.Setting(keyID)
	secret, hasSecret := section.Setting(keySecret)
	missing := ""
	switch {
	case !hasID && !hasSecret:
		return k, false, nil
	case id.Value == "":
		missing = keyID
	case secret.Value == "":
		missing = keySecret
	case section.Value("aws_session_token") != "", section.Value("aws_security_token") != "":
		return k, true, errTemporary
	}
	if missing != "" {
		return k, true, fmt.Errorf("%s: %s is missing", section.Where(), missing)
	}
	return Key{Key: cred.AccessKey{ID: id.Value, Secret: cred.NewSecret(secret.Value)}, From: id.From}, true, nil
}

// textWhere names a text that is read from a file or from standard input.
func textWhere(env Env) string {
	if env.Path == "" || env.Path == "-" {
		return "standard input"
	}
	return env.shown(env.expand(env.Path))
}

func readText(env Env) ([]byte, error) {
	if env.Path != "" && env.Path != "-" {
		text, err := readRegular(env.expand(env.Path))
		if err != nil {
			return nil, place(textWhere(env), err)
		}
		return text, nil
	}
	text, err := io.ReadAll(io.LimitReader(env.Stdin, mostItem+1))
	if err == nil && len(text) > mostItem {
		err = errors.New("it is larger than 1 MiB")
	}
	if err != nil {
		return nil, place(textWhere(env), err)
	}
	return text, nil
}
