package export

import (
	"io"
	"strings"
)

// powerShell is for Invoke-Expression. Within single quotes only the quote must
// be doubled (about_Quoting_Rules); what PowerShell makes of other than ASCII
// depends on the console, and a pipe gives it line by line, so neither passes.
func powerShell() Format {
	return Format{Name: "powershell", Help: "$Env:NAME = 'VALUE', for Invoke-Expression in PowerShell", Write: writePowerShell}
}

func writePowerShell(w io.Writer, o Output) error {
	var b strings.Builder
	for _, f := range variables(o) {
		if !printableASCII(f.value) {
			return &ValueError{Format: powerShell().Name, Name: f.name, Why: "it holds something else than printable ASCII"}
		}
		b.WriteString("$Env:" + f.name + " = '" + strings.ReplaceAll(f.value, "'", "''") + "'\n")
	}
	return writeAll(w, b.String())
}

func printableASCII(value string) bool {
	return !strings.ContainsFunc(value, func(r rune) bool { return r < 0x20 || r > 0x7e })
}
