package export

import (
	"io"
	"strings"
)

// env is the incumbent's default: lines of NAME=VALUE without quotes, for
// docker --env-file and its like, which take everything after "=" as it is.
func env() Format {
	return Format{Name: "env", Help: "NAME=VALUE without quotes, for env files (docker --env-file); not for eval", Write: writeEnv}
}

func writeEnv(w io.Writer, o Output) error {
	var b strings.Builder
	for _, f := range variables(o) {
		if control(f.value) {
			return &ValueError{Format: env().Name, Name: f.name, Why: "it holds a control character"}
		}
		b.WriteString(f.name + "=" + f.value + "\n")
	}
	return writeAll(w, b.String())
}
