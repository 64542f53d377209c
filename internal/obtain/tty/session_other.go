//go:build !linux && !darwin

package tty

// Session is "": this system is not asked for its terminal sessions.
func Session() string { return "" }
