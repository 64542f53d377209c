package cli

import "time"

// What docs/agents.md says of each thing that is not blocked.
const (
	saysMark     = "takes its mark away"
	saysConfig   = "writes a config of its own, or edits yours"
	saysProcess  = "reads the environment or the memory of a program to which you gave credentials, or attaches to your shell"
	saysTerminal = "types into your terminal, or reads or writes its screen"
	saysShell    = "changes what your next shell or your next command runs"
	saysPrompt   = "asks you for a passphrase or a code, and you type it"
	saysGrant    = "gives itself the name of another agent, and takes that one's grant"
	saysEndpoint = "reads the token of an endpoint that you serve, or asks one that has none (IMDS)"
	saysKeyring  = "takes what opens the store out of the keyring of your login"
	saysErase    = "removes your files, the record among them"
)

// attempts are the rows of the table.
func attempts() []attempt {
	var all []attempt
	for _, part := range [][]attempt{askingAttempts(), commandAttempts(), unmarkedAttempts(), grantAttempts(), fileAttempts(), configAttempts(),
		processAttempts(), terminalAttempts(), endpointAttempts(), awsAttempts(), lastAttempts()} {
		all = append(all, part...)
	}
	return all
}

func blocked(by verdict) [3]verdict { return [3]verdict{by, by, by} }

var (
	fobAll    = blocked(byFob)
	awsAll    = blocked(byAWS)
	awsMarked = [3]verdict{byAWS, byFob, byFob} // its session is of dev; the others have no other profile
	openMark  = [3]verdict{open, byFob, byFob}  // a wall for who is confined
	openUser  = [3]verdict{open, open, byFob}   // a wall for another user alone
)

// askingAttempts ask fob for more, with the mark on.
func askingAttempts() []attempt {
	return []attempt{
		{name: "`fob exec security`: the user's own session", script: `fob exec security -- env`, want: fobAll},
		{name: "`fob exec prod`, which has a guard", script: `fob exec prod -- env`, want: fobAll},
		{name: "`fob exec stage`, to write there", script: `fob exec stage -- probe create-user`, want: awsMarked},
		{name: "the same, of a session that the person has cached", before: "fob exec logs -- true", script: `fob exec logs -- probe create-user`, want: awsMarked},
		{name: "`--no-session`: the stored key", script: `fob exec --no-session security -- env; fob export --no-session security`, want: fobAll},
		{name: "`--no-session` with a role", script: `fob exec --no-session stage -- env`, want: fobAll},
		{name: "`fob export`, in each format", script: `for f in json env dotenv ini; do fob export --format $f stage; done; fob export stage`, want: fobAll},
		{name: "`fob exec --json`", script: `fob exec --json stage`, want: fobAll},
		{name: "`fob credential-process security`", script: `fob credential-process security`, want: fobAll},
		{name: "`fob credential-process stage`, to write there", script: `fob credential-process stage`, want: awsMarked},
		{name: "`fob terragrunt-auth` for another role", script: `mkdir -p live/prod; echo '{"prod":{"id":"567890123456"}}' >live/accounts.json; cd live/prod; fob terragrunt-auth`, want: fobAll},
		{name: "an endpoint for what it starts: `fob exec --server stage`", script: `fob exec --server stage -- probe create-user`, want: awsMarked},
		{name: "several accounts at once", script: `fob exec dev,prod,security -- env`, want: fobAll},
		{name: "`--policy full`", script: `fob exec --policy full stage -- env`, want: fobAll},
		{name: "`--policy-arns` of AdministratorAccess", script: `fob exec --policy-arns arn:aws:iam::aws:policy/AdministratorAccess stage -- env`, want: fobAll},
		{name: "a policy text that allows all", script: `fob exec --policy '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}' stage -- env`, want: fobAll},
		{name: "`AWS_ROLE_ARN` of prod", script: `AWS_ROLE_ARN=arn:aws:iam::567890123456:role/allow-full-access-from-other-accounts fob exec stage -- probe create-user`, want: awsMarked},
		{name: "`AWS_ROLE_SESSION_NAME` of the person", script: `AWS_ROLE_SESSION_NAME=gruntwork fob exec stage -- probe whoami create-user`, want: awsMarked},
		{name: "a code that it guesses: `--mfa-token`", script: `fob exec --mfa-token 123456 prod -- env`, want: fobAll},
		{name: "an empty mark: `CLAUDECODE=`, `CLAUDECODE=0`", script: `CLAUDECODE= fob exec security -- env; CLAUDECODE=0 fob exec security -- env`, want: fobAll},
		{name: "a session of eight hours", script: `fob exec --duration 8h stage -- probe create-user`, want: awsMarked},
		{name: "fob within fob", script: `own fob exec prod -- env; own fob exec security -- env`, want: fobAll},
	}
}

