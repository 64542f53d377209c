package front

import (
	"slices"
	"strings"
)

// Prompts are the values of --prompt, which this package cannot ask mfa for: that
// would cost every run its start.
func Prompts() []string {
	return []string{"terminal", "zenity", "kdialog", "osascript", "wincredui", "ykman"}
}

// takes says whether fob-core would go on with the variables that it checks before
// anything else. What it would refuse is not answered here.
func takes(environ []string) bool {
	switch Lookup(environ, "FOB_BACKEND") {
	case "", "passphrase", "recovery":
	default:
		return false // which others there are depends on the system
	}
	prompt := Lookup(environ, "FOB_PROMPT")
	if prompt == "" {
		prompt = Lookup(environ, "AWS_VAULT_PROMPT")
	}
	_, ok := Attempts(environ)
	return ok && (prompt == "" || slices.Contains(Prompts(), prompt))
}

// mostAttempts bounds the tries of one call.
const mostAttempts = 10

// Attempts reads AWS_MAX_ATTEMPTS, 0 where it is not set. ok is false where it is
// no number of tries.
func Attempts(environ []string) (n int, ok bool) {
	text := Lookup(environ, "AWS_MAX_ATTEMPTS")
	if text == "" {
		return 0, true
	}
	if strings.Trim(text, "0123456789") != "" || strings.Trim(text, "0") == "" {
		return 0, false
	}
	for _, digit := range text {
		n = min(n*10+int(digit-'0'), mostAttempts)
	}
	return n, true
}
