package playground

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"strings"
)

func mfaOperations() map[string]operation {
	return map[string]operation{
		"iam:CreateVirtualMFADevice": {resource: newDeviceARN, run: (*Server).createDevice},
		"iam:DeleteVirtualMFADevice": {resource: deviceARN, run: (*Server).deleteDevice},
		"iam:EnableMFADevice":        {resource: userARN, run: (*Server).enableDevice},
		"iam:ResyncMFADevice":        {resource: userARN, run: (*Server).resyncDevice},
		"iam:DeactivateMFADevice":    {resource: userARN, run: (*Server).deactivateDevice},
		"iam:ListMFADevices":         {resource: userARN, run: (*Server).listDevices},
		"iam:ListVirtualMFADevices":  {resource: under("mfa/"), run: (*Server).listVirtualDevices},
	}
}

func newDeviceARN(c *call) string {
	return "arn:aws:iam::" + c.id.account.ID + ":mfa" + c.path() + c.param("VirtualMFADeviceName")
}

func deviceARN(c *call) string { return c.param("SerialNumber") }

func (s *Server) createDevice(c *call) ([]element, error) {
	if err := c.checkEntityName("VirtualMFADeviceName", 226); err != nil {
		return nil, err
	}
	if c.id.account.devices[c.resource] != nil {
		return nil, conflict("EntityAlreadyExists", "MFADevice entity at the same path and name already exists.")
	}
	b := builder{world: s.world, random: s.random, now: s.now()}
	d := b.device(c.id.account, c.path(), c.param("VirtualMFADeviceName"))
	return []element{tree("VirtualMFADevice", leaf("SerialNumber", d.serial),
		leaf("Base32StringSeed", base64.StdEncoding.EncodeToString([]byte(d.seed))),
		leaf("QRCodePNG", base64.StdEncoding.EncodeToString(placeholderPNG())))}, nil
}

// placeholderPNG has the three corners of a QR code and no content: clients
// save it to a file, and nothing scans it.
func placeholderPNG() []byte {
	const size, corner = 21, 7
	img := image.NewGray(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			dark := finder(x, y) || finder(x-size+corner, y) || finder(x, y-size+corner)
			img.SetGray(x, y, color.Gray{Y: 255})
			if dark {
				img.SetGray(x, y, color.Gray{})
			}
		}
	}
	var b bytes.Buffer
	_ = png.Encode(&b, img) // a small image into a buffer
	return b.Bytes()
}

// finder draws the ring and the core of one corner.
func finder(x, y int) bool {
	inside := x >= 0 && x < 7 && y >= 0 && y < 7
	ring := x == 0 || x == 6 || y == 0 || y == 6
	core := x >= 2 && x <= 4 && y >= 2 && y <= 4
	return inside && (ring || core)
}

// theDevice is the device that the call names.
func (c *call) theDevice() (*device, error) {
	d := c.id.account.devices[c.param("SerialNumber")]
	if d == nil {
		return nil, noSuch("VirtualMFADevice with serial number %s does not exist.", c.param("SerialNumber"))
	}
	return d, nil
}

func (s *Server) deleteDevice(c *call) ([]element, error) {
	d, err := c.theDevice()
	if err != nil {
		return nil, err
	}
	if d.owner != nil {
		return nil, conflict("DeleteConflict", "MFA VirtualDevice in use. Must deactivate first.")
	}
	delete(c.id.account.devices, d.serial)
	return nil, nil
}

func (s *Server) enableDevice(c *call) ([]element, error) {
	u, err := c.subject()
	if err != nil {
		return nil, err
	}
	d, err := c.theDevice()
	if err != nil {
		return nil, err
	}
	if d.owner != nil {
		return nil, conflict("EntityAlreadyExists", "MFA Device is already in use.")
	}
	if len(s.world.devicesOf(u)) >= 8 {
		return nil, conflict("LimitExceeded", "Cannot exceed quota for MFADevicesPerUser: 8")
	}
	if err := s.checkPair(c, d); err != nil {
		return nil, err
	}
	d.owner, d.enabled = u, s.now()
	return nil, nil
}

// checkPair wants two codes that follow each other, which proves the clock.
func (s *Server) checkPair(c *call, d *device) error {
	if !d.takePair(c.param("AuthenticationCode1"), c.param("AuthenticationCode2"), s.now()) {
		return refuse(http.StatusForbidden, "InvalidAuthenticationCode", "Authentication code for device is not valid.")
	}
	return nil
}

// ownDevice is the device that the call names, when its user has it.
func (c *call) ownDevice() (*device, error) {
	u, err := c.subject()
	if err != nil {
		return nil, err
	}
	d := c.id.account.devices[c.param("SerialNumber")]
	if d == nil || d.owner != u {
		return nil, noSuch("MFA Device with serial number %s does not exist for user %s.", c.param("SerialNumber"), u.name)
	}
	return d, nil
}

func (s *Server) resyncDevice(c *call) ([]element, error) {
	d, err := c.ownDevice()
	if err != nil {
		return nil, err
	}
	return nil, s.checkPair(c, d)
}

func (s *Server) deactivateDevice(c *call) ([]element, error) {
	d, err := c.ownDevice()
	if err != nil {
		return nil, err
	}
	d.owner = nil
	return nil, nil
}

func (s *Server) listDevices(c *call) ([]element, error) {
	u, err := c.subject()
	if err != nil {
		return nil, err
	}
	devices, rest, err := page(c, s.world.devicesOf(u))
	if err != nil {
		return nil, err
	}
	var items [][]element
	for _, d := range devices {
		items = append(items, []element{leaf("UserName", u.name), leaf("SerialNumber", d.serial), moment("EnableDate", d.enabled)})
	}
	return append([]element{members("MFADevices", items)}, rest...), nil
}

func (s *Server) listVirtualDevices(c *call) ([]element, error) {
	wanted := c.param("AssignmentStatus")
	if wanted != "" && !strings.Contains("|Assigned|Unassigned|Any|", "|"+wanted+"|") {
		return nil, constraint(wanted, "assignmentStatus", "satisfy enum value set: [Assigned, Unassigned, Any]")
	}
	var items [][]element
	for _, serial := range sorted(c.id.account.devices) {
		d := c.id.account.devices[serial]
		if wanted == "Assigned" && d.owner == nil || wanted == "Unassigned" && d.owner != nil {
			continue
		}
		item := []element{leaf("SerialNumber", d.serial)}
		if d.owner != nil {
			item = append(item, moment("EnableDate", d.enabled), tree("User", d.owner.elements()...))
		}
		items = append(items, item)
	}
	items, rest, err := page(c, items)
	if err != nil {
		return nil, err
	}
	return append([]element{members("VirtualMFADevices", items)}, rest...), nil
}
