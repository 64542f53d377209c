package unlock_test

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// startBus starts a message bus of the test's own and gives its address. On it
// can be started what the files in services tell, and nothing of this machine.
func startBus(t *testing.T, services ...string) string {
	t.Helper()
	needTools(t, "dbus-daemon")
	dir := t.TempDir()
	config := filepath.Join(dir, "bus.conf")
	text := "<busconfig><type>session</type><listen>unix:path=" + filepath.Join(dir, "bus") + "</listen>"
	for _, s := range services {
		text += "<servicedir>" + s + "</servicedir>"
	}
	text += `<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
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
	return strings.TrimSpace(address)
}

// needTools skips a test, by name, where a tool is not on the PATH.
func needTools(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is missing", name)
		}
	}
}

func join(t *testing.T, address string) *dbus.Conn {
	t.Helper()
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// startKeyring starts GNOME Keyring on a bus, with an unlocked login collection
// and a home of its own. It gives what ends it.
func startKeyring(t *testing.T, address, home string) (end func()) {
	t.Helper()
	needTools(t, "gnome-keyring-daemon")
	daemon := exec.Command("gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets")
	daemon.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "DBUS_SESSION_BUS_ADDRESS=" + address, "XDG_RUNTIME_DIR=" + t.TempDir()}
	daemon.Stdin = strings.NewReader("CANARY login")
	said := &bytes.Buffer{}
	daemon.Stderr = said
	conn := join(t, address)
	changes := make(chan *dbus.Signal, 16)
	conn.Signal(changes)
	if err := conn.AddMatchSignal(dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, "org.freedesktop.secrets")); err != nil {
		t.Fatal(err)
	}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	end = func() {
		_ = daemon.Process.Kill()
		_ = daemon.Wait()
	}
	t.Cleanup(end)
	for late := time.After(20 * time.Second); ; {
		select {
		case s := <-changes:
			if strings.HasSuffix(s.Name, ".NameOwnerChanged") && s.Body[2] != "" {
				return end
			}
		case <-late:
			t.Fatalf("GNOME Keyring does not come up: %s", said)
		}
	}
}

// person answers the dialogs of GNOME Keyring in place of the program that shows
// them: what it says on the bus is that of gcr's system prompter.
type person struct {
	conn     *dbus.Conn
	password atomic.Value // a string; "" dismisses
	asked    chan string  // what the dialogs say
}

func newPerson(t *testing.T, address, password string) *person {
	t.Helper()
	p := &person{conn: join(t, address), asked: make(chan string, 100)}
	p.password.Store(password)
	const face = "org.gnome.keyring.internal.Prompter"
	if err := p.conn.Export(p, "/org/gnome/keyring/Prompter", face); err != nil {
		t.Fatal(err)
	}
	if _, err := p.conn.RequestName("org.gnome.keyring.SystemPrompter", dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *person) tell(to dbus.Sender, callback dbus.ObjectPath, reply, exchange string) {
	p.conn.Object(string(to), callback).Go("org.gnome.keyring.internal.Prompter.Callback.PromptReady", 0, nil, reply, map[string]dbus.Variant{}, exchange)
}

// BeginPrompting answers by itself, since GNOME Keyring does not hear what comes
// before the answer. The second answer, of the library, goes nowhere.
func (p *person) BeginPrompting(callback dbus.ObjectPath, call dbus.Message, from dbus.Sender) *dbus.Error {
	reply := &dbus.Message{Type: dbus.TypeMethodReply, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldDestination: dbus.MakeVariant(string(from)), dbus.FieldReplySerial: dbus.MakeVariant(call.Serial()),
	}}
	p.conn.Send(reply, nil)
	text, _ := p.exchange("", "")
	p.tell(from, callback, "", text)
	return nil
}

func (p *person) PerformPrompt(callback dbus.ObjectPath, _ string, about map[string]dbus.Variant, theirs string, from dbus.Sender) *dbus.Error {
	message, _ := about["message"].Value().(string)
	p.asked <- message
	password := p.password.Load().(string)
	text, err := p.exchange(theirs, password)
	switch {
	case err != nil:
		return dbus.MakeFailedError(err)
	case password == "":
		p.tell(from, callback, "no", text)
	default:
		p.tell(from, callback, "yes", text)
	}
	return nil
}

func (p *person) StopPrompting(callback dbus.ObjectPath, from dbus.Sender) *dbus.Error {
	p.conn.Object(string(from), callback).Go("org.gnome.keyring.internal.Prompter.Callback.PromptDone", 0, nil)
	return nil
}

// exchange gives gcr's way to send a password: a key agreed on in the group of
// RFC 3526 section 2, and AES in CBC mode.
func (p *person) exchange(theirs, password string) (string, error) {
	prime, _ := new(big.Int).SetString("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"+
		"EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE6"+
		"49286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804"+
		"F1746C08CA237327FFFFFFFFFFFFFFFF", 16)
	private := big.NewInt(0x0c0ffee) // the same each time: what it guards is CANARY
	text := "[sx-aes-1]\npublic=" + base64.StdEncoding.EncodeToString(new(big.Int).Exp(big.NewInt(2), private, prime).Bytes()) + "\n"
	_, public, _ := strings.Cut(theirs, "public=")
	public, _, _ = strings.Cut(public, "\n")
	peer, err := base64.StdEncoding.DecodeString(public)
	if err != nil || password == "" {
		return text, err
	}
	shared := new(big.Int).Exp(new(big.Int).SetBytes(peer), private, prime).FillBytes(make([]byte, 192))
	key, err := hkdf.Key(sha256.New, shared, nil, "", aes.BlockSize)
	if err != nil {
		return "", err
	}
	iv, value, err := encrypt(key, []byte(password))
	return text + "secret=" + base64.StdEncoding.EncodeToString(value) + "\niv=" + base64.StdEncoding.EncodeToString(iv) + "\n", err
}

// encrypt is AES in CBC mode with the padding of PKCS #7.
func encrypt(key, text []byte) (iv, value []byte, err error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, err
	}
	padding := aes.BlockSize - len(text)%aes.BlockSize
	value = append(bytes.Clone(text), bytes.Repeat([]byte{byte(padding)}, padding)...)
	iv = make([]byte, aes.BlockSize)
	_, err = rand.Read(iv)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(value, value)
	return iv, value, err
}

// keyringHome is a home for GNOME Keyring.
func keyringHome(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, ".local", "share", "keyrings"), 0o700); err != nil {
		t.Fatal(err)
	}
	return home
}
