package refarch

import (
	"strings"
	"testing"

	"fob/internal/decide/guard"

	"github.com/google/go-cmp/cmp"
)

// What is written here is read there.
func TestGuardIsOne(t *testing.T) {
	t.Parallel()
	set := guardSetting()
	p, err := parse(t, "[profile p]\n"+set.Key+" = "+set.Value+"\n").Profile("p")
	if err != nil {
		t.Fatal(err)
	}
	if level, _, _ := guard.Of(p); level != guard.Code {
		t.Errorf("%s = %s is %q", set.Key, set.Value, level)
	}
}

func TestWorthGuarding(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"prod": true, "production": true, "prod-eu": true, "security": true, "logs": true, "root": true, "management": true, "master": true,
		"dev": false, "stage": false, "shared": false, "nonprod": false, "pre-prod": false, "blogs": false, "security-dev": false, "": false,
	} {
		if got := WorthGuarding(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

// Guards are written where more than reading is possible, stay without --guard, and go with their profile.
func TestGuards(t *testing.T) {
	t.Parallel()
	a := six(t)
	w := Wanted{Source: "security", Serial: serial, Guard: true, Grants: Every(a, "security", Naming{}, []string{FullAccess, "read-only"})}
	plan, err := Make(parse(t, ""), w)
	if err != nil {
		t.Fatal(err)
	}
	written := string(plan.Text)
	var guarded []string
	for name, set := range settings(t, parse(t, written)) {
		if set["fob_guard"] == "code" {
			guarded = append(guarded, name)
		} else if set["fob_guard"] != "" {
			t.Errorf("%s: %q", name, set["fob_guard"])
		}
	}
	sorted := cmp.Transformer("sort", func(in []string) map[string]bool {
		out := map[string]bool{}
		for _, s := range in {
			out[s] = true
		}
		return out
	})
	if diff := cmp.Diff([]string{"security", "logs", "prod"}, guarded, sorted); diff != "" {
		t.Error(diff)
	}
	for _, guard := range []bool{true, false} {
		w.Guard = guard
		again, err := Make(parse(t, written), w)
		if err != nil || again.Changed() || string(again.Text) != written || len(again.Changes) != 0 {
			t.Errorf("again (guard %v): %+v, %v", guard, again.Changes, err)
		}
		if got := w.Guardable(parse(t, written)); len(got) != 0 {
			t.Errorf("still to be guarded: %q", got)
		}
	}
	// What fob wrote is set right; what a person has said of the profile with the
	// key stays.
	w.Guard = true
	weaker := strings.ReplaceAll(written, "fob_guard = code", "fob_guard = none")
	if again, err := Make(parse(t, weaker), w); err != nil || string(again.Text) != written {
		t.Errorf("%s, %v", again.Text, err)
	}
	mine := parse(t, "[profile security]\nmfa_serial = "+serial+"\nfob_guard = confirm\n")
	own, err := Make(mine, Wanted{Source: "security", Serial: serial, Guard: true})
	if err != nil || own.Changed() || len(own.Changes) != 1 || own.Changes[0].Do != Leave {
		t.Errorf("%+v, %v", own.Changes, err)
	}
	w.Guard, w.Prune, w.Grants = false, true, Every(a, "security", Naming{}, []string{FullAccess})
	less, err := Make(parse(t, written), w)
	if err != nil || len(less.Stale) != 0 || strings.Contains(string(less.Text), "prod-read-only") {
		t.Errorf("%q, %v", less.Stale, err)
	}
	if got := w.Guardable(parse(t, "[profile prod]\nfob_guard = none\n")); cmp.Diff([]string{"security", "logs"}, got, sorted) != "" {
		t.Errorf("to be guarded: %q", got)
	}
}
