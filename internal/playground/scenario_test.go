package playground

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

func (k keys) iam(s *Server) *iam.Client { return iam.NewFromConfig(k.config(s)) }

// notAuthorized is what STS says, whether the role is there or not.
func notAuthorized(user, role string) string {
	return "AccessDenied: User: arn:aws:iam::123456789012:user/" + user + " is not authorized to perform: sts:AssumeRole on resource: " + role
}

// The outcomes that a Reference Architecture has for its people, machines and
// mistakes.
func TestWhoMayAssumeWhat(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, name := range []string{"gruntwork", "jane@acme.com", "alice@acme.com", "bob@acme.com"} {
		k := userSession(t, s, name, true)
		may := map[string]map[string]bool{
			"gruntwork":      {"dev": true, "stage": true, "prod": true, "shared": true, "logs": true},
			"jane@acme.com":  {"dev": true, "stage": true, "prod": true, "shared": true, "logs": true},
			"alice@acme.com": {"dev": true, "stage": true, "prod": true},
		}[name]
		for _, a := range Accounts() {
			role := roleARN(a.Name, fullRole)
			refused := notAuthorized(name, role)
			if may[a.Name] {
				refused = ""
			}
			_, err := assume(t, s, k, sts.AssumeRoleInput{RoleArn: &role})
			want(t, name+" full in "+a.Name, err, refused)
		}
	}
	bob, read := userSession(t, s, "bob@acme.com", true), roleARN("prod", readRole)
	_, err := assume(t, s, bob, sts.AssumeRoleInput{RoleArn: &read})
	want(t, "bob reads prod", err, "")
	read = roleARN("dev", readRole)
	_, err = assume(t, s, bob, sts.AssumeRoleInput{RoleArn: &read})
	want(t, "bob reads dev", err, notAuthorized("bob@acme.com", read))
}

func TestWithoutMFA(t *testing.T) {
	t.Parallel()
	s := start(t)
	dev := roleARN("dev", fullRole)
	_, err := assume(t, s, userKeys(t, s, "alice@acme.com"), sts.AssumeRoleInput{RoleArn: &dev})
	want(t, "long-term key", err, notAuthorized("alice@acme.com", dev))
	plain := userSession(t, s, "alice@acme.com", false)
	_, err = assume(t, s, plain, sts.AssumeRoleInput{RoleArn: &dev})
	want(t, "session without MFA", err, notAuthorized("alice@acme.com", dev))
	_, err = plain.iam(s).ListUsers(t.Context(), nil)
	want(t, "IAM from a session without MFA", err, "InvalidClientTokenId: The security token included in the request is invalid.")
	_, err = plain.sts(s).GetSessionToken(t.Context(), nil)
	want(t, "GetSessionToken from a session", err, "AccessDenied: Cannot call GetSessionToken with session credentials")
	_, err = userSession(t, s, "alice@acme.com", true).iam(s).ListUsers(t.Context(), nil)
	want(t, "IAM from a session with MFA", err, "")
}

func TestRoleThatDoesNotExist(t *testing.T) {
	t.Parallel()
	s := start(t)
	u, err := s.AddUser("erin", "_account.security-full-access")
	if err != nil {
		t.Fatal(err)
	}
	role := roleARN("security", fullRole)
	_, err = assume(t, s, userKeys(t, s, "erin"), sts.AssumeRoleInput{RoleArn: &role, SerialNumber: &u.MFASerial, TokenCode: code(t, s, "erin")})
	want(t, "a group that points at nothing", err, notAuthorized("erin", role))
}

func TestDurations(t *testing.T) {
	t.Parallel()
	const chained = "ValidationError: The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
	const tooLong = "ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
	tests := []struct {
		name, from, role string
		seconds          int32
		uncapped         bool
		want             string
	}{
		{"at the role's maximum", "key", fullRole, 28800, false, ""},
		{"over the role's maximum", "key", fullRole, 28801, false, tooLong},
		{"at the API's maximum", "key", fullRole, 43200, false, tooLong},
		{"over the API's maximum", "key", fullRole, 43201, false, "ValidationError: 1 validation error detected: Value '43201' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to 43200"},
		{"too short", "key", fullRole, 899, false, "ValidationError: 1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"},
		{"a session's hour", "session", fullRole, 3600, false, ""},
		{"over a session's hour", "session", fullRole, 3601, false, chained},
		{"a session with the cap off", "session", fullRole, 28800, true, ""},
		{"a role's hour", "role", deployRole, 3600, true, ""},
		{"over a role's hour", "role", deployRole, 3601, true, chained},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			s.CapSessionToken(!tt.uncapped)
			u, _ := s.User("gruntwork")
			in := sts.AssumeRoleInput{RoleArn: aws.String(roleARN("dev", tt.role)), DurationSeconds: &tt.seconds}
			from := userKeys(t, s, "gruntwork")
			switch tt.from {
			case "key":
				in.SerialNumber, in.TokenCode = &u.MFASerial, code(t, s, "gruntwork")
			case "session":
				from = userSession(t, s, "gruntwork", true)
			case "role":
				from = sharedDeployer(t, s)
			}
			_, err := assume(t, s, from, in)
			want(t, tt.name, err, tt.want)
		})
	}
}

