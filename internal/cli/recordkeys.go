package cli

import (
	"context"
	"errors"

	"fob/internal/cred"
	"fob/internal/obtain/awsapi"
	"fob/internal/obtain/devices"
	"fob/internal/obtain/keys"
)

// recordKey records what became of a long-term key or a device: in the store
// (stored, removed), or by a call that changes what AWS has.
func (k *keeper) recordKey(ctx context.Context, profile, call, id string, err error) {
	line := recordedLine{Event: "key", Profile: profile, Call: call, KeyID: id}
	if err != nil {
		line.Error = err.Error()
	}
	if no := (*awsapi.Refusal)(nil); errors.As(err, &no) {
		line.RequestID = no.RequestID
	}
	k.record(ctx, line)
}

// recordedKeys makes the changes of a rotation be recorded.
type recordedKeys struct {
	keys.IAM
	k       *keeper
	profile string
}

func (r recordedKeys) CreateAccessKey(ctx context.Context, user string) (cred.AccessKey, error) {
	key, err := r.IAM.CreateAccessKey(ctx, user)
	r.k.recordKey(ctx, r.profile, "CreateAccessKey", publicID(key.ID), err)
	return key, err
}

func (r recordedKeys) SetKeyActive(ctx context.Context, user, id string, active bool) error {
	err := r.IAM.SetKeyActive(ctx, user, id, active)
	r.k.recordKey(ctx, r.profile, "UpdateAccessKey", publicID(id), err)
	return err
}

func (r recordedKeys) DeleteAccessKey(ctx context.Context, user, id string) error {
	err := r.IAM.DeleteAccessKey(ctx, user, id)
	r.k.recordKey(ctx, r.profile, "DeleteAccessKey", publicID(id), err)
	return err
}

// recordedDevices makes the changes of a user's devices be recorded.
type recordedDevices struct {
	devices.IAM
	k       *keeper
	profile string
}

func (r recordedDevices) CreateVirtualMFADevice(ctx context.Context, name string) (awsapi.NewMFADevice, error) {
	made, err := r.IAM.CreateVirtualMFADevice(ctx, name)
	r.k.recordKey(ctx, r.profile, "CreateVirtualMFADevice", made.Serial, err)
	return made, err
}

func (r recordedDevices) EnableMFADevice(ctx context.Context, p awsapi.CodePair) error {
	err := r.IAM.EnableMFADevice(ctx, p)
	r.k.recordKey(ctx, r.profile, "EnableMFADevice", p.Serial, err)
	return err
}

func (r recordedDevices) ResyncMFADevice(ctx context.Context, p awsapi.CodePair) error {
	err := r.IAM.ResyncMFADevice(ctx, p)
	r.k.recordKey(ctx, r.profile, "ResyncMFADevice", p.Serial, err)
	return err
}

func (r recordedDevices) DeactivateMFADevice(ctx context.Context, user, serial string) error {
	err := r.IAM.DeactivateMFADevice(ctx, user, serial)
	r.k.recordKey(ctx, r.profile, "DeactivateMFADevice", serial, err)
	return err
}

func (r recordedDevices) DeleteVirtualMFADevice(ctx context.Context, serial string) error {
	err := r.IAM.DeleteVirtualMFADevice(ctx, serial)
	r.k.recordKey(ctx, r.profile, "DeleteVirtualMFADevice", serial, err)
	return err
}
