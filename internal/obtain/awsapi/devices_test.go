package awsapi

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fob/internal/cred"

	"github.com/google/go-cmp/cmp"
)

func TestMFADevices(t *testing.T) {
	t.Parallel()
	c, _ := server(t, reply(200, `<ListMFADevicesResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ListMFADevicesResult><MFADevices>
<member><UserName>ann</UserName><SerialNumber>arn:aws:iam::1:mfa/ann</SerialNumber><EnableDate>2026-01-02T03:04:05Z</EnableDate></member>
<member><UserName>ann</UserName><SerialNumber>GAHT12345678</SerialNumber><EnableDate>2026-01-03T03:04:05Z</EnableDate></member>
</MFADevices><IsTruncated>false</IsTruncated></ListMFADevicesResult></ListMFADevicesResponse>`))
	got, err := c.MFADevices(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	want := []MFADevice{{"arn:aws:iam::1:mfa/ann", day}, {"GAHT12345678", day.AddDate(0, 0, 1)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

const seedCanary = "CANARYA2B3C4D5E6"

func madeDevice(seed string) string {
	return `<CreateVirtualMFADeviceResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><CreateVirtualMFADeviceResult><VirtualMFADevice>
<SerialNumber>arn:aws:iam::1:mfa/ann</SerialNumber><Base32StringSeed>` + base64.StdEncoding.EncodeToString([]byte(seed)) + `</Base32StringSeed>
</VirtualMFADevice></CreateVirtualMFADeviceResult></CreateVirtualMFADeviceResponse>`
}

func TestCreateVirtualMFADevice(t *testing.T) {
	t.Parallel()
	c, _ := server(t, reply(200, madeDevice(seedCanary)))
	got, err := c.CreateVirtualMFADevice(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(NewMFADevice{Serial: "arn:aws:iam::1:mfa/ann", Seed: cred.NewSecret(seedCanary)}, got); diff != "" {
		t.Error(diff)
	}
}

// A device is made, and a code sent, at most once by one call.
func TestDeviceCallsAreSentOnce(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.HandlerFunc{
		"out of order": reply(500, refusal("InternalFailure", "no")),
		"throttled":    reply(400, refusal("Throttling", "Rate exceeded")),
		"cut":          reply(200, madeDevice(seedCanary)[:200]),
		"no seed":      reply(200, madeDevice("")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, calls := server(t, h)
			got, err := c.CreateVirtualMFADevice(t.Context(), "ann")
			if err == nil || got.Serial != "" || calls.Load() != 1 || strings.Contains(err.Error(), "CANARY") {
				t.Errorf("%d calls, device %q, error %v", calls.Load(), got.Serial, err)
			}
			for i, call := range []func() error{
				func() error { return c.EnableMFADevice(t.Context(), CodePair{"ann", "s", "1", "2"}) },
				func() error { return c.ResyncMFADevice(t.Context(), CodePair{"ann", "s", "1", "2"}) },
			} {
				if err := call(); calls.Load() != int32(i+2) {
					t.Errorf("call %d: %d calls, error %v", i, calls.Load(), err)
				}
			}
		})
	}
}

// What the calls send, and that a refusal has its type.
func TestDeviceCalls(t *testing.T) {
	t.Parallel()
	var sent string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		sent = string(text)
		reply(409, refusal("DeleteConflict", "MFA VirtualDevice in use. Must deactivate first."))(w, r)
	}))
	t.Cleanup(s.Close)
	c := New(Config{Region: "us-east-1", URL: s.URL, Version: "test", Clock: NewClock(time.Now)}, signer)
	pair := CodePair{User: "ann", Serial: "GAHT1", First: "123456", Second: "234567"}
	for want, call := range map[string]func() error{
		"Action=CreateVirtualMFADevice&Version=2010-05-08&VirtualMFADeviceName=ann": func() error {
			_, err := c.CreateVirtualMFADevice(t.Context(), "ann")
			return err
		},
		"Action=EnableMFADevice&AuthenticationCode1=123456&AuthenticationCode2=234567&SerialNumber=GAHT1&UserName=ann&Version=2010-05-08": func() error { return c.EnableMFADevice(t.Context(), pair) },
		"Action=ResyncMFADevice&AuthenticationCode1=123456&AuthenticationCode2=234567&SerialNumber=GAHT1&UserName=ann&Version=2010-05-08": func() error { return c.ResyncMFADevice(t.Context(), pair) },
		"Action=DeactivateMFADevice&SerialNumber=GAHT1&UserName=ann&Version=2010-05-08":                                                   func() error { return c.DeactivateMFADevice(t.Context(), "ann", "GAHT1") },
		"Action=DeleteVirtualMFADevice&SerialNumber=GAHT1&Version=2010-05-08":                                                             func() error { return c.DeleteVirtualMFADevice(t.Context(), "GAHT1") },
		"Action=ListMFADevices&UserName=ann&Version=2010-05-08": func() error {
			_, err := c.MFADevices(t.Context(), "ann")
			return err
		},
	} {
		err := call()
		r := (*Refusal)(nil)
		if !errors.As(err, &r) || r.Code != "DeleteConflict" || sent != want {
			t.Errorf("sent %s, error %v; want %s and a refusal", sent, err, want)
		}
	}
}

// A clock that is off is seen in the first answer, and codes are judged by AWS's.
func TestAWSNow(t *testing.T) {
	t.Parallel()
	here := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := NewClock(func() time.Time { return here })
	c.observe(here.Add(3*time.Minute), here, here)
	if got := c.AWSNow(); !got.Equal(here.Add(3 * time.Minute)) {
		t.Errorf("got %v", got)
	}
}
