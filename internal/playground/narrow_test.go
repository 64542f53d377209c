package playground

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	builtin "fob/internal/decide/policy"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// sessionDocuments are the session policies of a built-in name.
func sessionDocuments(t *testing.T, name string) []document {
	t.Helper()
	inline, arns, ok := builtin.Builtin(name, "aws")
	doc, err := parsePolicy(inline, identityPolicy)
	managed, known := awsManaged(arns[0])
	if !ok || err != nil || !known {
		t.Fatalf("%s: %v %v", name, err, arns)
	}
	return []document{doc, managed.doc}
}

// TestBuiltinPolicies asks what each built-in policy leaves of a role that may do
// everything. The last column has the names that allow it.
func TestBuiltinPolicies(t *testing.T) {
	t.Parallel()
	const (
		own    = "345678901234"
		tables = "arn:aws:dynamodb:us-west-2:" + own + ":table/"
		key    = "arn:aws:kms:us-west-2:" + own + ":key/k"
		params = "arn:aws:ssm:us-west-2:" + own + ":parameter/"
		state  = "arn:aws:s3:::acme-dev-us-west-2-tf-state/dev/vpc/terraform.tfstate"
	)
	via := func(service string) facts { return facts{"kms:viaservice": {service + ".us-west-2.amazonaws.com"}} }
	other := facts{"aws:resourceaccount": {"567890123456"}}
	for _, tt := range []struct {
		action, resource string
		more             facts
		want             string
	}{
		{"ec2:DescribeInstances", "*", nil, "view read-only plan"},
		{"iam:ListRoles", "*", nil, "view read-only plan"},
		{"s3:ListBucket", "arn:aws:s3:::acme-dev-us-west-2-tf-state", nil, "view read-only plan"},
		{"iam:GetRole", "arn:aws:iam::" + own + ":role/x", nil, "read-only plan"},
		{"s3:GetBucketVersioning", "arn:aws:s3:::b", nil, "read-only plan"},
		{"ssm:GetParameter", "arn:aws:ssm:us-west-2::parameter/aws/service/ami-amazon-linux-latest/x", nil, "read-only plan"},
		{"dynamodb:DescribeTable", tables + "orders", nil, "view read-only plan"},

		{"s3:GetObject", state, nil, "plan"},
		{"s3:GetObject", state + ".tflock", nil, "plan"},
		{"s3:PutObject", state + ".tflock", nil, "plan"},
		{"s3:DeleteObject", state + ".tflock", nil, "plan"},
		{"dynamodb:GetItem", tables + "terraform-locks", nil, "plan"},
		{"dynamodb:PutItem", tables + "terraform-locks", nil, "plan"},
		{"dynamodb:DeleteItem", tables + "my_terraform_state_lock", nil, "plan"},
		{"kms:Decrypt", key, via("s3"), "plan"},
		{"kms:GenerateDataKey", key, via("s3"), "plan"},

		{"s3:PutObject", state, nil, ""},
		{"s3:DeleteObject", state, nil, ""},
		{"s3:DeleteObjectVersion", state + ".tflock", nil, ""},
		{"s3:GetObject", "arn:aws:s3:::data/customers.csv", nil, ""},
		{"s3:GetObjectVersion", "arn:aws:s3:::data/customers.csv", nil, ""},
		{"s3:GetObject", state, other, ""},
		{"s3:PutObject", "arn:aws:s3:::theirs/x.tflock", other, ""},
		{"dynamodb:GetItem", tables + "orders", nil, ""},
		{"dynamodb:BatchGetItem", tables + "orders", nil, ""},
		{"dynamodb:Query", tables + "orders", nil, ""},
		{"dynamodb:Scan", tables + "orders", nil, ""},
		{"dynamodb:PartiQLSelect", tables + "orders", nil, ""},
		{"dynamodb:GetRecords", tables + "orders/stream/x", nil, ""},
		{"dynamodb:PutItem", tables + "orders", nil, ""},
		{"kms:Decrypt", key, nil, ""},
		{"kms:Decrypt", key, via("secretsmanager"), ""},
		{"secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-west-2:" + own + ":secret:x", nil, ""},
		{"secretsmanager:BatchGetSecretValue", "*", nil, ""},
		{"ssm:GetParameter", params + "db/password", nil, ""},
		{"ssm:GetParametersByPath", params + "db", nil, ""},
		{"ssm:GetParameter", params + "aws/service/mine", nil, ""},
		{"ssm:GetParameter", params + "aws/reference/secretsmanager/x", nil, ""},
		{"logs:GetLogEvents", "*", nil, ""},
		{"logs:FilterLogEvents", "*", nil, ""},
		{"logs:StartQuery", "*", nil, ""},
		{"sqs:ReceiveMessage", "*", nil, ""},
		{"kinesis:GetRecords", "*", nil, ""},
		{"athena:GetQueryResults", "*", nil, ""},
		{"rds:DownloadDBLogFilePortion", "*", nil, ""},
		{"cognito-identity:GetOpenIdTokenForDeveloperIdentity", "*", nil, ""},
		{"sts:AssumeRole", "arn:aws:iam::" + own + ":role/x", nil, ""},
		{"sts:AssumeRoleWithWebIdentity", "arn:aws:iam::" + own + ":role/x", nil, ""},
		{"iam:CreateUser", "*", nil, ""},
		{"iam:PassRole", "arn:aws:iam::" + own + ":role/x", nil, ""},
		{"ec2:RunInstances", "*", nil, ""},
	} {
		var got []string
		for _, name := range builtin.Names() {
			f := facts{"aws:principalaccount": {own}, "aws:resourceaccount": {own}}
			for key, value := range tt.more {
				f[key] = value
			}
			found, err := judge(sessionDocuments(t, name), question{action: tt.action, resource: tt.resource, facts: f})
			if err != nil {
				t.Fatal(err)
			}
			if found == allowed {
				got = append(got, name)
			}
		}
		if all := strings.Join(got, " "); all != tt.want {
			t.Errorf("%s on %s with %v: %q allow it, want %q", tt.action, tt.resource, tt.more, all, tt.want)
		}
	}
}

