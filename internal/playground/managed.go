package playground

import "strings"

// awsManaged gives the AWS managed policies that the playground has. Theirs
// are long lists; these say the same for the services held here.
func awsManaged(arn string) (policy, bool) {
	name, ok := strings.CutPrefix(arn, "arn:aws:iam::aws:policy/")
	if !ok {
		return policy{}, false
	}
	rights := map[string][]string{
		"AdministratorAccess": {"*"},
		"ReadOnlyAccess":      readOnlyActions(),
		"IAMReadOnlyAccess": {"iam:GenerateCredentialReport", "iam:GenerateServiceLastAccessedDetails",
			"iam:Get*", "iam:List*", "iam:SimulateCustomPolicy", "iam:SimulatePrincipalPolicy"},
		"job-function/ViewOnlyAccess": viewOnlyActions(),
		"job-function/Billing": {"aws-portal:*Billing", "aws-portal:*Usage", "aws-portal:*PaymentMethods",
			"budgets:ViewBudget", "budgets:ModifyBudget", "ce:*", "cur:*", "account:GetAccountInformation"},
	}
	actions, ok := rights[name]
	if !ok {
		return policy{}, false
	}
	text := policyText(allow("*", actions...))
	doc, err := parsePolicy(text, identityPolicy)
	return policy{name: name[strings.LastIndex(name, "/")+1:], text: text, doc: doc}, err == nil
}

// readOnlyActions is what ReadOnlyAccess has for a few services. It reads stored
// content, but not the values of Secrets Manager; it decrypts nothing, and enters
// no role.
func readOnlyActions() []string {
	return []string{"athena:Batch*", "athena:Get*", "athena:List*", "cloudwatch:Describe*", "cloudwatch:Get*", "cloudwatch:List*",
		"cognito-identity:Describe*", "cognito-identity:GetCredentialsForIdentity", "cognito-identity:GetOpenIdToken", "cognito-identity:GetOpenIdTokenForDeveloperIdentity",
		"dynamodb:BatchGet*", "dynamodb:Describe*", "dynamodb:Get*", "dynamodb:List*", "dynamodb:PartiQLSelect", "dynamodb:Query", "dynamodb:Scan",
		"ec2:Describe*", "ec2:Get*", "iam:Generate*", "iam:Get*", "iam:List*", "iam:Simulate*", "kinesis:Describe*", "kinesis:Get*", "kinesis:List*",
		"kms:Describe*", "kms:Get*", "kms:List*", "lambda:Get*", "lambda:List*", "logs:Describe*", "logs:FilterLogEvents", "logs:Get*", "logs:StartQuery",
		"organizations:Describe*", "organizations:List*", "rds:Describe*", "rds:Download*", "rds:List*", "s3:DescribeJob", "s3:Get*", "s3:List*",
		"secretsmanager:Describe*", "secretsmanager:GetResourcePolicy", "secretsmanager:List*", "sqs:Get*", "sqs:List*", "sqs:Receive*",
		"ssm:Describe*", "ssm:Get*", "ssm:List*", "sts:GetAccessKeyInfo", "sts:GetCallerIdentity", "sts:GetSessionToken"}
}

// viewOnlyActions is what ViewOnlyAccess has for the same ones: what there is, and
// hardly how it is set.
func viewOnlyActions() []string {
	return []string{"athena:List*", "cloudwatch:Get*", "cloudwatch:List*", "dynamodb:DescribeTable", "dynamodb:ListTables", "dynamodb:ListTagsOfResource",
		"ec2:DescribeInstance*", "ec2:DescribeRegions", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpc*",
		"iam:GetAccountSummary", "iam:GetLoginProfile", "iam:List*", "kinesis:ListStreams", "kms:ListKeys", "kms:ListResourceTags", "lambda:List*",
		"logs:Describe*", "organizations:List*", "rds:Describe*", "s3:ListAllMyBuckets", "s3:ListBucket", "s3:ListMultiRegionAccessPoints",
		"sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueues", "ssm:ListAssociations", "ssm:ListDocuments"}
}
