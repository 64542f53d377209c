package cli

import (
	"fob/internal/decide/chain"
	"fob/internal/decide/profile"
	"fob/internal/decide/source"
)

// debug says what --debug asks for: what is decided, which kept session serves,
// how long each call took. Never a secret, a body, a header, a command line or
// the environment.
func (k *keeper) debug(format string, args ...any) {
	if k.g.debug {
		k.sys.say("debug: "+format, args...)
	}
}

// debugChain says where the plan comes from and what it is.
func (k *keeper) debugChain(set profile.Set, c chain.Chain) {
	k.debug("version %s; config %s; data %s", k.sys.Version, set.Display(), k.home.Data)
	if c.Key != "" {
		k.debug("profile %q begins with the key of %q", c.Profile, c.Key)
	}
	for i, step := range c.Steps {
		card := source.CardOf(step)
		k.debug("step %d of %d: %s, region %q, endpoint %q %s", i+1, len(c.Steps), card.Call, card.Endpoint.Region, card.Endpoint.URL, card.Endpoint.URLFrom)
	}
	for _, note := range c.Notes {
		k.debug("%s", note)
	}
}
