package takeover

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"fob/internal/cred"

	"github.com/godbus/dbus/v5"
)

// The names of the Secret Service
// (https://specifications.freedesktop.org/secret-service-spec/latest/).
const (
	secretsBus        = "org.freedesktop.secrets"
	secretsPath       = "/org/freedesktop/secrets"
	secretsService    = "org.freedesktop.Secret.Service"
	secretsCollection = "org.freedesktop.Secret.Collection"
	secretsItem       = "org.freedesktop.Secret.Item"
	secretsPrompt     = "org.freedesktop.Secret.Prompt"
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
		b, err := newBus(ctx, env, ask)
		if err != nil {
			return shelf{}, err
		}
		opened, err := (&secrets{bus: b, service: b.conn.Object(secretsBus, secretsPath)}).open(collection, ask)
		if err != nil {
			b.close()
			return shelf{}, place(where, err)
		}
		opened.close = b.close
		return opened, nil
	}}
}

// secrets is a conversation with the service.
type secrets struct {
	*bus
	service dbus.BusObject
}

func (s *secrets) object(path dbus.ObjectPath) dbus.BusObject { return s.conn.Object(secretsBus, path) }

func (s *secrets) open(name string, ask bool) (shelf, error) {
	if !s.has(secretsBus) {
		return shelf{}, absentError("the service is not running")
	}
	path, err := s.find(name)
	if err != nil {
		return shelf{}, err
	}
	collection, locked := s.object(path), false
	if err := s.property(collection, secretsCollection, "Locked", &locked); err != nil {
		return shelf{}, err
	}
	switch {
	case locked && !ask:
		return shelf{note: "(locked; what is in it is known when it is unlocked)"}, nil
	case locked:
		if err := s.unlock(path); err != nil {
			return shelf{}, err
		}
	}
	var items []dbus.ObjectPath
	if err := s.property(collection, secretsCollection, "Items", &items); err != nil {
		return shelf{}, err
	}
	byName := map[string]dbus.ObjectPath{}
	var out shelf
	for _, item := range items {
		label := ""
		if err := s.property(s.object(item), secretsItem, "Label", &label); err != nil {
			return shelf{}, err
		}
		if _, twice := byName[label]; !twice { // aws-vault takes the first, too
			out.names = append(out.names, label)
			byName[label] = item
		}
	}
	out.read = func(name string) (cred.AccessKey, error) { return s.read(byName[name]) }
	return out, nil
}

// find gives the collection whose path ends in the name, as aws-vault finds it:
// in a path, what is no letter or digit is written _ and two hexadecimal digits.
func (s *secrets) find(name string) (dbus.ObjectPath, error) {
	var all []dbus.ObjectPath
	if err := s.property(s.service, secretsService, "Collections", &all); err != nil {
		return "", err
	}
	for _, path := range all {
		if rest, ok := strings.CutPrefix(string(path), secretsPath+"/collection/"); ok && unescaped(rest) == name {
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

// unlock has the service ask the person for what it needs, in a dialog of its own.
func (s *secrets) unlock(path dbus.ObjectPath) error {
	var done []dbus.ObjectPath
	var prompt dbus.ObjectPath
	if err := s.call(s.service, secretsService+".Unlock", []any{[]dbus.ObjectPath{path}}, &done, &prompt); err != nil || prompt == "/" {
		return err
	}
	if err := s.conn.AddMatchSignalContext(s.ctx, dbus.WithMatchObjectPath(prompt), dbus.WithMatchInterface(secretsPrompt)); err != nil {
		return err
	}
	signals := make(chan *dbus.Signal, 4)
	s.conn.Signal(signals)
	defer s.conn.RemoveSignal(signals)
	if err := s.call(s.object(prompt), secretsPrompt+".Prompt", []any{""}); err != nil {
		return err
	}
	for {
		select {
		case <-s.ctx.Done():
			return errors.New("it is locked, and its question was not answered")
		case signal, ok := <-signals:
			if !ok {
				return errors.New("the D-Bus session ended")
			}
			if signal.Path != prompt || signal.Name != secretsPrompt+".Completed" || len(signal.Body) == 0 {
				continue
			}
			if dismissed, _ := signal.Body[0].(bool); dismissed {
				return errors.New("it is locked, and its question was dismissed")
			}
			return nil
		}
	}
}

// secret is a secret as it goes over the bus.
type secret struct {
	Session     dbus.ObjectPath
	Parameters  []byte
	Value       []byte
	ContentType string
}

func (s *secrets) read(item dbus.ObjectPath) (cred.AccessKey, error) {
	locked := false
	err := s.property(s.object(item), secretsItem, "Locked", &locked)
	if err == nil && locked {
		err = s.unlock(item)
	}
	if err != nil {
		return cred.AccessKey{}, err
	}
	session, err := s.transfer()
	if err != nil {
		return cred.AccessKey{}, err
	}
	var got secret
	if err := s.call(s.object(item), secretsItem+".GetSecret", []any{session.path}, &got); err != nil {
		return cred.AccessKey{}, err
	}
	text, err := session.decrypt(got.Parameters, got.Value)
	if err != nil {
		return cred.AccessKey{}, err
	}
	return readItem(text)
}
