package unlock_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/godbus/dbus/v5"
	"github.com/google/go-cmp/cmp"

	"fob/internal/cred"
	"fob/internal/keep/desktop"
	"fob/internal/keep/unlock"
)

// long are limits that no test reaches.
func long() desktop.Limits {
	return desktop.Limits{Call: time.Minute, Start: time.Minute, Person: time.Minute}
}

// A bus that is not there, or is none, is told apart, and nobody waits for it.
func TestSecretServiceWithoutBus(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	silent, rude := listen(t, filepath.Join(dir, "silent"), ""), listen(t, filepath.Join(dir, "rude"), "HTTP/1.1 400 CANARY\r\n\r\n")
	empty := startBus(t)
	for name, c := range map[string]struct{ variable, value, want string }{
		"none":          {"X", "", "there is no D-Bus session, and so no store of a desktop"},
		"empty":         {"DBUS_SESSION_BUS_ADDRESS", "", "there is no D-Bus session, and so no store of a desktop"},
		"no socket":     {"DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/CANARY", "the D-Bus session cannot be reached: no such file or directory"},
		"no address":    {"DBUS_SESSION_BUS_ADDRESS", "CANARY", "the D-Bus session cannot be reached: DBUS_SESSION_BUS_ADDRESS names no unix: socket"},
		"half":          {"DBUS_SESSION_BUS_ADDRESS", "unix:", "the D-Bus session cannot be reached: it does not speak D-Bus, or its address is none"},
		"network":       {"DBUS_SESSION_BUS_ADDRESS", "tcp:host=127.0.0.1,port=1", "the D-Bus session cannot be reached: DBUS_SESSION_BUS_ADDRESS names no unix: socket"},
		"autolaunch":    {"DBUS_SESSION_BUS_ADDRESS", "autolaunch:", "the D-Bus session cannot be reached: DBUS_SESSION_BUS_ADDRESS names no unix: socket"},
		"program":       {"DBUS_SESSION_BUS_ADDRESS", "unixexec:path=/bin/false", "the D-Bus session cannot be reached: DBUS_SESSION_BUS_ADDRESS names no unix: socket"},
		"no D-Bus":      {"DBUS_SESSION_BUS_ADDRESS", rude, "the D-Bus session cannot be reached: it does not speak D-Bus, or its address is none"},
		"silent":        {"DBUS_SESSION_BUS_ADDRESS", silent, "the D-Bus session cannot be reached: it does not answer"},
		"no service":    {"DBUS_SESSION_BUS_ADDRESS", empty, "the service is not running"},
		"second is it":  {"DBUS_SESSION_BUS_ADDRESS", "tcp:host=127.0.0.1,port=1;" + empty, "the service is not running"},
		"run directory": {"XDG_RUNTIME_DIR", "/nonexistent", "there is no D-Bus session, and so no store of a desktop"},
		"relative":      {"XDG_RUNTIME_DIR", ".", "there is no D-Bus session, and so no store of a desktop"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limits := long()
			if name == "silent" {
				limits.Call = 50 * time.Millisecond
			}
			k := unlock.SecretServiceWithin(limits)
			env := unlock.Env{Dir: filepath.Join(t.TempDir(), "slots"), Lookup: func(name string) (string, bool) {
				if name != c.variable {
					return "", false
				}
				return c.value, true
			}}
			if err := k.Available(t.Context(), env); outcome(err) != c.want {
				t.Errorf("Available: %v", err)
			}
			err := k.Open(env).Save(t.Context(), cred.NewSecret(identity))
			if outcome(err) != "secret-service: "+c.want {
				t.Errorf("Save: %v", err)
			}
			if keeper := (*unlock.KeeperError)(nil); !errors.As(err, &keeper) {
				t.Errorf("Save gives %T", err)
			}
		})
	}
}

// listen takes connections, and says one thing to each.
func listen(t *testing.T, path, says string) (address string) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			if says != "" {
				_, _ = conn.Write([]byte(says))
			}
		}
	}()
	return "unix:path=" + path
}

// doing is what is done to a store whose key lies in the fake service.
type doing func(context.Context, unlock.Kind, unlock.Env) error

func loading(ctx context.Context, k unlock.Kind, e unlock.Env) error {
	_, err := k.Open(e).Load(ctx)
	return err
}

func saving(ctx context.Context, k unlock.Kind, e unlock.Env) error {
	return k.Open(e).Save(ctx, cred.NewSecret(identity))
}

