package sealkey

import (
	"encoding/binary"
	"time"

	"fob/internal/cred"
)

// moment is one instant on two clocks, in nanoseconds: since 1970, and since
// boot with suspends counted. The first can be set, the second cannot; the
// second is 0 where it is unknown.
type moment struct{ wall, boot int64 }

func (m moment) add(d time.Duration) moment {
	m.wall += int64(d)
	if m.boot != 0 {
		m.boot += int64(d)
	}
	return m
}

// earlier takes the earlier one on each clock.
func (m moment) earlier(o moment) moment {
	return moment{wall: min(m.wall, o.wall), boot: min(m.boot, o.boot)}
}

// over says whether m has passed. An end that lies farther off than a key may
// last means that the clock was set back, or that the machine was started
// again, and then only the other clock counts.
func (m moment) over(now moment) bool {
	if now.wall >= m.wall {
		return true
	}
	if m.boot != 0 && now.boot != 0 {
		return now.boot >= m.boot || m.boot-now.boot > int64(life)
	}
	return m.wall-now.wall > int64(life)
}

// record is a key with the stamp under which it was unlocked, and its ends:
// hard for good, idle unless it is used before.
type record struct {
	secret     cred.Secret
	stamp      stamp
	hard, idle moment
}

func (r record) ended(now moment) bool { return r.hard.over(now) || r.idle.over(now) }

func (r record) until() time.Time { return time.Unix(0, min(r.hard.wall, r.idle.wall)).UTC() }

// left is how long the record lasts, as a place that keeps time is told.
func (r record) left(now moment) time.Duration {
	end := r.hard.earlier(r.idle)
	d := min(int64(life), end.wall-now.wall)
	if end.boot != 0 && now.boot != 0 {
		d = min(d, end.boot-now.boot)
	}
	return max(time.Duration(d), time.Second)
}

// recordMagic ends in the version of the format. Version 1 had no stamp.
const recordMagic = "fobk\x02"

const (
	recordEnds = len(recordMagic) + stampSize
	recordHead = recordEnds + 4*8
)

// newer says whether b is a record of a later version, which is not ours to
// remove.
func newer(b []byte) bool {
	last := len(recordMagic) - 1
	return len(b) > last && string(b[:last]) == recordMagic[:last] && b[last] > recordMagic[last]
}

// encode gives the magic, the stamp, four ends of eight bytes, and the secret.
func (r record) encode() []byte {
	secret := r.secret.Reveal()
	b := append(make([]byte, 0, recordHead+len(secret)), recordMagic...)
	b = append(b, r.stamp[:]...)
	for _, n := range []int64{r.hard.wall, r.hard.boot, r.idle.wall, r.idle.boot} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return append(b, secret...)
}

// decode is false for what is no record of this version, or one without a
// secret.
func decode(b []byte) (record, bool) {
	if len(b) <= recordHead || string(b[:len(recordMagic)]) != recordMagic {
		return record{}, false
	}
	end := func(i int) int64 { return int64(binary.BigEndian.Uint64(b[recordEnds+8*i:])) }
	return record{
		secret: cred.NewSecret(string(b[recordHead:])),
		stamp:  stamp(b[len(recordMagic):recordEnds]),
		hard:   moment{wall: end(0), boot: end(1)},
		idle:   moment{wall: end(2), boot: end(3)},
	}, true
}