// TestEscape leaves a narrowed session by a role whose trust names the session:
// such a grant is past what session policies leave out, and not past what they
// deny. The mutation is the same policy without that Deny.
func TestEscape(t *testing.T) {
	t.Parallel()
	s := start(t)
	full := roleARN("dev", fullRole)
	trust := func(principal string) statement {
		return statement{Effect: "Allow", Principal: map[string]any{"AWS": principal}, Action: "sts:AssumeRole"}
	}
	add := func(account, name, principal string) string {
		arn, err := s.AddRole(Role{Account: account, Name: name, Trust: policyText(trust(principal)), Policy: policyText(allow("*", "*"))})
		if err != nil {
			t.Fatal(err)
		}
		return arn
	}
	session := strings.Replace(full, ":iam:", ":sts:", 1)
	session = strings.Replace(session, ":role/", ":assumed-role/", 1) + "/test"
	named, role, account := add("dev", "named", session), add("dev", "of-role", full), add("dev", "of-account", "345678901234")
	elsewhere := add("stage", "named", session)
	for _, name := range builtin.Names() {
		inline, arns, _ := builtin.Builtin(name, "aws")
		open := strings.Replace(inline, `"sts:Assume*",`, "", 1)
		if open == inline {
			t.Fatalf("%s does not deny sts:Assume*", name)
		}
		for _, tt := range []struct{ policy, to, want string }{
			{inline, named, "AccessDenied"}, {inline, role, "AccessDenied"}, {inline, account, "AccessDenied"}, {inline, elsewhere, "AccessDenied"},
			{open, named, ""}, {open, role, "AccessDenied"}, {open, account, "AccessDenied"}, {open, elsewhere, "AccessDenied"},
		} {
			k, err := assume(t, s, userSession(t, s, "gruntwork", true), sts.AssumeRoleInput{RoleArn: &full, Policy: &tt.policy, PolicyArns: managed(arns...)})
			want(t, name, err, "")
			_, err = assume(t, s, k, sts.AssumeRoleInput{RoleArn: &tt.to})
			want(t, name+" to "+tt.to, err, tt.want)
		}
	}
}

func managed(arns ...string) (list []types.PolicyDescriptorType) {
	for _, arn := range arns {
		list = append(list, types.PolicyDescriptorType{Arn: &arn})
	}
	return list
}