// commandAttempts use commands that are a person's.
func commandAttempts() []attempt {
	return []attempt{
		{name: "`fob login`: a console by the person's rights", script: `fob login stage; fob login --stdout stage`, want: fobAll},
		{name: "`fob serve stage`", script: `fob serve stage --json`, want: fobAll},
		{name: "`fob access --probe`", script: `fob access --probe`, want: fobAll},
		{name: "`fob add` of a key of its own; `fob import`", script: `AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY=abcdefghijklmnopqrstuvwxyz fob add security --env; fob import`, want: fobAll},
		{name: "`fob rotate`, `fob remove`, `fob clear`", script: `fob rotate security; fob remove security; fob clear`, want: fobAll},
		{name: "`fob store use`, `move`, `passwd`: a way in of its own", script: `fob store use keyctl; fob store move keyctl; fob store passwd`, want: fobAll, proof: `test -e $P/.local/share/fob/slots/keyctl.age`},
		{name: "`fob mfa`: a device of its own", script: `fob mfa enrol security; fob mfa remove security; fob mfa list security`, want: fobAll},
		{name: "`fob configure`, `fob sdk-config`: other settings", script: `fob configure --no-input; fob sdk-config`, want: fobAll},
		{name: "`fob unlock` with passphrases that it guesses", script: `for p in password gruntwork acme; do FOB_PASSPHRASE=$p fob unlock; echo $p | fob unlock --passphrase-fd 0; done`, want: fobAll},
		{name: "`fob log`, to see what the person does", script: `fob log --json`, want: fobAll},
		{name: "`fob doctor --recover`, `explain`, `list`, `status`: a secret in what they tell", script: `fob doctor --recover; fob explain security --json; fob list --json; fob status --json`, tried: "opens without fob", want: fobAll},
	}
}

// unmarkedAttempts take the mark away.
func unmarkedAttempts() []attempt {
	return []attempt{
		{name: "`env -u`: no mark, no config of its own", script: `me fob exec stage -- env`, want: openMark, documented: saysMark},
		{name: "`env -i`", script: `env -i HOME=$P PATH="$PATH" XDG_RUNTIME_DIR=$P/run AWS_ENDPOINT_URL=$AWS_ENDPOINT_URL TEST_KEYRING=1 TEST_CLOCK=$TEST_CLOCK fob exec stage -- env`, want: openMark, documented: saysMark},
		{name: "without its mark, `--no-session`: the stored key", script: `me fob exec --no-session security -- env`, want: openMark, documented: saysMark},
		{name: "without its mark, `fob export`", script: `me fob export logs`, want: openMark, documented: saysMark},
		{name: "without its mark, `fob login`", script: `me fob login --stdout stage; me fob export stage`, want: openMark, documented: saysMark},
		{name: "without its mark, a profile with a guard", script: `me fob exec prod -- env`, want: fobAll},
		{name: "the same at a terminal that it makes", script: `(sleep 1; echo 123456; sleep 1) | timeout -k 1 10 script -qec "env -u CLAUDECODE -u FOB_AGENT -u AWS_CONFIG_FILE -u AWS_SHARED_CREDENTIALS_FILE fob exec prod -- env" log`, want: [3]verdict{byAWS, byFob, byFob}},
		{name: "the same with a guessed code: `--mfa-token`", script: `me fob exec --mfa-token 123456 prod -- env`, want: fobAll},
		{name: "a process that has left the agent (double fork, setsid)", script: `(setsid sh -c 'sleep 0.2; env -u CLAUDECODE -u FOB_AGENT -u AWS_CONFIG_FILE -u AWS_SHARED_CREDENTIALS_FILE fob exec stage -- env >orphan 2>&1; echo end >>orphan' &); until grep -q end orphan; do sleep 0.1; done; cat orphan`, want: openMark, documented: saysMark},
		{name: "fob within fob, without its mark", script: `own env -u CLAUDECODE -u FOB_AGENT -u AWS_CONFIG_FILE -u AWS_SHARED_CREDENTIALS_FILE -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY -u AWS_SESSION_TOKEN -u AWS_PROFILE fob exec stage -- env`, want: openMark, documented: saysMark},
		{name: "without its mark, in a session keyring of its own", script: `me keyctl session - fob exec stage -- env`, want: fobAll},
		{name: "bubblewrap around a fob without its mark", script: `me bwrap --dev-bind / / --proc /proc --unshare-pid fob exec stage -- env`, want: openMark, documented: saysMark},
		{name: "bubblewrap without the network", script: `me bwrap --dev-bind / / --proc /proc --unshare-pid --unshare-net fob exec --no-session security -- env`, want: openMark, documented: saysMark},
	}
}

