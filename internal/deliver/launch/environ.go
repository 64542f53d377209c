package launch

import (
	"strings"
	"time"

	"fob/internal/cred"
)

// Environ is the child's environment: environ without everything that names
// another identity or belongs to fob (each duplicate of it), and then the
// session's variables. All else keeps its place, also entries without a name
// or without "=", which are no variables. One id, secret and session token are
// never mixed with another session's.
func Environ(environ []string, s Settings, session cred.Session) []string {
	out := make([]string, 0, len(environ)+12)
	for _, entry := range Inherited(environ) {
		name, _, ok := strings.Cut(entry, "=")
		if !ok || name == "" || !replaced(fold(name), s) {
			out = append(out, entry)
		}
	}
	set := func(name, value string) {
		if value != "" {
			out = append(out, name+"="+value)
		}
	}
	set("AWS_ACCESS_KEY_ID", session.ID)
	set("AWS_SECRET_ACCESS_KEY", session.Secret.Reveal())
	set("AWS_SESSION_TOKEN", session.Token.Reveal())
	if !session.Expires.IsZero() {
		expires := session.Expires.UTC().Format(time.RFC3339)
		set("AWS_CREDENTIAL_EXPIRATION", expires) // botocore and the incumbent
		set("AWS_SESSION_EXPIRATION", expires)    // older shell prompts
	}
	set("AWS_REGION", s.Region)
	set("AWS_DEFAULT_REGION", s.Region)
	set("AWS_ENDPOINT_URL", s.Endpoint)
	if s.ByName {
		set("AWS_PROFILE", s.Profile)
	}
	set("AWS_VAULT", s.Profile) // starship and powerlevel10k show it
	set("FOB_PROFILE", s.Profile)
	set(regionMark, s.Region)
	set(endpointMark, s.Endpoint)
	return out
}

// Endpoint is what a child gets in the place of a session: where its SDK finds
// one. Metadata says that it is IMDS, which has no token.
type Endpoint struct {
	URL       string
	Token     cred.Secret
	TokenFile string
	Metadata  bool
}

// ServedEnviron is Environ for a child that is told an endpoint. The token is in
// the environment and in a file: old SDKs do not know the file, and what is
// mounted into a container is a file.
func ServedEnviron(environ []string, s Settings, e Endpoint) []string {
	out := Environ(environ, s, cred.Session{})
	if !e.Metadata {
		return append(out, "AWS_CONTAINER_CREDENTIALS_FULL_URI="+e.URL,
			"AWS_CONTAINER_AUTHORIZATION_TOKEN="+e.Token.Reveal(), "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE="+e.TokenFile)
	}
	asked := out[:0]
	for _, entry := range out {
		if name, _, _ := strings.Cut(entry, "="); fold(name) != "AWS_EC2_METADATA_DISABLED" {
			asked = append(asked, entry)
		}
	}
	return append(asked, "AWS_EC2_METADATA_SERVICE_ENDPOINT="+e.URL)
}

// What fob has set for a child beside the session, so that a fob inside that
// child can tell it from the person's own wish.
const (
	regionMark   = "FOB_REGION"
	endpointMark = "FOB_ENDPOINT"
)

// Inherited is environ without the region and the endpoint that an outer exec
// has set: an inner profile has its own. What was changed since then stays.
func Inherited(environ []string) []string {
	region, _ := lookup(environ, regionMark)
	endpoint, _ := lookup(environ, endpointMark)
	if region == "" && endpoint == "" {
		return environ
	}
	out := make([]string, 0, len(environ))
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		switch fold(name) {
		case "AWS_REGION", "AWS_DEFAULT_REGION":
			if region != "" && value == region {
				continue
			}
		case "AWS_ENDPOINT_URL":
			if endpoint != "" && value == endpoint {
				continue
			}
		}
		out = append(out, entry)
	}
	return out
}

// Nobody is environ without what names an identity, for a command that finds out
// by itself whose credentials are wanted. What an earlier one has answered may
// stand there, and must not become the base of the next.
func Nobody(environ []string) []string {
	out := make([]string, 0, len(environ))
	for _, entry := range environ {
		if name, _, _ := strings.Cut(entry, "="); !identity(fold(name)) {
			out = append(out, entry)
		}
	}
	return out
}

// identity says whether a variable is, or names, somebody's credentials.
func identity(name string) bool {
	switch name {
	case "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
		"AWS_CREDENTIAL_EXPIRATION", "AWS_SESSION_EXPIRATION",
		"AWS_SECURITY_TOKEN",                 // botocore looks here before AWS_SESSION_TOKEN
		"AWS_CREDENTIAL_FILE",                // boto and the old Java tools
		"AWS_PROFILE", "AWS_DEFAULT_PROFILE", // an SDK would get this profile's own credentials
		"AWS_SDK_LOAD_CONFIG", // the incumbent removes it too
		"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME",
		"AWS_VAULT":
		return true
	}
	return false
}

// replaced says whether a variable must not reach the child as it was.
func replaced(name string, s Settings) bool {
	if identity(name) {
		return true
	}
	switch name {
	case "AWS_REGION", "AWS_DEFAULT_REGION":
		return s.Region != ""
	case "AWS_ENDPOINT_URL":
		return s.Endpoint != ""
	case "AWS_EC2_METADATA_DISABLED": // no identity: it only forbids asking for one
		return false
	case "FOB_BACKEND", "FOB_PROMPT", "AWS_VAULT_BACKEND", "AWS_VAULT_PROMPT",
		"FOB_PLAYGROUND_URL", // an address, for fob playground code in a subshell
		"FOB_AGENT",          // a nested fob must not take an agent for a person
		"FOB_PROCESS_OF":     // a program that needs itself goes round by way of exec, too
		return false
	}
	for _, prefix := range [...]string{"AWS_CONTAINER_", "AWS_EC2_METADATA_", "AWS_VAULT_", "FOB_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// lookup finds a variable as getenv(3) does: the first one counts.
func lookup(environ []string, want string) (value string, ok bool) {
	for _, entry := range environ {
		name, value, ok := strings.Cut(entry, "=")
		if ok && fold(name) == want {
			return value, true
		}
	}
	return "", false
}
