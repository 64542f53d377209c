package cache

import "time"

// Fresh says whether the session may be handed out at now without renewing it:
// it holds for minLeft, and if it renews without a person, for a tenth of its
// life too, so that nobody is given the end of a session for nothing.
func (e Entry) Fresh(now time.Time, minLeft time.Duration) bool {
	left := e.Session.Left(now)
	if left < minLeft {
		return false
	}
	return !e.Renews || left >= e.Session.Expires.Sub(e.Made)/10
}