// TestTrustConditions has what a trust policy may ask beside MFA.
func TestTrustConditions(t *testing.T) {
	t.Parallel()
	s := start(t)
	old := userSession(t, s, "gruntwork", true)
	s.Advance(11 * time.Minute)
	young := userSession(t, s, "gruntwork", true)
	plain := userSession(t, s, "gruntwork", false)
	tag := []types.Tag{{Key: aws.String("team"), Value: aws.String("red")}}
	for i, tt := range []struct {
		name, operator, key, value string
		actions                    []string
		from                       keys
		in                         sts.AssumeRoleInput
		ok                         bool
	}{
		{"a young MFA", "NumericLessThan", "aws:MultiFactorAuthAge", "600", nil, young, sts.AssumeRoleInput{}, true},
		{"an old MFA", "NumericLessThan", "aws:MultiFactorAuthAge", "600", nil, old, sts.AssumeRoleInput{}, false},
		{"no MFA has no age", "NumericLessThan", "aws:MultiFactorAuthAge", "600", nil, plain, sts.AssumeRoleInput{}, false},
		{"the user's name", "StringLike", "sts:RoleSessionName", "${aws:username}", nil, young, sts.AssumeRoleInput{RoleSessionName: aws.String("gruntwork")}, true},
		{"another name", "StringLike", "sts:RoleSessionName", "${aws:username}", nil, young, sts.AssumeRoleInput{RoleSessionName: aws.String("gruntwork+agent")}, false},
		{"the user's name and more", "StringLike", "sts:RoleSessionName", "${aws:username}+*", nil, young, sts.AssumeRoleInput{RoleSessionName: aws.String("gruntwork+agent")}, true},
		{"the external id", "StringEquals", "sts:ExternalId", "x-1", nil, young, sts.AssumeRoleInput{ExternalId: aws.String("x-1")}, true},
		{"no external id", "StringEquals", "sts:ExternalId", "x-1", nil, young, sts.AssumeRoleInput{}, false},
		{"a tag, not allowed", "Bool", "aws:MultiFactorAuthPresent", "true", nil, young, sts.AssumeRoleInput{Tags: tag}, false},
		{"a tag, allowed", "Bool", "aws:MultiFactorAuthPresent", "true", []string{"sts:TagSession"}, young, sts.AssumeRoleInput{Tags: tag}, true},
		{"an identity, not allowed", "Bool", "aws:MultiFactorAuthPresent", "true", nil, young, sts.AssumeRoleInput{SourceIdentity: aws.String("alice")}, false},
		{"an identity, allowed", "StringEquals", "aws:PrincipalAccount", "123456789012", []string{"sts:SetSourceIdentity"}, young, sts.AssumeRoleInput{SourceIdentity: aws.String("alice")}, true},
	} {
		if err := s.SetUserPolicy("gruntwork", policyText(allow("*", "sts:*"))); err != nil {
			t.Fatal(err)
		}
		trust := trustOf("123456789012")
		trust.Action = append([]string{"sts:AssumeRole"}, tt.actions...)
		trust.Condition = map[string]any{tt.operator: map[string]any{tt.key: tt.value}}
		arn, err := s.AddRole(Role{Account: "dev", Name: "r" + string(rune('a'+i)), Trust: policyText(trust)})
		if err != nil {
			t.Fatal(err)
		}
		tt.in.RoleArn = &arn
		_, err = assume(t, s, tt.from, tt.in)
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v, want it to pass: %v", tt.name, err, tt.ok)
		}
	}
}

// TestRoleSessionTellsNoMFA: the permission policy of a role cannot ask for MFA,
// since the session does not tell of it.
func TestRoleSessionTellsNoMFA(t *testing.T) {
	t.Parallel()
	s := start(t)
	arn, err := s.AddRole(Role{Account: "dev", Name: "r", Trust: policyText(trustOf("123456789012").withMFA()), Policy: policyText(allow("*", "*").withMFA())})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetUserPolicy("gruntwork", policyText(allow("*", "sts:*"))); err != nil {
		t.Fatal(err)
	}
	u, _ := s.User("gruntwork")
	k, err := assume(t, s, userKeys(t, s, "gruntwork"), sts.AssumeRoleInput{RoleArn: &arn, SerialNumber: &u.MFASerial, TokenCode: code(t, s, "gruntwork")})
	want(t, "with a code", err, "")
	_, err = k.iam(s).ListRoles(t.Context(), nil)
	want(t, "its calls", err, "AccessDenied")
}

// TestPackedPolicy has AWS's words for policies and tags that do not fit.
func TestPackedPolicy(t *testing.T) {
	t.Parallel()
	s := start(t)
	full := roleARN("dev", fullRole)
	from := userSession(t, s, "gruntwork", true)
	long := policyText(allow("*", strings.Split(strings.Repeat("ec2:DescribeInstances ", 60), " ")[:60]...))
	var tags []types.Tag
	for i := range 12 {
		tags = append(tags, types.Tag{Key: aws.String(strings.Repeat(string(rune('a'+i)), 100)), Value: aws.String("v")})
	}
	_, err := assume(t, s, from, sts.AssumeRoleInput{RoleArn: &full, Policy: &long})
	want(t, "a long policy", err, "PackedPolicyTooLarge: Packed policy consumes 141% of allotted space, please use smaller policy.")
	tagged, err := s.AddRole(Role{Account: "dev", Name: "tagged", Trust: strings.Replace(policyText(trustOf("123456789012")), "sts:AssumeRole", "sts:*", 1)})
	want(t, "a role for tags", err, "")
	_, err = assume(t, s, from, sts.AssumeRoleInput{RoleArn: &tagged, Tags: tags})
	want(t, "long tags", err, "PackedPolicyTooLarge: Packed size of session tags consumes 113% of allotted space.")
	for _, name := range builtin.Names() {
		inline, arns, _ := builtin.Builtin(name, "aws")
		_, err := assume(t, s, from, sts.AssumeRoleInput{RoleArn: &full, Policy: &inline, PolicyArns: managed(arns...)})
		want(t, name, err, "")
	}
}

