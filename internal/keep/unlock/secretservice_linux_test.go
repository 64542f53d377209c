package unlock_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/google/go-cmp/cmp"

	"fob/internal/cred"
	"fob/internal/keep/unlock"
	"fob/internal/keep/unlock/unlocktest"
)

func kind(t *testing.T, name string) unlock.Kind {
	t.Helper()
	for _, k := range unlock.Kinds() {
		if k.Name == name {
			return k
		}
	}
	t.Fatalf("no kind %s", name)
	return unlock.Kind{}
}

func onBus(address string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if name != "DBUS_SESSION_BUS_ADDRESS" {
			return "", false
		}
		return address, true
	}
}

func TestSecretServiceContract(t *testing.T) {
	t.Parallel()
	for name, collection := range map[string]string{"default": "", "own": "of CANARY's own"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := startBus(t)
			startKeyring(t, address, keyringHome(t))
			newPerson(t, address, "CANARY own")
			env := unlock.Env{Dir: filepath.Join(t.TempDir(), "slots"), Lookup: onBus(address), Settings: map[string]string{"collection": collection}}
			open := kind(t, "secret-service").Open
			// The collection is made before the others look for it at the same time.
			if err := open(env).Save(t.Context(), cred.NewSecret(identity)); err != nil {
				t.Fatal(err)
			}
			// The group holds the parallel tests, so that they end before the bus does.
			t.Run("group", func(t *testing.T) {
				unlocktest.RunSparsely(t, func(_ *testing.T, e unlock.Env) unlock.Unlocker {
					e.Lookup, e.Settings = env.Lookup, env.Settings
					return open(e)
				})
			})
		})
	}
}

// keyringDesk is GNOME Keyring and a person before it.
type keyringDesk struct {
	*person
	t       *testing.T
	address string
	dir     string // of the slots
	got     []string
}

func (d *keyringDesk) open(collection string) unlock.Unlocker {
	return unlock.SecretServiceWithin(long()).Open(d.env(collection)) // whose dialogs nobody closes too soon
}

func (d *keyringDesk) env(collection string) unlock.Env {
	return unlock.Env{Dir: d.dir, Lookup: onBus(d.address), Settings: map[string]string{"collection": collection}}
}

// note writes down what came of something, the questions, and where the item lies.
func (d *keyringDesk) note(what, came string) {
	d.t.Helper()
	line := []string{what + ":", came}
	for range len(d.asked) {
		line = append(line, "("+<-d.asked+")")
	}
	d.got = append(d.got, strings.Join(append(line, items(d.t, d.address)), " "))
}

func (d *keyringDesk) save(collection string) string {
	return outcome(d.open(collection).Save(d.t.Context(), cred.NewSecret(identity)))
}

func (d *keyringDesk) load() string {
	text, err := d.open("").Load(d.t.Context())
	if err == nil && !text.Equal(cred.NewSecret(identity)) {
		return "another identity"
	}
	return outcome(err)
}

func (d *keyringDesk) lock() string {
	what, err := d.open("").(unlock.Locker).Lock(d.t.Context())
	return what + outcome(err)
}

func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	return err.Error()
}

// The item lies where the settings say, is found without them, moves when they
// change, is locked with its collection and opens again by the service's question.
func TestSecretServiceCollections(t *testing.T) {
	t.Parallel()
	home := keyringHome(t)
	d := &keyringDesk{t: t, address: startBus(t), dir: filepath.Join(t.TempDir(), "slots")}
	startKeyring(t, d.address, home)
	d.person = newPerson(t, d.address, "CANARY own")
	for _, collection := range []string{"", "fob"} {
		if err := kind(t, "secret-service").Available(t.Context(), d.env(collection)); err != nil {
			t.Fatal(err)
		}
	}
	d.note("nothing", d.lock())
	d.note("save", d.save(""))
	d.note("lock", d.lock())
	d.note("move", d.save("fob"))
	d.note("load", d.load())
	d.note("save there", d.save("fob"))
	d.note("lock", d.lock())
	d.note("lock again", d.lock())
	d.note("usable", outcome(d.open("").Usable(t.Context())))
	d.password.Store("")
	d.note("load", d.load())
	d.password.Store("CANARY own")
	d.note("load", d.load())
	other := join(t, d.address).Object("org.freedesktop.secrets", "/org/freedesktop/secrets/collection/fob/1")
	if err := other.SetProperty("org.freedesktop.Secret.Item.Attributes", dbus.MakeVariant(map[string]string{"application": "mail"})); err != nil {
		t.Fatalf("%v, after %q", err, d.got)
	}
	d.note("lost", d.load())
	d.note("save", d.save("fob"))
	d.note("shared", d.lock())
	d.note("forget", outcome(d.open("").Forget(t.Context())))
	want := []string{
		"nothing: ok ",
		"save: ok /login/1",
		"lock: ok /login/1",
		// The second question is there since nobody told GNOME Keyring how good the first answer is.
		"move: ok (Choose password for new keyring) (Store passwords unencrypted?) /fob/1",
		"load: ok /fob/1",
		"save there: ok /fob/1",
		`lock: collection "fob"ok /fob/1 locked`,
		"lock again: ok /fob/1 locked",
		"usable: ok /fob/1 locked",
		"load: secret-service: it is locked, and its question was dismissed (Authentication required) /fob/1 locked",
		"load: ok (Authentication required) /fob/1",
		"lost: secret-service: it has no key for this store ",
		"save: ok /fob/2",
		"shared: ok /fob/2", // another program's item is in it now
		"forget: ok ",
	}
	if diff := cmp.Diff(want, d.got); diff != "" {
		t.Error(diff)
	}
	wantNoLeak(t, home)
}

// items lists where the service has items of fob.
func items(t *testing.T, address string) string {
	t.Helper()
	var open, locked []dbus.ObjectPath
	service := join(t, address).Object("org.freedesktop.secrets", "/org/freedesktop/secrets")
	if err := service.Call("org.freedesktop.Secret.Service.SearchItems", 0, map[string]string{"application": "fob"}).Store(&open, &locked); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, p := range open {
		all = append(all, strings.TrimPrefix(string(p), "/org/freedesktop/secrets/collection"))
	}
	for _, p := range locked {
		all = append(all, strings.TrimPrefix(string(p), "/org/freedesktop/secrets/collection")+" locked")
	}
	return strings.Join(all, ", ")
}

// wantNoLeak looks for the key of the slot, and the folder's name, below dir.
func wantNoLeak(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, ".local", "share", "keyrings", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no keyrings: %v", err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if text := string(data); strings.Contains(text, "AGE-SECRET") || strings.Contains(text, "slots") {
			t.Errorf("%s shows what it keeps", f)
		}
	}
}