func using(ctx context.Context, k unlock.Kind, e unlock.Env) error { return k.Open(e).Usable(ctx) }

func looking(ctx context.Context, k unlock.Kind, e unlock.Env) error { return k.Available(ctx, e) }

func forgetting(ctx context.Context, k unlock.Kind, e unlock.Env) error { return k.Open(e).Forget(ctx) }

// Whatever a service does, it is told in words, and no text of the service's.
func TestSecretServiceFaults(t *testing.T) {
	t.Parallel()
	short := func(what func(*desktop.Limits, time.Duration)) func(*desktop.Limits) {
		return func(l *desktop.Limits) { what(l, 50*time.Millisecond) }
	}
	shortCall := short(func(l *desktop.Limits, d time.Duration) { l.Call = d })
	blink := short(func(l *desktop.Limits, d time.Duration) { l.Blink = time.Hour })
	shortPerson := short(func(l *desktop.Limits, d time.Duration) { l.Person = d })
	locked := func(f *fakeService) { f.locked = true }
	for name, c := range map[string]struct {
		change func(*fakeService)
		limit  func(*desktop.Limits)
		do     doing
		want   string
	}{
		"well":                   {func(*fakeService) {}, nil, loading, "ok"},
		"well to use":            {func(*fakeService) {}, nil, using, "ok"},
		"well to keep":           {func(*fakeService) {}, nil, looking, "ok"},
		"locked and answered":    {locked, nil, loading, "ok"},
		"locked and to use":      {func(f *fakeService) { f.locked = true; f.answers["Prompt"] = f.never }, nil, using, "ok"},
		"locked and dismissed":   {func(f *fakeService) { f.locked = true; f.answers["Prompt"] = f.dismissed }, nil, loading, "it is locked, and its question was dismissed"},
		"locked and no window":   {func(f *fakeService) { f.locked = true; f.answers["Prompt"] = f.dismissed }, blink, loading, "it is locked, and its question ended at once, as where it can open no window"},
		"locked and nobody":      {func(f *fakeService) { f.locked = true; f.answers["Prompt"] = gives() }, shortPerson, loading, "it is locked, and its question was not answered within 50ms"},
		"locked and no question": {func(f *fakeService) { f.locked = true; f.answers["Prompt"] = f.never }, shortCall, loading, "it did not answer within 50ms"},
		"locked and garbage":     {func(f *fakeService) { f.locked = true; f.answers["Prompt"] = f.mumbles }, nil, loading, "it answered Prompt in a form that nobody knows"},
		"still locked":           {func(f *fakeService) { f.answers["GetSecret"] = refuses("org.freedesktop.Secret.Error.IsLocked") }, nil, loading, "it is locked"},
		"ends while it asks":     {func(f *fakeService) { f.locked = true; f.answers["Prompt"] = f.dies }, nil, loading, "it has ended"},
		"late":                   {func(f *fakeService) { f.answers["SearchItems"] = f.never }, shortCall, loading, "it did not answer within 50ms"},
		"late with the text":     {func(f *fakeService) { f.answers["GetSecret"] = f.never }, shortCall, loading, "it did not answer within 50ms"},
		"late to use":            {func(f *fakeService) { f.answers["SearchItems"] = f.never }, shortCall, using, "it did not answer within 50ms"},
		"late to keep":           {func(f *fakeService) { f.answers["OpenSession"] = f.never }, shortCall, looking, "it did not answer within 50ms"},
		"plain":                  {func(f *fakeService) { f.answers["OpenSession"] = onlyPlain }, nil, loading, "it does not encrypt what goes over the bus"},
		"plain to save":          {func(f *fakeService) { f.text = nil; f.answers["OpenSession"] = onlyPlain }, nil, saving, "it does not encrypt what goes over the bus"},
		"plain to keep":          {func(f *fakeService) { f.answers["OpenSession"] = onlyPlain }, nil, looking, "it does not encrypt what goes over the bus"},
		"key of 1":               {func(f *fakeService) { f.answers["OpenSession"] = gives(dbus.MakeVariant([]byte{1}), promptPath) }, nil, loading, "it did not agree on a key for what goes over the bus"},
		"key of text":            {func(f *fakeService) { f.answers["OpenSession"] = gives(dbus.MakeVariant("CANARY"), promptPath) }, nil, loading, "it did not agree on a key for what goes over the bus"},
		"no session":             {func(f *fakeService) { f.answers["OpenSession"] = gives("CANARY") }, nil, loading, "it answered OpenSession in a form that nobody knows"},
		"search in words":        {func(f *fakeService) { f.answers["SearchItems"] = gives("CANARY", "CANARY") }, nil, loading, "it answered SearchItems in a form that nobody knows"},
		"lock in words":          {func(f *fakeService) { f.answers["Locked"] = gives(dbus.MakeVariant("CANARY")) }, nil, loading, "it answered Locked in a form that nobody knows"},
		"text of numbers":        {func(f *fakeService) { f.answers["GetSecret"] = gives(int32(7)) }, nil, loading, "it answered GetSecret in a form that nobody knows"},
		"text in the clear":      {func(f *fakeService) { f.answers["GetSecret"] = gives(sent{promptPath, nil, []byte("CANARY"), ""}) }, nil, loading, "it sent what is not encrypted as agreed"},
		"half a block": {func(f *fakeService) {
			f.answers["GetSecret"] = gives(sent{promptPath, make([]byte, 16), make([]byte, 15), ""})
		}, nil, loading, "it sent what is not encrypted as agreed"},
		"no key":                   {func(f *fakeService) { f.text = []byte("CANARY") }, nil, loading, "what it has for this store is not the key of a slot"},
		"no item":                  {func(f *fakeService) { f.text = nil }, nil, loading, "it has no key for this store"},
		"no item to use":           {func(f *fakeService) { f.text = nil }, nil, using, "it has no key for this store"},
		"no default to keep":       {func(f *fakeService) { f.answers["ReadAlias"] = gives(dbus.ObjectPath("/")) }, nil, looking, "it has no default collection"},
		"no default to save":       {func(f *fakeService) { f.text = nil; f.answers["ReadAlias"] = gives(dbus.ObjectPath("/")) }, nil, saving, "it has no default collection"},
		"refuses":                  {func(f *fakeService) { f.answers["GetSecret"] = refuses("org.example.Error.Denied") }, nil, loading, "it refused GetSecret (org.example.Error.Denied)"},
		"knows it the second time": {func(f *fakeService) { f.answers["SearchItems"] = f.atFirst(1) }, nil, loading, "ok"},
		"never knows it":           {func(f *fakeService) { f.answers["SearchItems"] = f.atFirst(99) }, nil, loading, "it refused SearchItems (org.freedesktop.DBus.Error.UnknownMethod)"},
		"refuses to save":          {func(f *fakeService) { f.text = nil; f.answers["CreateItem"] = refuses("org.example.Error.Full") }, nil, saving, "it refused CreateItem (org.example.Error.Full)"},
		"saves nowhere": {func(f *fakeService) {
			f.text = nil
			f.answers["CreateItem"] = gives(dbus.ObjectPath("/"), dbus.ObjectPath("/"))
		}, nil, saving, "it answered CreateItem in a form that nobody knows"},
		"loses what it keeps": {func(f *fakeService) { f.text = nil; f.answers["CreateItem"] = gives(itemPath, dbus.ObjectPath("/")) }, nil, saving, "it has no key for this store"},
		"refuses to forget":   {func(f *fakeService) { f.answers["Delete"] = refuses("org.example.Error.Denied") }, nil, forgetting, "it refused Delete (org.example.Error.Denied)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, env := kept(t)
			f.change(c.change)
			limits := long()
			if c.limit != nil {
				c.limit(&limits)
			}
			want := c.want
			if want != "ok" && !strings.HasSuffix(name, "to keep") {
				want = "secret-service: " + want
			}
			if err := c.do(t.Context(), unlock.SecretServiceWithin(limits), env); outcome(err) != want {
				t.Errorf("%v, want %s", err, want)
			}
		})
	}
}

