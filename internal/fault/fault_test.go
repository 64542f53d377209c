package fault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestCodeOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
		want Code
	}{
		{"none", nil, 0},
		{"plain", errors.New("x"), Failed},
		{"fault", &Error{What: "x", Code: Attend}, Attend},
		{"wrapped fault", fmt.Errorf("y: %w", &Error{What: "x", Code: Locked}), Locked},
		{"interrupted", fmt.Errorf("y: %w", context.Canceled), Interrupted},
		{"a fault for an interrupted run keeps its own", &Error{What: "x", Why: context.Canceled, Code: Launcher}, Launcher},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := CodeOf(tc.err); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

func TestRender(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	Render(&b, "fob", fmt.Errorf("outer: %w", &Error{What: "cannot do x", Why: errors.New("line one\nline two \x1b[31m"), Next: []string{"this", "that"}, Code: Failed}))
	want := "fob: cannot do x\n  because: line one\n    line two \\x1b[31m\n  try: this\n  try: that\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// Where descriptors lack, no other advice helps, and no other status is right.
func TestScarce(t *testing.T) {
	t.Parallel()
	why := fmt.Errorf("the line: %w", &fs.PathError{Op: "fork/exec", Path: "/bin/sh", Err: syscall.EMFILE})
	next := []string{"allow more open files: ulimit -n 1024"}
	config := &Error{What: "cannot a", Why: why, Next: []string{"correct the line"}, Code: Config}
	other := &Error{What: "cannot a", Why: errors.New("b"), Next: []string{"correct the line"}, Code: Config}
	tests := []struct{ in, want error }{
		{nil, nil},
		{other, other},
		{config, &Error{What: "cannot a", Why: why, Next: next, Code: Failed}},
		{&Error{What: "cannot a", Why: why, Code: Launcher}, &Error{What: "cannot a", Why: why, Next: next, Code: Launcher}},
		{why, &Error{What: "cannot go on", Why: why, Next: next, Code: Failed}},
		{fmt.Errorf("x: %w", syscall.ENFILE), &Error{What: "cannot go on", Why: fmt.Errorf("x: %w", syscall.ENFILE), Next: next, Code: Failed}},
	}
	for _, tt := range tests {
		if got := Scarce(tt.in); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("Scarce(%v) = %+v, want %+v", tt.in, got, tt.want)
		}
	}
	if len(config.Next) != 1 || config.Next[0] != "correct the line" {
		t.Error("the error that was handed in has changed")
	}
}

// A name must not make a second line, nor a second command of what is copied
// from a message.
func TestNamesInMessages(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	Render(&b, "fob", &Error{What: "no a\nfob: b", Next: []string{"fob add " + Word("a\nb; rm x")}})
	want := "fob: no a\\nfob: b\n  try: fob add 'a\\nb; rm x'\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	for in, want := range map[string]string{"dev": "dev", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$(x)": "'$(x)'", "../x": "../x"} {
		if got := Word(in); got != want {
			t.Errorf("Word(%q) = %s, want %s", in, got, want)
		}
		if got := Operand(in); got != want {
			t.Errorf("Operand(%q) = %s, want %s", in, got, want)
		}
	}
	for in, want := range map[string]string{"-n": "-- -n", "--reveal": "-- --reveal", "-a b": "-- '-a b'", "-": "-- -", "a-b": "a-b"} {
		if got := Operand(in); got != want {
			t.Errorf("Operand(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestLasting(t *testing.T) {
	t.Parallel()
	for in, want := range map[time.Duration]string{
		0: "0s", 10 * time.Second: "10s", 90 * time.Second: "1m30s", 5 * time.Minute: "5m", 10 * time.Minute: "10m",
		time.Hour: "1h", 90 * time.Minute: "1h30m", 20 * time.Hour: "20h", time.Hour + 30*time.Second: "1h0m30s", 1500 * time.Millisecond: "1.5s",
	} {
		if got := Lasting(in); got != want {
			t.Errorf("Lasting(%d) = %s, want %s", in, got, want)
		}
	}
}

// Text from outside can neither move the cursor nor forge a line.
func TestPrintable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain":            "plain",
		"a\nb":             "a\nb",
		"a\rb\tc\x00":      `a\x0db\x09c\x00`,
		"\x1b]0;t\a":       `\x1b]0;t\x07`,
		"left\u202eright":  `left\u202eright`,
		"c1 \u009b31m":     `c1 \x9b31m`,
		"zero\u200bwidth":  `zero\u200bwidth`,
		"bad\xffutf8":      `bad\ufffdutf8`,
		"\u00fcml\u00e4ut": "\u00fcml\u00e4ut",
	} {
		if got := Printable(in); got != want {
			t.Errorf("Printable(%q) = %q, want %q", in, got, want)
		}
	}
}
