package mfa

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"fob/internal/fault"
)

// program is a driver that asks by another program: a dialog on the screen, or a
// device that computes the code.
type program struct {
	name, help string
	// graphical says that it opens a window, so that it is of use by itself where
	// there is no terminal.
	graphical bool
	system    string // where it is part of the system; empty: where it is installed
	argv      func(env Env, q Question) []string
}

// programs are in the order in which they are tried.
func programs() []program {
	return []program{
		{name: "zenity", help: "a GTK dialog", graphical: true, argv: zenity},
		{name: "kdialog", help: "a KDE dialog", graphical: true, argv: kdialog},
		{name: "osascript", help: "a macOS dialog", graphical: true, system: "darwin", argv: osascript},
		{name: "wincredui", help: "a Windows dialog", graphical: true, system: "windows", argv: wincredui},
		{name: "ykman", help: "the OATH code that a YubiKey computes", argv: ykman},
	}
}

func (p program) kind() Kind {
	return Kind{
		Name: p.name, Help: p.help, Named: true,
		Wanted: func(e Env) bool {
			return e.Named == p.name || e.Named == "" && p.graphical && e.screen(p.system) && e.Installed(p.argv(e, Question{})[0])
		},
		Open: func(e Env) Driver { return programDriver{program: p, env: e} },
	}
}

// screen says whether a dialog may be opened without having been asked for: a
// person is likely to be there.
func (e Env) screen(system string) bool {
	switch {
	case e.NoInput, e.Lookup("CI") != "":
		return false
	case system != "":
		return e.System == system
	}
	return e.Lookup("DISPLAY") != "" || e.Lookup("WAYLAND_DISPLAY") != ""
}

// Screen is screen for the dialogs of this system.
func (e Env) Screen() bool {
	if e.System == "darwin" || e.System == "windows" {
		return e.screen(e.System)
	}
	return e.screen("")
}

type programDriver struct {
	program
	env Env
}

func (d programDriver) Interactive() bool { return true }

func (d programDriver) Ready() bool { return !d.env.NoInput }

func (d programDriver) Code(ctx context.Context, q Question) (string, error) {
	if d.env.NoInput {
		return "", noCode(q, errors.New("a person is needed, and --no-input forbids asking"), byHand)
	}
	argv := d.argv(d.env, q)
	if !d.env.Installed(argv[0]) {
		return "", noCode(q, errors.New(argv[0]+" is not in PATH"), "install "+argv[0]+", or ask in another way: --prompt terminal", byHand)
	}
	out, err := d.env.RunProgram(ctx, argv, questionVariable+"="+text(q))
	defer clear(out)
	if ended := ctx.Err(); ended != nil {
		err = ended
	}
	code := ""
	if err == nil {
		code, err = printed(out)
	}
	if err == nil {
		return code, nil
	}
	return "", noCode(q, &ProcessError{Program: d.name, Err: err}, "ask in another way: --prompt terminal", byHand)
}

// text is the question in a window: who asks, what for, and for which device.
func text(q Question) string {
	return strings.Join(append(introduction(q), "MFA code for "+q.Serial+":"), "\n")
}

// zenity reads \ as an escape and _ as the mark of a key in a text
// (gtk_label_set_text_with_mnemonic, g_strcompress).
func zenity(_ Env, q Question) []string {
	safe := strings.NewReplacer(`\`, `\\`, "_", "__").Replace(text(q))
	return []string{"zenity", "--entry", "--hide-text", "--title=fob", "--text=" + safe}
}

// kdialog takes for HTML what looks like it; an entity keeps it text.
func kdialog(_ Env, q Question) []string {
	plain := text(q)
	if strings.ContainsAny(plain, "<&") {
		plain = "<qt>" + strings.NewReplacer("&", "&amp;", "<", "&lt;", "\n", "<br>").Replace(plain) + "</qt>"
	}
	return []string{"kdialog", "--title", "fob", "--password", plain}
}

// osascript gets the text as an argument of the script: in the script itself, a
// profile's name could be a command.
func osascript(_ Env, q Question) []string {
	return []string{
		"osascript", "-e", "on run argv",
		"-e", `text returned of (display dialog (item 1 of argv) default answer "" with hidden answer with title "fob")`,
		"-e", "end run", text(q),
	}
}

// questionVariable holds the text for the dialog of Windows, whose script must
// not have it inside.
const questionVariable = "FOB_QUESTION"

func wincredui(Env, Question) []string {
	return []string{"powershell.exe", "-NoProfile", "-Command", "(Get-Credential -UserName MFA -Message $env:" + questionVariable + ").GetNetworkCredential().Password"}
}

// ykman is asked for the credential that has the device's serial as its name,
// unless the incumbent's variables name another one
// (https://docs.yubico.com/software/yubikey/tools/ykman/OATH_Commands.html).
func ykman(env Env, q Question) []string {
	argv := []string{"ykman"}
	if device := env.Lookup("YKMAN_OATH_DEVICE_SERIAL"); device != "" {
		argv = append(argv, "--device", device)
	}
	switch env.Lookup("AWS_VAULT_YKMAN_VERSION") {
	case "1", "2", "3":
		argv = append(argv, "oath", "code", "--single")
	default:
		argv = append(argv, "oath", "accounts", "code", "--single")
	}
	name := env.Lookup("YKMAN_OATH_CREDENTIAL_NAME")
	if name == "" {
		name = q.Serial
	}
	return append(argv, "--", name)
}

// Names are the kinds that --prompt may name.
func Names() []string {
	var names []string
	for _, k := range Kinds() {
		if k.Named {
			names = append(names, k.Name)
		}
	}
	return names
}

// CheckNamed says what is wrong with a name given to --prompt or its variables:
// an error with status 2, or nil. An empty name leaves the choice to Choose.
func CheckNamed(name string) error {
	if name == "" || slices.Contains(Names(), name) {
		return nil
	}
	f := &fault.Error{What: "there is no way to ask for codes called " + strconv.Quote(name) + " (--prompt, or its variable)", Next: []string{"use one of: " + strings.Join(Names(), ", ")}, Code: fault.Usage}
	if name == "pass" {
		f.Why = errors.New("aws-vault has removed it, too")
		f.Next = []string{"in the profile of the config: mfa_process = pass otp NAME"}
	}
	return f
}
