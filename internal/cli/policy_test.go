package cli

import "testing"

// TestCheckPolicy reads what people take for a policy.
func TestCheckPolicy(t *testing.T) {
	t.Parallel()
	one := func(statement string) string { return `{"Version":"2012-10-17","Statement":[` + statement + `]}` }
	for text, want := range map[string]string{
		one(`{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}`):                                                                    "",
		`{"Statement":{"Effect":"Deny","NotAction":["s3:*"],"NotResource":["a"],"Condition":{"Bool":{"aws:SecureTransport":"true"}}}}`: "",
		`{`:                                "it is not JSON",
		`{} {}`:                            "it is not JSON",
		`{}`:                               "it has no Statement",
		`{"Statement":[]}`:                 "it has no Statement",
		`{"Statements":[]}`:                "it is not a policy, which has Version and Statement and no other parts",
		`{"Statement":"x"}`:                "statement 1 is not an object",
		`{"Version":"2020","Statement":1}`: `its Version is "2020", and AWS knows 2012-10-17`,
		one(`{"Effect":"allow","Action":"*","Resource":"*"}`):                                "statement 1 has no Effect, which is Allow or Deny",
		one(`{"Effect":"Allow","Resource":"*"}`):                                             "statement 1 needs Action or NotAction, one of the two",
		one(`{"Effect":"Allow","Action":"*"}`):                                               "statement 1 needs Resource or NotResource, one of the two",
		one(`{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}`):                "statement 1 needs Action or NotAction, one of the two",
		one(`{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}`):                "statement 1 has a Principal, which only the policy of a resource has",
		one(`{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Allow","Actions":1}`): `statement 2 has "Actions", which is no part of a statement`,
	} {
		if got := checkPolicy(text); got != want {
			t.Errorf("%s\n got %q\nwant %q", text, got, want)
		}
	}
}