// kept gives a fake service on a bus of its own, and a store whose key it has.
func kept(t *testing.T) (*fakeService, unlock.Env) {
	t.Helper()
	address := startBus(t)
	f := serveSecrets(t, address)
	env := unlock.Env{Dir: filepath.Join(t.TempDir(), "slots"), Lookup: onBus(address)}
	if err := saving(t.Context(), unlock.SecretServiceWithin(long()), env); err != nil {
		t.Fatal(err)
	}
	return f, env
}

func (f *fakeService) dismissed([]any) ([]any, error) { return nil, f.completed(true) }

func (f *fakeService) mumbles([]any) ([]any, error) {
	return nil, f.conn.Emit(promptPath, "org.freedesktop.Secret.Prompt.Completed", "CANARY")
}

// dies leaves the bus with its question open.
func (f *fakeService) dies([]any) ([]any, error) {
	go func() { _ = f.conn.Close() }()
	return nil, nil
}

func onlyPlain(args []any) ([]any, error) {
	if args[0] != "plain" {
		return nil, dbus.NewError("org.freedesktop.DBus.Error.NotSupported", nil)
	}
	return []any{dbus.MakeVariant(""), dbus.ObjectPath("/session/1")}, nil
}

// A person is told what is waited for, and where nobody may be asked nothing is.
func TestSecretServiceUnattended(t *testing.T) {
	t.Parallel()
	f, env := kept(t)
	f.change(func(f *fakeService) {
		f.locked = true
		f.answers["Prompt"] = func([]any) ([]any, error) {
			t.Error("it asks")
			return nil, f.completed(true)
		}
	})
	alone, told := true, ""
	env.Unattended, env.Notice = func() bool { return alone }, func(text string) { told += text }
	k := unlock.SecretServiceWithin(long())
	for i, do := range []doing{loading, saving, forgetting} {
		err := do(t.Context(), k, env)
		if outcome(err) != "secret-service: it is locked, and nobody may be asked" || !errors.Is(err, unlock.ErrUnattended) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if told != "" {
		t.Errorf("told %q", told)
	}
	f, env = kept(t)
	f.change(func(f *fakeService) { f.locked = true })
	alone, env.Notice = false, func(text string) { told += text }
	if err := loading(t.Context(), k, env); err != nil || told != "waiting up to 1m0s for an answer in the window of the desktop's keyring" {
		t.Errorf("told %q, %v", told, err)
	}
}

// A person who gives up ends every wait and the conversation. The service's dialog
// is left alone: GNOME Keyring does not outlive a dismissal.
func TestSecretServiceCancelled(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"SearchItems", "OpenSession", "Unlock", "Prompt", "asked", "GetSecret"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, env := kept(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			stop := func([]any) ([]any, error) {
				cancel()
				<-f.over
				return nil, nil
			}
			f.change(func(f *fakeService) {
				f.locked = name == "Unlock" || name == "Prompt" || name == "asked"
				f.answers[name] = stop
				f.answers["Dismiss"] = func([]any) ([]any, error) {
					t.Error("the question is dismissed")
					return nil, nil
				}
				if name == "asked" {
					f.answers["Prompt"] = func([]any) ([]any, error) {
						go cancel()
						return nil, nil
					}
				}
			})
			err := loading(ctx, unlock.SecretServiceWithin(long()), env)
			if !errors.Is(err, context.Canceled) || err.Error() != "context canceled" {
				t.Errorf("Load: %v", err)
			}
			there := true
			for there && t.Context().Err() == nil { // the bus may learn of the end a moment later
				f.change(func(f *fakeService) {
					if err := f.conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, f.client).Store(&there); err != nil {
						t.Fatal(err)
					}
				})
			}
		})
	}
}

