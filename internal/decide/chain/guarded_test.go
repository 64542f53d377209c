package chain

import (
	"errors"
	"strings"
	"testing"
	"time"

	"fob/internal/decide/guard"
	"fob/internal/decide/source"
	"fob/internal/fault"

	"github.com/google/go-cmp/cmp"
)

// guardedPair is a profile with a key and one with a role over it, with more lines.
func guardedPair(base, target string) string {
	return "[profile base]\n" + base + "\n[profile t]\nsource_profile = base\n" + role("222222222222", "admin") + "\n" + target + "\n"
}

// What a guard makes of a chain: which calls, for how long, and what is said.
func TestGuarded(t *testing.T) {
	t.Parallel()
	const direct = "base > assume 222222222222/admin 1h0m0s code one @us-east-1"
	const shared = "base > session 8h0m0s code one @us-east-1 > assume 222222222222/admin 1h0m0s @us-east-1"
	code, confirm := "fob_guard = code", "fob_guard = confirm"
	far := "[profile u]\nsource_profile = t\n" + role("333333333333", "reader") + "\n"
	alias := "[profile u]\nsource_profile = t\n"
	for _, tt := range []struct {
		name, config string
		r            Request
		want         string
		guard        guard.Level
		warns        int
	}{
		{name: "none", config: guardedPair("mfa_serial = "+s1, "fob_guard = none"), r: Request{Profile: "t"}, want: shared},
		{name: "code", config: guardedPair("mfa_serial = "+s1, code), r: Request{Profile: "t"}, want: direct, guard: guard.Code},
		{name: "confirm", config: guardedPair("mfa_serial = "+s1, confirm), r: Request{Profile: "t"}, want: shared, guard: guard.Confirm},
		{name: "code, no session", config: guardedPair("mfa_serial = "+s1, code), r: Request{Profile: "t", NoSession: true}, want: direct, guard: guard.Code},
		{name: "[default] gives it", config: "[default]\n" + code + "\n" + guardedPair("mfa_serial = "+s1, ""), r: Request{Profile: "t"}, want: direct, guard: guard.Code},
		{name: "the profile's own wins", config: "[default]\n" + code + "\n" + guardedPair("mfa_serial = "+s1, "fob_guard = none"), r: Request{Profile: "t"}, want: shared},
		{name: "that of the source is for the source", config: guardedPair("mfa_serial = "+s1+"\n"+code, ""), r: Request{Profile: "t"}, want: shared},
		{name: "of a role on the way, too", config: guardedPair("mfa_serial = "+s1, code) + far, r: Request{Profile: "u"},
			want: shared + " > assume 333333333333/reader 1h0m0s @us-east-1"},
		{name: "who passes the source's credentials on has its guard", config: guardedPair("mfa_serial = "+s1, code) + alias, r: Request{Profile: "u"}, want: direct, guard: guard.Code},
		{name: "the stricter of the two", config: guardedPair("mfa_serial = "+s1, code) + alias + confirm + "\n", r: Request{Profile: "u"}, want: direct, guard: guard.Code},
		{name: "two roles: the code is for the first", config: guardedPair("mfa_serial = "+s1, "") + far + code + "\n", r: Request{Profile: "u"},
			want: direct + " > assume 333333333333/reader 1h0m0s @us-east-1", guard: guard.Code},
		{name: "a longer session is cut", config: guardedPair("mfa_serial = "+s1, code), r: Request{Profile: "t", Lifetime: 8 * time.Hour}, want: direct, guard: guard.Code, warns: 1},
		{name: "under confirm too", config: guardedPair("mfa_serial = "+s1, confirm+"\nduration_seconds = 28800"), r: Request{Profile: "t"}, want: shared, guard: guard.Confirm, warns: 1},
		{name: "a shorter one is not", config: guardedPair("mfa_serial = "+s1, code), r: Request{Profile: "t", Lifetime: 15 * time.Minute},
			want: strings.Replace(direct, "1h0m0s", "15m0s", 1), guard: guard.Code},
		{name: "another device by a variable", config: guardedPair("mfa_serial = "+s1, code), r: Request{Profile: "t", Env: map[string]string{"AWS_MFA_SERIAL": s2}},
			want: strings.Replace(direct, "code one", "code two", 1), guard: guard.Code},
		{name: "the user's own session", config: guardedPair("mfa_serial = "+s1+"\n"+code, ""), r: Request{Profile: "base"},
			want: "base > session 1h0m0s code one @us-east-1", guard: guard.Code},
		{name: "and for less", config: guardedPair("mfa_serial = "+s1+"\n"+code, ""), r: Request{Profile: "base", Lifetime: 20 * time.Minute},
			want: "base > session 20m0s code one @us-east-1", guard: guard.Code},
		{name: "confirmed, it is not the shared one either", config: guardedPair("mfa_serial = "+s1+"\n"+confirm, ""), r: Request{Profile: "base", Lifetime: 12 * time.Hour},
			want: "base > session 1h0m0s code one @us-east-1", guard: guard.Confirm, warns: 1},
		{name: "the stored key, confirmed", config: guardedPair(confirm, ""), r: Request{Profile: "base", NoSession: true}, want: "base", guard: guard.Confirm},
		{name: "a guarded role by a variable", config: guardedPair("mfa_serial = "+s1, code),
			r:    Request{Profile: "base", Env: map[string]string{"AWS_ROLE_ARN": "arn:aws:iam::222222222222:role/admin"}},
			want: direct, guard: guard.Code},
		{name: "another role by a variable", config: guardedPair("mfa_serial = "+s1, code),
			r:    Request{Profile: "base", Env: map[string]string{"AWS_ROLE_ARN": "arn:aws:iam::222222222222:role/other"}},
			want: strings.Replace(shared, "admin", "other", 1)},
		{name: "a guarded profile keeps its guard with another role", config: guardedPair("mfa_serial = "+s1, code),
			r:    Request{Profile: "t", Env: map[string]string{"AWS_ROLE_ARN": "arn:aws:iam::222222222222:role/other"}},
			want: strings.Replace(direct, "admin", "other", 1), guard: guard.Code},
		{name: "nothing is handed out", config: guardedPair("mfa_serial = "+s1, code), r: Request{Profile: "t", Unguarded: true}, want: shared},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := Resolve(parsed(t, tt.config), source.Kinds(), keyOf("base"), nil, tt.r)
			if err != nil {
				t.Fatal(err)
			}
			if got := show(c); got != tt.want || c.Guard != tt.guard || len(c.Warnings) != tt.warns {
				t.Errorf("\n got %s (%s) %q\nwant %s (%s)", got, c.Guard, c.Warnings, tt.want, tt.guard)
			}
			if tt.guard != guard.None && c.Asked > time.Hour {
				t.Errorf("the console would be open for %s", c.Asked)
			}
		})
	}
}

