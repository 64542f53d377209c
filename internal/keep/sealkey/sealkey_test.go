package sealkey

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fob/internal/cred"
)

const canary = "CANARY-0123456789abcdef-CANARY"

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// clocks are two clocks that can be moved apart.
type clocks struct {
	wall time.Time
	boot time.Duration
}

func (c *clocks) both(d time.Duration) { c.wall, c.boot = c.wall.Add(d), c.boot+d }

// memory is a place that keeps what it gets, or refuses everything.
type memory struct {
	held  map[string]string
	lasts map[string]time.Duration
	why   error
	saved func() // what happens right after a save
}

func newMemory() *memory {
	return &memory{held: map[string]string{}, lasts: map[string]time.Duration{}}
}

func (m *memory) load(holds string) ([]byte, error) {
	if m.why != nil {
		return nil, m.why
	}
	if data, ok := m.held[holds]; ok {
		return []byte(data), nil
	}
	return nil, fs.ErrNotExist
}

func (m *memory) save(holds string, data []byte, lasts time.Duration) error {
	if m.why == nil {
		m.held[holds], m.lasts[holds] = string(data), lasts
	}
	if m.saved != nil {
		m.saved()
	}
	return m.why
}

func (m *memory) renew(holds string, data []byte, lasts time.Duration) error {
	if _, err := m.load(holds); err != nil {
		return err
	}
	return m.save(holds, data, lasts)
}

func (m *memory) forget(holds string) error {
	delete(m.held, holds)
	return nil
}

func (m *memory) erase(holds string, data []byte) error {
	if m.held[holds] == string(data) {
		delete(m.held, holds)
	}
	return nil
}

// in gives a Rest whose places are the given ones; the first also takes the
// identity.
func in(t *testing.T, c *clocks, at ...*memory) *Rest {
	t.Helper()
	return again(t.TempDir(), c, at...)
}

// again is another run with the same data directory.
func again(dataDir string, c *clocks, at ...*memory) *Rest {
	r := &Rest{o: Options{DataDir: dataDir, Now: func() time.Time { return c.wall }, Boot: func() time.Duration { return c.boot }}}
	for i, m := range at {
		r.seal = append(r.seal, &spot{name: fmt.Sprintf("place %d", i+1), place: m})
	}
	r.identity = r.seal[:1]
	return r
}

// The steps of these tables move the clocks and then say whether the key still
// holds.
type step struct {
	move  func(*clocks)
	holds bool
}

func TestSealKeyEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range endTests() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, m := &clocks{wall: start, boot: tt.boot}, newMemory()
			r := in(t, c, m)
			if _, err := r.Save(cred.NewSecret(canary)); err != nil {
				t.Fatal(err)
			}
			follow(t, c, tt.steps, r.Load)
			if last := tt.steps[len(tt.steps)-1]; !last.holds && len(m.held) > 0 {
				t.Error("a key that has ended was not removed")
			}
		})
	}
}

type endTest struct {
	name  string
	boot  time.Duration
	steps []step
}

func endTests() []endTest {
	pass := func(d time.Duration) func(*clocks) { return func(c *clocks) { c.both(d) } }
	wall := func(d time.Duration) func(*clocks) { return func(c *clocks) { c.wall = c.wall.Add(d) } }
	return []endTest{
		{"twelve hours", time.Hour, []step{{pass(0), true}, {pass(12*time.Hour - 1), true}, {pass(1), false}}},
		{"clock set back a day: the other clock ends it", time.Hour,
			[]step{{wall(-24 * time.Hour), true}, {pass(12*time.Hour - 1), true}, {pass(1), false}}},
		{"clock set forward ten years", time.Hour, []step{{wall(87600 * time.Hour), false}}},
		{"clock set back, no other clock", 0, []step{{wall(-time.Second), false}}},
		{"no other clock", 0, []step{{wall(12*time.Hour - 1), true}, {wall(1), false}}},
		{"other clock lost", time.Hour, []step{{func(c *clocks) { c.boot = 0 }, true}, {wall(12 * time.Hour), false}}},
		{"machine started again", 30 * time.Hour, []step{{func(c *clocks) { c.boot = time.Minute }, false}}},
		{"suspended with a clock that stood still", time.Hour, []step{{func(c *clocks) { c.boot += 12 * time.Hour }, false}}},
	}
}