// TestServices asks for a secret, a parameter, a key and an item, by the rights of
// a role and through a session policy.
func TestServices(t *testing.T) {
	t.Parallel()
	s := start(t)
	full := roleARN("dev", fullRole)
	wide, err := assume(t, s, userSession(t, s, "gruntwork", true), sts.AssumeRoleInput{RoleArn: &full})
	want(t, "full", err, "")
	inline, arns, _ := builtin.Builtin("plan", "aws")
	narrow, err := assume(t, s, userSession(t, s, "gruntwork", true), sts.AssumeRoleInput{RoleArn: &full, Policy: &inline, PolicyArns: managed(arns...)})
	want(t, "plan", err, "")
	const lock = `{"TableName":"terraform-locks","Item":{"LockID":{"S":"k"}},"ConditionExpression":"attribute_not_exists(LockID)"}`
	for _, tt := range []struct{ service, target, body, wide, narrow string }{
		{"secretsmanager", "secretsmanager.GetSecretValue", `{"SecretId":"db"}`, "200", "AccessDeniedException"},
		{"ssm", "AmazonSSM.GetParameter", `{"Name":"/db/password"}`, "200", "AccessDeniedException"},
		{"ssm", "AmazonSSM.GetParameter", `{"Name":"/aws/service/ami"}`, "200", "200"},
		{"kms", "TrentService.Decrypt", `{"CiphertextBlob":"eA=="}`, "200", "AccessDeniedException"},
		{"ecs", "AmazonEC2ContainerServiceV20141113.RunTask", `{"taskDefinition":"t","overrides":{"taskRoleArn":"` + full + `"}}`, "200", "AccessDeniedException"},
		{"kms", "TrentService.Encrypt", `{}`, "NotImplemented", "NotImplemented"},
		{"dynamodb", "DynamoDB_20120810.PutItem", lock, "200", "ConditionalCheckFailedException"},
		{"dynamodb", "DynamoDB_20120810.DeleteItem", `{"TableName":"terraform-locks","Key":{"LockID":{"S":"k"}}}`, "200", "200"},
		{"dynamodb", "DynamoDB_20120810.PutItem", strings.Replace(lock, "terraform-locks", "orders", 1), "200", "AccessDeniedException"},
		{"dynamodb", "DynamoDB_20120810.GetItem", `{"TableName":"orders","Key":{"LockID":{"S":"k"}}}`, "200", "AccessDeniedException"},
	} {
		for i, k := range []keys{wide, narrow} {
			if got, wanted := k.ask(t, s, tt.service, tt.target, tt.body), []string{tt.wide, tt.narrow}[i]; got != wanted {
				t.Errorf("%s %s as %d: %s, want %s", tt.target, tt.body, i, got, wanted)
			}
		}
	}
}

// ask makes a call of the JSON protocol, and gives its status or error code.
func (k keys) ask(t *testing.T, s *Server, service, target, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", target)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	c := aws.Credentials{AccessKeyID: k.id, SecretAccessKey: k.secret, SessionToken: k.sessionToken}
	if err := v4.NewSigner().SignHTTP(t.Context(), c, r, sha256Hex([]byte(body)), service, "us-west-2", s.Now()); err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	var out struct {
		Type string `json:"__type"`
	}
	if err != nil || json.Unmarshal(text, &out) != nil {
		t.Fatalf("%v %s", err, text)
	}
	if out.Type != "" {
		return out.Type
	}
	return "200"
}

// A role that may start things, and pass no role, starts them as nobody else.
func TestPassRole(t *testing.T) {
	t.Parallel()
	s := start(t)
	full, text := roleARN("dev", fullRole), policyText(allow("*", "ecs:*"))
	runs, err := assume(t, s, userSession(t, s, "gruntwork", true), sts.AssumeRoleInput{RoleArn: &full, Policy: &text})
	want(t, "ecs", err, "")
	for body, wanted := range map[string]string{
		`{"taskDefinition":"t"}`: "200",
		`{"taskDefinition":"t","overrides":{"taskRoleArn":"` + full + `"}}`: "AccessDeniedException",
	} {
		if got := runs.ask(t, s, "ecs", "AmazonEC2ContainerServiceV20141113.RunTask", body); got != wanted {
			t.Errorf("%s: %s, want %s", body, got, wanted)
		}
	}
}
