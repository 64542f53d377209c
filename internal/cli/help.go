package cli

import (
	"fmt"
	"runtime"
	"strings"

	"fob/internal/decide/guard"
	"fob/internal/fault"

	"github.com/spf13/cobra"
)

func newVersion(sys *System, _ *globals) *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  fob version\n  fob version --json",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return writeJSON(sys.Stdout, versionJSON{Version: sys.Version, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH})
			}
			_, err := fmt.Fprintln(sys.Stdout, sys.Version)
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

type versionJSON struct {
	Version string `json:"version" doc:"the version, the same of both executables"`
	Go      string `json:"go" doc:"the Go release that built it"`
	System  string `json:"system" doc:"operating system and processor (linux/amd64)"`
}

// wrapHelp keeps the commands that cobra adds in the shape of ours: an example
// each, and a name that does not exist is a wrong command line.
func wrapHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	root.SetVersionTemplate("{{.Version}}\n")
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Run, c.RunE, c.Args = nil, help, nil
			c.Short = "Show help about a command or a topic"
			c.Example = "  fob help exec\n  fob help exit-status"
		case "completion":
			c.Run, c.RunE, c.Args = nil, func(c *cobra.Command, _ []string) error { return c.Help() }, noArgs
			c.Short = "Print a script that completes fob's command lines in a shell"
			c.Example = "  source <(fob completion bash)"
			for _, shell := range c.Commands() {
				shell.Args = noArgs
				shell.Short = "Print the completion script of " + shell.Name()
				shell.Example = "  fob completion " + shell.Name()
			}
		}
	}
}

// help is fob help [COMMAND|TOPIC].
func help(c *cobra.Command, args []string) error {
	found, rest, err := c.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return noArgs(c.Root(), args)
	}
	found.InitDefaultHelpFlag()
	return found.Help()
}

// topics are pages of help that belong to no command: fob help exit-status.
func topics() []*cobra.Command {
	page := func(name, short, text string) *cobra.Command {
		return &cobra.Command{Use: name, Short: short, Long: text}
	}
	return []*cobra.Command{
		page("exit-status", "What the exit statuses mean", exitStatusHelp()),
		page("environment", "Which variables are read, set and removed", environmentHelp()),
		page("files", "Which files are read and written", filesHelp),
		page("security", "What is protected against whom, and what is not", securityHelp),
	}
}

func exitStatusHelp() string {
	var b strings.Builder
	b.WriteString("Exit statuses:\n\n")
	for _, s := range fault.Statuses() {
		fmt.Fprintf(&b, "  %3d  %s\n", s.Code, s.Text)
	}
	b.WriteString("\nEvery other status of exec is the command's own; 128+N where signal N ended it.\n" +
		"fob export --check PROFILE gives 3 to 6 without running anything.\n" +
		"fob access gives 0 where all roles can be entered, 5 where one is refused, 1 where it is not known of one.\n" +
		"Started through a link named aws-vault, fob's own failures are 1.")
	return b.String()
}

