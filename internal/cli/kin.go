package cli

// Ancestor is a process above this one.
type Ancestor struct {
	PID  int
	Name string
	// Environ is what it was started with, or nil where that cannot be read.
	Environ []string
}

// mostKin bounds the walk upwards.
const mostKin = 64
