package export

import (
	"io"
	"strings"
)

// fish is for source in fish, whose quotes know two escapes
// (https://fishshell.com/docs/current/language.html#quotes).
func fish() Format {
	return Format{Name: "fish", Help: "set -gx NAME 'VALUE', for source in fish", Write: writeFish}
}

func writeFish(w io.Writer, o Output) error {
	var b strings.Builder
	escape := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	for _, f := range variables(o) {
		if strings.IndexByte(f.value, 0) >= 0 {
			return &ValueError{Format: fish().Name, Name: f.name, Why: "it holds a zero byte"}
		}
		b.WriteString("set -gx " + f.name + " '" + escape.Replace(f.value) + "'\n")
	}
	return writeAll(w, b.String())
}
