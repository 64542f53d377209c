package export

import (
	"io"
	"strings"
)

// windowsCmd is for cmd.exe, as a batch file or by for /f. Within set "NAME=VALUE"
// everything is itself but the characters that cmd looks at before it looks at
// quotes: % always, ! with delayed expansion; and the quote has no escape
// (https://learn.microsoft.com/windows-server/administration/windows-commands/set_1).
func windowsCmd() Format {
	return Format{Name: "windows-cmd", Help: `set "NAME=VALUE", for a batch file of cmd.exe`, Write: writeWindowsCmd}
}

func writeWindowsCmd(w io.Writer, o Output) error {
	var b strings.Builder
	for _, f := range variables(o) {
		if !printableASCII(f.value) || strings.ContainsAny(f.value, `"%!^`) {
			return &ValueError{Format: windowsCmd().Name, Name: f.name, Why: `it holds one of " % ! ^, or something else than printable ASCII`}
		}
		b.WriteString(`set "` + f.name + "=" + f.value + "\"\r\n")
	}
	return writeAll(w, b.String())
}
