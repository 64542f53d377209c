package cli

import (
	"errors"
	"fmt"
	"os"

	"fob/internal/decide/profile"
	"fob/internal/fault"
)

// winning are the settings by which SDKs find credentials before they look for an
// endpoint.
func winning() []string {
	return []string{"aws_access_key_id", "credential_process", "role_arn", "web_identity_token_file", "sso_session", "sso_start_url", "login_session"}
}

// checkDefault refuses to start a command that would find other credentials in
// [default] and never ask the endpoint: AWS_PROFILE is not set for it.
func (k *keeper) checkDefault(example string) error {
	path, shown := k.credentialsFile()
	credentials, err := profile.LoadCredentials(path, shown)
	if err != nil {
		return &fault.Error{What: "cannot read the shared credentials file", Why: err, Code: fault.Config}
	}
	config, err := profile.Load(k.home.Config, k.home.ConfigShown)
	if err != nil {
		return &fault.Error{What: "cannot read the AWS config", Why: err, Code: fault.Config}
	}
	for i, file := range []profile.Set{credentials, config} {
		p, err := file.Section("default")
		if unknown := (*profile.UnknownError)(nil); errors.As(err, &unknown) {
			continue
		}
		if err != nil {
			return &fault.Error{What: "cannot read the settings of [default]", Why: err, Code: fault.Config}
		}
		for _, key := range winning() {
			if setting, ok := p.Setting(key); ok && setting.Value != "" {
				return defaultWins(setting, i == 0, example)
			}
		}
	}
	return nil
}

// warnDefault tells of the same where fob starts no command, and so cannot know
// which files the programs read.
func (k *keeper) warnDefault() {
	f := (*fault.Error)(nil)
	if err := k.checkDefault("COMMAND"); errors.As(err, &f) {
		k.sys.say("programs may use other credentials than what is served: %s; %s", f.Why, f.Next[0])
	}
}

func defaultWins(setting profile.Setting, inCredentials bool, example string) error {
	next := []string{"give that section another name than [default]"}
	if inCredentials {
		next = append(next, "or keep the file from this command: AWS_SHARED_CREDENTIALS_FILE="+os.DevNull+" "+example)
	}
	return &fault.Error{
		What: "cannot serve credentials: the command would use others",
		Why:  fmt.Errorf("[default] has %s at %s, where SDKs look before they ask an endpoint", setting.Key, setting.From),
		Next: append(next, "or hand the credentials over by the environment: leave the flag of the server out"), Code: fault.Config,
	}
}

// execServed is the command line for what a person is told to try.
func (o execOptions) execServed() string {
	flag := "--server"
	if o.ec2 {
		flag = "--ec2-server"
	}
	return "fob exec " + flag + " " + fault.Word(o.profile) + " -- COMMAND"
}
