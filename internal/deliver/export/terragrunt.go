package export

import (
	"io"
	"strings"
	"unicode/utf8"
)

// terragrunt is what Terragrunt reads from its auth provider command:
// https://docs.terragrunt.com/schemas/auth-provider-cmd/v2/schema.json
// (2026-11). Its names have no AWS_ before them, and there is no field for the
// end. What has no value is left out: a null for envs would end Terragrunt.
func terragrunt() Format {
	return Format{Name: "terragrunt", Help: "JSON as Terragrunt reads it from --auth-provider-cmd", Write: writeTerragrunt}
}

func writeTerragrunt(w io.Writer, o Output) error {
	var b strings.Builder
	b.Grow(1 << 10)
	b.WriteString("{\"awsCredentials\": {")
	for i, f := range fields(o, "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN") {
		if !utf8.ValidString(f.value) {
			return &ValueError{Format: terragrunt().Name, Name: f.name, Why: "it is not UTF-8"}
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("\"" + f.name + "\": " + quoteJSON(f.value))
	}
	b.WriteString("}}\n")
	return writeAll(w, b.String())
}