// A role's session ends when its Expiration says, and the user's session that it
// came from is as long as ever.
func TestRoleLife(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.RoleLife(20 * time.Second)
	from, role := userSession(t, s, "gruntwork", true), roleARN("dev", fullRole)
	out, err := from.sts(s).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("test")})
	want(t, "assume", err, "")
	if left := out.Credentials.Expiration.Sub(s.Now()); left > 20*time.Second || left < 0 {
		t.Errorf("the session says that %s are left", left)
	}
	k := keys{*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken}
	_, err = k.sts(s).GetCallerIdentity(t.Context(), nil)
	want(t, "at once", err, "")
	s.Advance(20 * time.Second)
	_, err = k.sts(s).GetCallerIdentity(t.Context(), nil)
	want(t, "at its end", err, "ExpiredToken: The security token included in the request is expired")
	_, err = from.sts(s).GetCallerIdentity(t.Context(), nil)
	want(t, "the user's session", err, "")
}

// sharedDeployer is a role session in shared that may go on to dev.
func sharedDeployer(t *testing.T, s *Server) keys {
	t.Helper()
	role, err := s.AddRole(Role{Account: "shared", Name: "runner", Max: 4 * time.Hour,
		Trust: policyText(trustOf("123456789012")), Policy: policyText(allow("*", "*"))})
	if err != nil {
		t.Fatal(err)
	}
	k, err := assume(t, s, userSession(t, s, "gruntwork", true), sts.AssumeRoleInput{RoleArn: &role})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestMachine(t *testing.T) {
	t.Parallel()
	s := start(t)
	k := userKeys(t, s, "ci-machine-user")
	for _, a := range Accounts() {
		_, err := assume(t, s, k, sts.AssumeRoleInput{RoleArn: aws.String(roleARN(a.Name, deployRole)), DurationSeconds: aws.Int32(14400)})
		want(t, "deploy in "+a.Name, err, "")
	}
	_, err := assume(t, s, k, sts.AssumeRoleInput{RoleArn: aws.String(roleARN("dev", deployRole)), DurationSeconds: aws.Int32(14401)})
	want(t, "one second more", err, "ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
}

func TestMFA(t *testing.T) {
	t.Parallel()
	s := start(t)
	u, _ := s.User("gruntwork")
	alice, _ := s.User("alice@acme.com")
	k := userKeys(t, s, "gruntwork")
	ask := func(serial, code *string) error {
		_, err := k.sts(s).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{SerialNumber: serial, TokenCode: code})
		return err
	}
	good := code(t, s, "gruntwork")
	const device = "AccessDenied: MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user."
	const used = "AccessDenied: MultiFactorAuthentication failed with invalid MFA one time pass code. "
	want(t, "no code", ask(&u.MFASerial, nil), "AccessDenied: MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.")
	want(t, "another's device", ask(&alice.MFASerial, code(t, s, "alice@acme.com")), device)
	want(t, "no such device", ask(aws.String("arn:aws:iam::123456789012:mfa/phone"), good), device)
	want(t, "a wrong code", ask(&u.MFASerial, aws.String("000000")), used)
	want(t, "a good code", ask(&u.MFASerial, good), "")
	want(t, "the same code again", ask(&u.MFASerial, good), used)
}

// A role passes no MFA on, so a second role that wants it refuses.
func TestRoleChainCarriesNoMFA(t *testing.T) {
	t.Parallel()
	s := start(t)
	first, err := s.AddRole(Role{Account: "shared", Name: "first", Trust: policyText(trustOf("123456789012").withMFA()), Policy: policyText(allow("*", "*"))})
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.AddRole(Role{Account: "dev", Name: "second", Trust: policyText(trustOf("234567890123").withMFA()), Policy: policyText(allow("*", "*"))})
	if err != nil {
		t.Fatal(err)
	}
	k, err := assume(t, s, userSession(t, s, "jane@acme.com", true), sts.AssumeRoleInput{RoleArn: &first})
	want(t, "the first role", err, "")
	_, err = assume(t, s, k, sts.AssumeRoleInput{RoleArn: &second})
	want(t, "the second role", err, "AccessDenied: User: arn:aws:sts::234567890123:assumed-role/first/test is not authorized to perform: sts:AssumeRole on resource: "+second)
}

func TestTagsAndSourceIdentity(t *testing.T) {
	t.Parallel()
	s := start(t)
	k := userSession(t, s, "jane@acme.com", true)
	dev := roleARN("dev", fullRole)
	tags := []types.Tag{{Key: aws.String("team"), Value: aws.String("red")}}
	_, err := assume(t, s, k, sts.AssumeRoleInput{RoleArn: &dev, Tags: tags})
	want(t, "tags", err, "AccessDenied: User: arn:aws:iam::123456789012:user/jane@acme.com is not authorized to perform: sts:TagSession on resource: "+dev)
	_, err = assume(t, s, k, sts.AssumeRoleInput{RoleArn: &dev, SourceIdentity: aws.String("jane")})
	want(t, "source identity", err, "AccessDenied: User: arn:aws:iam::123456789012:user/jane@acme.com is not authorized to perform: sts:SetSourceIdentity on resource: "+dev)

	trust := trustOf("123456789012", "345678901234")
	trust.Action = []string{"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"}
	trust.Condition = map[string]any{"StringEquals": map[string]any{"sts:ExternalId": "x1"}}
	red := allow("*", "iam:ListRoles")
	red.Condition = map[string]any{"StringEquals": map[string]any{"aws:PrincipalTag/team": "red", "aws:SourceIdentity": "jane"}}
	tagged, err := s.AddRole(Role{Account: "dev", Name: "tagged", Trust: policyText(trust), Policy: policyText(red, allow("*", "sts:*"))})
	if err != nil {
		t.Fatal(err)
	}
	in := sts.AssumeRoleInput{RoleArn: &tagged, Tags: tags, TransitiveTagKeys: []string{"team"}, SourceIdentity: aws.String("jane")}
	_, err = assume(t, s, k, in)
	want(t, "without the external id", err, notAuthorized("jane@acme.com", tagged))
	in.ExternalId = aws.String("x1")
	once, err := assume(t, s, k, in)
	want(t, "with everything", err, "")
	_, err = once.iam(s).ListRoles(t.Context(), nil)
	want(t, "the tag and source identity count", err, "")
	twice, err := assume(t, s, once, sts.AssumeRoleInput{RoleArn: &tagged, ExternalId: in.ExternalId})
	want(t, "the chain", err, "")
	_, err = twice.iam(s).ListRoles(t.Context(), nil)
	want(t, "they are carried on", err, "")
	_, err = assume(t, s, once, sts.AssumeRoleInput{RoleArn: &tagged, ExternalId: in.ExternalId, SourceIdentity: aws.String("bob")})
	want(t, "another source identity", err, "AccessDenied")
	_, err = assume(t, s, once, sts.AssumeRoleInput{RoleArn: &tagged, ExternalId: in.ExternalId, Tags: tags})
	want(t, "a transitive tag again", err, "InvalidParameterValue")
}

func TestSessionPolicies(t *testing.T) {
	t.Parallel()
	s := start(t)
	u, _ := s.User("jane@acme.com")
	role := roleARN("dev", fullRole)
	get := func(in sts.AssumeRoleInput) error {
		in.RoleArn = &role
		in.SerialNumber, in.TokenCode = &u.MFASerial, code(t, s, "jane@acme.com")
		k, err := assume(t, s, userKeys(t, s, "jane@acme.com"), in)
		if err != nil {
			return err
		}
		_, err = k.iam(s).ListRoles(t.Context(), nil)
		return err
	}
	arn := func(name string) []types.PolicyDescriptorType {
		return []types.PolicyDescriptorType{{Arn: aws.String("arn:aws:iam::aws:policy/" + name)}}
	}
	const refused = "AccessDenied: User: arn:aws:sts::345678901234:assumed-role/allow-full-access-from-other-accounts/test is not authorized to perform: iam:ListRoles on resource: arn:aws:iam::345678901234:role/ "
	want(t, "none", get(sts.AssumeRoleInput{}), "")
	want(t, "one that allows", get(sts.AssumeRoleInput{Policy: aws.String(policyText(allow("*", "iam:List*")))}), "")
	want(t, "one that does not", get(sts.AssumeRoleInput{Policy: aws.String(policyText(allow("*", "s3:*")))}), refused+"because no session policy allows the iam:ListRoles action")
	deny := statement{Effect: "Deny", Action: "iam:*", Resource: "*"}
	want(t, "one that denies", get(sts.AssumeRoleInput{Policy: aws.String(policyText(allow("*", "*"), deny))}), refused+"with an explicit deny in a session policy")
	want(t, "a managed one that allows", get(sts.AssumeRoleInput{PolicyArns: arn("ReadOnlyAccess")}), "")
	want(t, "a managed one that does not", get(sts.AssumeRoleInput{PolicyArns: arn("job-function/Billing")}), refused+"because")
	want(t, "two, of which one allows", get(sts.AssumeRoleInput{PolicyArns: append(arn("job-function/Billing"), arn("IAMReadOnlyAccess")...)}), "")
	want(t, "no such policy", get(sts.AssumeRoleInput{PolicyArns: arn("Nope")}), "MalformedPolicyDocument")
	want(t, "bad JSON", get(sts.AssumeRoleInput{Policy: aws.String("{}x")}), "MalformedPolicyDocument")
	want(t, "unjudged", get(sts.AssumeRoleInput{Policy: aws.String(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o"}}}}`)}),
		"NotImplemented: playground cannot judge this policy: condition key aws:PrincipalOrgID")
	last := s.Audit()[len(s.Audit())-1]
	if last.Verdict != "NotImplemented" || last.Action != "iam:ListRoles" {
		t.Errorf("the audit ends with %+v", last)
	}
}

func TestFederationToken(t *testing.T) {
	t.Parallel()
	s := start(t)
	if _, err := s.AddUser("fay"); err != nil {
		t.Fatal(err)
	}
	k := userKeys(t, s, "fay")
	ask := func(k keys, policy *string) (keys, error) {
		out, err := k.sts(s).GetFederationToken(t.Context(), &sts.GetFederationTokenInput{Name: aws.String("fay"), Policy: policy})
		if err != nil {
			return keys{}, err
		}
		return keys{*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken}, nil
	}
	_, err := ask(k, nil)
	want(t, "without permission", err, "AccessDenied: User: arn:aws:iam::123456789012:user/fay is not authorized to perform: sts:GetFederationToken on resource: arn:aws:sts::123456789012:federated-user/fay because")
	if err := s.SetUserPolicy("fay", policyText(allow("*", "sts:*", "s3:*", "iam:*"))); err != nil {
		t.Fatal(err)
	}
	fed, err := ask(k, aws.String(policyText(allow("*", "*"))))
	want(t, "with permission", err, "")
	who, err := fed.sts(s).GetCallerIdentity(t.Context(), nil)
	want(t, "who", err, "")
	if got := aws.ToString(who.Arn); got != "arn:aws:sts::123456789012:federated-user/fay" {
		t.Errorf("got %s", got)
	}
	_, err = fed.iam(s).GetUser(t.Context(), nil)
	want(t, "IAM", err, "InvalidClientTokenId")
	_, err = assume(t, s, fed, sts.AssumeRoleInput{RoleArn: aws.String(roleARN("dev", deployRole))})
	want(t, "AssumeRole", err, "AccessDenied: Cannot call AssumeRole")
	_, err = ask(userSession(t, s, "fay", true), nil)
	want(t, "from a session", err, "AccessDenied: Cannot call GetFederationToken with session credentials")
}

func TestTrustWithinAnAccount(t *testing.T) {
	t.Parallel()
	s := start(t)
	carol := "arn:aws:iam::123456789012:user/carol"
	byName := statement{Effect: "Allow", Principal: map[string]any{"AWS": carol}, Action: "sts:AssumeRole"}
	tests := []struct {
		name, account string
		trust         statement
		want          string
	}{
		{"named, same account", "security", byName, ""},
		{"account trusted, same account", "security", trustOf("123456789012"), "AccessDenied"},
		{"named, other account", "dev", byName, "AccessDenied"},
		{"everyone, same account", "security", statement{Effect: "Allow", Principal: map[string]any{"AWS": "*"}, Action: "sts:AssumeRole"}, ""},
		{"another", "security", statement{Effect: "Allow", Principal: map[string]any{"AWS": carol + "ine"}, Action: "sts:AssumeRole"}, "AccessDenied"},
		{"a service", "security", statement{Effect: "Allow", Principal: map[string]any{"Service": "ec2.amazonaws.com"}, Action: "sts:AssumeRole"}, "AccessDenied"},
	}
	for _, tt := range tests {
		arn, err := s.AddRole(Role{Account: tt.account, Name: "r", Trust: policyText(tt.trust)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = assume(t, s, userKeys(t, s, "carol"), sts.AssumeRoleInput{RoleArn: &arn})
		want(t, tt.name, err, tt.want)
	}
}

func TestAccessKeyInfo(t *testing.T) {
	t.Parallel()
	s := start(t)
	k := userSession(t, s, "jane@acme.com", true)
	role, err := assume(t, s, k, sts.AssumeRoleInput{RoleArn: aws.String(roleARN("logs", fullRole))})
	want(t, "logs", err, "")
	out, err := role.sts(s).GetAccessKeyInfo(t.Context(), &sts.GetAccessKeyInfoInput{AccessKeyId: &role.id})
	want(t, "info", err, "")
	if got := aws.ToString(out.Account); got != "012345678901" {
		t.Errorf("got account %s", got)
	}
}
