package export

import (
	"io"
	"strings"
	"unicode/utf8"
)

// nushell is an object of variables: nushell evaluates no text at run time, and
// takes an environment as data (https://www.nushell.sh/commands/docs/load-env.html).
func nushell() Format {
	return Format{Name: "nushell", Help: "an object of variables, for from json | load-env in nushell", Write: writeNushell}
}

func writeNushell(w io.Writer, o Output) error {
	var b strings.Builder
	for i, f := range variables(o) {
		if !utf8.ValidString(f.value) || strings.IndexByte(f.value, 0) >= 0 {
			return &ValueError{Format: nushell().Name, Name: f.name, Why: "it is not UTF-8, or holds a zero byte"}
		}
		before := ",\n  "
		if i == 0 {
			before = "{\n  "
		}
		b.WriteString(before + quoteJSON(f.name) + ": " + quoteJSON(f.value))
	}
	b.WriteString("\n}\n")
	return writeAll(w, b.String())
}
