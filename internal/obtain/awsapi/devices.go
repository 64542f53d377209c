package awsapi

import (
	"context"
	"errors"
	"time"

	"fob/internal/cred"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// MFADevice is an enabled MFA device of a user. Serial is an ARN, or what is
// printed on a device that one can hold.
type MFADevice struct {
	Serial  string
	Enabled time.Time
}

// NewMFADevice is a virtual MFA device that no user has yet. Seed is base32, and
// AWS shows it this once.
type NewMFADevice struct {
	Serial string
	Seed   cred.Secret
}

// CodePair is two codes that a device showed one after the other.
type CodePair struct{ User, Serial, First, Second string }

// MFADevices lists the devices of a user, at most eight.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListMFADevices.html)
func (c *Client) MFADevices(ctx context.Context, user string) ([]MFADevice, error) {
	api, err := c.iam(false)
	if err != nil {
		return nil, err
	}
	out, err := api.ListMFADevices(ctx, &iam.ListMFADevicesInput{UserName: text(user)})
	if err != nil {
		return nil, c.refused("ListMFADevices", err)
	}
	devices := make([]MFADevice, 0, len(out.MFADevices))
	for _, d := range out.MFADevices {
		devices = append(devices, MFADevice{Serial: aws.ToString(d.SerialNumber), Enabled: aws.ToTime(d.EnableDate).UTC()})
	}
	return devices, nil
}

// CreateVirtualMFADevice makes a device. It is sent once: where the answer is lost
// a second try would be refused for the name, and the seed is lost anyway.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html)
func (c *Client) CreateVirtualMFADevice(ctx context.Context, name string) (NewMFADevice, error) {
	api, err := c.iam(true)
	if err != nil {
		return NewMFADevice{}, err
	}
	out, err := api.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: &name})
	if err != nil {
		return NewMFADevice{}, c.refused("CreateVirtualMFADevice", err)
	}
	d := out.VirtualMFADevice
	if d == nil || aws.ToString(d.SerialNumber) == "" || len(d.Base32StringSeed) == 0 {
		return NewMFADevice{}, &UnreachableError{Op: "CreateVirtualMFADevice", Host: c.host(), Err: errors.New("the answer is cut short or not one of AWS's")}
	}
	return NewMFADevice{Serial: *d.SerialNumber, Seed: cred.NewSecret(string(d.Base32StringSeed))}, nil
}

// EnableMFADevice gives a device to a user. It carries codes, so it is sent once.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html)
func (c *Client) EnableMFADevice(ctx context.Context, p CodePair) error {
	api, err := c.iam(true)
	if err != nil {
		return err
	}
	in := &iam.EnableMFADeviceInput{UserName: &p.User, SerialNumber: &p.Serial, AuthenticationCode1: &p.First, AuthenticationCode2: &p.Second}
	if _, err = api.EnableMFADevice(ctx, in); err != nil {
		return c.refused("EnableMFADevice", err)
	}
	return nil
}

// ResyncMFADevice makes AWS follow a device whose clock went astray. It carries
// codes, so it is sent once.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_ResyncMFADevice.html)
func (c *Client) ResyncMFADevice(ctx context.Context, p CodePair) error {
	api, err := c.iam(true)
	if err != nil {
		return err
	}
	in := &iam.ResyncMFADeviceInput{UserName: &p.User, SerialNumber: &p.Serial, AuthenticationCode1: &p.First, AuthenticationCode2: &p.Second}
	if _, err = api.ResyncMFADevice(ctx, in); err != nil {
		return c.refused("ResyncMFADevice", err)
	}
	return nil
}

// DeactivateMFADevice takes a device from a user.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeactivateMFADevice.html)
func (c *Client) DeactivateMFADevice(ctx context.Context, user, serial string) error {
	api, err := c.iam(false)
	if err != nil {
		return err
	}
	if _, err = api.DeactivateMFADevice(ctx, &iam.DeactivateMFADeviceInput{UserName: &user, SerialNumber: &serial}); err != nil {
		return c.refused("DeactivateMFADevice", err)
	}
	return nil
}

// DeleteVirtualMFADevice deletes a device that no user has; that of a user is
// refused with DeleteConflict.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteVirtualMFADevice.html)
func (c *Client) DeleteVirtualMFADevice(ctx context.Context, serial string) error {
	api, err := c.iam(false)
	if err != nil {
		return err
	}
	if _, err = api.DeleteVirtualMFADevice(ctx, &iam.DeleteVirtualMFADeviceInput{SerialNumber: &serial}); err != nil {
		return c.refused("DeleteVirtualMFADevice", err)
	}
	return nil
}
