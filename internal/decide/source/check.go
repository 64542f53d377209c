package source

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"fob/internal/decide/profile"
)

// quote shows a value from a file in a message: escaped and cut short.
func quote(v string) string {
	most := 60
	if strings.HasPrefix(v, "arn:") {
		most = 256 // what is wrong with an ARN may stand at its end
	}
	if len(v) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(v[cut]) {
			cut--
		}
		return strconv.Quote(v[:cut]) + "... (" + strconv.Itoa(len(v)) + " characters)"
	}
	return strconv.Quote(v)
}

func digits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// Partition is the second part of an ARN ("aws", "aws-cn", "aws-us-gov"), or "".
func Partition(arn string) string {
	f := strings.SplitN(arn, ":", 3)
	if len(f) < 3 || f[0] != "arn" {
		return ""
	}
	return f[1]
}

// Account is the twelve-digit account id in an ARN, or "".
func Account(arn string) string {
	f := strings.SplitN(arn, ":", 6)
	if len(f) < 6 || len(f[4]) != 12 || !digits(f[4]) {
		return ""
	}
	return f[4]
}

// CheckRoleARN says why v cannot be the ARN of a role, or "".
func CheckRoleARN(v string) string { return badRoleARN(v) }

func badRoleARN(v string) string {
	f := strings.SplitN(v, ":", 6)
	switch {
	case v == "":
		return "is empty"
	case len(v) < 20 || len(v) > 2048 || len(f) < 6 || f[0] != "arn" || !strings.HasPrefix(f[1], "aws") || f[2] != "iam" || f[3] != "":
		return "is not the ARN of a role"
	case len(f[4]) != 12 || !digits(f[4]):
		return "is not the ARN of a role: " + quote(f[4]) + " is not an account id of twelve digits"
	case !strings.HasPrefix(f[5], "role/") || strings.HasSuffix(f[5], "/") || !wordy(f[5][5:], "/"):
		return "is not the ARN of a role: it does not end in role/NAME"
	}
	return ""
}

// wordy checks AWS's pattern [\w+=,.@-]*, with more characters where given.
func wordy(s, more string) bool {
	for _, r := range s {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_+=,.@-", r) || strings.ContainsRune(more, r) {
			continue
		}
		return false
	}
	return true
}

func badSessionName(v string) string {
	if len(v) < 2 || len(v) > 64 || !wordy(v, "") {
		return "must be 2 to 64 letters, digits or any of _+=,.@-"
	}
	return ""
}

func badExternalID(v string) string {
	if len(v) < 2 || len(v) > 1224 || !wordy(v, ":/") {
		return "must be 2 to 1224 letters, digits or any of _+=,.@:/-"
	}
	return ""
}

// CheckSerial says why v cannot be the serial of an MFA device, or "". AWS
// takes 9 to 256 characters: an ARN for a virtual device, a number for hardware.
func CheckSerial(v string) string {
	switch {
	case len(v) < 9 || len(v) > 256 || !wordy(v, "/:"):
		return "is not the serial of an MFA device"
	case strings.HasPrefix(v, "arn:") && (Account(v) == "" || !strings.Contains(v, ":mfa/")):
		if strings.Contains(v, ":u2f/") {
			return "is a security key, which AWS accepts in the console only: calls take the six digits of an authenticator app"
		}
		return "is not the ARN of an MFA device"
	}
	return ""
}

// Lifetime reads a lifetime in seconds ("3600") or as Go writes it ("1h30m"),
// between least and most.
func Lifetime(set profile.Setting, least, most time.Duration) (time.Duration, error) {
	bad := func(why string) (time.Duration, error) {
		return 0, &SettingError{Setting: set, Why: why}
	}
	var d time.Duration
	if v := strings.TrimSpace(set.Value); digits(v) {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n > int64(1<<62/time.Second) {
			return bad("is far too long; at most " + seconds(most))
		}
		d = time.Duration(n) * time.Second
	} else {
		var err error
		if d, err = time.ParseDuration(v); err != nil {
			return bad("is not a duration: write seconds or 1h30m, between " + seconds(least) + " and " + seconds(most))
		}
	}
	if d < least || d > most {
		return bad("must be between " + seconds(least) + " and " + seconds(most))
	}
	return d.Truncate(time.Second), nil
}

func seconds(d time.Duration) string {
	return strconv.FormatInt(int64(d/time.Second), 10) + " seconds (" + d.String() + ")"
}