// variables lists what is read, in the order of the help topic.
func variables() [][2]string {
	return [][2]string{
		{"AWS_PROFILE", "profile of exec, export, login, explain and whoami where none is named"},
		{"AWS_DEFAULT_PROFILE", "not taken; doctor tells where it is another than AWS_PROFILE, since the AWS CLI takes it"},
		{"AWS_CONFIG_FILE", "the AWS config, else ~/.aws/config"},
		{"AWS_SHARED_CREDENTIALS_FILE", "keys in the clear, else ~/.aws/credentials"},
		{"AWS_REGION, AWS_DEFAULT_REGION", "region of the last call and of the child; with several profiles, of those that have none"},
		{"AWS_MFA_SERIAL", "MFA device of every profile"},
		{"AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME", "role of the named profile (not beside AWS_WEB_IDENTITY_TOKEN_FILE)"},
		{"AWS_SESSION_TAGS, AWS_TRANSITIVE_TAGS, AWS_SOURCE_IDENTITY", "of the named profile's role"},
		{"FOB_DURATION, AWS_VAULT_DURATION", "like --duration"},
		{"AWS_WEB_IDENTITY_TOKEN_FILE", "with AWS_ROLE_ARN: the role of a named profile that has no key and no source of its own"},
		{"AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN", "for add --env, for login without a profile, and for credential_source = Environment"},
		{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, AWS_CONTAINER_CREDENTIALS_FULL_URI, AWS_CONTAINER_AUTHORIZATION_TOKEN, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "for credential_source = EcsContainer"},
		{"AWS_EC2_METADATA_SERVICE_ENDPOINT, AWS_EC2_METADATA_DISABLED", "for credential_source = Ec2InstanceMetadata"},
		{"AWS_ASSUME_ROLE_TTL, AWS_SESSION_TOKEN_TTL", "lifetimes of role and user sessions"},
		{"AWS_CHAINED_SESSION_TOKEN_TTL", "lifetime of the MFA session that roles share (8h)"},
		{"FOB_MIN_TTL, AWS_MIN_TTL", "like --min-ttl (5m)"},
		{"AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL_IAM", "address of STS and IAM in place of AWS's own"},
		{"AWS_ENDPOINT_URL_SIGNIN", "address of the sign-in service"},
		{"AWS_ENDPOINT_URL_ORGANIZATIONS", "address of the service that lists an organization's accounts"},
		{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true: neither these nor the config's"},
		{"AWS_STS_REGIONAL_ENDPOINTS, AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT", "as in the AWS SDKs"},
		{"AWS_CA_BUNDLE, HTTPS_PROXY, NO_PROXY, AWS_MAX_ATTEMPTS", "as in the AWS SDKs"},
		{"FOB_PASSPHRASE, AWS_VAULT_FILE_PASSPHRASE", "passphrase of the store; never reaches a child"},
		{"AWS_VAULT_BACKEND", "for import --from aws-vault: which of its stores"},
		{"AWS_VAULT_FILE_DIR, AWS_VAULT_FILE_PASSPHRASE", "for import: aws-vault's folder, else ~/.awsvault/keys, and its passphrase"},
		{"AWS_VAULT_PASS_PREFIX, AWS_VAULT_PASS_PASSWORD_STORE_DIR, AWS_VAULT_PASS_CMD, PASSWORD_STORE_DIR, PASSAGE_DIR", "for import: where aws-vault keeps keys with pass or passage"},
		{"AWS_VAULT_SECRET_SERVICE_COLLECTION_NAME, AWS_VAULT_KEYCHAIN_NAME, DISABLE_KWALLET, DBUS_SESSION_BUS_ADDRESS", "for import: where aws-vault keeps keys on a desktop"},
		{strings.Join(guard.MarkerNames(), ", "), "whether an agent asks, which then gets what fob_agent of the profile says; no value says that none does"},
		{"FOB_BACKEND", "like --backend"},
		{"FOB_PROMPT, AWS_VAULT_PROMPT", "like --prompt"},
		{"YKMAN_OATH_CREDENTIAL_NAME, YKMAN_OATH_DEVICE_SERIAL, AWS_VAULT_YKMAN_VERSION", "for --prompt ykman: its credential (default the serial of the MFA device), which YubiKey, and 1 to 3 for an old ykman"},
		{"DISPLAY, WAYLAND_DISPLAY, CI", "whether a window may ask where there is no terminal"},
		{"FOB_BROWSER, BROWSER", "what login opens the console with, like --browser"},
		{"FOB_AUTO_LOGOUT, AWS_VAULT_AUTO_LOGOUT", "true: like --auto-logout"},
		{"AWS_FEDERATION_TOKEN_TTL", "lifetime of the session of login --federate"},
		{"FOB_PROFILE_ENV, AWS_VAULT_PROFILE_ENV", "true: like exec --profile-env"},
		{"AWS_VAULT_DISABLE_HELP_MESSAGE", "set: exec says nothing above the shell that it starts"},
		{"XDG_DATA_HOME, XDG_RUNTIME_DIR, TMPDIR (macOS), HOME", "where things are kept (fob help files)"},
		{"FOB_PLAYGROUND_URL", "the running playground that fob playground code asks"},
	}
}

func environmentHelp() string {
	var b strings.Builder
	b.WriteString("Variables that are read:\n\n")
	for _, v := range variables() {
		fmt.Fprintf(&b, "  %s\n      %s\n", v[0], v[1])
	}
	b.WriteString("\nSet for a child: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,\n" +
		"AWS_CREDENTIAL_EXPIRATION, AWS_SESSION_EXPIRATION, AWS_REGION, AWS_DEFAULT_REGION,\n" +
		"AWS_ENDPOINT_URL (where the profile has one), AWS_VAULT and FOB_PROFILE (the profile's name),\n" +
		"FOB_REGION and FOB_ENDPOINT (what fob set, for a fob within to tell from your own).\n\n" +
		"Removed for a child: every other variable that carries an identity (AWS_PROFILE,\n" +
		"AWS_SECURITY_TOKEN, AWS_CONTAINER_*, AWS_ROLE_ARN, ...) and fob's own, the passphrase first.")
	return b.String()
}

const filesHelp = `Files, with $DATA for $XDG_DATA_HOME/fob, else ~/.local/share/fob:

  ~/.aws/config         read; add appends a profile, configure writes those that it has
                        shown, mfa enrol sets mfa_serial after asking, import puts a
                        credential_process line in the place of a key; no other byte changes
  ~/.aws/credentials    read by import, which puts a credential_process line in the place of
                        a key that it has stored, and the file as it was beside it
  account.hcl, accounts.json, accounts.yml, accounts.yaml
                        read by terragrunt-auth, in the working directory and above it;
                        configure reads a list of accounts that is named or found so
  $DATA/vault.age       the stored keys and unfinished rotations, an age file; vault.age.prev
                        is the one before
  $DATA/slots/*.age     what opens the vault, a slot for each way in, age files (fob store);
                        slots/first names the one to try first, and
                        slots/plugin.identity is what an age plugin is told
  $DATA/cache/          sessions, sealed
  $DATA/index           which profiles have a key, and which one serves which directory of
                        Terragrunt's, sealed
  $DATA/log-*           who took which credentials, sealed (fob log)
  $DATA/spent           which MFA codes were sent of late, as hashes
  $DATA/seen            which vault was last written, so that an older one is noticed
                        that is put back alone; the whole folder of a backup is not
  $DATA/epoch, stamp    what makes old sessions, and older unlocks, worth nothing
  $DATA/sdk-config      where fob sdk-config has written the second config
  $DATA/locks/, *.lock  one file for each thing that one process does at a time; they hold
                        no secret, and stay
  $XDG_RUNTIME_DIR/fob  the seal key, where no kernel keyring can hold it; where that is not
                        in memory /dev/shm/fob-UID, on macOS $TMPDIR/fob

Without fob, the keys are read with the stock age tool (fob doctor --recover has the
command for each way in):

  age -d -o identity $DATA/slots/passphrase.age
  age -d -i identity $DATA/vault.age`

const securityHelp = `Protected: everything at rest is encrypted; another user of this computer can
read and use nothing; a damaged store is refused, never half-read; long-term keys
stay in the store unless you say --no-session for a profile without a role. A copy
of the store that somebody took opens with the passphrase of its day: fob rotate
is what makes the keys in it worth nothing.

While unlocked, a program that runs as you can ask fob for sessions, as you can.
fob lock ends that. Not protected: against root, against malware that runs as you
while the store is unlocked or that reads your keyboard, and against what a
command does with the credentials that it was given.`
