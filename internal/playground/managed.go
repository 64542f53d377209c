package playground

import "strings"

// awsManaged gives the AWS managed policies that the playground has. Theirs
// are long lists; these say the same for the services held here.
func awsManaged(arn string) (policy, bool) {
	name, ok := strings.CutPrefix(arn, "arn:aws:iam::aws:policy/")
	if !ok {
		return policy{}, false
	}
	rights := map[string]statement{
		"AdministratorAccess": allow("*", "*"),
		"ReadOnlyAccess":      allow("*", "*:Get*", "*:List*", "*:Describe*", "*:Head*", "*:BatchGet*", "*:View*"),
		"IAMReadOnlyAccess": allow("*", "iam:GenerateCredentialReport", "iam:GenerateServiceLastAccessedDetails",
			"iam:Get*", "iam:List*", "iam:SimulateCustomPolicy", "iam:SimulatePrincipalPolicy"),
		"job-function/ViewOnlyAccess": allow("*", "ec2:Describe*", "rds:Describe*", "logs:Describe*", "iam:List*",
			"iam:GetAccountSummary", "iam:GetLoginProfile", "s3:ListAllMyBuckets", "s3:ListBucket", "s3:GetBucketLocation"),
		"job-function/Billing": allow("*", "aws-portal:*Billing", "aws-portal:*Usage", "aws-portal:*PaymentMethods",
			"budgets:ViewBudget", "budgets:ModifyBudget", "ce:*", "cur:*", "account:GetAccountInformation"),
	}
	s, ok := rights[name]
	if !ok {
		return policy{}, false
	}
	text := policyText(s)
	doc, err := parsePolicy(text, identityPolicy)
	return policy{name: name[strings.LastIndex(name, "/")+1:], text: text, doc: doc}, err == nil
}
