package export

import (
	"io"
	"strings"
	"unicode/utf8"
)

// jsonFormat is what SDKs read from a credential_process, version 1:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
// (2026-11). Without Expiration they keep the credentials for good.
func jsonFormat() Format {
	return Format{Name: "json", Help: "JSON as SDKs read it from a credential_process", Write: writeJSON}
}

func writeJSON(w io.Writer, o Output) error {
	var b strings.Builder
	b.Grow(1 << 10) // most session tokens are shorter
	b.WriteString("{\n  \"Version\": 1")
	for _, f := range fields(o, "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration") {
		if !utf8.ValidString(f.value) {
			return &ValueError{Format: jsonFormat().Name, Name: f.name, Why: "it is not UTF-8"}
		}
		b.WriteString(",\n  \"" + f.name + "\": " + quoteJSON(f.value))
	}
	b.WriteString("\n}\n")
	return writeAll(w, b.String())
}

// quoteJSON quotes valid UTF-8 as RFC 8259 section 7 has it. It is our own
// because encoding/json costs every start of the front more than this whole
// package.
func quoteJSON(value string) string {
	const hex = "0123456789abcdef"
	var b strings.Builder
	b.Grow(len(value) + 2)
	b.WriteByte('"')
	for i := range len(value) {
		switch c := value[i]; {
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(rune(c)))
		case c < 0x20 || c == 0x7f:
			b.WriteString(`\u00` + string(hex[c>>4]) + string(hex[c&15]))
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
