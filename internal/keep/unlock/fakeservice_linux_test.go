package unlock_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"math/big"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"
)

const (
	loginPath  = dbus.ObjectPath("/org/freedesktop/secrets/collection/login")
	itemPath   = loginPath + "/1"
	promptPath = dbus.ObjectPath("/org/freedesktop/secrets/prompt/1")
)

// answer is what a method gives.
type answer func(args []any) ([]any, error)

func gives(values ...any) answer { return func([]any) ([]any, error) { return values, nil } }

func refuses(name string) answer {
	return func([]any) ([]any, error) {
		return nil, dbus.NewError(name, []any{"CANARY what the service was given"})
	}
}

// fakeService plays a Secret Service with one collection and one item at most.
// Each answer can be put in place of the right one, by the method's name.
type fakeService struct {
	conn *dbus.Conn
	over chan struct{} // closed at the end of the test

	mu      sync.Mutex
	answers map[string]answer
	locked  bool
	text    []byte // of the item; nil: none
	key     []byte // of the last session
	client  string // who called last
}

func serveSecrets(t *testing.T, address string) *fakeService {
	t.Helper()
	f := &fakeService{over: make(chan struct{}), answers: map[string]answer{}}
	conn, err := dbus.Connect(address, dbus.WithHandler(f))
	if err != nil {
		t.Fatal(err)
	}
	f.conn = conn
	t.Cleanup(func() {
		close(f.over)
		_ = conn.Close()
	})
	if _, err := conn.RequestName("org.freedesktop.secrets", dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	return f
}

// atFirst does not know its own method so many times.
func (f *fakeService) atFirst(times int) answer {
	return func([]any) ([]any, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if times--; times >= 0 {
			return nil, dbus.ErrMsgUnknownMethod
		}
		return f.search()
	}
}

// never answers before the test ends.
func (f *fakeService) never([]any) ([]any, error) {
	<-f.over
	return nil, nil
}

// change changes what the service has, or what it answers.
func (f *fakeService) change(how func(*fakeService)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	how(f)
}

// The next three make it a handler of the library: every object has every method.
func (f *fakeService) LookupObject(dbus.ObjectPath) (dbus.ServerObject, bool) { return f, true }
func (f *fakeService) LookupInterface(string) (dbus.Interface, bool)          { return f, true }
func (f *fakeService) LookupMethod(name string) (dbus.Method, bool)           { return method{f, name}, true }

type method struct {
	f    *fakeService
	name string
}

func (m method) NumArguments() int     { return 0 }
func (m method) NumReturns() int       { return 0 }
func (m method) ArgumentValue(int) any { return nil }
func (m method) ReturnValue(int) any   { return nil }
func (m method) DecodeArguments(_ *dbus.Conn, from string, _ *dbus.Message, args []any) ([]any, error) {
	m.f.change(func(f *fakeService) { f.client = from })
	return args, nil
}

func (m method) Call(args ...any) ([]any, error) {
	name := m.name
	if name == "Get" {
		name, _ = args[1].(string)
	}
	m.f.mu.Lock()
	a := m.f.answers[name]
	m.f.mu.Unlock()
	if a != nil {
		return a(args)
	}
	m.f.mu.Lock()
	defer m.f.mu.Unlock()
	return m.f.usual(name, args)
}

func (f *fakeService) usual(name string, args []any) ([]any, error) {
	const nothing = dbus.ObjectPath("/")
	switch name {
	case "OpenSession":
		return f.openSession(args)
	case "ReadAlias":
		return []any{loginPath}, nil
	case "SearchItems":
		return f.search()
	case "Locked":
		return []any{dbus.MakeVariant(f.locked)}, nil
	case "Unlock":
		if f.locked {
			return []any{[]dbus.ObjectPath{}, promptPath}, nil
		}
		return []any{args[0], nothing}, nil
	case "Prompt":
		f.locked = false
		return nil, f.completed(false)
	case "CreateItem":
		sent := args[1].([]any)
		f.text = crypt(f.key, sent[1].([]byte), sent[2].([]byte))
		return []any{itemPath, nothing}, nil
	case "GetSecret":
		iv, value, err := encrypt(f.key, f.text)
		return []any{sent{"/session/1", iv, value, "text/plain"}}, err
	case "Delete":
		f.text = nil
		return []any{nothing}, nil
	}
	return nil, dbus.ErrMsgUnknownMethod
}

// sent is a secret as it goes over the bus.
type sent struct {
	Session           dbus.ObjectPath
	Parameters, Value []byte
	ContentType       string
}

// completed tells what came of the question.
func (f *fakeService) completed(dismissed bool) error {
	return f.conn.Emit(promptPath, "org.freedesktop.Secret.Prompt.Completed", dismissed, dbus.MakeVariant(""))
}

func (f *fakeService) search() ([]any, error) {
	open, locked := []dbus.ObjectPath{}, []dbus.ObjectPath{}
	switch {
	case f.text == nil:
	case f.locked:
		locked = append(locked, itemPath)
	default:
		open = append(open, itemPath)
	}
	return []any{open, locked}, nil
}

func (f *fakeService) openSession(args []any) ([]any, error) {
	if args[0] != "dh-ietf1024-sha256-aes128-cbc-pkcs7" {
		return nil, dbus.NewError("org.freedesktop.DBus.Error.NotSupported", nil)
	}
	prime, _ := new(big.Int).SetString("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"+
		"EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE6"+
		"49286651ECE65381FFFFFFFFFFFFFFFF", 16)
	private := big.NewInt(0x0c0ffee) // what it guards is CANARY
	peer := new(big.Int).SetBytes(args[1].(dbus.Variant).Value().([]byte))
	shared := peer.Exp(peer, private, prime).FillBytes(make([]byte, 128))
	key, err := hkdf.Key(sha256.New, shared, nil, "", aes.BlockSize)
	f.key = key
	public := new(big.Int).Exp(big.NewInt(2), private, prime)
	return []any{dbus.MakeVariant(public.FillBytes(make([]byte, 128))), dbus.ObjectPath("/session/1")}, err
}

// crypt undoes encrypt.
func crypt(key, iv, value []byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	text := make([]byte, len(value))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(text, value)
	return text[:len(text)-int(text[len(text)-1])]
}
