package desktop

import (
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"fob/internal/cred"

	"github.com/godbus/dbus/v5"
)

// The names of the Secret Service
// (https://specifications.freedesktop.org/secret-service-spec/latest/).
const (
	SecretService = "org.freedesktop.secrets"
	SecretsRoot   = "/org/freedesktop/secrets"

	secretsService    = "org.freedesktop.Secret.Service"
	secretsCollection = "org.freedesktop.Secret.Collection"
	secretsItem       = "org.freedesktop.Secret.Item"
	secretsPrompt     = "org.freedesktop.Secret.Prompt"
	nothing           = Path("/") // where the specification wants a path and there is none
)

// Secrets is a conversation with the Secret Service, as GNOME Keyring, KeePassXC
// and KWallet have one. It stays with the program that had the name at its
// beginning.
type Secrets struct {
	// BeforeQuestion is called before the service puts a question to the person,
	// and with an error forbids it. Nil: nothing is done.
	BeforeQuestion func() error

	bus      *Bus
	owner    string
	transfer transfer
}

// Secrets begins a conversation. Where the service is not running, and is not to
// be or cannot be started, the error is an AbsentError.
func (b *Bus) Secrets(ctx context.Context, start bool) (*Secrets, error) {
	if err := b.Find(ctx, SecretService, start); err != nil {
		return nil, err
	}
	owner, err := b.owner(ctx, SecretService)
	if err != nil {
		return nil, err
	}
	return &Secrets{bus: b, owner: owner}, nil
}

func (s *Secrets) object(path Path) Object { return s.bus.Object(s.owner, path) }
func (s *Secrets) service() Object         { return s.object(SecretsRoot) }

// Collections gives all collections.
func (s *Secrets) Collections(ctx context.Context) (all []Path, err error) {
	return all, s.service().Property(ctx, secretsService+".Collections", &all)
}

// Alias gives the collection that has a name of the specification, such as
// "default", or an AbsentError.
func (s *Secrets) Alias(ctx context.Context, name string) (Path, error) {
	at := nothing
	err := s.service().Call(ctx, secretsService+".ReadAlias", []any{name}, &at)
	if err == nil && at == nothing {
		return "", AbsentError("it has no " + name + " collection")
	}
	return at, err
}

// Items gives the items of a collection that is not locked.
func (s *Secrets) Items(ctx context.Context, collection Path) (all []Path, err error) {
	return all, s.object(collection).Property(ctx, secretsCollection+".Items", &all)
}

// Label gives what people see as the name of an item.
func (s *Secrets) Label(ctx context.Context, item Path) (text string, err error) {
	return text, s.object(item).Property(ctx, secretsItem+".Label", &text)
}

// CollectionLabel gives what people see as the name of a collection.
func (s *Secrets) CollectionLabel(ctx context.Context, collection Path) (text string, err error) {
	return text, s.object(collection).Property(ctx, secretsCollection+".Label", &text)
}

// CollectionLocked says whether a collection is locked.
func (s *Secrets) CollectionLocked(ctx context.Context, collection Path) (locked bool, err error) {
	return locked, s.object(collection).Property(ctx, secretsCollection+".Locked", &locked)
}

// Found is an item that has the attributes.
type Found struct {
	Path   Path
	Locked bool
}

// Collection is where the item lies.
func (f Found) Collection() Path { return Path(path.Dir(string(f.Path))) }

// Search gives the items that have these attributes, those that are not locked
// first. A locked collection may keep to itself what is in it.
func (s *Secrets) Search(ctx context.Context, attributes map[string]string) ([]Found, error) {
	var open, locked []Path
	search := func() error {
		return s.service().Call(ctx, secretsService+".SearchItems", []any{attributes}, &open, &locked)
	}
	err := search()
	// GNOME Keyring was seen, once in many runs, to deny having this method while
	// many callers came and went. Such a call has done nothing, so it is made again.
	for tries := 1; tries <= 3 && unknownMethod(err); tries++ {
		if err := pause(ctx, time.Duration(tries)*20*time.Millisecond); err != nil {
			return nil, err
		}
		err = search()
	}
	if err != nil {
		return nil, err
	}
	var found []Found
	for _, p := range open {
		found = append(found, Found{Path: p})
	}
	for _, p := range locked {
		found = append(found, Found{Path: p, Locked: true})
	}
	return found, nil
}

