package takeover

// systemSources is the keychain.
func systemSources(env Env) []Source { return []Source{keychain(env)} }
