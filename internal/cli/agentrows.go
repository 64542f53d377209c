package cli

// agentRow says whether an agent may use a command: never is the reason why not,
// and ask what a person runs in its place.
type agentRow struct{ never, ask string }

// agentRows has a row for every command; one without a row is refused to agents,
// and fails a test. What may be used asks nobody, opens no window, changes
// neither the store nor a config, and prints no secret that is not narrowed.
func agentRows() map[string]agentRow {
	may := agentRow{}
	keys := func(ask string) agentRow { return agentRow{"it changes or reads the stored keys", ask} }
	config := func(ask string) agentRow { return agentRow{"it writes the config", ask} }
	grants := func(ask string) agentRow { return agentRow{"only a person gives an agent more", ask} }
	return map[string]agentRow{
		"":    may,
		"add": keys("fob add PROFILE"), "import": keys("fob import"), "rotate": keys("fob rotate"), "remove": keys("fob remove PROFILE"),
		"configure": config("fob configure"), "sdk-config": config("fob sdk-config"),
		"mfa": keys("fob mfa"), "mfa enrol": keys("fob mfa enrol"), "mfa list": keys("fob mfa list"), "mfa resync": keys("fob mfa resync"), "mfa remove": keys("fob mfa remove"),
		"list": may, "explain": may, "status": may, "doctor": may, "version": may,
		"exec": may, "credential-process": may, "terragrunt-auth": may,
		"export":    may, // not what it prints, where the agent reads it: see gate
		"login":     {"it opens a browser with what the session may do", "fob login PROFILE"},
		"access":    {"it reads with the user's own rights", "fob access"},
		"clear":     {"it takes sessions from the person", "fob clear"},
		"store":     may,
		"store use": keys("fob store use WAY"), "store move": keys("fob store move WAY"), "store remove": keys("fob store remove WAY"), "store passwd": keys("fob store passwd"),
		"lock": may, "unlock": {"it asks for the passphrase", "fob unlock"},
		"log":   {"it shows what people did", "fob log"},
		"grant": grants("fob grant PROFILE --to ID"), "revoke": grants("fob revoke"),
		"playground": may, "playground code": may, "playground token": may,
		"proxy": may, "migrate-backend": may,
		"help": may, "completion": may, "completion bash": may, "completion zsh": may, "completion fish": may, "completion powershell": may,
	}
}
