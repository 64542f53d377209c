// Package desktop talks with the stores of secrets that a person's desktop has,
// over the message bus of the desktop. It connects to a bus that is there and
// never starts one; a service is started only where that is asked for. It does
// not know what the secrets are, nor what they open.
package desktop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"
)

// Path names an object of a service.
type Path = dbus.ObjectPath

// busName is the name of the bus itself among its services.
const busName = "org.freedesktop.DBus"

// Limits bound each wait. A context that ends sooner ends it, too.
type Limits struct {
	Call   time.Duration // for the answer to a call
	Start  time.Duration // for a service that is being started
	Person time.Duration // for a person before a dialog of the desktop
	Blink  time.Duration // sooner than anybody closes a dialog
}

// UsualLimits are those for people. That of starting is D-Bus's own.
func UsualLimits() Limits {
	return Limits{Call: 5 * time.Second, Start: 25 * time.Second, Person: 2 * time.Minute, Blink: time.Second}
}

// AbsentError says what this desktop does not have.
type AbsentError string

func (e AbsentError) Error() string { return string(e) }

// Bus is a connection to the message bus of the person's desktop.
type Bus struct {
	conn   *dbus.Conn
	end    context.CancelFunc
	limits Limits
}

// Connect connects to the bus that the environment names, or that stands in the
// runtime directory, and to nothing else: the library's own way would run a
// program whose daemon stays behind. Where there is none it gives an AbsentError.
func Connect(ctx context.Context, lookup func(string) (string, bool), limits Limits) (*Bus, error) {
	where, err := address(lookup)
	if err == nil {
		err = ours(where)
	}
	if err != nil {
		return nil, err
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx)) // Close ends it, and not ctx, whose end each call tells by itself
	within, cancel := context.WithTimeout(ctx, limits.Call)
	defer cancel()
	stop := context.AfterFunc(within, end)
	conn, err := dbus.Connect(where, dbus.WithContext(life))
	late := !stop()
	if err == nil && !late {
		return &Bus{conn: conn, end: end, limits: limits}, nil
	}
	end()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, AbsentError("the D-Bus session cannot be reached: " + unreachable(err, late))
}

// ours refuses a bus that another user listens on: in a runtime directory that
// others may write, say. It would be given the key, and could withhold it.
func ours(addresses string) error {
	for one := range strings.SplitSeq(addresses, ";") {
		name := socketOf(one)
		if name == "" {
			continue // what the library makes of it is an error, or no socket of ours
		}
		owner, err := listener(name)
		if err == nil && owner != os.Geteuid() && owner != 0 {
			return AbsentError("the D-Bus session belongs to another user")
		}
	}
	return nil
}

// socketOf is the name of the socket in an address of D-Bus, "@" before an abstract
// one.
func socketOf(address string) string {
	for pair := range strings.SplitSeq(strings.TrimPrefix(address, "unix:"), ",") {
		key, value, _ := strings.Cut(pair, "=")
		name, err := dbus.UnescapeBusAddressValue(value)
		switch {
		case err != nil:
		case key == "path":
			return name
		case key == "abstract":
			return "@" + name
		}
	}
	return ""
}

// unreachable leaves the address out, which is a value of the environment.
func unreachable(err error, late bool) string {
	errno := syscall.Errno(0)
	switch {
	case late:
		return "it does not answer"
	case errors.As(err, &errno):
		return errno.Error()
	}
	return "it does not speak D-Bus, or its address is none"
}

func address(lookup func(string) (string, bool)) (string, error) {
	if lookup == nil {
		lookup = func(string) (string, bool) { return "", false }
	}
	if text, _ := lookup("DBUS_SESSION_BUS_ADDRESS"); text != "" {
		var local []string
		for one := range strings.SplitSeq(text, ";") {
			if strings.HasPrefix(one, "unix:") {
				local = append(local, one)
			}
		}
		if len(local) == 0 {
			return "", AbsentError("the D-Bus session cannot be reached: DBUS_SESSION_BUS_ADDRESS names no unix: socket")
		}
		return strings.Join(local, ";"), nil
	}
	if run, _ := lookup("XDG_RUNTIME_DIR"); filepath.IsAbs(run) {
		if _, err := os.Stat(filepath.Join(run, "bus")); err == nil {
			return "unix:path=" + dbus.EscapeBusAddressValue(filepath.Join(run, "bus")), nil
		}
	}
	return "", AbsentError("there is no D-Bus session, and so no store of a desktop")
}

