package takeover

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/godbus/dbus/v5"
)

// busTime bounds a run that waits for a person before a dialog of the desktop.
const busTime = 2 * time.Minute

// bus is a connection to the message bus of the person's desktop.
type bus struct {
	conn   *dbus.Conn
	ctx    context.Context
	cancel context.CancelFunc
	flags  dbus.Flags
}

// newBus connects to the bus that is there. The library's own way would start
// one, and its daemon would stay behind. Without ask no service is started
// either.
func newBus(ctx context.Context, env Env, ask bool) (*bus, error) {
	address := env.lookup("DBUS_SESSION_BUS_ADDRESS")
	if run := env.lookup("XDG_RUNTIME_DIR"); address == "" && filepath.IsAbs(run) {
		if _, err := os.Stat(filepath.Join(run, "bus")); err == nil {
			address = "unix:path=" + filepath.Join(run, "bus")
		}
	}
	if address == "" {
		return nil, absentError("there is no D-Bus session, and so no store of a desktop")
	}
	ctx, cancel := context.WithTimeout(ctx, busTime)
	conn, err := dbus.Connect(address, dbus.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, absentError("the D-Bus session cannot be reached: " + err.Error())
	}
	b := &bus{conn: conn, ctx: ctx, cancel: cancel}
	if !ask {
		b.flags = dbus.FlagNoAutoStart
	}
	return b, nil
}

func (b *bus) close() {
	_ = b.conn.Close()
	b.cancel()
}

// has says whether a service is there, or may be started.
func (b *bus) has(service string) bool {
	there := false
	err := b.conn.BusObject().CallWithContext(b.ctx, "org.freedesktop.DBus.NameHasOwner", 0, service).Store(&there)
	if err == nil && !there && b.flags&dbus.FlagNoAutoStart == 0 {
		return b.conn.BusObject().CallWithContext(b.ctx, "org.freedesktop.DBus.StartServiceByName", 0, service, uint32(0)).Err == nil
	}
	return err == nil && there
}

// call calls a method and stores what it gives.
func (b *bus) call(object dbus.BusObject, method string, args []any, out ...any) error {
	if err := object.CallWithContext(b.ctx, method, b.flags, args...).Store(out...); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	return nil
}

// property reads one property of an object.
func (b *bus) property(object dbus.BusObject, owner, name string, out any) error {
	var v dbus.Variant
	if err := b.call(object, "org.freedesktop.DBus.Properties.Get", []any{owner, name}, &v); err != nil {
		return err
	}
	return dbus.Store([]any{v.Value()}, out)
}
