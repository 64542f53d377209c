package cli

import (
	"errors"
	"strings"
)

var errEmpty = errors.New("it is empty")

// some is the value of a flag that must not be empty: --policy "$POLICY" with no
// such variable must not mean "no policy", which would give full rights.
type some struct{ to *string }

func (v some) String() string { return *v.to }

func (v some) Type() string { return "string" }

func (v some) Set(text string) error {
	if strings.TrimSpace(text) == "" {
		return errEmpty
	}
	*v.to = text
	return nil
}

// someOf is a list of such values with commas between, in one flag or in several.
type someOf struct{ to *[]string }

func (v someOf) String() string { return strings.Join(*v.to, ",") }

func (v someOf) Type() string { return "strings" }

func (v someOf) Set(text string) error {
	for _, one := range strings.Split(text, ",") {
		if one = strings.TrimSpace(one); one == "" {
			return errEmpty
		}
		*v.to = append(*v.to, one)
	}
	return nil
}