// grantAttempts are about what a person opens for one agent.
func grantAttempts() []attempt {
	return []attempt{
		{name: "`fob grant` to itself", script: `fob grant prod --to claude-code --policy full`, want: fobAll},
		{name: "`fob grant` without its mark, at a terminal that it makes", script: `printf 'prod\n123456\n' | timeout -k 1 10 script -qec "env -u CLAUDECODE -u FOB_AGENT -u AWS_CONFIG_FILE fob grant prod --to claude-code" log`, want: fobAll},
		{name: "the same of a process that has left the agent, with a guessed code", script: `(setsid env -u CLAUDECODE -u FOB_AGENT -u AWS_CONFIG_FILE sh -c "sleep 0.2; (sleep 2; echo prod; sleep 3; echo 654321; sleep 3) | timeout -k 1 10 script -qec 'fob grant prod --to claude-code' log; echo end >>log" &); until grep -q ^end log; do sleep 0.1; done; cat log`, want: [3]verdict{byAWS, byFob, byFob}},
		{name: "the grant of another agent, by its name", grantTo: "cursor", script: `me env FOB_AGENT=cursor fob exec prod -- env`, want: openMark, documented: saysGrant},
		{name: "the grant of another agent, under its own name", script: `fob exec prod -- env`, want: fobAll},
		{name: "a grant that the person has taken back", grantTo: "claude-code", takeBack: true, script: `fob exec prod -- env`, want: fobAll},
		{name: "a grant whose time is over", grantTo: "claude-code", passes: 16 * time.Minute, script: `fob exec prod -- env`, want: fobAll},
		{name: "`fob revoke` of others", script: `fob revoke; fob revoke cursor`, want: fobAll},
	}
}

// fileAttempts read what fob keeps.
func fileAttempts() []attempt {
	return []attempt{
		{name: "every file of the store", script: `cat $D/* $D/*/* | tr -cd '[:print:]\n'; cp -r $D store; grep -ra CANARY store`, tried: "age-encryption|enied", want: fobAll},
		{name: "the slot by the stock `age`, without a passphrase", script: `age -d -o identity $D/slots/passphrase.age; ls -l identity`, want: fobAll},
		{name: "the store copied to another HOME", script: `mkdir -p home/.local/share && cp -r $D home/.local/share/ && cp -r $P/.aws home/; HOME=$PWD/home me fob exec stage -- env`, want: fobAll},
		{name: "the folders in memory (`XDG_RUNTIME_DIR`, `/dev/shm`)", script: `cat $P/run/fob/*/* /dev/shm/fob-*/* /dev/shm/fob-*/*/* 2>&1`, tried: "No such file|enied", want: [3]verdict{byFob, byAWS, byFob}},
		{name: "the keys of its session and user keyring", script: `for k in $(keyctl rlist @s) $(keyctl rlist @u); do keyctl pipe $k >>keys; done; cat keys; ls -l keys; keyctl show`, tried: "Session Keyring", proof: `test -s keys`, want: openMark, documented: saysKeyring},
		{name: "the person's keys by number (`/proc/keys`)", script: `for k in $(sed 's/ .*//' /proc/keys); do keyctl pipe 0x$k >>keys; keyctl link 0x$k @s; done 2>&1; me fob exec stage -- env`, want: openMark, documented: saysKeyring},
		{name: "`~/.aws`: a key in the clear", script: `cat $P/.aws/*`, tried: "profile security|enied", want: fobAll},
		{name: "a program in fob's place: `fob-core` and `aws` of its own in PATH", script: `mkdir bin; for n in fob-core aws age; do printf '#!/bin/sh\nenv >>%s/stolen; cat >>%s/stolen\n' "$PWD" "$PWD" >bin/$n; chmod 755 bin/$n; done; PATH=$PWD/bin:$PATH fob exec security -- env; PATH=$PWD/bin:$PATH fob exec prod -- env`, proof: `test -e stolen`, want: fobAll},
	}
}

