package awsapi

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Clock is this machine's clock beside AWS's, which every answer tells. The
// clients of one run share one, so that what one of them has learned serves the
// next. A wrong clock is lived with: a call that is refused for its time is
// signed once more by AWS's, and the ends of sessions are told by this
// machine's, which is the clock that everybody here goes by.
type Clock struct {
	now func() time.Time
	// seen is how far AWS's clock was ahead of ours at the last answer, and used
	// what is signed by.
	seen, used atomic.Int64
}

// NewClock begins without a difference.
func NewClock(now func() time.Time) *Clock { return &Clock{now: now} }

// Off is how far AWS's clock is ahead of this machine's, where AWS has refused a
// signature for it, else 0. What other programs sign here is refused too.
func (c *Clock) Off() time.Duration { return time.Duration(c.used.Load()) }

// AWSNow is the time by AWS's clock, as the last answer told it, to a second.
func (c *Clock) AWSNow() time.Time { return c.now().Add(time.Duration(c.seen.Load())) }

// local gives a time of AWS's by this machine's clock. A difference below a
// minute is no reason to tell an end otherwise than AWS does.
func (c *Clock) local(at time.Time) time.Time {
	if off := time.Duration(c.seen.Load()); off.Abs() >= time.Minute {
		return at.Add(-off)
	}
	return at
}

// observe takes the Date of an answer to a request that was sent and answered
// at these times. The answer was made in between, and Date has whole seconds:
// only what is outside of that is a difference.
func (c *Clock) observe(date, sent, received time.Time) {
	off := time.Duration(0)
	switch {
	case date.After(received):
		off = date.Sub(received)
	case date.Add(time.Second).Before(sent):
		off = date.Add(time.Second).Sub(sent)
	}
	c.seen.Store(int64(off))
}

// belied says whether a Date cannot be AWS's, which has just taken a signature of
// another time: a proxy or a local endpoint has set it.
func (c *Clock) belied(date time.Time) bool {
	return date.Sub(c.now().Add(c.Off())).Abs() > signatureHolds
}

// signatureHolds is the most that AWS takes of a difference.
const signatureHolds = 15 * time.Minute

// correct takes over the difference that was seen, and says whether that is
// enough to have been the reason of a refusal.
func (c *Clock) correct() bool {
	seen := c.seen.Load()
	enough := time.Duration(seen-c.used.Load()).Abs() >= skewLimit
	if enough {
		c.used.Store(seen)
	}
	return enough
}

// skewLimit is below the five minutes that AWS takes at least
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html).
const skewLimit = 4 * time.Minute

// OfClock says whether AWS refuses with this code what is signed by a wrong
// clock. Two of the codes have other reasons too: Date tells.
func OfClock(code string) bool {
	return slices.Contains([]string{
		"SignatureDoesNotMatch", "InvalidSignatureException", "AuthFailure",
		"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture",
	}, code)
}

// Ended says whether AWS refuses with this code a session that it does not take
// any more: it ended, or was taken back.
func Ended(code string) bool {
	return slices.Contains([]string{"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"}, code)
}

// clockSigner is the SDK's, by AWS's clock where that is known to be another.
type clockSigner struct {
	*v4.Signer
	clock *Clock
}

// SignHTTP does not look at the time that the SDK gives.
func (s clockSigner) SignHTTP(ctx context.Context, creds aws.Credentials, r *http.Request, hash, service, region string, _ time.Time, o ...func(*v4.SignerOptions)) error {
	return s.Signer.SignHTTP(ctx, creds, r, hash, service, region, s.clock.now().Add(s.clock.Off()), o...)
}

func (c *Clock) signer() clockSigner { return clockSigner{v4.NewSigner(), c} }

// observed tells the clock what each answer says, and whether there was ever a
// connection.
type observed struct {
	next    http.RoundTripper
	clock   *Clock
	reached *atomic.Bool
}

func (o observed) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := o.clock.now()
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { o.reached.Store(true) }}
	resp, err := o.next.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	if err != nil {
		return nil, err
	}
	date, err := http.ParseTime(resp.Header.Get("Date"))
	accepted := resp.StatusCode/100 == 2 && r.Header.Get("Authorization") != ""
	if err == nil && !(accepted && o.clock.belied(date)) {
		o.clock.observe(date, sent, o.clock.now())
	}
	return resp, nil
}

// patience is the SDK's retryer, and one more try for what was refused because
// of the clock: AWS looks at the time of a signature before anything else, so a
// code in it was not taken, and nothing was made. The SDK would not try again
// what is sent once.
type patience struct {
	aws.RetryerV2
	clock *Clock
	// left is how often what has other reasons may still be sent again.
	left      int
	corrected bool
}

// newPatience is for one call, which is sent attempts times at most, and once
// more by a corrected clock.
func newPatience(clock *Clock, attempts int) *patience {
	standard := retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = attempts + 1
		o.MaxBackoff = 5 * time.Second
	})
	return &patience{RetryerV2: standard, clock: clock, left: attempts - 1}
}

func (p *patience) IsErrorRetryable(err error) bool {
	if OfClock(codeOf(err)) && answered(err) && !p.corrected && p.clock.correct() {
		p.corrected = true
		return true
	}
	p.left--
	return p.left >= 0 && p.RetryerV2.IsErrorRetryable(err)
}

func (p *patience) RetryDelay(attempt int, err error) (time.Duration, error) {
	if OfClock(codeOf(err)) {
		return 0, nil
	}
	return p.RetryerV2.RetryDelay(attempt, err)
}

// answered says whether the refusal tells the time.
func answered(err error) bool {
	resp := (*smithyhttp.ResponseError)(nil)
	return errors.As(err, &resp) && resp.Response != nil && resp.Response.Header.Get("Date") != ""
}

func codeOf(err error) string {
	v := interface{ ErrorCode() string }(nil)
	if errors.As(err, &v) {
		return v.ErrorCode()
	}
	return ""
}
