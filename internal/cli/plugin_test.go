//go:build unix

package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age/plugin"

	"fob/internal/cred"
	"fob/internal/front"
	"fob/internal/keep/unlock"
	"fob/internal/obtain/tty"
)

// leakyPlugin is an age plugin whose wrapped key is the key. To open, it asks
// for a PIN where ASKS is set, and notes what it was given, and with which
// environment.
const leakyPlugin = `#!/bin/sh
env >"$HOME/environ"
while read -r arrow word rest; do
	case "$arrow $word" in
	"-> wrap-file-key") read -r key ;;
	"-> recipient-stanza") read -r key ;;
	"-> done") read -r _; break ;;
	esac
done
case $1 in
*recipient-v1)
	printf -- '-> recipient-stanza 0 x\n%s\n' "$key"; read -r _; read -r _ ;;
*)
	if [ -n "$ASKS" ]; then
		printf -- '-> request-secret\nUElO\n'
		read -r answer; read -r body
		echo "$answer $body" >"$HOME/answer"
	fi
	printf -- '-> file-key 0\n%s\n' "$key"; read -r _; read -r _ ;;
esac
printf -- '-> done\n\n'
`

// A passphrase that stands in the environment is for fob: it is neither in the
// environment of an age plugin nor the answer to what one asks.
func TestPluginGetsNoPassphrase(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(filepath.Join(home, "age-plugin-leaky"), []byte(leakyPlugin), 0o700))
	made := filepath.Join(home, "identity")
	must(os.WriteFile(made, []byte(plugin.EncodeIdentity("leaky", []byte("x"))+"\n"), 0o600))
	environ := []string{"PATH=" + home + ":/usr/bin:/bin", "HOME=" + home, "FOB_PASSPHRASE=CANARY", "AWS_SECRET_ACCESS_KEY=CANARY"}
	const identity = "AGE-SECRET-KEY-1CANARYQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQY7UKZ"
	for _, kind := range unlock.Kinds() {
		if kind.Name == "plugin" {
			env := unlock.Env{Dir: filepath.Join(home, "data", "slots"), Environ: environ, Settings: map[string]string{"identity": made}}
			must(os.Mkdir(filepath.Join(home, "data"), 0o700))
			must(kind.Open(env).Save(t.Context(), cred.NewSecret(identity)))
		}
	}

	nobody := errors.New("nobody is there")
	k := &keeper{
		sys:  System{Environ: append(environ, "ASKS=1"), OpenTTY: func() (tty.TTY, error) { return nil, nobody }},
		g:    &globals{backend: "plugin"},
		home: front.Home{Data: filepath.Join(home, "data")},
	}
	got, err := k.ask(context.Background())
	if err != nil || !got.Equal(cred.NewSecret(identity)) {
		t.Fatalf("ask: %v", err) // this plugin opens without a PIN
	}
	for name, want := range map[string]string{"answer": "-> fail \n", "environ": ""} {
		text, err := os.ReadFile(filepath.Join(home, name))
		must(err)
		if strings.Contains(string(text), "CANARY") || want != "" && string(text) != want {
			t.Errorf("the plugin's %s: %q", name, text)
		}
	}
}
