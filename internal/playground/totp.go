package playground

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238 as authenticator apps and AWS have it
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"fob/internal/cred"
)

const stepSeconds = 30

// Code is the code that an authenticator app shows at a time: RFC 6238, six
// digits, SHA-1, 30 s. A seed that is not base32 gives the empty text.
func Code(seed cred.Secret, at time.Time) string { return totp(seed.Reveal(), stepAt(at)) }

func stepAt(t time.Time) int64 { return t.Unix() / stepSeconds }

func totp(seed string, step int64) string {
	seed = strings.TrimRight(strings.ToUpper(seed), "=")
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(seed)
	if err != nil || len(key) == 0 {
		return ""
	}
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, step) // a hash takes every write
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[at:])&0x7fffffff)%1_000_000)
}

// device is a virtual MFA device. A step is marked used when a code of it was
// taken, so that each code works once.
type device struct {
	name, serial, seed string
	owner              *user // nil until it is enabled
	enabled            time.Time
	used               map[int64]bool
}

// step finds which step within reach of now a code belongs to.
func (d *device) step(code string, now time.Time, reach int64) (int64, bool) {
	for step := stepAt(now) - reach; step <= stepAt(now)+reach; step++ {
		if subtle.ConstantTimeCompare([]byte(totp(d.seed, step)), []byte(code)) == 1 {
			return step, true
		}
	}
	return 0, false
}

// take spends a code: the previous, the current or the next one, each once.
func (d *device) take(code string, now time.Time) bool {
	step, ok := d.step(code, now, 1)
	if !ok || d.used[step] {
		return false
	}
	d.used[step] = true
	return true
}

// takePair spends two codes that follow each other, as enabling wants them.
func (d *device) takePair(first, second string, now time.Time) bool {
	a, okA := d.step(first, now, 2)
	b, okB := d.step(second, now, 2)
	if !okA || !okB || b != a+1 || d.used[a] || d.used[b] {
		return false
	}
	d.used[a], d.used[b] = true, true
	return true
}
