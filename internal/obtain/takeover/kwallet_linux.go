package takeover

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"fob/internal/cred"
	"fob/internal/keep/desktop"
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
		b, err := connect(ctx, env)
		if err != nil {
			return shelf{}, err
		}
		opened, err := openWallet(ctx, b, ask)
		if err != nil {
			b.Close()
			return shelf{}, place(where, err)
		}
		return opened, nil
	}}
}

func openWallet(ctx context.Context, b *desktop.Bus, ask bool) (shelf, error) {
	for _, version := range []string{"kwalletd6", "kwalletd5"} {
		err := absent(b.Find(ctx, "org.kde."+version, ask))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return shelf{}, err
		}
		w := wallet{bus: b, service: b.Object("org.kde."+version, desktop.Path("/modules/"+version))}
		var names []string
		if err := w.call(ctx, "wallets", nil, &names); err != nil {
			return shelf{}, err
		}
		switch {
		case !slices.Contains(names, walletName):
			continue
		case !ask:
			return shelf{note: "(what is in it is known when it is opened)", close: b.Close}, nil
		}
		return w.open(ctx)
	}
	return shelf{}, absentError("there is no such wallet")
}

// wallet is a conversation with the service.
type wallet struct {
	bus     *desktop.Bus
	service desktop.Object
	handle  int32
}

const walletFace = "org.kde.KWallet."

func (w wallet) call(ctx context.Context, method string, args []any, out ...any) error {
	return w.service.Call(ctx, walletFace+method, args, out...)
}

func (w wallet) open(ctx context.Context) (shelf, error) {
	const noWindow = int64(0)
	if err := w.service.Ask(ctx, walletFace+"open", []any{walletName, noWindow, walletName}, &w.handle); err != nil {
		return shelf{}, err
	}
	if w.handle < 0 {
		return shelf{}, errors.New("it was not opened")
	}
	s := shelf{read: func(name string) (cred.AccessKey, error) { return w.read(ctx, name) }, close: func() {
		_ = w.call(context.WithoutCancel(ctx), "close", []any{w.handle, false, walletName}, new(int32))
		w.bus.Close()
	}}
	return s, w.call(ctx, "entryList", []any{w.handle, walletName, walletName}, &s.names)
}

func (w wallet) read(ctx context.Context, name string) (cred.AccessKey, error) {
	var text []byte
	if err := w.call(ctx, "readEntry", []any{w.handle, walletName, name, walletName}, &text); err != nil {
		return cred.AccessKey{}, err
	}
	return readItem(text)
}
