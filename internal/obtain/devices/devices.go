// Package devices looks after the MFA devices of the person's own IAM user:
// enrols one, lists them, brings one back into step, removes one. It does not
// know the config, how a session is made, or how a secret is drawn.
package devices

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"fob/internal/cred"
	"fob/internal/fault"
	"fob/internal/obtain/awsapi"
	"fob/internal/obtain/tty"
)

// IAM is the part of IAM that concerns MFA devices.
type IAM interface {
	MFADevices(ctx context.Context, user string) ([]awsapi.MFADevice, error)
	CreateVirtualMFADevice(ctx context.Context, name string) (awsapi.NewMFADevice, error)
	EnableMFADevice(ctx context.Context, p awsapi.CodePair) error
	ResyncMFADevice(ctx context.Context, p awsapi.CodePair) error
	DeactivateMFADevice(ctx context.Context, user, serial string) error
	DeleteVirtualMFADevice(ctx context.Context, serial string) error
}

// Work is what is done for one user.
type Work struct {
	// Profile is the one with the key, for what a person is told to type.
	Profile string
	// Serial is the device that the config names for the key, or "".
	Serial string
	Owner  Owner
	// Key makes calls signed by the stored key. Session makes one with an MFA
	// session, for which it may ask for a code; nil where none can be had.
	Key     IAM
	Session func(ctx context.Context, call func(IAM) error) error
	// TTY is where the person is; List needs none.
	TTY tty.TTY
	// Show shows a new device's secret, so that an app can take it in.
	Show func(Owner, cred.Secret)
	// Spend records a code as sent, and says whether it was before.
	Spend func(ctx context.Context, code string) (used bool, err error)
	// Now is the time by AWS's clock.
	Now func() time.Time
	Say func(format string, args ...any)

	known []Device // once they were listed
	asked bool     // a session serves from here on
}

// Agree asks a person whether something shall be done.
type Agree func(ctx context.Context, question string) (bool, error)

// Owner is the user. Path is that of its ARN, with both slashes, "/" for most.
type Owner struct{ Partition, Account, Path, Name string }

// OwnerOf reads the user out of what AWS says of its key; ok is false for root,
// and for whatever else is no user.
func OwnerOf(who awsapi.Identity) (o Owner, ok bool) {
	parts := strings.SplitN(who.ARN, ":", 6)
	if len(parts) != 6 || !strings.HasPrefix(parts[5], "user/") {
		return Owner{}, false
	}
	at := strings.LastIndexByte(parts[5], '/')
	return Owner{Partition: parts[1], Account: who.Account, Path: parts[5][len("user"):at] + "/", Name: parts[5][at+1:]}, true
}

// Serial is that of the device named like the user, the only one that
// self-management policies let the user manage: their resource is
// mfa/${aws:username}.
func (o Owner) Serial() string {
	return "arn:" + o.Partition + ":iam::" + o.Account + ":mfa/" + o.Name
}

// Device is one MFA device of the user.
type Device struct {
	Serial  string
	Name    string // of a virtual device, else ""
	Kind    Kind
	Enabled time.Time
	// Named says that it is named like the user.
	Named bool
}

// Kind is what a device is.
type Kind string

// The kinds that a serial tells apart.
const (
	Virtual     Kind = "virtual"      // an app that shows codes
	Hardware    Kind = "hardware"     // a thing that shows codes
	SecurityKey Kind = "security key" // shows none, and serves in the console only
)

func (o Owner) device(d awsapi.MFADevice) Device {
	out := Device{Serial: d.Serial, Kind: Hardware, Enabled: d.Enabled, Named: d.Serial == o.Serial()}
	if strings.HasPrefix(d.Serial, "arn:") {
		out.Kind = SecurityKey
		if _, name, ok := strings.Cut(d.Serial, ":mfa/"); ok {
			out.Kind, out.Name = Virtual, name
		}
	}
	return out
}

// List gives the user's devices.
func (w *Work) List(ctx context.Context) ([]Device, error) {
	if err := w.list(ctx); err != nil {
		return nil, w.refused("list the MFA devices of "+w.Owner.shown(), err)
	}
	return w.known, nil
}

func (w *Work) list(ctx context.Context) error {
	var got []awsapi.MFADevice
	err := w.call(ctx, func(i IAM) (err error) {
		got, err = i.MFADevices(ctx, w.Owner.Name)
		return err
	})
	if err != nil {
		return err
	}
	w.known = make([]Device, 0, len(got))
	for _, d := range got {
		w.known = append(w.known, w.Owner.device(d))
	}
	return nil
}

// find gives the user's device of that serial, or nil.
func (w *Work) find(serial string) *Device {
	for i, d := range w.known {
		if d.Serial == serial {
			return &w.known[i]
		}
	}
	return nil
}

// call makes a call with the key. Self-management needs no MFA: who has no device
// yet, or one out of step, has none to give. Where the policies refuse that, and
// the config names a device that the user may have, a session makes it.
func (w *Work) call(ctx context.Context, make func(IAM) error) error {
	if w.asked {
		return w.Session(ctx, make)
	}
	err := make(w.Key)
	if w.Session == nil || !refusedBy(err, "AccessDenied") || w.known != nil && w.find(w.Serial) == nil {
		return err
	}
	w.asked = true
	return w.Session(ctx, make)
}

// choose gives the device that is meant: the one that is named, else that of the
// config, else the only one.
func (w *Work) choose(ctx context.Context, named, what string) (Device, error) {
	if err := w.list(ctx); err != nil {
		return Device{}, w.refused(what, err)
	}
	var codes []Device
	for _, d := range w.known {
		if d.Kind != SecurityKey {
			codes = append(codes, d)
		}
	}
	switch d := w.find(named); {
	case named != "" && d == nil:
		return Device{}, w.failed(what, fmt.Errorf("%s has no device %q%s", w.Owner.shown(), named, w.serials()), fault.Usage, "see the devices: fob mfa list "+fault.Operand(w.Profile))
	case named != "":
		return *d, nil
	}
	if d := w.find(w.Serial); d != nil {
		return *d, nil
	}
	switch len(codes) {
	case 0:
		return Device{}, w.failed(what, fmt.Errorf("%s has none that shows codes", w.Owner.shown()), fault.Failed, "enrol one: fob mfa enrol "+fault.Operand(w.Profile))
	case 1:
		return codes[0], nil
	}
	return Device{}, w.failed(what, fmt.Errorf("%s has several, and the config names none of them%s", w.Owner.shown(), w.serials()), fault.Usage, "name the one: --serial SERIAL")
}

// serials lists the devices below a sentence.
func (w *Work) serials() string {
	text := ""
	for _, d := range w.known {
		text += "\n" + d.Serial
	}
	return text
}

func (o Owner) shown() string {
	return "user " + o.Name + " of account " + o.Account
}

func refusedBy(err error, code string) bool {
	r := (*awsapi.Refusal)(nil)
	return errors.As(err, &r) && r.Code == code
}
