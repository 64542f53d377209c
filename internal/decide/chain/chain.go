// Package chain decides what will happen to get a profile's session: which
// stored key, which calls, which MFA device, for how long, and why. Deciding is
// pure: it knows no network, no clock and no secret.
package chain

import (
	"slices"
	"strings"
	"time"

	"fob/internal/decide/guard"
	"fob/internal/decide/source"
)

// Chain is a plan. A chain without steps hands out the stored key itself, which
// only --no-session asks for.
type Chain struct {
	// Profile is the name the person typed.
	Profile string
	// Key is the profile whose stored key signs the first call, or "" where
	// the first step needs none.
	Key string
	// InClear is where the key of Key stands if it is not stored: in a file of the
	// AWS tools. Its ID is "" otherwise.
	InClear source.InClear
	Steps   []source.Step
	// Region is for the child; "" where no setting gives one.
	Region string
	// Endpoint is the endpoint_url that the child must use too, or "".
	Endpoint string
	// STS is where the session can be asked who it is.
	STS source.Endpoint
	// Account is the id of the account that the session is for, where the
	// config tells it.
	Account string
	// Agent is the program on whose behalf the session is, or "". It names the
	// last step: what comes before serves people too, and is handed to nobody.
	Agent string
	// Granted says that a person opens this one session for the agent: none of its
	// steps has a name, so that nothing else is served by it.
	Granted bool
	// Policy narrows the session, with the text and the ARNs that are sent.
	Policy Policy
	// Guard is what stands before the session, and Terminal the terminal session
	// that a guarded one is for; "" is none, and then it is not kept.
	Guard    guard.Level
	Terminal string
	// Notes say why the chain is as it is, in order, for explain.
	Notes []string
	// Warnings are notes that the person must see on every run, because they
	// get something else than they asked for.
	Warnings []string
	// Asked is the lifetime that was asked for, before any cut but the guard's.
	Asked time.Duration
}

// Card is what the step tells of itself whose session is handed out, or nothing
// where the stored key is.
func (c Chain) Card() source.Card {
	if len(c.Steps) == 0 {
		return source.Card{}
	}
	return source.CardOf(c.Steps[len(c.Steps)-1])
}

// Request is what the person asked for, by flags and environment. Env holds the
// variables of EnvNames that are set; others are not looked at.
type Request struct {
	Profile   string
	NoSession bool
	// Lifetime is --duration; zero where it was not given.
	Lifetime time.Duration
	Region   string
	// Policy is what the flags ask for, which goes before that of the config.
	// ReadPolicy gives the text of a file that the config names, and CheckPolicy
	// says what is wrong with a text, or ""; the front has neither, and leaves the
	// first to fob-core.
	Policy      Policy
	ReadPolicy  func(path string) (string, error)
	CheckPolicy func(text string) string
	// Console says whether the session must open the console. Without a Profile
	// the credentials of the environment are meant.
	Console Console
	// Agent is the program that gets the session, or "" for a person. Its session
	// is short, bears its name, and is never the user's own. Granted says that a
	// person opens this one session for it, which then lives as long as they say.
	Agent   string
	Granted bool
	// Terminal tells the terminal session that asks from every other one; "" where
	// there is none.
	Terminal string
	// Unguarded says that no guard stands before it: nothing is handed out, or a
	// person has agreed in another way, as to a grant.
	Unguarded bool
	Env       map[string]string
}

// EnvNames lists every variable that Resolve looks at.
func EnvNames() []string {
	return []string{
		"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_MFA_SERIAL",
		"AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_SESSION_TAGS", "AWS_TRANSITIVE_TAGS", "AWS_SOURCE_IDENTITY", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_ASSUME_ROLE_TTL", "AWS_SESSION_TOKEN_TTL", "AWS_CHAINED_SESSION_TOKEN_TTL", "AWS_FEDERATION_TOKEN_TTL", "FOB_DURATION", "AWS_VAULT_DURATION",
		"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_IAM", "AWS_ENDPOINT_URL_ORGANIZATIONS", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
		"AWS_STS_REGIONAL_ENDPOINTS", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_CA_BUNDLE",
	}
}

// FromEnviron picks the variables of EnvNames out of an environment. Where a
// variable stands twice, the first one counts, as for getenv(3).
func FromEnviron(environ []string) map[string]string {
	names := EnvNames()
	env := make(map[string]string, 8)
	for _, line := range environ {
		// Nearly all names that count begin with A or F: a cheap way past the rest.
		if len(line) < 8 || line[0] != 'A' && line[0] != 'F' {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if _, twice := env[name]; ok && !twice && slices.Contains(names, name) {
			env[name] = value
		}
	}
	return env
}

// Names gives each step's name for the cache: over the step's own parts and the
// name before it, so that a step is the same wherever it is reached from. keyID
// is the id of the stored key; nameOf is the cache's HMAC. A step that cannot
// be named has "" and so has every step after it.
//
// The last step of a guarded chain is another one in each terminal session, and
// has no name outside of one. Where its guard wants a fresh code the steps before
// it have none, since a code that was typed for them must not serve again.
func Names(c Chain, keyID string, nameOf func(...string) string) []string {
	names := make([]string, len(c.Steps))
	if c.Granted {
		return names
	}
	base := "key " + keyID
	if c.Key == "" {
		base = "begins here"
	}
	for i, step := range c.Steps {
		n, ok := step.(source.Named)
		if !ok {
			break
		}
		agent := ""
		if i == len(c.Steps)-1 {
			agent = c.Agent
		}
		parts := append([]string{base, agent}, n.Parts()...)
		if c.Guard != guard.None && i == len(c.Steps)-1 {
			parts = append(parts, "guard", string(c.Guard), c.Terminal)
		}
		base = nameOf(parts...)
		names[i] = base
	}
	return c.guardNames(names)
}

func (c Chain) guardNames(names []string) []string {
	last := len(names) - 1
	if c.Guard.FreshCode() {
		clear(names[:max(last, 0)])
	}
	if c.Guard != guard.None && c.Terminal == "" && last >= 0 {
		names[last] = ""
	}
	return names
}