func TestIdentityEnds(t *testing.T) {
	t.Parallel()
	pass := func(d time.Duration) func(*clocks) { return func(c *clocks) { c.both(d) } }
	many := []step{}
	for range 72 {
		many = append(many, step{pass(10*time.Minute - time.Second), true})
	}
	tests := []endTest{
		{"idle for ten minutes", time.Hour, []step{{pass(10*time.Minute - 1), true}, {pass(10 * time.Minute), false}}},
		{"use renews", time.Hour, []step{{pass(599 * time.Second), true}, {pass(599 * time.Second), true}, {pass(600 * time.Second), false}}},
		{"twelve hours although used", time.Hour, append(many, step{pass(72 * time.Second), false})},
		{"eleven minutes of suspend", time.Hour, []step{{func(c *clocks) { c.boot += 11 * time.Minute }, false}}},
		{"clock set forward ten years", time.Hour, []step{{func(c *clocks) { c.wall = c.wall.Add(87600 * time.Hour) }, false}}},
		{"clock set back does not prolong", time.Hour, []step{{func(c *clocks) { c.wall = c.wall.Add(-24 * time.Hour) }, true}, {pass(10 * time.Minute), false}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, m := &clocks{wall: start, boot: tt.boot}, newMemory()
			r := in(t, c, m)
			if _, err := r.SaveIdentity(cred.NewSecret(canary)); err != nil {
				t.Fatal(err)
			}
			follow(t, c, tt.steps, r.LoadIdentity)
			if m.lasts[holdsIdentity] > idle {
				t.Errorf("the place was told %v", m.lasts[holdsIdentity])
			}
		})
	}
}

func follow(t *testing.T, c *clocks, steps []step, load func() (cred.Secret, error)) {
	t.Helper()
	for i, s := range steps {
		s.move(c)
		got, err := load()
		if s.holds && (err != nil || got.Reveal() != canary) {
			t.Fatalf("step %d: ended, %v", i, err)
		}
		if !s.holds && (!errors.Is(err, ErrNone) || !got.IsZero()) {
			t.Fatalf("step %d: still holds, %v", i, err)
		}
	}
}

func TestOrderOfPlaces(t *testing.T) {
	t.Parallel()
	c := &clocks{wall: start, boot: time.Hour}
	one, two, three := newMemory(), newMemory(), newMemory()
	r := in(t, c, one, two, three)
	save := func(key string) string {
		t.Helper()
		place, err := r.Save(cred.NewSecret(key))
		if err != nil {
			t.Fatal(err)
		}
		return place
	}
	if got := save("CANARY old"); got != "place 1" {
		t.Errorf("rests in %s", got)
	}
	one.why = errors.New("out of order")
	if got := save("CANARY new"); got != "place 2" {
		t.Errorf("rests in %s", got)
	}
	want := []Place{
		{Name: "place 1", Why: "out of order"},
		{Name: "place 2", Holds: "seal key", Until: start.Add(12 * time.Hour)},
		{Name: "place 3"},
	}
	if diff := cmp.Diff(want, r.Places()); diff != "" {
		t.Error(diff)
	}
	one.why = nil
	if got, err := r.Load(); err != nil || got.Reveal() != "CANARY new" {
		t.Errorf("the older key of the first place was found, %v", err)
	}
	if _, err := r.SaveIdentity(cred.NewSecret(canary)); err != nil {
		t.Fatal(err)
	}
	if err := r.Forget(); err != nil {
		t.Error(err)
	}
	if n := len(one.held) + len(two.held) + len(three.held); n > 0 {
		t.Errorf("%d keys stay", n)
	}
}

func TestNoPlace(t *testing.T) {
	t.Parallel()
	c := &clocks{wall: start}
	one, two := newMemory(), newMemory()
	one.why, two.why = errors.New("not permitted"), errors.New("quota")
	r := in(t, c, one, two)
	_, err := r.Save(cred.NewSecret(canary))
	got := (*NoPlaceError)(nil)
	if !errors.As(err, &got) || !errors.Is(err, ErrNone) {
		t.Fatalf("got %v", err)
	}
	want := &NoPlaceError{Holds: "seal key", Places: []Place{{Name: "place 1", Why: "not permitted"}, {Name: "place 2", Why: "quota"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if want := "no place for the seal key: place 1: not permitted; place 2: quota"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if _, err := r.Load(); !errors.Is(err, ErrNone) {
		t.Errorf("got %v", err)
	}
	r.identity = nil
	if _, err := r.SaveIdentity(cred.NewSecret(canary)); !errors.Is(err, ErrNone) {
		t.Errorf("got %v", err)
	}
}

func TestRecordFormat(t *testing.T) {
	t.Parallel()
	rec := record{secret: cred.NewSecret("CANARY"), stamp: stamp{1, 15: 2}, hard: moment{1, 2}, idle: moment{3, 4}}
	const want = "666f626b02" + "01000000000000000000000000000002" + "0000000000000001" + "0000000000000002" + "0000000000000003" + "0000000000000004" + "43414e415259"
	if got := hex.EncodeToString(rec.encode()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	whole := rec.encode()
	for n := range len(whole) - len("CANARY") + 1 {
		if _, ok := decode(whole[:n]); ok {
			t.Errorf("the first %d bytes are a record", n)
		}
	}
	for version, later := range map[byte]bool{1: false, 3: true, 255: true} {
		other := append([]byte{'f', 'o', 'b', 'k', version}, whole[5:]...)
		if _, ok := decode(other); ok || newer(other) != later {
			t.Errorf("version %d: a record %v, newer %v", version, ok, newer(other))
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(record{secret: cred.NewSecret("CANARY")}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if rec, ok := decode(b); ok && string(rec.encode()) != string(b) {
			t.Errorf("%x comes back as %x", b, rec.encode())
		}
	})
}
