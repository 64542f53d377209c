package takeover

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"fob/internal/cred"
	"fob/internal/keep/desktop"
)

// secretService is aws-vault's collection in the desktop's Secret Service, as
// GNOME Keyring and KeePassXC have one. The label of an item is its name.
func secretService(env Env) Source {
	collection := env.lookup("AWS_VAULT_SECRET_SERVICE_COLLECTION_NAME")
	if collection == "" {
		collection = "awsvault"
	}
	where := fmt.Sprintf("Secret Service collection %q", collection)
	return itemStore{name: "aws-vault-secret-service", where: where, open: func(ctx context.Context, ask bool) (shelf, error) {
		b, err := connect(ctx, env)
		if err != nil {
			return shelf{}, err
		}
		opened, err := openCollection(ctx, b, collection, ask)
		if err != nil {
			b.Close()
			return shelf{}, place(where, absent(err))
		}
		opened.close = b.Close
		return opened, nil
	}}
}

func openCollection(ctx context.Context, b *desktop.Bus, name string, ask bool) (shelf, error) {
	s, err := b.Secrets(ctx, ask)
	if err != nil {
		return shelf{}, err
	}
	collection, err := findCollection(ctx, s, name)
	if err != nil {
		return shelf{}, err
	}
	locked, err := s.CollectionLocked(ctx, collection)
	if err != nil {
		return shelf{}, err
	}
	switch {
	case locked && !ask:
		return shelf{note: "(locked; what is in it is known when it is unlocked)"}, nil
	case locked:
		if err := s.Unlock(ctx, collection); err != nil {
			return shelf{}, err
		}
	}
	items, err := s.Items(ctx, collection)
	if err != nil {
		return shelf{}, err
	}
	byName := map[string]desktop.Path{}
	var out shelf
	for _, item := range items {
		label, err := s.Label(ctx, item)
		if err != nil {
			return shelf{}, err
		}
		if _, twice := byName[label]; !twice { // aws-vault takes the first, too
			out.names = append(out.names, label)
			byName[label] = item
		}
	}
	out.read = func(name string) (cred.AccessKey, error) { return readSecret(ctx, s, byName[name]) }
	return out, nil
}

// findCollection gives the collection whose path ends in the name, as aws-vault
// finds it: in a path, what is no letter or digit is written _ and two
// hexadecimal digits.
func findCollection(ctx context.Context, s *desktop.Secrets, name string) (desktop.Path, error) {
	all, err := s.Collections(ctx)
	if err != nil {
		return "", err
	}
	for _, path := range all {
		if rest, ok := strings.CutPrefix(string(path), desktop.SecretsRoot+"/collection/"); ok && unescaped(rest) == name {
			return path, nil
		}
	}
	return "", absentError("there is no such collection")
}

func unescaped(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '_' && i+3 <= len(text) {
			if raw, err := hex.DecodeString(text[i+1 : i+3]); err == nil {
				b.Write(raw)
				i += 2
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// readSecret takes a service as it is: where it knows no encryption, the bus is
// as private as its socket, which is the person's own.
func readSecret(ctx context.Context, s *desktop.Secrets, item desktop.Path) (cred.AccessKey, error) {
	if err := s.UnlockItem(ctx, item); err != nil {
		return cred.AccessKey{}, err
	}
	err := s.Encrypt(ctx)
	if errors.Is(err, desktop.ErrPlain) {
		err = s.Plain(ctx)
	}
	if err != nil {
		return cred.AccessKey{}, err
	}
	text, err := s.Read(ctx, item)
	if err != nil {
		return cred.AccessKey{}, err
	}
	return readItem([]byte(text.Reveal()))
}
