package profile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// manyText is a config of n small sections and a default.
func manyText(n int) string {
	var b strings.Builder
	b.WriteString("[default]\nregion = us-east-1\nmfa_serial = arn:aws:iam::123456789012:mfa/me\n\n")
	for i := range n {
		fmt.Fprintf(&b, "[profile team-%d]\nrole_arn = arn:aws:iam::%012d:role/admin\nsource_profile = base\n\n", i, i)
	}
	return b.String()
}

// BenchmarkLookup is what a cached exec pays: the text is in memory, one profile
// near the end of 10,000 is read.
func BenchmarkLookup(b *testing.B) {
	text := []byte(manyText(10000))
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		s, _ := Parse(display, text)
		if p, err := s.Profile("team-9990"); err != nil || p.Value("region") != "us-east-1" {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoad adds the reading of the file.
func BenchmarkLoad(b *testing.B) {
	path := filepath.Join(b.TempDir(), "config")
	if err := os.WriteFile(path, []byte(manyText(10000)), 0o600); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		s, err := Load(path, display)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Profile("team-9990"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAll is what a list of 10,000 pays.
func BenchmarkAll(b *testing.B) {
	text := []byte(manyText(10000))
	b.ReportAllocs()
	for b.Loop() {
		s, _ := Parse(display, text)
		for _, n := range s.Names() {
			if _, err := s.Profile(n); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// A lookup must not make structures of the profiles it passes by.
func TestLookupAllocatesLittle(t *testing.T) {
	text := []byte(manyText(10000))
	got := testing.AllocsPerRun(10, func() {
		s, _ := Parse(display, text)
		_, _ = s.Profile("team-9990")
	})
	if got > 50 {
		t.Errorf("%v allocations for one profile of 10,000", got)
	}
}
