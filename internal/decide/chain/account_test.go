package chain

import "testing"

func TestMeantAccount(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		short    string
		accounts []string
		known    string
		zeros    string
	}{
		{"34567890123", []string{"123456789012", "345678901234"}, "345678901234", "034567890123"},
		{"34568901234", []string{"345678901234"}, "345678901234", "034568901234"},
		{"34567890123", []string{"034567890123"}, "034567890123", "034567890123"},
		{"34567890123", []string{"034567890123", "345678901234"}, "", "034567890123"},
		{"34567890123", []string{"123456789012"}, "", "034567890123"},
		{"345678901", nil, "", "000345678901"},
		{"34567890", nil, "", ""},
		{"345678901234", []string{"345678901234"}, "", ""},
		{"3456789012x", nil, "", ""},
		{"", nil, "", ""},
	} {
		if known, zeros := MeantAccount(tt.short, tt.accounts); known != tt.known || zeros != tt.zeros {
			t.Errorf("%s of %v: %q, %q; want %q, %q", tt.short, tt.accounts, known, zeros, tt.known, tt.zeros)
		}
	}
}
