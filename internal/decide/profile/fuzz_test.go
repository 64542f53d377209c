package profile

import (
	"strconv"
	"strings"
	"testing"
)

// FuzzParse reads any text: nothing panics, each position is a line of the text
// and holds the key, and an edit that is not refused reads back.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		plain, servicesText, "[default]\r\nregion = a\r\n[profile \"t\"]\r\ns3 =\r\n  a = b\r\n", "\xef\xbb\xbf[profile t\n",
		"[profile t]\ninclude_profile = t\n", "a = b\n[profile t]\nregion\n", "[profile t]\nx = \\\n  y ; z\n",
	} {
		f.Add([]byte(text), "t", "region", "us-east-1")
	}
	f.Fuzz(func(t *testing.T, text []byte, name, key, value string) {
		s, err := Parse(display, text)
		if err != nil {
			return
		}
		checkScan(t, text)
		checkFind(t, text)
		checkSieve(t, text, append(s.Names(), name))
		lines := lineEnds(text) + 1
		for _, n := range append(s.Names(), name) {
			p, err := s.Profile(n)
			if err != nil {
				checkText(t, err.Error())
				continue
			}
			for _, k := range p.Keys() {
				set, ok := p.Setting(k)
				at, err := strconv.Atoi(strings.TrimPrefix(set.From, display+":"))
				if !ok || err != nil || at < 1 || at > lines {
					t.Fatalf("%q is at %q of %d lines", k, set.From, lines)
				}
			}
		}
		for _, w := range s.Warnings() {
			checkText(t, w)
		}
		next, err := s.WithSetting(name, key, value)
		if err != nil {
			checkText(t, err.Error())
			return
		}
		after, err := Parse(display, next)
		if err != nil {
			t.Fatal(err)
		}
		p, err := after.Profile(name)
		if _, before := s.Profile(name); before == nil && err == nil && p.Value(key) != value {
			t.Fatalf("%s = %q reads %q", key, value, p.Value(key))
		}
	})
}

// checkText fails for a message that could move a cursor or forge a line.
func checkText(t *testing.T, text string) {
	t.Helper()
	if what := badBytes([]byte(text)); what != "" || len(text) > 2000 {
		t.Fatalf("the message %q holds %s", text, what)
	}
}
