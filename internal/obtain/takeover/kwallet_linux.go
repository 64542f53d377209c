package takeover

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"fob/internal/cred"

	"github.com/godbus/dbus/v5"
)

// walletName is the name of aws-vault's wallet, of the folder in it, and of the
// program that asks, which the person sees in KDE's dialog.
const walletName = "aws-vault"

// kwallet is aws-vault's wallet in KDE's wallet service, of Plasma 6 or 5
// (org.kde.KWallet.xml of KDE Frameworks).
func kwallet(env Env) Source {
	where := fmt.Sprintf("KWallet %q", walletName)
	return itemStore{name: "aws-vault-kwallet", where: where, open: func(ctx context.Context, ask bool) (shelf, error) {
		if !ask && env.lookup("DISABLE_KWALLET") == "1" {
			return shelf{}, absentError("DISABLE_KWALLET is set")
		}
		b, err := newBus(ctx, env, ask)
		if err != nil {
			return shelf{}, err
		}
		opened, err := openWallet(b, ask)
		if err != nil {
			b.close()
			return shelf{}, place(where, err)
		}
		return opened, nil
	}}
}

func openWallet(b *bus, ask bool) (shelf, error) {
	for _, version := range []string{"kwalletd6", "kwalletd5"} {
		if !b.has("org.kde." + version) {
			continue
		}
		w := wallet{bus: b, service: b.conn.Object("org.kde."+version, dbus.ObjectPath("/modules/"+version))}
		var names []string
		if err := w.ask("wallets", nil, &names); err != nil {
			return shelf{}, err
		}
		switch {
		case !slices.Contains(names, walletName):
			continue
		case !ask:
			return shelf{note: "(what is in it is known when it is opened)", close: b.close}, nil
		}
		return w.open()
	}
	return shelf{}, absentError("there is no such wallet")
}

// wallet is a conversation with the service.
type wallet struct {
	*bus
	service dbus.BusObject
	handle  int32
}

func (w wallet) ask(method string, args []any, out ...any) error {
	return w.call(w.service, "org.kde.KWallet."+method, args, out...)
}

func (w wallet) open() (shelf, error) {
	const noWindow = int64(0)
	if err := w.ask("open", []any{walletName, noWindow, walletName}, &w.handle); err != nil {
		return shelf{}, err
	}
	if w.handle < 0 {
		return shelf{}, errors.New("it was not opened")
	}
	s := shelf{read: w.read, close: func() {
		_ = w.ask("close", []any{w.handle, false, walletName}, new(int32))
		w.bus.close()
	}}
	return s, w.ask("entryList", []any{w.handle, walletName, walletName}, &s.names)
}

func (w wallet) read(name string) (cred.AccessKey, error) {
	var text []byte
	if err := w.ask("readEntry", []any{w.handle, walletName, name, walletName}, &text); err != nil {
		return cred.AccessKey{}, err
	}
	return readItem(text)
}
