package devices

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fob/internal/cred"
	"fob/internal/fault"
	"fob/internal/obtain/awsapi"
)

// Enrol makes a virtual device named like the user, shows its secret, and gives it
// to the user once two codes prove that an app has it. The secret is kept nowhere:
// of a run that is cut off, the device is deleted again, by the run itself or by
// the next one, when agree says so. Errors are *fault.Error, or the context's.
func (w *Work) Enrol(ctx context.Context, agree Agree) (serial string, err error) {
	what := "enrol an MFA device for " + w.Owner.shown()
	if err := w.list(ctx); err != nil {
		return "", w.refused(what, err)
	}
	if d := w.find(w.Owner.Serial()); d != nil {
		return "", w.there(what, *d)
	}
	for _, d := range w.known {
		w.Say("%s has another MFA device already, which stays: %s", w.Owner.shown(), d.Serial)
	}
	made, err := w.create(ctx, agree)
	if err != nil {
		return "", w.lost(what, err)
	}
	w.Show(w.Owner, made.Seed)
	err = w.send(ctx, made.Serial, made.Seed, func(i IAM, p awsapi.CodePair) error { return i.EnableMFADevice(ctx, p) })
	if err == nil || w.enabledAfterAll(ctx, made.Serial, err) {
		return made.Serial, nil
	}
	w.undo(ctx, made.Serial)
	return "", w.refused(what, err)
}

// there says what to do with a device that is enrolled already.
func (w *Work) there(what string, d Device) error {
	p := fault.Operand(w.Profile)
	next := []string{"a new phone, or its secret is gone: fob mfa remove " + p + ", then fob mfa enrol " + p, "its codes are refused: fob mfa resync " + p}
	if w.Serial != d.Serial {
		next = append([]string{"use it: mfa_serial = " + d.Serial + " in profile " + fault.Word(w.Profile)}, next...)
	}
	return w.failed(what, fmt.Errorf("it has one of its name since %s: %s", d.Enabled.Format(time.DateOnly), d.Serial), fault.Failed, next...)
}

// create makes the device. One of that name which is not the user's is what an
// enrolment that was cut off has left, or somebody else's, which IAM does not
// delete.
func (w *Work) create(ctx context.Context, agree Agree) (made awsapi.NewMFADevice, err error) {
	try := func(i IAM) (err error) {
		made, err = i.CreateVirtualMFADevice(ctx, w.Owner.Name)
		return err
	}
	if err = w.call(ctx, try); !refusedBy(err, "EntityAlreadyExists") {
		return made, err
	}
	serial := w.Owner.Serial()
	ok, failed := agree(ctx, "AWS has a device "+serial+" that is not yours: an enrolment that was cut off has left it, or it was made for you. Its secret cannot be had again. Delete it and begin anew?")
	if failed != nil {
		return made, failed
	}
	if !ok {
		return made, &fault.Error{What: "nothing was enrolled", Why: errors.New("the device " + serial + " stands in the way"), Next: []string{"who made it can enable it; or delete it: fob mfa enrol --yes " + fault.Operand(w.Profile)}, Code: fault.Failed}
	}
	failed = w.call(ctx, func(i IAM) error { return i.DeleteVirtualMFADevice(ctx, serial) })
	switch {
	case refusedBy(failed, "DeleteConflict"):
		return made, &fault.Error{What: "cannot enrol an MFA device for " + w.Owner.shown(), Why: fmt.Errorf("another user has the device of that name: %w", failed), Next: []string{"who administers IAM can take it from that user"}, Code: fault.Refused}
	case failed != nil && !refusedBy(failed, "NoSuchEntity"):
		return made, failed
	}
	w.Say("deleted the device %s, which nobody had", serial)
	return made, w.call(ctx, try)
}

// lost is refused for a call that makes a device: where the answer did not arrive
// there may be one whose secret nobody has.
func (w *Work) lost(what string, err error) error {
	if gone := (*awsapi.UnreachableError)(nil); errors.As(err, &gone) && gone.Op == "CreateVirtualMFADevice" {
		return w.failed(what, err, fault.Failed, "check the network, then: fob mfa enrol "+fault.Operand(w.Profile)+", which also finds what this run may have left at AWS")
	}
	return w.refused(what, err)
}

// enabledAfterAll looks whether a call did its work whose answer was lost.
func (w *Work) enabledAfterAll(ctx context.Context, serial string, err error) bool {
	gone := (*awsapi.UnreachableError)(nil)
	return errors.As(err, &gone) && w.list(ctx) == nil && w.find(serial) != nil
}

// undo deletes a device that was not enabled, also where the run is being ended.
func (w *Work) undo(ctx context.Context, serial string) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer stop()
	remove := func(i IAM) error { return i.DeleteVirtualMFADevice(ctx, serial) }
	err := remove(w.Key)
	if w.asked && refusedBy(err, "AccessDenied") {
		err = w.Session(ctx, remove)
	}
	switch {
	case err == nil:
		w.Say("deleted the device %s again: delete its entry in the app, too", serial)
	case refusedBy(err, "NoSuchEntity"):
	default:
		w.Say("AWS keeps the device %s, which is of no use: %v; the next fob mfa enrol deletes it", serial, err)
	}
}

// Resync makes AWS follow a device whose codes it refuses; named is its serial, or
// "" for the one that is meant.
func (w *Work) Resync(ctx context.Context, named string) (Device, error) {
	d, err := w.choose(ctx, named, "resync an MFA device")
	if err != nil {
		return d, err
	}
	err = w.send(ctx, d.Serial, cred.Secret{}, func(i IAM, p awsapi.CodePair) error { return i.ResyncMFADevice(ctx, p) })
	if err != nil {
		return d, w.refused("resync "+d.Serial, err)
	}
	return d, nil
}

// Remove takes a device from the user and deletes it, when agree says so. The
// policies that allow it want MFA, so a session makes the calls where one can be
// had.
func (w *Work) Remove(ctx context.Context, named string, agree Agree) (Device, error) {
	d, err := w.choose(ctx, named, "remove an MFA device")
	if err != nil {
		return d, err
	}
	ok, err := agree(ctx, w.losing(d))
	if err == nil && !ok {
		err = &fault.Error{What: "nothing was removed", Code: fault.Failed}
	}
	if err != nil {
		return d, err
	}
	w.asked = w.Session != nil && w.find(w.Serial) != nil
	if err := w.call(ctx, func(i IAM) error { return i.DeactivateMFADevice(ctx, w.Owner.Name, d.Serial) }); err != nil {
		return d, w.refused("remove "+d.Serial, err)
	}
	if d.Kind != Virtual {
		return d, nil
	}
	w.asked = false // the key again: the session's device is no more
	if err := w.call(ctx, func(i IAM) error { return i.DeleteVirtualMFADevice(ctx, d.Serial) }); err != nil && !refusedBy(err, "NoSuchEntity") {
		w.Say("%s is not yours any more, and could not be deleted: %v; the next fob mfa enrol tries again", d.Serial, err)
	}
	return d, nil
}

// losing says what ends with a device.
func (w *Work) losing(d Device) string {
	lost := "no role that wants MFA can be entered until another one is enrolled; sessions that were made hold until they end"
	if len(w.known) > 1 {
		lost = "its codes are refused from then on; the other devices stay"
	}
	return "Remove the MFA device " + d.Serial + " of " + w.Owner.shown() + "? Its secret cannot be brought back, and " + lost + "."
}
