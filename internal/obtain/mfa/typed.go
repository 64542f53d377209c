package mfa

// Typed says whether the codes of d are typed by a person at the terminal, rather
// than given by a program, a window or a flag.
func Typed(d Driver) bool {
	_, ok := d.(terminalDriver)
	return ok
}
