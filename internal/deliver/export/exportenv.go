package export

import (
	"io"
	"strings"
)

// exportEnv is for eval in sh, bash, zsh and their like: any value arrives
// exactly and none can run anything.
func exportEnv() Format {
	return Format{Name: "export-env", Help: "export NAME='VALUE', for eval in sh, bash and zsh", Write: writeExportEnv}
}

func writeExportEnv(w io.Writer, o Output) error {
	var b strings.Builder
	for _, f := range variables(o) {
		if strings.IndexByte(f.value, 0) >= 0 {
			return &ValueError{Format: exportEnv().Name, Name: f.name, Why: "it holds a zero byte"}
		}
		b.WriteString("export " + f.name + "=" + quoteShell(f.value) + "\n")
	}
	return writeAll(w, b.String())
}

// quoteShell quotes as POSIX has it: within single quotes everything is itself,
// and only the quote must be written outside of them (Shell Command Language,
// 2.2.2).
func quoteShell(value string) string {
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
