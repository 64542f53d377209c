package cache

import "time"

// clockSlack is how far the clock may have been set back since a session was
// made, as time servers do, and the session's end still be believed.
const clockSlack = time.Minute

// Holds says whether the session holds for minLeft at now. Before it was made
// it does not: the clock was set back, and how long AWS will take it cannot be
// told.
func (e Entry) Holds(now time.Time, minLeft time.Duration) bool {
	return !now.Before(e.Made.Add(-clockSlack)) && e.Session.Left(now) >= minLeft
}

// Held is the session of that name that holds for minLeft at now. What cannot be
// read, or has no name, is not there.
func (c *Cache) Held(name string, now time.Time, minLeft time.Duration) (Entry, bool) {
	if name == "" {
		return Entry{}, false
	}
	e, err := c.Load(name)
	if err != nil || !e.Holds(now, minLeft) {
		return Entry{}, false
	}
	return e, true
}

// Fresh says whether the session may be handed out at now without renewing it:
// it holds for minLeft, and if it renews without a person, for a tenth of its
// life too, so that nobody is given the end of a session for nothing.
func (e Entry) Fresh(now time.Time, minLeft time.Duration) bool {
	return e.Holds(now, minLeft) && (!e.Renews || e.Session.Left(now) >= e.Session.Expires.Sub(e.Made)/10)
}
