package devices

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238 as AWS and authenticator apps have it
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"fob/internal/cred"
)

// codeStep is how long a device shows one code.
const codeStep = 30 * time.Second

func stepAt(t time.Time) int64 { return t.Unix() / int64(codeStep/time.Second) }

// codeAt is the code of one step: RFC 6238 with SHA-1 and six digits. A seed that
// is no base32 has none.
func codeAt(seed cred.Secret, step int64) string {
	text := strings.TrimRight(strings.ToUpper(seed.Reveal()), "=")
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	if err != nil {
		return ""
	}
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, step) // a hash takes every write
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[at:])&0x7fffffff)%1_000_000)
}

// farthest is how many steps from now a code is looked for: an hour. The chance
// that a mistyped one is found is one in four thousand.
const farthest = 120

// stepOf finds the step nearest to now that a code belongs to.
func stepOf(seed cred.Secret, code string, now int64) (step int64, ok bool) {
	for d := range int64(farthest + 1) {
		for _, step := range []int64{now - d, now + d} {
			if codeAt(seed, step) == code {
				return step, true
			}
		}
	}
	return 0, false
}
