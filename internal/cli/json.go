package cli

import (
	"encoding/json"
	"errors"
	"io"

	"fob/internal/fault"
)

// printed is what a command prints with --json. The type's fields, with their doc
// tags, are the schema that docs/json.md shows; it only ever grows.
type printed struct {
	command string
	value   any
}

// printedAsJSON lists the output of every command that has --json.
func printedAsJSON() []printed {
	return []printed{
		{"list", listing{}},
		{"explain", explained{}},
		{"access", accessJSON{}},
		{"status", statusJSON{}},
		{"status PROFILE", whoami{}},
		{"store", storeJSON{}},
		{"doctor", doctorJSON{}},
		{"clear", clearedJSON{}},
		{"rotate", rotatedJSON{}},
		{"mfa list", mfaListJSON{}},
		{"import", surveyJSON{}},
		{"import --from SOURCE", importedJSON{}},
		{"configure", configuredJSON{}},
		{"sdk-config", sdkJSON{}},
		{"log", logJSON{}},
		{"serve", servingJSON{}},
		{"version", versionJSON{}},
	}
}

// failure is what stands on standard error in place of the text for a person,
// when a command that was told --json fails.
type failure struct {
	Error failed `json:"error" doc:"why nothing, or not everything, stands on standard output"`
}

type failed struct {
	What   string   `json:"what" doc:"what could not be done"`
	Why    string   `json:"why,omitempty" doc:"the reason"`
	Next   []string `json:"next" doc:"what to try, the likeliest first"`
	Status int      `json:"status" doc:"the exit status, as fob help exit-status explains it"`
}

func renderJSON(w io.Writer, err error) {
	out := failed{What: err.Error(), Next: []string{}, Status: int(fault.CodeOf(err))}
	if f := (*fault.Error)(nil); errors.As(err, &f) {
		out.What = f.What
		if f.Why != nil {
			out.Why = f.Why.Error()
		}
		out.Next = append(out.Next, f.Next...)
	}
	_ = writeJSON(w, failure{out})
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
