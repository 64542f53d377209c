package awsapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"fob/internal/cred"
)

// Reached is what came of a knock. Dated says that the answer told the time, and
// Ahead how far AWS's clock is ahead of this machine's.
type Reached struct {
	Host  string
	Dated bool
	Ahead time.Duration
}

// ReachSTS asks whether anything answers where STS is called. What is sent has no
// signature, so AWS does nothing and notes nothing. An error is why no answer came.
func (c *Client) ReachSTS(ctx context.Context) (Reached, error) {
	return c.reach(ctx, func(c *Client) error {
		_, err := c.CallerIdentity(ctx)
		return err
	})
}

// ReachIAM is ReachSTS for IAM.
func (c *Client) ReachIAM(ctx context.Context) (Reached, error) {
	return c.reach(ctx, func(c *Client) error {
		_, err := c.AccessKeys(ctx, "")
		return err
	})
}

// reach lets the SDK say where it would call, and goes there without the call.
func (c *Client) reach(ctx context.Context, call func(*Client) error) (Reached, error) {
	k := &knock{now: c.cfg.Clock.now}
	asked := *c
	asked.knock, asked.signer = k, cred.Signer{ID: "none", Secret: cred.NewSecret("none")}
	asked.cfg.Attempts = 1
	err := call(&asked)
	if k.at == nil {
		return Reached{Host: c.host()}, err
	}
	return k.answer()
}

// Knock is ReachSTS for any address, by the client of HTTPClient.
func Knock(ctx context.Context, client *http.Client, address string, now func() time.Time) (Reached, error) {
	at, err := url.Parse(address)
	if err != nil {
		return Reached{Host: address}, err
	}
	k := &knock{next: client.Transport, now: now}
	k.ask(ctx, at)
	return k.answer()
}

// knock stands in the place of the network for one call.
type knock struct {
	next    http.RoundTripper
	now     func() time.Time
	at      *url.URL
	err     error
	reached Reached
}

var errKnocked = errors.New("nothing was called")

func (k *knock) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
	if k.at == nil { // the SDK may try again
		k.ask(r.Context(), r.URL)
	}
	return nil, errKnocked
}

func (k *knock) ask(ctx context.Context, at *url.URL) {
	k.at, k.reached.Host = at, at.Host
	plain, err := http.NewRequestWithContext(ctx, http.MethodGet, at.Scheme+"://"+at.Host+"/", nil)
	if err != nil {
		k.err = err
		return
	}
	sent := k.now()
	resp, err := k.next.RoundTrip(plain)
	if err != nil {
		k.err = err
		return
	}
	_ = resp.Body.Close()
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		clock := NewClock(k.now)
		clock.observe(date, sent, k.now())
		k.reached.Dated, k.reached.Ahead = true, time.Duration(clock.seen.Load())
	}
}

func (k *knock) answer() (Reached, error) {
	err := k.err
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	return k.reached, err
}
