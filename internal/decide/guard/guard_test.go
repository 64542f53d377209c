package guard

import (
	"testing"

	"fob/internal/decide/profile"
)

func TestOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, config string
		want         Level
		ok           bool
	}{
		{"nothing", "[profile p]\n", None, true},
		{"none", "[profile p]\nfob_guard = none\n", None, true},
		{"confirm", "[profile p]\nfob_guard = confirm\n", Confirm, true},
		{"code", "[profile p]\nfob_guard = code\n", Code, true},
		{"from default", "[default]\nfob_guard = code\n[profile p]\n", Code, true},
		{"its own", "[default]\nfob_guard = code\n[profile p]\nfob_guard = none\n", None, true},
		{"empty is no way to take away that of default", "[default]\nfob_guard = code\n[profile p]\nfob_guard =\n", None, false},
		{"a mistake", "[profile p]\nfob_guard = Code\n", None, false},
		{"two of them", "[profile p]\nfob_guard = code confirm\n", None, false},
	} {
		set, err := profile.Parse("config", []byte(tt.config))
		if err != nil {
			t.Fatal(err)
		}
		p, err := set.Profile("p")
		if err != nil {
			t.Fatal(err)
		}
		if got, _, ok := Of(p); got != tt.want || ok != tt.ok {
			t.Errorf("%s: got %q %v, want %q %v", tt.name, got, ok, tt.want, tt.ok)
		}
	}
}

func TestStricter(t *testing.T) {
	t.Parallel()
	order := []Level{None, Confirm, Code}
	for i, a := range order {
		for j, b := range order {
			if got, want := Stricter(a, b), order[max(i, j)]; got != want {
				t.Errorf("%q and %q: got %q, want %q", a, b, got, want)
			}
		}
	}
}

// Every case there is: whatever is guarded wants a person, or is refused.
func TestRule(t *testing.T) {
	t.Parallel()
	for level := range map[Level]bool{None: true, Confirm: true, Code: true} {
		for bits := range 8 {
			h := Handed{Level: level, StoredKey: bits&1 != 0, NoCode: bits&2 != 0, TypedCode: bits&4 != 0}
			want := Ruling{}
			switch {
			case level == Confirm:
				want.TypeName = true
			case level == Code && h.StoredKey:
				want.Refused = KeyUnderCode
			case level == Code && h.NoCode:
				want.Refused = NoDevice
			case level == Code:
				want.TypeName = !h.TypedCode
			}
			if got := Rule(h); got != want || level.FreshCode() != (level == Code) {
				t.Errorf("%+v: got %+v, want %+v, and a fresh code: %v", h, got, want, level.FreshCode())
			}
		}
	}
}
