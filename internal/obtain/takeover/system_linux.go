package takeover

// systemSources are the stores of the desktop.
func systemSources(env Env) []Source { return []Source{secretService(env), kwallet(env)} }