func unknownMethod(err error) bool {
	refused := (*ReplyError)(nil)
	return errors.As(err, &refused) && refused.Name == "org.freedesktop.DBus.Error.UnknownMethod"
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// Unlock has the service ask the person for what it needs to unlock an item or a
// collection, in a dialog of its own.
func (s *Secrets) Unlock(ctx context.Context, what Path) error {
	var done []Path
	var question Path
	err := s.service().Call(ctx, secretsService+".Unlock", []any{[]Path{what}}, &done, &question)
	if err == nil {
		_, err = s.ask(ctx, question)
	}
	if errors.Is(err, ErrQuestion) {
		return fmt.Errorf("it is locked, and %w", err)
	}
	return err
}

// UnlockItem is Unlock for an item that may not need it.
func (s *Secrets) UnlockItem(ctx context.Context, item Path) error {
	locked := false
	if err := s.object(item).Property(ctx, secretsItem+".Locked", &locked); err != nil || !locked {
		return err
	}
	return s.Unlock(ctx, item)
}

// Lock locks a collection.
func (s *Secrets) Lock(ctx context.Context, collection Path) error {
	var done []Path
	var question Path
	if err := s.service().Call(ctx, secretsService+".Lock", []any{[]Path{collection}}, &done, &question); err != nil {
		return err
	}
	_, err := s.ask(ctx, question)
	return err
}

// CreateCollection makes a collection, for which the service asks the person for
// a password.
func (s *Secrets) CreateCollection(ctx context.Context, label string) (Path, error) {
	properties := map[string]dbus.Variant{secretsCollection + ".Label": dbus.MakeVariant(label)}
	var made, question Path
	if err := s.service().Call(ctx, secretsService+".CreateCollection", []any{properties, ""}, &made, &question); err != nil {
		return "", err
	}
	return s.made(ctx, "CreateCollection", made, question)
}

// made gives the path of what was created, at once or after a question.
func (s *Secrets) made(ctx context.Context, method string, at, question Path) (Path, error) {
	answer, err := s.ask(ctx, question)
	if err != nil {
		return "", err
	}
	if late, ok := answer.Value().(Path); ok && at == nothing {
		at = late
	}
	if at == nothing {
		return "", &FormError{Method: method}
	}
	return at, nil
}

// secret is a secret as it goes over the bus.
type secret struct {
	Session     Path
	Parameters  []byte
	Value       []byte
	ContentType string
}

// Read gives the secret of an item that is not locked. Encrypt or Plain comes first.
func (s *Secrets) Read(ctx context.Context, item Path) (cred.Secret, error) {
	var got secret
	if err := s.object(item).Call(ctx, secretsItem+".GetSecret", []any{s.transfer.path}, &got); err != nil {
		return cred.Secret{}, err
	}
	text, err := s.transfer.decrypt(got.Parameters, got.Value)
	return cred.NewSecret(string(text)), err
}

// Item is what is kept. The label is for people, the attributes are for Search;
// both may stand on the disk in the clear.
type Item struct {
	Label      string
	Attributes map[string]string
	Secret     cred.Secret
}

// Keep puts an item into a collection, in place of one that has the same
// attributes. Encrypt comes first.
func (s *Secrets) Keep(ctx context.Context, collection Path, item Item) (Path, error) {
	iv, value, err := s.transfer.encrypt([]byte(item.Secret.Reveal()))
	if err != nil {
		return "", err
	}
	properties := map[string]dbus.Variant{
		secretsItem + ".Label":      dbus.MakeVariant(item.Label),
		secretsItem + ".Attributes": dbus.MakeVariant(item.Attributes),
	}
	text := secret{Session: s.transfer.path, Parameters: iv, Value: value, ContentType: "text/plain"}
	var made, question Path
	if err := s.object(collection).Call(ctx, secretsCollection+".CreateItem", []any{properties, text, true}, &made, &question); err != nil {
		return "", err
	}
	return s.made(ctx, "CreateItem", made, question)
}

// Delete removes an item.
func (s *Secrets) Delete(ctx context.Context, item Path) error {
	var question Path
	if err := s.object(item).Call(ctx, secretsItem+".Delete", nil, &question); err != nil {
		return err
	}
	_, err := s.ask(ctx, question)
	return err
}
