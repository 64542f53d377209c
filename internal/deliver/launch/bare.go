package launch

import "strings"

// Bare is environ for a process that gets no session: one that gives a code, or
// shows a page. It is what Environ leaves of environ, so there is nothing of
// another identity in it, no passphrase, and nothing that belongs to fob.
func Bare(environ []string) []string {
	out := make([]string, 0, len(environ))
	for _, entry := range Inherited(environ) {
		name, _, ok := strings.Cut(entry, "=")
		if !ok || name == "" || !replaced(fold(name), Settings{}) {
			out = append(out, entry)
		}
	}
	return out
}