// configAttempts change what a person has set.
func configAttempts() []attempt {
	return []attempt{
		{name: "`fob_agent = full` in the person's config", script: `sed -i 's/^.profile stage.$/&\nfob_agent = full/' $P/.aws/config; me env CLAUDECODE=1 fob exec stage -- env`, want: openMark, documented: saysConfig},
		{name: "no `fob_guard` in the person's config", script: `sed -i '/fob_guard/d' $P/.aws/config; me fob exec prod -- env`, want: openMark, documented: saysConfig},
		{name: "a config of its own: `AWS_CONFIG_FILE`", script: `sed '/fob_guard/d; s/^.profile prod.$/&\nfob_agent = full/' $P/.aws/config >mine; AWS_CONFIG_FILE=$PWD/mine fob exec prod -- env; fob exec security -- env`, want: openMark, documented: saysConfig},
		{name: "a profile over the stored key: `source_profile`", script: `printf '[profile x]\nsource_profile = security\nfob_agent = full\n[profile security]\nmfa_serial = arn:aws:iam::123456789012:mfa/gruntwork\n' >mine; AWS_CONFIG_FILE=$PWD/mine fob exec x -- env; AWS_CONFIG_FILE=$PWD/mine fob exec security -- env`, want: fobAll},
		{name: "`credential_process` of its own, for the person's next command", script: `printf 'fob export logs >%s/stolen\n' "$PWD" >evil; sed -i "/^.profile stage.$/,\$d" $P/.aws/config; printf '[profile stage]\ncredential_process = sh %s/evil\n' "$PWD" >>$P/.aws/config`, after: `fob exec stage -- true`, want: openUser, documented: saysShell},
		{name: "a function in `~/.bashrc`, for the person's next shell", script: `printf 'fob() { command fob exec logs -- env >%s/stolen; }\n' "$PWD" >>$P/.bashrc`, after: `bash -ic "fob exec stage -- true"`, want: openUser, documented: saysShell},
	}
}

// processAttempts look into other processes.
func processAttempts() []attempt {
	return []attempt{
		{name: "environment of a command that has the person's session", script: `tr '\0' '\n' </proc/$EXEC_PID/environ`, want: openUser, documented: saysProcess},
		{name: "environment of a fob that serves", script: `cat /proc/$FOB_PID/environ /proc/$PPID/environ`, want: fobAll},
		{name: "memory of a fob that serves", script: `dd if=/proc/$FOB_PID/mem of=mem count=1; cat /proc/$FOB_PID/maps; ls -l /proc/$FOB_PID/fd/`, want: fobAll},
		{name: "ptrace of a fob that serves", script: `timeout 10 gdb -nx -batch -p $FOB_PID -ex 'generate-core-file core' 2>&1`, want: fobAll, proof: `test -s core`},
		{name: "ptrace of a command that has the person's session", attaches: true, script: `timeout 20 gdb -nx -batch -p $EXEC_PID -ex 'generate-core-file core' 2>&1`, want: openUser, documented: saysProcess},
		{name: "ptrace of the person's shell, to run fob there", attaches: true, script: `timeout 20 gdb -nx -batch -p $PANE_PID -ex "call (int)system(\"fob exec logs -- env >$PWD/stolen 2>&1\")" 2>&1`, want: openUser, documented: saysProcess},
		{name: "`LD_PRELOAD` and `GODEBUG` into fob", script: `LD_PRELOAD=/nonexistent.so GODEBUG=http2debug=2 fob exec security -- env`, want: fobAll},
	}
}

// terminalAttempts use the person's terminal, or their trust.
func terminalAttempts() []attempt {
	return []attempt{
		{name: "`tmux send-keys` into the person's pane", script: `tmux -S $P/tmux send-keys "fob exec logs -- env >$PWD/stolen; touch $PWD/sent" Enter && until test -e sent; do sleep 0.1; done`, tried: "error connecting|denied", want: openUser, documented: saysTerminal},
		{name: "`tmux capture-pane` of what stands on the person's screen", script: `tmux -S $P/tmux capture-pane -pJ -t 0:0`, tried: "error connecting|denied", want: openUser, documented: saysTerminal},
		{name: "a prompt of its own on the person's terminal", script: `echo 'Passphrase of the store (AGENT): ' >$PTS`, shows: "(AGENT)", want: openUser, documented: saysTerminal},
		{name: "keys pushed into the person's terminal (TIOCSTI)", script: `perl -e 'open(F, "+<", $ENV{PTS} || shift) or die "open: $!\n"; for (split //, "touch pushed\n") { ioctl(F, 0x5412, $_) or die "TIOCSTI: $!\n" }' $PTS`, tried: "TIOCSTI|open:", proof: `test -e $P/pushed`, want: fobAll},
		{name: "a faked prompt for the passphrase, which the person answers", deceived: true, script: `me env FOB_PASSPHRASE="$(cat typed)" fob exec --no-session security -- env`, want: openUser, documented: saysPrompt},
		{name: "a faked prompt for a code, which the person answers", deceived: true, script: `(sleep 1; echo prod; sleep 1; cat code; echo; sleep 2) | timeout -k 1 15 script -qec "env -u CLAUDECODE -u FOB_AGENT -u AWS_CONFIG_FILE -u AWS_SHARED_CREDENTIALS_FILE FOB_PASSPHRASE='$(cat typed)' fob exec prod -- env" log`, want: openUser, documented: saysPrompt},
	}
}

