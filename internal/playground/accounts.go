package playground

// Account is one account of the Reference Architecture. ID is text: the id of
// logs begins with a zero.
type Account struct{ Name, ID string }

// Accounts gives the six accounts of the accounts file: security, where the users
// are, then dev, stage, prod, shared and logs, where the roles are.
func Accounts() []Account {
	return []Account{
		{"security", "123456789012"},
		{"dev", "345678901234"},
		{"stage", "456789012345"},
		{"prod", "567890123456"},
		{"shared", "234567890123"},
		{"logs", "012345678901"},
	}
}

// Root gives the account that manages the organization. It stands in no accounts
// file of the architecture, and has no users; those of security may enter it.
func Root() Account { return Account{"root", "678901234567"} }

// Region is where every bucket of the playground is.
const Region = "us-west-2"

// Config is the ~/.aws/config that the Reference Architecture's page on
// command line access has its readers write, byte for byte.
const Config = `[default]
region=us-west-2
[profile security]
mfa_serial = arn:aws:iam::123456789012:mfa/gruntwork
[profile dev]
source_profile = security
mfa_serial = arn:aws:iam::123456789012:mfa/gruntwork
role_arn = arn:aws:iam::345678901234:role/allow-full-access-from-other-accounts
[profile logs]
source_profile = security
mfa_serial = arn:aws:iam::123456789012:mfa/gruntwork
role_arn = arn:aws:iam::012345678901:role/allow-full-access-from-other-accounts
[profile prod]
source_profile = security
mfa_serial = arn:aws:iam::123456789012:mfa/gruntwork
role_arn = arn:aws:iam::567890123456:role/allow-full-access-from-other-accounts
[profile shared]
source_profile = security
mfa_serial = arn:aws:iam::123456789012:mfa/gruntwork
role_arn = arn:aws:iam::234567890123:role/allow-full-access-from-other-accounts
[profile stage]
source_profile = security
mfa_serial = arn:aws:iam::123456789012:mfa/gruntwork
role_arn = arn:aws:iam::456789012345:role/allow-full-access-from-other-accounts
`
