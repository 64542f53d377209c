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

// Known says whether a name is that of a built-in policy, or Full.
func Known(name string) bool { return name == Full || slices.Contains(Names(), name) }

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

// AWS's managed policies list what may be read; what is denied stands here. A
// text is short: until September 2026 AWS packed it in a way of its own, with room
// for about a thousand characters of the 2,048 that it counts, and each call sends
// it along in the session token.
// docs/decisions/034-narrowed-sessions.md has the reason for each line, and what
// is left out.
const (
	viewOnlyAccess = "arn:P:iam::aws:policy/job-function/ViewOnlyAccess"
	readOnlyAccess = "arn:P:iam::aws:policy/ReadOnlyAccess"

	begin = `{"Version":"2012-10-17","Statement":[`
	// kept lists what hands out other credentials, which would leave this policy
	// behind, and what reads stored content, where secrets are. The exceptions
	// that follow concern one service each, so that one statement has them all.
	kept = `{"Effect":"Deny","Action":["sts:Assume*","cognito-identity:GetOpenId*","secretsmanager:*Value","ssm:GetParameter*",` +
		`"s3:GetObject*","dynamodb:*GetItem","dynamodb:GetRec*","dynamodb:*Q*","dynamodb:Scan",` +
		`"logs:*LogEvents","logs:GetQ*","logs:Start*","sqs:Receive*","kinesis:GetRec*","athena:GetQueryR*","rds:Download*"`
	// rare is more of both, for which plan has no room.
	rare = `,"sts:Get*Token","connect:GetFederationToken","gamelift:GetCompute*","gamelift:GetInstanceAccess",` +
		`"lightsail:GetBucketA*","ec2:GetPass*","es:ESHttp*","s3-object-lambda:Get*","ssm:GetCommandInv*","kms:Decrypt"`
	but = `],"NotResource":[`
	// published are the parameters that AWS publishes, such as ids of images.
	published = `"arn:P:ssm:*::parameter/aws/service/*"`
	locks     = `"arn:P:s3:::*.tflock","arn:P:dynamodb:*:*:table/*terraform*lock*"`
	states    = `"arn:P:s3:::*.tfstate"`

	readOnly = begin + kept + rare + but + published + `]}]}`
	plan     = begin + kept + but + published + `,` + locks + `,` + states + `]},` +
		`{"Effect":"Allow","Action":["s3:PutObject","s3:DeleteObject","dynamodb:PutItem","dynamodb:DeleteItem"],"Resource":[` + locks + `]},` +
		`{"Effect":"Allow","Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":"*","Condition":{"StringLike":{"kms:ViaService":"s3.*"}}},` +
		`{"Effect":"Deny","Action":"s3:*Object*","Resource":"*","Condition":{"StringNotEquals":{"aws:ResourceAccount":"${aws:PrincipalAccount}"}}}]}`
)