// A guarded session serves one terminal session and no other chain, and one that a
// code was typed for leaves nothing behind by which another could be made.
func TestGuardedNames(t *testing.T) {
	t.Parallel()
	nameOf := func(parts ...string) string { return strings.Join(parts, "|") }
	names := func(serial, guarded, terminal string) []string {
		t.Helper()
		c, err := Resolve(parsed(t, guardedPair(serial, guarded)), source.Kinds(), keyOf("base"), nil, Request{Profile: "t", Terminal: terminal})
		if err != nil {
			t.Fatal(err)
		}
		return Names(c, "AKIA", nameOf)
	}
	serial := "mfa_serial = " + s1
	open := names(serial, "", "one")
	if diff := cmp.Diff(open, names(serial, "", "two")); diff != "" {
		t.Errorf("an unguarded session depends on the terminal: %s", diff)
	}
	for _, guarded := range []string{"fob_guard = code", "fob_guard = confirm"} {
		one, two, none := names(serial, guarded, "one"), names(serial, guarded, "two"), names(serial, guarded, "")
		last := len(one) - 1
		if one[last] == "" || one[last] == two[last] || one[last] == open[1] || none[last] != "" {
			t.Errorf("%s: %q, %q, %q", guarded, one[last], two[last], none[last])
		}
	}
	if one := names(serial, "fob_guard = confirm", "one"); one[0] != open[0] {
		t.Errorf("confirm makes an MFA session of its own: %q", one[0])
	}
	far := guardedPair(serial, "") + "[profile u]\nsource_profile = t\nfob_guard = code\n" + role("333333333333", "reader")
	c, err := Resolve(parsed(t, far), source.Kinds(), keyOf("base"), nil, Request{Profile: "u", Terminal: "one"})
	if err != nil {
		t.Fatal(err)
	}
	if got := Names(c, "AKIA", nameOf); len(got) != 2 || got[0] != "" || got[1] == "" {
		t.Errorf("two roles: %q", got)
	}
}

func TestGuardedFaults(t *testing.T) {
	t.Parallel()
	const base = "[profile base]\nfob_guard = code\nmfa_serial = " + s1 + "\n"
	for _, tt := range []struct {
		name, config string
		r            Request
		want, next   string
	}{
		{"no device", guardedPair("", "fob_guard = code"), Request{Profile: "t"}, string(guard.NoDevice), "add a line: mfa_serial = ARN"},
		{"a stored key", base, Request{Profile: "base", NoSession: true}, string(guard.KeyUnderCode), "leave --no-session out, and get a session that ends"},
		{"a federated user", base, Request{Profile: "base", Console: Federated}, string(guard.NoDevice), "open the console of an account that you enter by a role: fob login PROFILE"},
		{"a token instead of a key", "[profile ci]\nfob_guard = code\nweb_identity_token_file = /run/t\nrole_arn = " + eks, Request{Profile: "ci"}, string(guard.NoDevice), "add a line: mfa_serial = ARN"},
		{"a misspelt guard", guardedPair("", "fob_gaurd = code"), Request{Profile: "t"}, `fob_gaurd "code" (config:6) is no setting of fob`, "did you mean fob_guard?"},
		{"a setting of a later version, in [default]", "[default]\nfob_walls = high\n" + guardedPair("", ""), Request{Profile: "t"}, `fob_walls "high" (config:2) is no setting of fob`, "name one that fob has: fob_guard, fob_agent, fob_agent_session_name, fob_policy, fob_directory"},
		{"a hyphen", guardedPair("", "fob-guard = code"), Request{Profile: "t"}, `fob-guard "code" (config:6) is no setting of fob`, "did you mean fob_guard?"},
		{"a mistake in the source's guard", guardedPair("fob_guard = on", ""), Request{Profile: "t"}, `fob_guard "on" (config:2) is no guard, and fob refuses rather than go on unguarded`, "write it as none, confirm or code"},
	} {
		_, err := Resolve(parsed(t, tt.config), source.Kinds(), keyOf("base"), nil, tt.r)
		f := (*fault.Error)(nil)
		if !errors.As(err, &f) || f.Code != fault.Config || f.Why.Error() != tt.want || f.Next[0] != tt.next {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}

// The credentials of the environment are out already.
func TestEnvironmentIsNotGuarded(t *testing.T) {
	t.Parallel()
	c, err := Resolve(parsed(t, "[default]\nfob_guard = code\n"), source.Kinds(), keyOf(), nil, Request{Console: OpensConsole})
	if err != nil || c.Guard != guard.None {
		t.Errorf("%v, %q", err, c.Guard)
	}
}