// Looking starts nothing, and what is wanted is started, or it is said why not.
func TestSecretServiceStarted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	trap, sprung := filepath.Join(dir, "trap"), filepath.Join(dir, "sprung")
	write(t, trap, "#!/bin/sh\necho started >>"+sprung+"\nexit 1\n", 0o700)
	write(t, filepath.Join(dir, "secrets.service"), "[D-BUS Service]\nName=org.freedesktop.secrets\nExec="+trap+"\n", 0o600)
	env := unlock.Env{Dir: filepath.Join(t.TempDir(), "slots"), Lookup: onBus(startBus(t, dir))}
	k := unlock.SecretServiceWithin(long())
	if err := looking(t.Context(), k, env); err != nil {
		t.Errorf("Available: %v", err)
	}
	if err := using(t.Context(), k, env); !errors.Is(err, unlock.ErrNoSlot) {
		t.Errorf("Usable: %v", err)
	}
	if what, err := k.Open(env).(unlock.Locker).Lock(t.Context()); what != "" || err != nil {
		t.Errorf("Lock: %q, %v", what, err)
	}
	if _, err := os.Stat(sprung); err == nil {
		t.Error("looking has started the service")
	}
	if err := saving(t.Context(), k, env); outcome(err) != "secret-service: the service is not running, and cannot be started here" {
		t.Errorf("Save: %v", err)
	}
	if text, err := os.ReadFile(sprung); err != nil || string(text) != "started\n" {
		t.Errorf("the trap catches nothing: %q, %v", text, err)
	}
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// The library of D-Bus runs dbus-launch where it looks for a bus by itself. It
// is not parallel, since what it would run is found by the PATH of the process.
func TestSecretServiceLaunchesNothing(t *testing.T) {
	dir := t.TempDir()
	sprung := filepath.Join(dir, "sprung")
	for _, name := range []string{"dbus-launch", "dbus-daemon", "gnome-keyring-daemon"} {
		write(t, filepath.Join(dir, name), "#!/bin/sh\n: >"+sprung+"\n", 0o700)
	}
	t.Setenv("PATH", dir)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "autolaunch:")
	for _, address := range []string{"", "autolaunch:", "unix:path=/nonexistent"} {
		env := unlock.Env{Dir: filepath.Join(t.TempDir(), "slots"), Lookup: onBus(address)}
		k := unlock.SecretServiceWithin(long())
		for _, do := range []doing{looking, using, loading, saving} {
			if err := do(t.Context(), k, env); err == nil {
				t.Errorf("%q is a bus", address)
			}
		}
		if err := forgetting(t.Context(), k, env); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(sprung); err == nil {
		t.Error("a program was run")
	}
	if err := exec.Command("dbus-launch").Run(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(sprung); err != nil {
		t.Error("the trap catches nothing")
	}
}

// What is kept is small enough for every keeper (2,560 bytes as UTF-16), and
// tells the stores apart without naming their folders.
func TestSecretServiceItem(t *testing.T) {
	t.Parallel()
	f, env := kept(t)
	f.change(func(f *fakeService) {
		if n := 2 * len(utf16.Encode([]rune(string(f.text)))); len(f.text) != 74 || n > 2560 {
			t.Errorf("the text has %d bytes, %d as UTF-16", len(f.text), n)
		}
	})
	stores := map[string]bool{}
	var label string // both are read after the answer has come
	var attributes map[string]string
	create := func(args []any) ([]any, error) {
		properties := args[0].(map[string]dbus.Variant)
		label, _ = properties["org.freedesktop.Secret.Item.Label"].Value().(string)
		attributes, _ = properties["org.freedesktop.Secret.Item.Attributes"].Value().(map[string]string)
		if len(properties) != 2 || args[2] != true {
			t.Errorf("CreateItem got %v", properties)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.usual("CreateItem", args)
	}
	f.change(func(f *fakeService) { f.answers["CreateItem"] = create })
	for _, dir := range []string{env.Dir, env.Dir + "2", filepath.Join(env.Dir, "..", "slots2", "x", "..")} {
		env.Dir = dir
		f.change(func(f *fakeService) { f.text = nil })
		if err := saving(t.Context(), unlock.SecretServiceWithin(long()), env); err != nil {
			t.Fatal(err)
		}
		stores[attributes["store"]] = true
		want := map[string]string{"application": "fob", "store": attributes["store"]}
		if diff := cmp.Diff(want, attributes); diff != "" || label != "fob store "+filepath.Clean(dir) || len(attributes["store"]) != 16 {
			t.Errorf("label %q, attributes %s", label, diff)
		}
	}
	if len(stores) != 2 {
		t.Errorf("two stores have the hashes %v", stores)
	}
}

// What anybody on the bus says in the service's place is not believed.
func TestSecretServiceForgedAnswer(t *testing.T) {
	t.Parallel()
	f, env := kept(t)
	address, _ := env.Lookup("DBUS_SESSION_BUS_ADDRESS")
	other := join(t, address)
	prompt := func([]any) ([]any, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		other.Send(&dbus.Message{Type: dbus.TypeSignal, Body: []any{true, dbus.MakeVariant("")}, Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldDestination: dbus.MakeVariant(f.client), dbus.FieldPath: dbus.MakeVariant(promptPath),
			dbus.FieldInterface: dbus.MakeVariant("org.freedesktop.Secret.Prompt"), dbus.FieldMember: dbus.MakeVariant("Completed"),
			dbus.FieldSignature: dbus.MakeVariant(dbus.SignatureOf(true, dbus.MakeVariant(""))),
		}}, nil)
		// The bus keeps the order of what it passes on.
		if err := other.BusObject().Call("org.freedesktop.DBus.GetId", 0).Err; err != nil {
			return nil, err
		}
		f.locked = false
		return nil, f.completed(false)
	}
	f.change(func(f *fakeService) { f.locked, f.answers["Prompt"] = true, prompt })
	if err := loading(t.Context(), unlock.SecretServiceWithin(long()), env); err != nil {
		t.Error(err)
	}
}