// endpointAttempts are about what a person serves.
func endpointAttempts() []attempt {
	return []attempt{
		{name: "an endpoint without a token", tried: "403", script: `env -u AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE AWS_CONTAINER_CREDENTIALS_FULL_URI=$STAGE_CONTAINER sdk`, want: fobAll},
		{name: "an endpoint with a guessed token", tried: "403", script: `env -u AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE AWS_CONTAINER_CREDENTIALS_FULL_URI=$STAGE_CONTAINER AWS_CONTAINER_AUTHORIZATION_TOKEN=guessed sdk`, want: fobAll},
		{name: "its own token at the endpoint of another profile", tried: "403", script: `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=${AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE:-$P/tokens/token-box} AWS_CONTAINER_CREDENTIALS_FULL_URI=$STAGE_CONTAINER probe create-user`, want: fobAll},
		{name: "the person's token", script: `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=$P/mine/token-stage AWS_CONTAINER_CREDENTIALS_FULL_URI=$STAGE_CONTAINER probe whoami create-user`, want: openUser, documented: saysEndpoint},
		{name: "the person's IMDS", script: `t=$(perl -MIO::Socket::INET -e '` + imdsClient + `' $STAGE_IMDS); echo "$t"`, tried: "40[13]", want: openUser, documented: saysEndpoint},
	}
}

// imdsClient is a client of IMDS in a few lines, for a machine that has no other.
const imdsClient = `my ($at) = $ARGV[0] =~ m{//([^/]+)};
sub ask { my $s = IO::Socket::INET->new($at) or die "$!\n"; print $s "$_[0] HTTP/1.1\r\nHost: $at\r\nConnection: close\r\n$_[1]\r\n\r\n"; local $/; <$s> }
my ($t) = ask("PUT /latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 60\r\nContent-Length: 0") =~ m{\r\n\r\n(.*)}s;
print ask("GET /latest/meta-data/iam/security-credentials/stage", "X-aws-ec2-metadata-token: $t");`

// awsAttempts use the session that the agent has.
func awsAttempts() (all []attempt) {
	for _, tc := range []struct{ name, calls string }{
		{"make a user", "create-user"},
		{"make an access key of another user", "create-key"},
		{"make a role", "create-role"},
		{"open a role's trust to all", "open-role"},
		{"give a role more rights", "put-policy attach-policy"},
		{"start something that runs as another role (PassRole)", "run-as-role"},
		{"take the person's MFA device away", "own-mfa-off"},
		{"read a secret", "secret"},
		{"read a parameter", "parameter"},
		{"decrypt by KMS", "decrypt"},
		{"read an item of a table", "item"},
		{"write an item of a table", "write-item"},
		{"read a Terraform state", "state"},
		{"write a Terraform state", "write-state"},
		{"enter the same role again, without the policy", "assume:345678901234:gruntwork+claude-code"},
		{"enter the role of another account", "assume:567890123456:xx assume:456789012345:xx"},
		{"enter a role under the person's name", "assume:345678901234:gruntwork"},
		{"a longer session: GetSessionToken", "session-token"},
		{"a session by GetFederationToken", "federation-token"},
	} {
		all = append(all, attempt{name: "its session: " + tc.name, script: "own probe " + tc.calls, want: awsAll})
	}
	return append(all, attempt{name: "its session, to a role that trusts it (chaining)", script: "own probe escape", want: awsAll})
}

// lastAttempts leave the person with less than they had.
func lastAttempts() []attempt {
	return []attempt{
		{name: "its session after `fob revoke`, to write", script: "own env >kept; own probe create-user", after: "fob revoke", want: awsAll},
		{name: "away with the record", script: `rm -f $D/log-0*; ls $D`, tried: "log.lock|denied", proof: `! ls $P/.local/share/fob/log-0*`, want: openUser, documented: saysErase},
	}
}
