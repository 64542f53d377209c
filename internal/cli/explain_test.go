package cli

import (
	"testing"

	"fob/internal/decide/chain"
	"fob/internal/decide/source"
	"fob/internal/keep/cache"
)

// TestMissing counts what a walk costs, whichever of its sessions are kept.
func TestMissing(t *testing.T) {
	t.Parallel()
	device := source.MFA{Serial: "arn:aws:iam::123456789012:mfa/alice"}
	c := chain.Chain{Steps: []source.Step{source.SessionToken{Device: device}, source.AssumeRole{}, source.AssumeRole{Device: device}, source.AssumeRole{}}}
	for _, tt := range []struct {
		name         string
		kept         map[int]cache.Entry
		calls, codes int
	}{
		{"nothing, or the store is shut", nil, 4, 2},
		{"the first", map[int]cache.Entry{0: {}}, 3, 1},
		{"one in the middle, though not the one before", map[int]cache.Entry{1: {}}, 2, 1},
		{"both that cost a code", map[int]cache.Entry{0: {}, 2: {}}, 1, 0},
		{"the last alone", map[int]cache.Entry{3: {}}, 0, 0},
	} {
		if calls, codes := missing(c, tt.kept); calls != tt.calls || codes != tt.codes {
			t.Errorf("%s: %d calls and %d codes, want %d and %d", tt.name, calls, codes, tt.calls, tt.codes)
		}
	}
	if calls, codes := missing(chain.Chain{}, nil); calls != 0 || codes != 0 {
		t.Errorf("the stored key itself: %d calls and %d codes", calls, codes)
	}
}
