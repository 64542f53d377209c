package takeover

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"fob/internal/cred"

	"github.com/go-jose/go-jose/v4"
)

const (
	// mostIterations bounds what one file can make us compute: half a second.
	// aws-vault writes 8192.
	mostIterations = 1_000_000
	// mostItem is far more than an item has, and little to read.
	mostItem        = 1 << 20
	passphraseTries = 3
)

// fileStore is aws-vault's file backend: a folder with one file for each item,
// named after it with % and / percent-encoded. A file is a JWE in compact form,
// encrypted under a passphrase by PBES2-HS256+A128KW and A256GCM
// (RFC 7516 section 3.1, RFC 7518 section 4.8).
type fileStore struct {
	env   Env
	dir   string
	where string
	files map[string]string // of the items, by their names
}

func newFileStore(env Env) *fileStore {
	dir := env.expand(env.Path)
	if dir == "" {
		dir = env.first(".awsvault/keys", "AWS_VAULT_FILE_DIR")
	}
	dir = filepath.Clean(dir)
	return &fileStore{env: env, dir: dir, where: env.shown(dir)}
}

func (s *fileStore) Name() string  { return "aws-vault-file" }
func (s *fileStore) Where() string { return s.where }

func (s *fileStore) Look(context.Context) (Listing, error) {
	names, err := s.names()
	if err != nil {
		return Listing{}, err
	}
	var l Listing
	names, l.Sessions = parted(names)
	for _, name := range names {
		if _, err := s.read(name); err == nil {
			l.Names = append(l.Names, name)
		}
	}
	return l, nil
}

// Take asks for the passphrase until it opens an item. Items under another one
// stay: aws-vault compares a passphrase with nothing, so a folder may hold both.
func (s *fileStore) Take(ctx context.Context, wanted Wanted) (Haul, error) {
	names, err := s.names()
	if err != nil {
		return Haul{}, err
	}
	var h Haul
	names, h.Sessions = parted(names)
	sealed := map[string]*jose.JSONWebEncryption{}
	for _, name := range names {
		if !wanted.Has(name) {
			continue
		}
		e, err := s.read(name)
		if err != nil {
			h.add(Key{Name: name}, err)
			continue
		}
		sealed[name] = e
	}
	if len(sealed) == 0 {
		return h, nil
	}
	opened, err := s.open(ctx, sealed)
	if err != nil {
		return Haul{}, err
	}
	for _, name := range names {
		text, ok := opened[name]
		switch {
		case ok:
			key, err := readItem(text)
			h.add(Key{Name: name, Key: key, From: s.shown(name)}, s.about(name, err))
		case sealed[name] != nil:
			h.add(Key{Name: name}, s.about(name, ErrNotOpened))
		}
	}
	return h, nil
}

// open gives the plain text of what a passphrase opens. One from the environment
// is tried once.
func (s *fileStore) open(ctx context.Context, sealed map[string]*jose.JSONWebEncryption) (map[string][]byte, error) {
	again := ""
	for try := 1; ; try++ {
		given, set := s.env.Lookup("AWS_VAULT_FILE_PASSPHRASE")
		passphrase := cred.NewSecret(given)
		if !set {
			var err error
			if passphrase, err = s.env.Ask(ctx, again+"Passphrase of aws-vault's keys in "+s.where+": "); err != nil {
				return nil, err
			}
		}
		opened := map[string][]byte{}
		for name, e := range sealed {
			if text, err := e.Decrypt([]byte(passphrase.Reveal())); err == nil {
				opened[name] = text
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
		if len(opened) > 0 {
			return opened, nil
		}
		if set || try == passphraseTries {
			return nil, &WrongPassphraseError{Where: s.where}
		}
		again = "Wrong. "
	}
}

// names are the items of the folder.
func (s *fileStore) names() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, place(s.where, err)
	}
	var names []string
	s.files = map[string]string{}
	for _, e := range entries {
		name, err := url.PathUnescape(e.Name())
		if err != nil {
			name = e.Name() // not of aws-vault; read says so
		}
		names = append(names, name)
		s.files[name] = e.Name()
	}
	return names, nil
}

func (s *fileStore) shown(name string) string { return filepath.Join(s.where, s.files[name]) }

// about makes an error name the item's file.
func (s *fileStore) about(name string, err error) error {
	if err == nil || errors.Is(err, errTemporary) {
		return err
	}
	return place(s.shown(name), err)
}

// read reads one item's file, without opening the item.
func (s *fileStore) read(name string) (*jose.JSONWebEncryption, error) {
	text, err := readRegular(filepath.Join(s.dir, s.files[name]))
	if err != nil {
		return nil, s.about(name, err)
	}
	e, err := parseSealed(string(text))
	return e, s.about(name, err)
}

// readRegular reads a small file, and nothing that would make it wait.
func readRegular(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostItem+1))
	if err == nil && len(text) > mostItem {
		err = fmt.Errorf("it is larger than %d MiB", mostItem>>20)
	}
	return text, err
}

// parseSealed takes an encrypted item apart, and refuses what it could not have
// been written as.
func parseSealed(text string) (*jose.JSONWebEncryption, error) {
	parts := strings.Split(strings.TrimSpace(text), ".")
	protected, err := base64.RawURLEncoding.DecodeString(parts[0])
	var header struct {
		Algorithm  string  `json:"alg"`
		Encryption string  `json:"enc"`
		Iterations float64 `json:"p2c"`
	}
	if err != nil || json.Unmarshal(protected, &header) != nil || header.Algorithm == "" {
		return nil, errNoItem
	}
	switch {
	case len(parts) != 5:
		return nil, errors.New("it is cut short")
	case header.Algorithm != string(jose.PBES2_HS256_A128KW), header.Encryption != string(jose.A256GCM):
		return nil, fmt.Errorf("it is encrypted by %q and %q, not as aws-vault does it", header.Algorithm, header.Encryption)
	case header.Iterations < 1 || header.Iterations > mostIterations:
		return nil, fmt.Errorf("it asks for %.0f iterations to make a key of the passphrase, at most %d are done", header.Iterations, mostIterations)
	}
	e, err := jose.ParseEncryptedCompact(strings.TrimSpace(text), []jose.KeyAlgorithm{jose.PBES2_HS256_A128KW}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return nil, errors.New("it is damaged")
	}
	return e, nil
}