// Close ends the connection.
func (b *Bus) Close() {
	_ = b.conn.Close()
	b.end()
}

// Running says whether a service is there.
func (b *Bus) Running(ctx context.Context, service string) (bool, error) {
	there := false
	err := b.daemon().Call(ctx, busName+".NameHasOwner", []any{service}, &there)
	return there, err
}

// Startable says whether the bus knows how to start a service.
func (b *Bus) Startable(ctx context.Context, service string) (bool, error) {
	var names []string
	err := b.daemon().Call(ctx, busName+".ListActivatableNames", nil, &names)
	return slices.Contains(names, service), err
}

// Find gives nil where a service is running, or was started because start wants
// it. Else the error is an AbsentError.
func (b *Bus) Find(ctx context.Context, service string, start bool) error {
	there, err := b.Running(ctx, service)
	if err != nil || there {
		return err
	}
	known := false
	if start {
		known, err = b.Startable(ctx, service)
	}
	if err != nil {
		return err
	}
	if !known {
		return AbsentError("the service is not running")
	}
	err = b.daemon().call(ctx, b.limits.Start, busName+".StartServiceByName", []any{service, uint32(0)}, []any{new(uint32)})
	if err != nil && ctx.Err() == nil {
		return AbsentError("the service is not running, and cannot be started here")
	}
	return err
}

// owner gives the connection behind a service's name, which nobody else can
// have later.
func (b *Bus) owner(ctx context.Context, service string) (string, error) {
	name := ""
	err := b.daemon().Call(ctx, busName+".GetNameOwner", []any{service}, &name)
	return name, err
}

func (b *Bus) daemon() Object { return b.Object(busName, "/org/freedesktop/DBus") }

// Object is an object of a service. Calls to it start nothing.
type Object struct {
	bus     *Bus
	service string
	path    Path
}

// Object names an object, whether it is there or not.
func (b *Bus) Object(service string, path Path) Object {
	return Object{bus: b, service: service, path: path}
}

// Call calls a method and stores what it gives.
func (o Object) Call(ctx context.Context, method string, args []any, out ...any) error {
	return o.call(ctx, o.bus.limits.Call, method, args, out)
}

// Ask is Call for a method that answers once a person has answered a dialog.
func (o Object) Ask(ctx context.Context, method string, args []any, out ...any) error {
	return o.call(ctx, o.bus.limits.Person, method, args, out)
}

// Property reads one property, in the form FACE.NAME.
func (o Object) Property(ctx context.Context, name string, out any) error {
	var v dbus.Variant
	i := strings.LastIndex(name, ".")
	err := o.Call(ctx, "org.freedesktop.DBus.Properties.Get", []any{name[:i], name[i+1:]}, &v)
	if err == nil && dbus.Store([]any{v.Value()}, out) != nil {
		return &FormError{Method: name[i+1:]}
	}
	return err
}

func (o Object) call(ctx context.Context, limit time.Duration, method string, args []any, out []any) error {
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	reply := o.bus.conn.Object(o.service, o.path).CallWithContext(within, method, dbus.FlagNoAutoStart, args...)
	refusal, name := dbus.Error{}, method[strings.LastIndex(method, ".")+1:]
	switch {
	case reply.Err == nil && reply.Store(out...) != nil:
		return &FormError{Method: name}
	case reply.Err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(reply.Err, &refusal):
		return &ReplyError{Method: name, Name: refusal.Name}
	case errors.Is(reply.Err, context.DeadlineExceeded):
		return fmt.Errorf("it did not answer within %s", limit)
	}
	return errors.New("the D-Bus session ended")
}

// FormError says that a service answered in a form that is not agreed on. It
// quotes nothing of the answer.
type FormError struct{ Method string }

func (e *FormError) Error() string { return "it answered " + e.Method + " in a form that nobody knows" }

// ReplyError is a refusal. Name is the error's name in D-Bus; the text beside it
// is left out, since a service may quote in it what it was given.
type ReplyError struct{ Method, Name string }

func (e *ReplyError) Error() string {
	switch e.Name {
	case "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner", "org.freedesktop.DBus.Error.NoReply":
		return "it has ended"
	case "org.freedesktop.Secret.Error.IsLocked":
		return "it is locked"
	}
	return "it refused " + e.Method + " (" + e.Name + ")"
}
