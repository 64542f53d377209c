package lock

import "testing"

func TestParseStarted(t *testing.T) {
	t.Parallel()
	const tail = " S 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 200"
	tests := []struct {
		name, stat string
		want       uint64
	}{
		{"plain", "42 (fob)" + tail, 987654},
		{"a name with spaces and parentheses", "42 (a) S (9 9 9)" + tail, 987654},
		{"empty", "", 0},
		{"short", "42 (fob) S 1", 0},
		{"no number", "42 (fob) S 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 x", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := parseStarted(tt.stat); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
	if started() == 0 {
		t.Error("this process has no start time")
	}
}