// CheckRegion says why v cannot be a region's name, or "".
func CheckRegion(v string) string {
	if v == "" || len(v) > 32 || strings.Trim(v, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || !strings.Contains(v, "-") || v[0] == '-' || v[len(v)-1] == '-' {
		return "is not the name of a region"
	}
	return ""
}

// OddRegion says that v has the form of no region of AWS, or "": an area, with what
// is apart in it, a direction and a number. A new region has that form too; the
// areas grow by one in some years, so this is for a warning.
func OddRegion(v string) string {
	areas := []string{"us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx", "cn", "us-gov", "us-iso", "us-isob", "us-isof", "eu-isoe", "eusc-de"}
	directions := []string{"north", "south", "east", "west", "central", "northeast", "northwest", "southeast", "southwest"}
	number := strings.LastIndexByte(v, '-')
	if number < 0 {
		return "is not the name of a region"
	}
	direction := strings.LastIndexByte(v[:number], '-')
	if direction < 0 || !slices.Contains(areas, v[:direction]) {
		return "begins like no region of AWS that fob knows"
	}
	at := v[direction+1 : number]
	switch {
	case !slices.Contains(directions, at):
		why := "is like no region of AWS that fob knows"
		if near := profile.Near(at, directions); len(near) > 0 {
			why += ": did you mean " + v[:direction+1] + near[0] + v[number:] + "?"
		}
		return why
	case len(v)-number != 2 || !digits(v[number+1:]) || v[number+1] == '0':
		return "is like no region of AWS that fob knows"
	}
	return ""
}

// TypedSerial is CheckSerial for what a person types: a bare word is as long as a
// serial at times, but is a name. Those of AWS's hardware are like GAHT12345678.
func TypedSerial(v string) string {
	if why := CheckSerial(v); why != "" || strings.HasPrefix(v, "arn:") {
		return why
	}
	number := strings.TrimLeft(v, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	if len(number) < 4 || !digits(number) {
		return "is neither the ARN of an MFA device nor a serial like GAHT12345678"
	}
	return ""
}

// CheckURL says why v cannot be the address of an AWS endpoint, or "". Plain
// http is for loopback only: SigV4 does not cover the scheme, so anyone on the
// way could use a signed call.
func CheckURL(v string) string {
	scheme, rest, ok := strings.Cut(v, "://")
	host, _, _ := strings.Cut(rest, "/")
	if !ok || scheme != "http" && scheme != "https" || host == "" || strings.ContainsAny(v, " \t@?#\\") {
		return "is not a URL like https://sts.example.com"
	}
	name := host
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		if name = host[:i]; !digits(host[i+1:]) || len(host)-i > 6 {
			return "is not a URL like https://sts.example.com: its port is no number"
		}
	}
	if name == "" || name != "" && strings.Trim(name, ":") == "" {
		return "is not a URL like https://sts.example.com: it names no host"
	}
	if scheme == "http" && !loopback(name) {
		return "is plain http beyond this machine, which would let anyone on the way use the signed call: use https"
	}
	return ""
}

func loopback(name string) bool {
	if name == "localhost" || name == "[::1]" {
		return true
	}
	parts := strings.Split(name, ".")
	if len(parts) != 4 || parts[0] != "127" {
		return false
	}
	for _, p := range parts {
		if n, err := strconv.Atoi(p); err != nil || n > 255 || !digits(p) {
			return false
		}
	}
	return true
}

// CheckPolicy says why a session policy cannot be sent for a role, or "". AWS
// counts the text and the ARNs together, and takes managed policies of its own
// and of the role's account
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).
// Whether the text is a policy is not looked at.
func CheckPolicy(policy string, arns []string, role string) string {
	if len(arns) > maxPolicyARNs {
		return strconv.Itoa(len(arns)) + " policy ARNs; AWS takes at most " + strconv.Itoa(maxPolicyARNs)
	}
	size := utf8.RuneCountInString(policy)
	for _, a := range arns {
		size += len(a)
		if why := badPolicyARN(a, role); why != "" {
			return quote(a) + " " + why
		}
	}
	if size > maxPolicyChars {
		return "it has " + strconv.Itoa(size) + " characters, ARNs counted in; AWS takes at most " + strconv.Itoa(maxPolicyChars)
	}
	for _, r := range policy {
		if r > 0xff || r < ' ' && !strings.ContainsRune("\t\n\r", r) {
			return "it has the character " + strconv.QuoteRuneToASCII(r) + ", which AWS does not take"
		}
	}
	if policy != "" && !strings.HasPrefix(strings.TrimSpace(policy), "{") {
		return "it is not a JSON object"
	}
	return ""
}

func badPolicyARN(arn, role string) string {
	f := strings.SplitN(arn, ":", 6)
	if len(f) < 6 || f[0] != "arn" || !strings.HasPrefix(f[1], "aws") || f[2] != "iam" || f[3] != "" ||
		!strings.HasPrefix(f[5], "policy/") || strings.HasSuffix(f[5], "/") || !wordy(f[5][len("policy/"):], "/") {
		return "is not the ARN of a managed policy"
	}
	switch partition, account := Partition(role), Account(role); {
	case partition != "" && f[1] != partition:
		return "is of partition " + f[1] + ", and the role is of " + partition
	case f[4] != "aws" && (len(f[4]) != 12 || !digits(f[4])):
		return "is neither AWS's nor of an account: " + quote(f[4])
	case f[4] != "aws" && account != "" && f[4] != account:
		return "is of account " + f[4] + ", and AWS takes those of the role's account only, " + account
	}
	return ""
}

// CheckSessionName says why v cannot be the name of a role session, or "".
func CheckSessionName(v string) string { return badSessionName(v) }
