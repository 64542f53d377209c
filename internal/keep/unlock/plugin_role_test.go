package unlock_test

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/plugin"
)

// TestMain lets this program be an age plugin, by the name that it is started
// under: a link to it is an installed plugin.
func TestMain(m *testing.M) {
	name := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	if plugin, is := strings.CutPrefix(name, "age-plugin-"); is {
		os.Exit(playPlugin(plugin, os.Getenv(behaviour)))
	}
	if role := os.Getenv(roleVariable); role != "" {
		runtime.LockOSThread() // a tracer counts system calls per thread
		os.Exit(playRole(role, os.Args[1:]))
	}
	os.Exit(m.Run())
}

// behaviour names the variable that tells a test's plugin how to be, and
// roleVariable the one that makes this program something else than a test.
const (
	behaviour    = "PLUGIN_TEST_BEHAVIOUR"
	roleVariable = "PLUGIN_TEST_ROLE"
	goodPIN      = "CANARY-1234"
)

// playPlugin is the plugin: an honest one, which has an age key as its
// "device", or one of the hostile ones.
func playPlugin(name, how string) int {
	if mark := os.Getenv("PLUGIN_TEST_MARK"); mark != "" { // a trap: it must not run
		if err := os.WriteFile(mark, []byte(strings.Join(append(os.Environ(), ""), "\n")), 0o600); err != nil {
			return 1
		}
	}
	if strings.HasPrefix(how, "tpm") {
		return playTPM(name)
	}
	if play, ok := hostile()[how]; ok {
		if play.wraps && slicesContain(os.Args, "--age-plugin=recipient-v1") {
			return playHonest(name, "")
		}
		play.run(&hostilePlugin{in: bufio.NewReader(os.Stdin)})
		return 0
	}
	return playHonest(name, how)
}

func slicesContain(words []string, want string) bool {
	for _, w := range words {
		if w == want {
			return true
		}
	}
	return false
}

func playHonest(name, how string) int {
	p, err := plugin.New(name)
	if err != nil {
		return 1
	}
	parse := func(data []byte) (*age.X25519Identity, error) { return age.ParseX25519Identity(string(data)) }
	p.HandleIdentity(func(data []byte) (age.Identity, error) {
		id, err := parse(data)
		return asking{p, how, id}, err
	})
	if how != "recipients only" { // as age-plugin-tpm
		p.HandleIdentityAsRecipient(func(data []byte) (age.Recipient, error) {
			id, err := parse(data)
			if err != nil {
				return nil, err
			}
			return id.Recipient(), nil
		})
	}
	p.HandleRecipient(func(data []byte) (age.Recipient, error) { return age.ParseX25519Recipient(string(data)) })
	p.RegisterFlags(flag.NewFlagSet("", flag.ContinueOnError))
	switch {
	case slicesContain(os.Args, "--age-plugin=recipient-v1"):
		return p.RecipientV1()
	case slicesContain(os.Args, "--age-plugin=identity-v1"):
		return p.IdentityV1()
	}
	return 4
}

// asking wants something of the person before it opens.
type asking struct {
	p   *plugin.Plugin
	how string
	id  *age.X25519Identity
}

func (a asking) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	switch a.how {
	case "message":
		if err := a.p.DisplayMessage("touch \x1b[31mthe key\nnow"); err != nil {
			return nil, err
		}
	case "message that matters":
		if err := a.p.DisplayMessage("touch the key"); err != nil {
			return nil, errors.New("nobody was told")
		}
	case "pin", "pin twice":
		pin, err := a.p.RequestValue("PIN\x1b]0;x\x07 please", true)
		if err == nil && pin != goodPIN && a.how == "pin twice" {
			pin, err = a.p.RequestValue("PIN again", true)
		}
		if err != nil {
			return nil, errors.New("no PIN was given")
		}
		if pin != goodPIN {
			return nil, fmt.Errorf("the PIN %s is wrong, 2 tries are left", pin)
		}
	case "confirm":
		yes, err := a.p.Confirm("plug it in", "done", "never\x1b[0m")
		if err != nil || !yes {
			return nil, fmt.Errorf("not plugged in (%v, %v)", yes, err)
		}
	case "refuse":
		return nil, errors.New("the device \x1b[2Jis not mine\nsecond line")
	case "nothing":
		return nil, age.ErrIncorrectIdentity
	}
	return a.id.Unwrap(stanzas)
}

// hostilePlugin is the other side of the protocol, by hand.
type hostilePlugin struct{ in *bufio.Reader }

// hear waits until the client is done with its part.
func (h *hostilePlugin) hear() {
	for {
		line, err := h.in.ReadString('\n')
		if err != nil || line == "-> done\n" {
			_, _ = h.in.ReadString('\n')
			return
		}
	}
}

// say writes a stanza, and reads the answer's two lines.
func (h *hostilePlugin) say(text string) {
	if _, err := io.WriteString(os.Stdout, text); err != nil {
		os.Exit(1)
	}
	_, _ = h.in.ReadString('\n')
	_, _ = h.in.ReadString('\n')
}

type trick struct {
	wraps bool // it wraps honestly, and is hostile when it is to open
	want  string
	run   func(*hostilePlugin)
}

