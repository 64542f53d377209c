package launch

import (
	"strconv"
	"strings"
)

// TooBigError is E2BIG with figures: Total is the bytes of all arguments and
// variables, and Largest names the biggest of them without showing it.
type TooBigError struct {
	Total   int
	Largest string
	Err     error
}

// Error shows sizes and a name, never a value.
func (e *TooBigError) Error() string {
	return "the arguments and the environment are more than the system takes: " +
		strconv.Itoa(e.Total) + " bytes, the largest is " + e.Largest
}

// Unwrap gives the errno.
func (e *TooBigError) Unwrap() error { return e.Err }

// size counts as the kernel does: each text with its final zero byte.
func size(texts []string) int {
	n := 0
	for _, t := range texts {
		n += len(t) + 1
	}
	return n
}

func largest(argv, environ []string) string {
	name, most := "", -1
	for i, a := range argv {
		if len(a) > most {
			name, most = "argument "+strconv.Itoa(i), len(a)
		}
	}
	for _, v := range environ {
		if len(v) > most {
			n, _, _ := strings.Cut(v, "=")
			name, most = "the variable "+strconv.Quote(n[:min(len(n), 64)]), len(v)
		}
	}
	return name + " (" + strconv.Itoa(most) + " bytes)"
}

func hasNUL(lists ...[]string) bool {
	for _, list := range lists {
		for _, text := range list {
			if strings.IndexByte(text, 0) >= 0 {
				return true
			}
		}
	}
	return false
}
