package awsapi

import (
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

const made = `<CreateAccessKeyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><CreateAccessKeyResult><AccessKey>
<UserName>ann</UserName><AccessKeyId>AKIANEW</AccessKeyId><Status>Active</Status><SecretAccessKey>CANARYnew</SecretAccessKey>
</AccessKey></CreateAccessKeyResult></CreateAccessKeyResponse>`

func TestAccessKeys(t *testing.T) {
	t.Parallel()
	c, _ := server(t, reply(200, `<ListAccessKeysResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ListAccessKeysResult><AccessKeyMetadata>
<member><UserName>ann</UserName><AccessKeyId>AKIA1</AccessKeyId><Status>Active</Status><CreateDate>2026-01-02T03:04:05Z</CreateDate></member>
<member><UserName>ann</UserName><AccessKeyId>AKIA2</AccessKeyId><Status>Inactive</Status><CreateDate>2026-01-03T03:04:05Z</CreateDate></member>
</AccessKeyMetadata><IsTruncated>false</IsTruncated></ListAccessKeysResult></ListAccessKeysResponse>`))
	got, err := c.AccessKeys(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	day := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	want := []KeyState{{ID: "AKIA1", Active: true, Created: day}, {ID: "AKIA2", Created: day.AddDate(0, 0, 1)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCreateAccessKey(t *testing.T) {
	t.Parallel()
	c, _ := server(t, reply(200, made))
	got, err := c.CreateAccessKey(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(cred.AccessKey{ID: "AKIANEW", Secret: cred.NewSecret("CANARYnew")}, got); diff != "" {
		t.Error(diff)
	}
}

// A key is made at most once by one call, whatever becomes of the answer.
func TestCreateAccessKeyIsSentOnce(t *testing.T) {
	t.Parallel()
	dropped := func(w http.ResponseWriter, _ *http.Request) {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
	}
	for name, h := range map[string]http.HandlerFunc{
		"out of order": reply(500, refusal("InternalFailure", "no")),
		"throttled":    reply(400, refusal("Throttling", "Rate exceeded")),
		"cut":          reply(200, made[:len(made)/2]),
		"no secret":    reply(200, strings.ReplaceAll(made, "CANARYnew", "")),
		"dropped":      dropped,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, calls := server(t, h)
			got, err := c.CreateAccessKey(t.Context(), "ann")
			if err == nil || got.ID != "" || calls.Load() != 1 {
				t.Errorf("%d calls, key %q, error %v", calls.Load(), got.ID, err)
			}
			if err != nil && strings.Contains(err.Error(), "CANARY") {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

// What the other calls send, and that a refusal has its type.
func TestKeyCalls(t *testing.T) {
	t.Parallel()
	var sent string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		sent = string(text)
		reply(404, refusal("NoSuchEntity", "The Access Key with id AKIA1 cannot be found."))(w, r)
	}))
	t.Cleanup(s.Close)
	c := New(Config{Region: "us-east-1", URL: s.URL, Version: "test", Clock: NewClock(time.Now)}, signer)
	for want, call := range map[string]func() error{
		"AccessKeyId=AKIA1&Action=UpdateAccessKey&Status=Inactive&UserName=ann&Version=2010-05-08": func() error { return c.SetKeyActive(t.Context(), "ann", "AKIA1", false) },
		"AccessKeyId=AKIA1&Action=UpdateAccessKey&Status=Active&Version=2010-05-08":                func() error { return c.SetKeyActive(t.Context(), "", "AKIA1", true) },
		"AccessKeyId=AKIA1&Action=DeleteAccessKey&UserName=ann&Version=2010-05-08":                 func() error { return c.DeleteAccessKey(t.Context(), "ann", "AKIA1") },
		"AccessKeyId=AKIA1&Action=GetAccessKeyLastUsed&Version=2010-05-08": func() error {
			_, err := c.KeyLastUsed(t.Context(), "AKIA1")
			return err
		},
	} {
		err := call()
		r := (*Refusal)(nil)
		if !errors.As(err, &r) || r.Code != "NoSuchEntity" || sent != want {
			t.Errorf("sent %s, error %v; want %s and a refusal", sent, err, want)
		}
	}
}
