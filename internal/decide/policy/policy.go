// Package policy has the session policies that go by a name. A session policy
// takes rights away and adds none, so that one name serves every role. It does
// not know who asks, or what AWS answers.
package policy

import (
	"slices"
	"strings"
)

// Full is no session policy: the role's own rights. It lifts what a config
// narrows.
const Full = "full"

// Names are the built-in policies, the narrowest first.
func Names() []string { return []string{"view", "read-only", "plan"} }

// Narrower is the one of two names that allows less; ok is false where one of
// them is neither a built-in policy nor Full.
func Narrower(a, b string) (name string, ok bool) {
	order := append(Names(), Full)
	i, j := slices.Index(order, a), slices.Index(order, b)
	if i < 0 || j < 0 {
		return "", false
	}
	return order[min(i, j)], true
}

// Builtin is a built-in policy as AssumeRole takes it, for a role of the
// partition (aws, aws-cn, aws-us-gov): the text of an inline policy and the ARNs
// of managed ones. ok is false where there is no such name.
func Builtin(name, partition string) (inline string, arns []string, ok bool) {
	managed := readOnlyAccess
	switch name {
	case "view":
		inline, managed = readOnly, viewOnlyAccess
	case "read-only":
		inline = readOnly
	case "plan":
		inline = plan
	default:
		return "", nil, false
	}
	return in(inline, partition), []string{in(managed, partition)}, true
}

// in names the partition in every ARN of a text.
func in(text, partition string) string {
	return strings.ReplaceAll(text, "arn:P:", "arn:"+partition+":")
}

// AWS's managed policies list what may be read; what is denied stands here,
// since a Deny holds against every grant, also one of a resource's own policy
// to the session. docs/decisions/034-narrowed-sessions.md has the reason for
// each line, and what is left out.
const (
	viewOnlyAccess = "arn:P:iam::aws:policy/job-function/ViewOnlyAccess"
	readOnlyAccess = "arn:P:iam::aws:policy/ReadOnlyAccess"

	// anew lists what hands out other credentials: with them the session would
	// leave this policy behind.
	anew = `"sts:Assume*","sts:Get*Token","cognito-identity:GetCredentials*","cognito-identity:GetOpenId*",` +
		`"connect:GetFederationToken","gamelift:GetCompute*","gamelift:GetInstanceAccess","lightsail:GetBucketAccessKeys"`
	// content lists what reads stored content, where secrets are.
	content = `"secretsmanager:*GetSecretValue","ec2:GetPasswordData","sqs:Receive*","kinesis:GetRecords","logs:*LogEvents",` +
		`"logs:GetLogRecord","logs:GetQueryResults","logs:Start*","athena:GetQueryResults*","rds:Download*","es:ESHttp*",` +
		`"s3-object-lambda:GetObject*","dynamodb:GetRecords","dynamodb:PartiQL*"`
	// parameters keeps the parameters that AWS publishes, such as ids of images.
	parameters = `{"Effect":"Deny","Action":"ssm:GetParameter*","NotResource":"arn:P:ssm:*:*:parameter/aws/service/*"}`

	items = `"dynamodb:*GetItem","dynamodb:Query","dynamodb:Scan"`
	locks = `"arn:P:dynamodb:*:*:table/*terraform*lock*"`

	readOnly = `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Deny","Action":[` + anew + `,` + content + `,` + items + `,"s3:GetObject*","kms:Decrypt"],"Resource":"*"},` +
		parameters + `]}`

	// byState is encryption on behalf of the two services that hold states and
	// locks.
	byState = `{"kms:ViaService":["s3.*","dynamodb.*"]}`

	plan = `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Action":["s3:PutObject","s3:DeleteObject"],"Resource":"arn:P:s3:::*/*.tflock"},` +
		`{"Effect":"Allow","Action":["dynamodb:PutItem","dynamodb:DeleteItem"],"Resource":` + locks + `},` +
		`{"Effect":"Allow","Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":"*","Condition":{"StringLike":` + byState + `}},` +
		`{"Effect":"Deny","Action":[` + anew + `,` + content + `],"Resource":"*"},` +
		parameters + `,` +
		`{"Effect":"Deny","Action":[` + items + `],"NotResource":` + locks + `},` +
		`{"Effect":"Deny","Action":"s3:GetObject*","NotResource":["arn:P:s3:::*-tf-state/*","arn:P:s3:::*.tfstate","arn:P:s3:::*.tflock"]},` +
		`{"Effect":"Deny","Action":"s3:*Object*","Resource":"*","Condition":{"StringNotEquals":{"aws:ResourceAccount":"${aws:PrincipalAccount}"}}},` +
		`{"Effect":"Deny","Action":"kms:Decrypt","Resource":"*","Condition":{"StringNotLike":` + byState + `}}]}`
)
