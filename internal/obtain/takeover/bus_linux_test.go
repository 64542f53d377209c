package takeover

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fob/internal/keep/desktop"

	"github.com/godbus/dbus/v5"
	"github.com/google/go-cmp/cmp"
)

// startBus starts a message bus of the test's own, on which nothing of this
// machine can be started, and gives its address and a connection for services.
func startBus(t *testing.T) (string, *dbus.Conn) {
	t.Helper()
	if _, err := exec.LookPath("dbus-daemon"); err != nil {
		t.Skip("dbus-daemon is missing")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "bus.conf")
	write(t, config, "<busconfig><type>session</type><listen>unix:path="+filepath.Join(dir, "bus")+"</listen>"+
		`<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>`)
	daemon := exec.Command("dbus-daemon", "--nofork", "--print-address", "--config-file="+config)
	daemon.Env = []string{"PATH=" + os.Getenv("PATH")}
	out, err := daemon.StdoutPipe()
	if err == nil {
		err = daemon.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = daemon.Process.Kill()
		_ = daemon.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address = strings.TrimSpace(address)
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return address, conn
}

// serve puts an object on the bus.
func serve(t *testing.T, conn *dbus.Conn, name string, objects map[dbus.ObjectPath]map[string]any) {
	t.Helper()
	for path, faces := range objects {
		for face, methods := range faces {
			if err := conn.ExportMethodTable(methods.(map[string]any), path, face); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := conn.RequestName(name, dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
}

// sent is a secret as the specification of the Secret Service has it on the bus.
type sent struct {
	Session           dbus.ObjectPath
	Parameters, Value []byte
	ContentType       string
}

func TestKWallet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		handle int32
		want   told
		err    string
	}{
		{"opened", 7, told{Keys: []string{`work A CANARY KWallet "aws-vault"`}, Left: []string{"mail: it is nothing that aws-vault has written"}, Sessions: 1}, ""},
		{"refused", -1, told{}, `KWallet "aws-vault": it was not opened`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address, conn := startBus(t)
			closed := make(chan int32, 1)
			serve(t, conn, "org.kde.kwalletd5", map[dbus.ObjectPath]map[string]any{"/modules/kwalletd5": {"org.kde.KWallet": map[string]any{
				"wallets": func() ([]string, *dbus.Error) { return []string{"kdewallet", "aws-vault"}, nil },
				"open":    func(string, int64, string) (int32, *dbus.Error) { return c.handle, nil },
				"close": func(handle int32, _ bool, _ string) (int32, *dbus.Error) {
					closed <- handle
					return 0, nil
				},
				"entryList": func(int32, string, string) ([]string, *dbus.Error) {
					return []string{"work", "mail", "sts.GetSessionToken,d29yaw,,1700000000"}, nil
				},
				"readEntry": func(_ int32, _, key, _ string) ([]byte, *dbus.Error) {
					return []byte(map[string]string{"work": entry, "mail": "CANARY password"}[key]), nil
				},
			}}})
			s := kwallet(world(t, map[string]string{"DBUS_SESSION_BUS_ADDRESS": address}))
			if l, err := s.Look(t.Context()); err != nil || l.Note == "" {
				t.Errorf("look: %+v, %v", l, err)
			}
			h, err := s.Take(t.Context(), nil)
			if diff := cmp.Diff(c.want, tell(h)); diff != "" || said(err) != c.err {
				t.Errorf("%v, -want +got:\n%s", err, diff)
			}
			if c.handle > 0 && <-closed != c.handle {
				t.Error("another wallet was closed")
			}
		})
	}
}

func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestLockedCollection plays a Secret Service whose collection is locked. The
// question that opens it is answered, or dismissed.
func TestLockedCollection(t *testing.T) {
	t.Parallel()
	const collection, item, question = dbus.ObjectPath("/org/freedesktop/secrets/collection/aws_5fvault"), dbus.ObjectPath("/org/freedesktop/secrets/item/1"), dbus.ObjectPath("/org/freedesktop/secrets/prompt/1")
	const where = `Secret Service collection "aws_vault"`
	for _, c := range []struct {
		name      string
		dismissed bool
		want      told
		err       string
	}{
		{"answered", false, told{Keys: []string{"work A CANARY " + where}}, ""},
		{"dismissed", true, told{}, where + ": it is locked, and its question ended at once, as where it can open no window"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address, conn := startBus(t)
			properties := func(values map[string]any) map[string]any {
				return map[string]any{"Get": func(_, name string) (dbus.Variant, *dbus.Error) { return dbus.MakeVariant(values[name]), nil }}
			}
			const props = "org.freedesktop.DBus.Properties"
			serve(t, conn, desktop.SecretService, map[dbus.ObjectPath]map[string]any{
				desktop.SecretsRoot: {
					props: properties(map[string]any{"Collections": []dbus.ObjectPath{"/org/freedesktop/secrets/collection/login", collection}}),
					"org.freedesktop.Secret.Service": map[string]any{
						"Unlock": func([]dbus.ObjectPath) ([]dbus.ObjectPath, dbus.ObjectPath, *dbus.Error) { return nil, question, nil },
						"OpenSession": func(algorithm string, _ dbus.Variant) (dbus.Variant, dbus.ObjectPath, *dbus.Error) {
							if algorithm != "plain" {
								return dbus.MakeVariant(""), "/", dbus.NewError("org.freedesktop.DBus.Error.NotSupported", nil)
							}
							return dbus.MakeVariant(""), "/session/1", nil
						},
					},
				},
				collection: {props: properties(map[string]any{"Locked": true, "Items": []dbus.ObjectPath{item}})},
				item: {
					props: properties(map[string]any{"Locked": false, "Label": "work"}),
					"org.freedesktop.Secret.Item": map[string]any{"GetSecret": func(session dbus.ObjectPath) (sent, *dbus.Error) {
						return sent{Session: session, Value: []byte(entry), ContentType: "application/json"}, nil
					}},
				},
				question: {"org.freedesktop.Secret.Prompt": map[string]any{"Prompt": func(string) *dbus.Error {
					_ = conn.Emit(question, "org.freedesktop.Secret.Prompt.Completed", c.dismissed, dbus.MakeVariant(""))
					return nil
				}}},
			})
			s := secretService(world(t, map[string]string{"DBUS_SESSION_BUS_ADDRESS": address, "AWS_VAULT_SECRET_SERVICE_COLLECTION_NAME": "aws_vault"}))
			if l, err := s.Look(t.Context()); err != nil || !strings.Contains(l.Note, "locked") {
				t.Errorf("look: %+v, %v", l, err)
			}
			h, err := s.Take(t.Context(), nil)
			if diff := cmp.Diff(c.want, tell(h)); diff != "" || said(err) != c.err {
				t.Errorf("%v, -want +got:\n%s", err, diff)
			}
		})
	}
}

// Without a bus, or without the services on it, there is nothing to take, and
// looking says so without starting anything.
func TestNoDesktop(t *testing.T) {
	t.Parallel()
	address, _ := startBus(t)
	for _, c := range []struct{ address, want string }{
		{"", "there is no D-Bus session"}, {"unix:path=/nonexistent", "cannot be reached"}, {address, ""},
	} {
		for _, s := range systemSources(world(t, map[string]string{"DBUS_SESSION_BUS_ADDRESS": c.address})) {
			_, look := s.Look(t.Context())
			_, take := s.Take(t.Context(), nil)
			if !errors.Is(look, fs.ErrNotExist) || !errors.Is(take, fs.ErrNotExist) || !strings.Contains(take.Error(), c.want) {
				t.Errorf("%s on %q: %v; %v", s.Name(), c.address, look, take)
			}
		}
	}
}