// hostile gives every trick by its name. want is what Save says of it.
func hostile() map[string]trick {
	const p, key = "plugin: age-plugin-fobtest ", "-> file-key 0\nAAAAAAAAAAAAAAAAAAAAAA\n"
	tooMuch, broken, ended := p+"sent more than any plugin has to", p+"does not keep to the plugin protocol", p+"ended before it was done"
	text := func(s string) func(*hostilePlugin) { return func(h *hostilePlugin) { h.hear(); h.say(s) } }
	return map[string]trick{
		"an endless line":       {want: tooMuch, run: func(*hostilePlugin) { endless("a") }},
		"endless stanzas":       {want: tooMuch, run: func(h *hostilePlugin) { h.hear(); endless("-> grease\n\n") }},
		"a body without end":    {want: tooMuch, run: func(h *hostilePlugin) { h.hear(); fmt.Print("-> msg\n"); endless(strings.Repeat("A", 64) + "\n") }},
		"a body cut off":        {want: broken, run: text("-> msg\n" + strings.Repeat("A", 64) + "\n-> done\n\n")},
		"no stanza":             {want: broken, run: text("hello\n")},
		"a stanza of nothing":   {want: broken, run: text("-> \n\n")},
		"two spaces":            {want: broken, run: text("-> msg  x\n\n")},
		"no base64":             {want: broken, run: text("-> msg\n!!!\n")},
		"loose base64":          {want: broken, run: text("-> msg\nAB\n")},
		"padded base64":         {want: broken, run: text("-> msg\nAA==\n")},
		"a long body line":      {want: broken, run: text("-> msg\n" + strings.Repeat("A", 68) + "\n")},
		"a return in the body":  {want: broken, run: text("-> msg\nAAAA\r\n")},
		"a return in the words": {want: broken, run: text("-> msg\r\n\n")},
		"a NUL":                 {want: broken, run: text("-> m\x00sg\n\n")},
		"hangs":                 {want: p + "said nothing for 300ms", run: func(h *hostilePlugin) { h.hear(); forever() }},
		"hangs and reads not":   {want: p + "said nothing for 300ms", run: func(*hostilePlugin) { forever() }},
		"ends at once":          {want: ended, run: func(*hostilePlugin) {}},
		"ends in a stanza":      {want: ended, run: func(h *hostilePlugin) { h.hear(); fmt.Print("-> msg\nAAAA") }},
		"ends with words": {want: ended + `: panic: \x1b[31mno device`, run: func(h *hostilePlugin) {
			h.hear()
			fmt.Fprintf(os.Stderr, "goroutine 1\npanic:  \x1b[31mno device\n\n")
		}},
		"leaves a child":     {want: ended, run: func(h *hostilePlugin) { h.hear(); leaveChild() }},
		"is done at once":    {want: p + "gave no key", run: text("-> done\n\n")},
		"asks without end":   {want: "asking for what age-plugin-fobtest wants: nobody can be asked, or was asked too often", run: func(h *hostilePlugin) { h.hear(); askOn(h, 1000) }},
		"shows without end":  {want: tooMuch, run: func(h *hostilePlugin) { h.hear(); sayOn(h, "-> msg\nAAAA\n", 1000) }},
		"a wrong key":        {wraps: true, want: "PATH does not open with the key that age-plugin-fobtest gave, or is damaged", run: text(key + "-> done\n\n")},
		"two keys":           {wraps: true, want: broken, run: func(h *hostilePlugin) { h.hear(); h.say(key); h.say(key) }},
		"a key of 15 bytes":  {wraps: true, want: broken, run: text("-> file-key 0\nAAAAAAAAAAAAAAAAAAAA\n-> done\n\n")},
		"another file's key": {wraps: true, want: broken, run: text("-> file-key 1\nAAAAAAAAAAAAAAAAAAAAAA\n")},
		"a key for no file":  {wraps: true, want: broken, run: text("-> file-key\nAAAAAAAAAAAAAAAAAAAAAA\n")},
		"two stanzas":        {want: broken, run: func(h *hostilePlugin) { h.hear(); sayOn(h, "-> recipient-stanza 0 x\nAAAA\n", 2) }},
		"a stanza of no type": {want: broken, run: func(h *hostilePlugin) {
			h.hear()
			h.say("-> recipient-stanza 0\nAAAA\n")
			h.say("-> done\n\n")
		}},
		"a stanza too large for a slot": {want: "plugin: age-plugin-fobtest makes slots that are too large", run: func(h *hostilePlugin) {
			h.hear()
			h.say("-> recipient-stanza 0 " + strings.Repeat("x", 4000) + "\n" + strings.Repeat(strings.Repeat("A", 64)+"\n", 80) + "\n")
			h.say("-> done\n\n")
		}},
		"long words": {want: p + "says: " + strings.Repeat("e", 300) + "...", run: text("-> error internal\n" + wrapped(bytes.Repeat([]byte("e"), 2000)))},
	}
}

func endless(text string) {
	w := bufio.NewWriterSize(os.Stdout, 64<<10)
	for {
		if _, err := w.WriteString(text); err != nil {
			os.Exit(1)
		}
	}
}

func forever() { time.Sleep(time.Hour) } // to do nothing is what it is for

// leaveChild starts a program that holds our output for longer than any test
// waits.
func leaveChild() {
	c := exec.Command("sleep", "20")
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	_ = c.Start()
}

func askOn(h *hostilePlugin, times int) { sayOn(h, "-> request-secret\nAAAA\n", times) }

func sayOn(h *hostilePlugin, text string, times int) {
	for range times {
		h.say(text)
	}
}

// wrapped is a body as the format has it.
func wrapped(body []byte) string {
	var b strings.Builder
	text := encoded(body)
	for ; len(text) >= 64; text = text[64:] {
		b.WriteString(text[:64] + "\n")
	}
	return b.String() + text + "\n"
}
